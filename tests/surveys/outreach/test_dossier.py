"""All that one has to know before one calls, gathered in a fixed number of queries."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from crm import consent
from surveys.models import Call
from surveys.outreach import dossier, second
from surveys.outreach.opening import sentence
from tests import factories

pytestmark = pytest.mark.django_db


@pytest.fixture
def executive(db):
    return factories.UserFactory(role="executive", first_name="Eva", last_name="Stone")


@pytest.fixture
def customer(db):
    customer = factories.CustomerFactory(name="Sara Lund", given_name="Sara", country="GB", time_zone="Europe/London")
    factories.IdentityFactory(kind="phone", place="", value="+34600100200", customer=customer)
    return customer


def call_of(customer, owner, score=10, words="The crew was kind.", **facts):
    """A call for one answer with these words."""
    call = factories.CallFactory(loop__customer=customer, owner=owner, to="executive", **facts)
    answered(call, score, words)
    return call


def answered(call, score=10, words="The crew was kind.", **facts):
    response = factories.ResponseFactory(
        invitation__customer=call.customer, score=score, finished_at=timezone.now(), **facts
    )
    for step in ("thank", "engage", "share"):
        factories.FollowUpFactory(call=call, response=response, step=step)
    return factories.AnswerFactory(response=response, question__kind="text", text=words)


def look(call, by):
    return dossier.gather(call, by, timezone.now())


def opening(call, by):
    return sentence(look(call, by), by)


# --- what they said


def test_a_call_knows_their_score_their_words_and_what_they_praised(customer, executive):
    call = call_of(customer, executive)
    answer = call.follow_ups.first().response.answers.get()
    factories.ThemeFactory(answer=answer, topic="support", tone="praise")
    factories.ThemeFactory(answer=answer, topic="price", tone="criticism")
    factories.ThemeFactory(answer=answer, topic="product", tone="praise", dropped_at=timezone.now())
    [said] = look(call, executive).said
    assert (said.response.score, said.words) == (10, ["The crew was kind."])
    assert (said.praised, said.criticised, said.why) == (["Support"], ["Price"], ["Support"])


def test_several_answers_that_joined_one_call_stand_in_it_the_newest_first(customer, executive):
    call = call_of(customer, executive, words="First.")
    answered(call, 3, "Then.")
    facts = look(call, executive)
    assert [said.words for said in facts.said] == [["Then."], ["First."]]
    assert facts.group == "detractor"


def test_of_a_promoter_their_praise_is_shown_and_of_a_detractor_their_blame(customer, executive):
    identity = factories.IdentityFactory(customer=customer)
    for mood in ("positive", "negative"):
        factories.MessageFactory(identity=identity, text=f"A {mood} post", sentiment=mood)
    call = call_of(customer, executive)
    happy = look(call, executive)
    call.follow_ups.all().delete()
    answered(call, 2)
    unhappy = look(call, executive)
    assert [post.text for post in happy.posts] == ["A positive post"]
    assert [post.text for post in unhappy.posts] == ["A negative post"]


# --- never be surprised


def test_open_cases_and_what_was_promised_in_them_are_named_also_to_who_may_not_open_them(customer, executive, lead):
    case = factories.CaseFactory(customer=customer, subject="Where is my bag?")
    factories.CommitmentFactory(case=case, text="A call on Monday")
    factories.CommitmentFactory(case=case, text="Kept", kept_at=timezone.now(), ended_by=lead)
    over = {"state": "resolved", "resolved_at": timezone.now(), "resolved_by": lead}
    factories.CaseFactory(customer=customer, cause=factories.CauseFactory(), **over)
    call = call_of(customer, executive)
    [theirs] = look(call, executive).cases
    assert (theirs.case, [each.text for each in theirs.promises], theirs.opens) == (case, ["A call on Monday"], False)
    assert look(call, lead).cases[0].opens


def test_more_cases_than_are_shown_are_counted(customer, executive):
    for _ in range(dossier.CASES + 2):
        factories.CaseFactory(customer=customer)
    facts = look(call_of(customer, executive), executive)
    assert (len(facts.cases), facts.more_cases) == (dossier.CASES, 2)


def test_what_happened_last_are_the_three_newest_events(customer, executive):
    identity = factories.IdentityFactory(customer=customer)
    for n in range(5):
        factories.MessageFactory(
            identity=identity, text=f"Post {n}", occurred_at=timezone.now() - timedelta(hours=n)
        )  # fmt: skip
    events = look(call_of(customer, executive), executive).events
    assert [event.item.text for event in events] == ["Post 0", "Post 1", "Post 2"]


def test_of_a_detractor_the_last_three_cases_that_were_resolved_are_there(customer, executive, lead):
    over = [factories.resolved(factories.CaseFactory(customer=customer), lead) for _ in range(dossier.RESOLVED + 1)]
    factories.resolved(factories.CaseFactory(), lead)  # of somebody else
    factories.CaseFactory(customer=customer)
    call = call_of(customer, executive, score=2)
    facts = look(call, executive)
    assert [each.case for each in facts.resolved] == over[:0:-1]
    assert {each.opens for each in facts.resolved} == {False}
    assert {each.opens for each in look(call, lead).resolved} == {True}


def test_who_is_content_is_called_without_a_look_at_what_was_resolved(customer, executive, lead):
    factories.resolved(factories.CaseFactory(customer=customer), lead)
    assert look(call_of(customer, executive, score=9), executive).resolved == []


def test_how_their_accounts_are_is_for_sales_and_leads(customer, executive, lead):
    factories.StakeholderFactory(customer=customer)
    call = call_of(customer, executive)
    sales = factories.UserFactory(role="sales")
    assert [look(call, who).stakes[0].health is not None for who in (sales, lead, executive)] == [True, True, False]


def test_earlier_calls_show_their_notes_what_groups_said_and_tags_that_asked_nobody(customer, executive):
    before = factories.CallFactory(loop__customer=customer, owner=executive, state="done", ended_at=timezone.now())
    request = factories.GroupRequestFactory(
        attempt__call=before, attempt__note="Charged twice. #billing #nobody", hashtag__tag="billing",
        answer=factories.GroupAnswerFactory(),
    )  # fmt: skip
    [earlier] = look(call_of(customer, executive), executive).earlier
    assert (earlier.attempt, earlier.requests, earlier.unknown) == (request.attempt, [request], ["nobody"])


def test_whoever_may_not_be_called_has_the_reason_in_the_first_place(customer, executive):
    call = call_of(customer, executive)
    assert look(call, executive).why_not == ""
    consent.record(customer=customer, purpose="call", state="refused", how="Said so", by=None)
    call = Call.objects.get(pk=call.pk)
    assert look(call, executive).why_not == "Sara Lund does not want this: Calls."


def test_what_comes_next_is_the_next_of_ones_own(customer, executive):
    call = call_of(customer, executive)
    assert look(call, executive).following is None
    later, sooner = (
        factories.CallFactory(owner=executive, due_at=timezone.now() + timedelta(days=days)) for days in (3, 2)
    )
    factories.CallFactory(due_at=timezone.now())
    assert look(call, executive).following == sooner != later


# --- how one may begin


def test_a_promoter_is_thanked_for_what_they_liked(customer, executive):
    call = call_of(customer, executive)
    answer = call.follow_ups.first().response.answers.get()
    factories.ThemeFactory(answer=answer, topic="support", tone="praise")
    said = opening(call, executive)
    assert said.startswith("Hello Sara, this is Eva Stone. Thank you for your answer of ")
    assert "you gave us 10 of 10. You liked this: support. What should we never change?" in said


def test_a_detractor_hears_that_we_are_sorry_and_that_we_know_what_is_open(customer, executive):
    factories.CaseFactory(customer=customer, subject="Where is my bag?")
    call = call_of(customer, executive, score=2)
    said = opening(call, executive)
    assert "I know that this is still open: Where is my bag?" in said
    assert said.endswith("What went wrong?")


def test_what_is_not_known_is_not_said(customer, executive):
    call = factories.CallFactory(loop__customer=customer, owner=executive)
    assert opening(call, executive) == "Hello Sara, this is Eva Stone."


def test_the_second_call_begins_with_who_was_asked_and_tells_each_answer_once(customer, executive):
    call = call_of(customer, executive, state="done", ended_at=timezone.now())
    answer = factories.GroupAnswerFactory(group__name="Billing")
    attempt = factories.CallAttemptFactory(call=call)
    for tag in ("billing", "invoice"):
        factories.GroupRequestFactory(
            attempt=attempt, hashtag__tag=tag, hashtag__group=answer.group, answer=answer
        )  # fmt: skip
    told = second.schedule(call.loop, timezone.now())
    facts = look(told, executive)
    assert facts.to_tell == [answer]
    assert sentence(facts, executive).endswith("We asked Billing, and I can tell you what came of it.")


def test_who_praised_hears_that_it_was_passed_on_and_stays(customer, executive):
    told = told_by(customer, executive, keep="Rolling stock")
    said = opening(told, executive)
    assert said.endswith("We passed your praise on to Rolling stock, and it stays.")
    assert "We asked" not in said


def test_who_praised_and_asked_hears_of_both(customer, executive):
    told = told_by(customer, executive, keep="Rolling stock", no="Billing")
    assert opening(told, executive).endswith(
        "We passed your praise on to Rolling stock, and it stays. We asked Billing, and I can tell you what came of it."
    )


def told_by(customer, owner, **groups):
    """The second call, after a group of this name gave an answer of each kind."""
    call = call_of(customer, owner, state="done", ended_at=timezone.now())
    attempt = factories.CallAttemptFactory(call=call)
    for kind, name in groups.items():
        answer = factories.GroupAnswerFactory(group__name=name, kind=kind)
        factories.GroupRequestFactory(attempt=attempt, hashtag__group=answer.group, answer=answer)
    return second.schedule(call.loop, timezone.now())


# --- the cost of it


def everything_of(customer, owner, many, score):
    """So many of whatever is gathered."""
    call, identity = call_of(customer, owner, score), factories.IdentityFactory(customer=customer)
    for _ in range(many):
        answer = answered(call, score)
        factories.resolved(factories.CaseFactory(customer=customer), owner)
        factories.ThemeFactory(answer=answer, topic="support", tone="praise")
        factories.MessageFactory(identity=identity, sentiment="positive")
        factories.CommitmentFactory(case=factories.CaseFactory(customer=customer))
        factories.StakeholderFactory(customer=customer)
        attempt = factories.CallAttemptFactory(call=call, note="#who")
        factories.HeardFactory(attempt=attempt)
        factories.GroupRequestFactory(attempt=attempt, answer=factories.GroupAnswerFactory())
        factories.LeadFactory(case__customer=customer)
    return call


def queries_for(many, lead, score):
    customer = factories.CustomerFactory(country="GB")
    pk = everything_of(customer, lead, many, score).pk
    call = Call.objects.select_related("customer__merged_into", "owner").get(pk=pk)
    with CaptureQueriesContext(connection) as found:
        sentence(look(call, lead), lead)
    return len(found)


@pytest.mark.parametrize(("score", "most"), [(10, 33), (2, 35)])
def test_it_takes_as_many_queries_for_twenty_of_everything_as_for_one(lead, score, most):
    one = queries_for(1, lead, score)
    assert queries_for(20, lead, score) == one <= most
