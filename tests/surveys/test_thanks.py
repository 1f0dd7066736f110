"""Who calls whom and by when, and what changed: promised only where it will be kept."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from crm import consent
from surveys import links, thanks
from surveys.models import Call, CallRule, PlanAnswer, Response
from surveys.outreach import rules
from tests import factories
from tests.surveys.asking import say, send, survey

pytestmark = pytest.mark.django_db


def answered(score, *, call=True, customer=None):
    facts = {"customer": customer} if customer else {}
    invitation = send(survey(), **facts)
    say(invitation, "nps", score)
    if say(invitation, "text2", "As I said").current:  # it is asked once in a life, not once a survey
        say(invitation, "consent3", call)
    return Response.objects.get(invitation=invitation)


@pytest.fixture(autouse=True)
def who_calls(db):
    rules.defaults()


@pytest.fixture
def sales(db):
    return factories.UserFactory(role="sales", first_name="Nora", last_name="Falk")


@pytest.fixture
def buyer(sales):
    """Somebody who decides in an account of Nora's."""
    customer = factories.CustomerFactory()
    factories.StakeholderFactory(customer=customer, influence="decides", account__owner=sales)
    factories.StakeholderFactory(customer=customer, influence="some", account__owner=factories.UserFactory())
    return customer


@pytest.mark.parametrize("score", [0, 6])
def test_detractors_hear_from_their_accounts_sales_person(buyer, sales, score):
    call = thanks.call(answered(score, customer=buyer))
    assert (call.user, call.who) == (sales, "Nora Falk, who looks after you")


def test_promoters_hear_from_an_executive_whoever_that_will_be(buyer):
    factories.UserFactory(role="executive")
    call = thanks.call(answered(9, customer=buyer))
    assert (call.who, call.user) == ("one of our executives", None)


@pytest.mark.parametrize(("score", "account"), [(7, True), (8, True), (3, False), (7, False)])
def test_everybody_else_hears_from_care(buyer, score, account):
    customer = buyer if account else factories.CustomerFactory()
    assert thanks.call(answered(score, customer=customer)).who == "our customer care"


def test_who_calls_is_whom_the_call_was_given_to_since(buyer, sales):
    response = answered(3, customer=buyer)
    other = factories.UserFactory(role="sales", first_name="Ida", last_name="Berg")
    Call.objects.update(owner=other)
    assert thanks.call(response).who == "Ida Berg, who looks after you"
    Call.objects.update(owner=None, owned_since=None)
    assert thanks.call(response).who == "one of us who looks after your company"


def test_it_comes_by_the_day_on_which_it_is_due(db):
    CallRule.objects.update(days=3)
    response = answered(9)
    assert thanks.call(response).by == timezone.localdate(response.finished_at) + timedelta(days=3)
    due = timezone.now() + timedelta(days=11)
    Call.objects.update(due_at=due)
    assert thanks.call(response).by == timezone.localdate(due)


@pytest.mark.parametrize(
    "facts",
    [
        {"state": "done", "ended_at": timezone.now()},
        {"state": "cancelled", "ended_at": timezone.now(), "reason": "They asked for it."},
        {"state": "reached"},
        {"due_at": timezone.now() - timedelta(days=1)},
    ],
    ids=["called", "cancelled", "reached once", "late"],
)
def test_what_was_done_or_will_not_be_is_not_promised_again(facts):
    response = answered(9)
    assert thanks.call(response)
    Call.objects.update(**facts)
    assert thanks.call(response) is None


def test_nobody_promises_a_call_that_nobody_owes(db):
    response = answered(9)
    Call.objects.all().delete()
    assert thanks.call(response) is None


@pytest.mark.parametrize("call", [False, None])
def test_no_call_is_promised_to_who_has_not_said_yes(db, call):
    assert thanks.call(answered(9, call=call)) is None


def test_nor_to_who_has_asked_for_no_contact_since(db):
    response = answered(9)
    consent.forbid(customer=response.invitation.customer, how="By letter", by=None)
    assert thanks.call(Response.objects.get(pk=response.pk)) is None


def test_an_earlier_yes_still_holds(db):
    customer = factories.CustomerFactory()
    consent.record(customer=customer, purpose="call", state="given", how="On the telephone", by=None)
    invitation = send(survey(), customer=customer)
    say(invitation, "nps", 9)
    assert thanks.call(say(invitation, "text2", "").response)


# --- you asked, we did


def plan(response, **facts):
    made = factories.ActionPlanFactory(**facts)
    PlanAnswer.objects.create(plan=made, answer=response.answers.get(question__kind="text"))
    return made


def done(response, n):
    ended = timezone.now() - timedelta(days=n)
    return plan(response, state="done", outcome=f"We did {n}", ended_at=ended)


def said_on_the_phone(customer, *, asked_at=None, **facts):
    """They asked for it in a call, and it was done."""
    ended = {"state": "done", "outcome": "One bill a seat", "ended_at": timezone.now()}
    made = factories.ActionPlanFactory(**(ended | facts))
    call = customer.calls.first() or factories.CallFactory(loop__customer=customer)
    attempt = factories.CallAttemptFactory(call=call, by=factories.UserFactory())
    request = factories.GroupRequestFactory(attempt=attempt, quote="Our note of it")
    day = timezone.localdate()
    answer = factories.GroupAnswerFactory(group=request.group, kind="change", change_from=day, plan=made)
    type(request).objects.filter(pk=request.pk).update(answer=answer, asked_at=asked_at or timezone.now())
    return made


def plans(response):
    return [change.plan for change in thanks.changes(response)]


def test_what_was_done_because_of_what_they_said_is_told_the_newest_first(db):
    earlier = answered(3)
    made = [done(earlier, n) for n in range(5)]
    plan(earlier, state="dropped", outcome="Too dear", ended_at=timezone.now())
    plan(earlier)
    done(answered(3), 0)
    now = answered(9, customer=earlier.invitation.customer)
    assert plans(now) == made[:3]


def test_a_plan_behind_several_of_their_comments_is_told_once_with_when_they_first_asked(db):
    first = answered(3)
    second = answered(3, customer=first.invitation.customer)
    made = done(first, 1)
    PlanAnswer.objects.create(plan=made, answer=second.answers.get(question__kind="text"))
    (change,) = thanks.changes(second)
    assert (change.plan, change.asked_at) == (made, first.answers.get(question__kind="text").answered_at)


def test_so_is_what_they_asked_for_on_the_phone(db):
    response = answered(9)
    before = timezone.now() - timedelta(days=40)
    made = said_on_the_phone(response.invitation.customer, asked_at=before)
    said_on_the_phone(factories.CustomerFactory())
    (change,) = thanks.changes(response)
    assert (change.plan, change.asked_at) == (made, before)


@pytest.mark.parametrize("state", ["open", "doing"])
def test_what_is_only_promised_is_not_told_as_done(state):
    response = answered(9)
    said_on_the_phone(response.invitation.customer, state=state, ended_at=None)
    assert thanks.changes(response) == []


def page(response):
    return Client().get(reverse("surveys:asked_thanks", args=[links.token(response.invitation)])).content.decode()


def test_the_page_says_who_calls_by_when_and_what_we_did(buyer):
    earlier = answered(3, customer=buyer)
    done(earlier, 1)
    response = answered(4, customer=buyer)
    shown, by = page(response), thanks.call(response).by
    assert f"You will get a call from Nora Falk, who looks after you, by {by.day} {by:%B}." in shown
    assert "You asked, we did" in shown
    told = timezone.localdate(earlier.finished_at)
    assert f"You told us on {told.day} {told:%B %Y}" in shown
    assert "We did 1" in shown
    assert "Thanks en" in shown


def test_the_page_never_shows_our_notes_of_a_call(db):
    response = answered(9)
    said_on_the_phone(response.invitation.customer)
    shown = page(response)
    assert "One bill a seat" in shown
    assert "Our note of it" not in shown


def test_the_page_of_who_has_asked_for_nothing_says_nothing_of_it(db):
    assert "You asked, we did" not in page(answered(9))


def test_what_many_plans_came_of_is_found_by_as_many_queries_as_one(db):
    response = answered(9)

    def cost(n):
        for day in range(n):
            done(response, day)
        with CaptureQueriesContext(connection) as asked:
            assert thanks.changes(response)
        return len(asked)

    cost(1)
    assert cost(1) == cost(10) == 3
