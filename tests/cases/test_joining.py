"""Two cases that become one, one that becomes two, and cases that have to do with each other; each and back."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from cases import deeds, joining, promises, repeats, replies, resolution, routing, snooze
from cases.models import (
    Case,
    CaseLink,
    CaseMessage,
    CaseThread,
    Clock,
    Commitment,
    Deed,
    Draft,
    GroupQuestion,
    HandOver,
    Note,
)
from crm.models import Activity
from tests import factories
from tests.cases.conftest import Conversation, at

pytestmark = pytest.mark.django_db


def fresh(case):
    return Case.objects.get(pk=case.pk)


def state_of(*cases):
    """All columns of these cases, and where everything that hangs on one of them hangs."""
    rows = {case.pk: Case.objects.filter(pk=case.pk).values().get() for case in cases}
    hanging = {
        model.__name__: sorted(model.objects.values_list("pk", "case"))
        for model in (CaseMessage, Note, Commitment, GroupQuestion, Draft, HandOver, CaseThread, Clock)
    }
    links = sorted(CaseLink.objects.values_list("one", "other", "kind", "by", "at"))
    return rows, hanging, links


@pytest.fixture
def two(channel, agent):
    """Two cases of one customer, on two threads."""
    one = factories.CaseFactory(channel=channel, subject="The bag", owner=agent, state="open")
    other = factories.CaseFactory(channel=channel, subject="The refund", customer=one.customer)
    promises.settle([one.pk, other.pk])
    return fresh(one), fresh(other)


def undo(agent, case):
    return deeds.undo(deed=deeds.last_of(agent, case.pk), by=agent)


# --- merge


def test_what_was_said_and_noted_goes_on_in_the_survivor(two, agent):
    one, other = two
    factories.NoteFactory(case=other, by=agent)
    factories.CommitmentFactory(case=other, by=agent)
    factories.GroupQuestionFactory(case=other, by=agent)
    joining.merge(case=other, into=one, by=agent)
    assert fresh(other).state == "merged"
    assert fresh(other).merged_into == one
    for model in (CaseMessage, Note, Commitment, GroupQuestion):
        assert set(model.objects.values_list("case", flat=True)) == {one.pk}
    assert fresh(one).subject == "The bag"


def test_what_comes_later_on_the_other_thread_comes_to_the_survivor(channel, agent):
    customer = factories.IdentityFactory(customer=factories.CustomerFactory(), place=channel.place)
    talks = [Conversation(channel, factories.ThreadFactory(channel=channel), customer) for _ in range(2)]
    for minute, talk in enumerate(talks):
        talk.customer_says(minute=minute)
    routing.route(channel)
    one, other = Case.objects.order_by("pk")
    joining.merge(case=other, into=one, by=agent)
    late = talks[1].customer_says("And another thing.", minute=9)
    routing.route(channel)
    assert CaseMessage.objects.get(message=late).case == one
    assert not Case.objects.exclude(pk__in=[one.pk, other.pk]).exists()


def test_what_is_unanswered_in_either_needs_us(two, agent):
    one, other = two
    Case.objects.filter(pk=one.pk).update(state="waiting", waiting_since=timezone.now())
    survivor = joining.merge(case=other, into=one, by=agent)
    assert (survivor.state, survivor.waiting_since) == ("open", other.waiting_since)


def test_a_case_that_waits_joined_to_one_that_sleeps_sleeps(two, agent):
    one, other = two
    until = timezone.now() + timedelta(days=1)
    snooze.snooze(case=one, until=until, by=agent)
    Case.objects.filter(pk=other.pk).update(state="waiting")
    survivor = joining.merge(case=other, into=one, by=agent)
    assert (fresh(survivor).state, fresh(survivor).snoozed_until) == ("snoozed", until)


def test_the_more_urgent_priority_the_points_and_the_earlier_opening_go_on(two, agent):
    one, other = two
    reasons = [{"rule": 7, "points": 50, "why": "Key customer"}]
    long_ago = timezone.now() - timedelta(days=3)
    Case.objects.filter(pk=other.pk).update(priority=1, reasons=reasons, extra_points=50, opened_at=long_ago)
    survivor = fresh(joining.merge(case=other, into=one, by=agent))
    assert (survivor.priority, survivor.extra_points, survivor.opened_at) == (1, 50, long_ago)
    assert survivor.reasons == reasons


def test_clocks_of_the_one_that_goes_run_no_more(two, agent):
    one, other = two
    assert Clock.objects.running().filter(case=other).exists()
    joining.merge(case=other, into=one, by=agent)
    assert not Clock.objects.open().filter(case=other).exists()
    assert fresh(other).due_at is None


def test_words_somebody_has_begun_in_both_stand_in_one(two, agent):
    one, other = two
    for case, text in ((one, "Your bag"), (other, "Your money")):
        Draft.objects.create(case=case, user=agent, kind="reply", text=text)
    joining.merge(case=other, into=one, by=agent)
    assert Draft.objects.get(case=one).text == "Your bag\n\nYour money"


def test_links_of_the_one_that_goes_become_links_of_the_survivor(two, agent):
    one, other = two
    third = factories.CaseFactory()
    for pair in ((one, other), (other, third)):
        joining.link(one=pair[0], other=pair[1], by=agent)
    joining.merge(case=other, into=one, by=agent)
    assert list(CaseLink.objects.values_list("one", "other")) == [(one.pk, third.pk)]


def test_only_cases_of_one_customer_are_merged(two, agent):
    stranger = factories.CaseFactory(customer__name="Bo Lund")
    with pytest.raises(joining.DifferentCustomers, match=r"Bo Lund.*merge the customers first"):
        joining.merge(case=stranger, into=two[0], by=agent)


def test_only_open_cases_are_merged_and_none_with_itself(two, agent):
    one, other = two
    with pytest.raises(joining.WithItself):
        joining.merge(case=one, into=one, by=agent)
    factories.resolved(other, agent)
    with pytest.raises(joining.CannotMerge, match=f"#{other.pk} is resolved"):
        joining.merge(case=other, into=one, by=agent)


def test_a_case_that_is_being_handed_over_is_not_merged_away(two, agent, colleague):
    one, other = two
    Case.objects.filter(pk=other.pk).update(owner=agent, state="open")
    factories.HandOverFactory(case=fresh(other), by=agent, to=colleague)
    with pytest.raises(joining.HandedOver):
        joining.merge(case=other, into=one, by=agent)
    assert fresh(other).state == "open"


def test_undoing_a_merge_leaves_everything_as_it_was(two, agent, colleague):
    one, other = two
    third = factories.CaseFactory()
    factories.NoteFactory(case=other, by=agent)
    factories.CommitmentFactory(case=other, by=agent)
    Draft.objects.create(case=other, user=agent, kind="reply", text="Your money")
    for kind, pair in (("related", (one, other)), ("same_cause", (other, third))):
        joining.link(one=pair[0], other=pair[1], kind=kind, by=colleague)
    before = state_of(one, other, third)
    joining.merge(case=other, into=one, by=agent)
    assert undo(agent, one) == 2
    rows, hanging, links = state_of(one, other, third)
    assert (rows, links) == (before[0], before[2])
    assert {name: rows for name, rows in hanging.items() if name != "Clock"} == {
        name: rows for name, rows in before[1].items() if name != "Clock"
    }
    assert Clock.objects.running().filter(case=other).exists()


def test_what_came_since_stays_with_the_survivor(two, agent):
    one, other = two
    joining.merge(case=other, into=one, by=agent)
    said = replies.note(case=one, text="Rang them.", by=agent)
    answer = replies.reply(case=one, text="Both are on their way to you.", by=agent)
    assert undo(agent, one) == 2
    assert Note.objects.get(pk=said.pk).case == one
    assert answer.message.case_entry.case == one
    assert fresh(other).state == "new"
    assert fresh(one).state == "waiting"  # answered since: that is not taken back
    assert fresh(other).entries.count() == 1


def test_a_merge_is_undone_once_and_by_who_did_it(two, agent, colleague):
    one, other = two
    joining.merge(case=other, into=one, by=agent)
    deed = deeds.last_of(agent, one.pk)
    with pytest.raises(deeds.NothingToUndo):
        deeds.undo(deed=deed, by=colleague)
    deeds.undo(deed=deed, by=agent)
    with pytest.raises(deeds.UndoneAlready):
        deeds.undo(deed=deed, by=agent)


def test_a_chain_of_merges_is_undone_from_its_end(two, agent):
    one, other = two
    third = factories.CaseFactory(channel=one.channel, customer=one.customer)
    before = state_of(one, other, third)[0]
    joining.merge(case=third, into=other, by=agent)
    joining.merge(case=other, into=one, by=agent)
    assert CaseMessage.objects.filter(case=one).count() == 3
    undo(agent, one)
    undo(agent, other)
    after = state_of(one, other, third)[0]
    assert {pk: (r["state"], r["owner_id"], r["subject"]) for pk, r in after.items()} == {
        pk: (r["state"], r["owner_id"], r["subject"]) for pk, r in before.items()
    }
    assert CaseMessage.objects.filter(case=one).count() == 1


def test_a_merge_costs_the_same_for_one_message_and_for_twenty(channel, agent):
    def cost(n):
        one = factories.CaseFactory(channel=channel)
        other = factories.CaseFactory(channel=channel, customer=one.customer)
        for _ in range(n - 1):
            CaseMessage.objects.create(case=other, message=factories.MessageFactory(thread=other.thread))
        for _ in range(n):
            factories.NoteFactory(case=other, by=agent)
            joining.link(one=other, other=factories.CaseFactory(channel=channel), by=agent)
        with CaptureQueriesContext(connection) as captured:
            joining.merge(case=other, into=one, by=agent)
        return len(captured)

    cost(1)
    assert cost(2) == cost(20)


@pytest.mark.django_db(transaction=True)
def test_of_two_who_merge_both_ways_at_once_one_does_it(channel, agent, colleague):
    one = factories.CaseFactory(channel=channel)
    other = factories.CaseFactory(channel=channel, customer=one.customer)
    start = Barrier(2, timeout=60)

    def rush(pair, by):
        start.wait()
        try:
            return joining.merge(case=pair[0], into=pair[1], by=by).pk
        except joining.CannotMerge:
            return None
        finally:
            connection.close()

    with ThreadPoolExecutor(2) as pool:
        tries = [pool.submit(rush, (one, other), agent), pool.submit(rush, (other, one), colleague)]
        survivors = [each.result() for each in tries]
    assert sorted(pk is None for pk in survivors) == [False, True]
    assert Case.objects.filter(state="merged").count() == 1
    assert set(CaseMessage.objects.values_list("case", flat=True)) == {pk for pk in survivors if pk}


def counts(*cases):
    """How often each customer had to say it again, and how often each case changed hands."""
    return [(case.repeats, case.hand_overs) for case in map(fresh, cases)]


def test_what_was_said_again_and_changed_hands_counts_where_it_stands(two, agent):
    one, other = two
    for case in two:
        said = CaseMessage.objects.get(case=case).message
        repeats.mark(case=case, message=said, by=agent)
    factories.HandOverFactory(case=other, by=agent, state="accepted", decided_by=agent, decided_at=timezone.now())
    repeats.recount([other.pk])
    before = counts(one, other)
    assert before == [(1, 0), (1, 1)]
    joining.merge(case=other, into=one, by=agent)
    assert counts(one, other) == [(2, 1), (0, 0)]
    undo(agent, one)
    assert counts(one, other) == before


# --- split


@pytest.fixture
def several(talk):
    """A case with three things the customer said; the second was answered."""
    talk.customer_says("My bag is lost.", minute=0)
    bill = talk.customer_says("And I was charged twice.", minute=1)
    talk.customer_says("The bag is blue.", minute=2)
    talk.we_say("Sorry, we refund that.", minute=3, parent_external_id=bill.external_id)
    talk.customer_says("What of the bag?", minute=4)
    return talk.route()


def said_in(case):
    return list(case.entries.order_by("message__occurred_at").values_list("message__text", flat=True))


def pk_of(text):
    return CaseMessage.objects.get(message__text=text).message_id


def split(case, by, *texts, subject=""):
    return joining.split(case=case, messages=[pk_of(text) for text in texts], subject=subject, by=by)


def test_what_is_chosen_becomes_a_case_of_its_own_with_our_answers_to_it(several, agent):
    new = split(several, agent, "And I was charged twice.")
    assert said_in(new) == ["And I was charged twice.", "Sorry, we refund that."]
    assert said_in(several) == ["My bag is lost.", "The bag is blue.", "What of the bag?"]
    assert (new.split_from, new.customer, new.thread) == (several, several.customer, several.thread)
    assert (new.state, new.owner, new.subject) == ("waiting", None, "And I was charged twice.")
    assert fresh(several).state == "new"
    assert fresh(several).waiting_since == at(0)
    assert CaseLink.objects.filter(one=several, other=new).exists()


def test_what_is_left_waits_for_the_customer_where_only_what_went_was_unanswered(talk, agent):
    talk.customer_says("My bag is lost.", minute=0)
    talk.we_say("We found it.", minute=1)
    talk.customer_says("And I was charged twice.", minute=2)
    case = talk.route()
    new = split(case, agent, "And I was charged twice.", subject="Charged twice")
    assert (new.state, new.subject, new.waiting_since) == ("new", "Charged twice", at(2))
    assert (fresh(case).state, fresh(case).last_message_at) == ("waiting", at(1))


def test_rules_place_it_as_if_it_had_just_come(several, agent):
    team = factories.TeamFactory()
    factories.RuleFactory(words=["charged"], team=team, priority=1)
    new = split(several, agent, "And I was charged twice.")
    assert (new.team, new.priority) == (team, 1)


def test_a_later_message_that_answers_one_of_it_comes_to_it_and_others_to_the_first(several, talk, agent):
    new = split(several, agent, "And I was charged twice.")
    ours = CaseMessage.objects.get(message__text="Sorry, we refund that.").message
    to_it = talk.customer_says("When?", minute=6, parent_external_id=ours.external_id)
    then = talk.customer_says("Today?", minute=7, parent_external_id=to_it.external_id)
    other = talk.customer_says("Any news of the bag?", minute=8)
    routing.route(talk.channel)
    assert {m.text: m.case_entry.case_id for m in (to_it, then, other)} == {
        "When?": new.pk, "Today?": new.pk, "Any news of the bag?": several.pk,
    }  # fmt: skip
    assert (fresh(new).state, fresh(new).waiting_since) == ("new", at(6))


def test_somebody_elses_answer_to_it_is_not_this_customers_case(several, talk, agent):
    new = split(several, agent, "And I was charged twice.")
    somebody = factories.IdentityFactory(customer=factories.CustomerFactory(), place=talk.channel.place)
    bill = CaseMessage.objects.get(case=new, message__text="And I was charged twice.").message
    theirs = talk.customer_says("Me too!", minute=6, by=somebody, parent_external_id=bill.external_id)
    routing.route(talk.channel)
    assert theirs.case_entry.case not in (new, several)


def test_when_the_first_is_resolved_the_conversation_goes_on_in_what_was_split_off(several, talk, agent, cause):
    new = split(several, agent, "And I was charged twice.")
    resolution.resolve(case=several, cause=cause, by=agent)
    later = talk.customer_says("Anything new?", minute=9)
    routing.route(talk.channel)
    assert later.case_entry.case == new


def test_both_may_be_resolved_and_reopened_on_their_own(several, agent, cause):
    new = split(several, agent, "And I was charged twice.")
    for case in (several, new):
        resolution.resolve(case=case, cause=cause, by=agent)
    for case in (new, several):
        assert resolution.reopen(case=case, by=agent).is_unresolved


@pytest.mark.parametrize(
    ("texts", "refusal"),
    [
        ((), joining.NothingChosen),
        (
            ("My bag is lost.", "And I was charged twice.", "The bag is blue.", "What of the bag?"),
            joining.NothingLeft,
        ),
        (("Sorry, we refund that.",), joining.NothingChosen),
    ],
)
def test_something_of_the_customer_goes_and_something_stays(several, agent, texts, refusal):
    with pytest.raises(refusal):
        split(several, agent, *texts)
    assert Case.objects.count() == 1


def test_undoing_a_split_leaves_the_first_as_it_was(several, agent):
    promises.settle([several.pk])
    before = Case.objects.filter(pk=several.pk).values().get()
    new = split(several, agent, "And I was charged twice.")
    assert undo(agent, several) == 1
    assert Case.objects.filter(pk=several.pk).values().get() == before
    assert len(said_in(several)) == 5
    assert (fresh(new).state, fresh(new).merged_into) == ("merged", several)
    assert not CaseLink.objects.exists()


@pytest.mark.parametrize("since", [False, True])
def test_what_was_said_again_counts_in_the_case_it_is_split_off_to(several, talk, agent, since):
    bill = CaseMessage.objects.get(message__text="And I was charged twice.").message
    repeats.mark(case=several, message=bill, by=agent)
    new = split(several, agent, "And I was charged twice.")
    assert counts(several, new) == [(0, 0), (1, 0)]
    if since:
        talk.customer_says("When?", minute=6, parent_external_id=bill.external_id)
        routing.route(talk.channel)
    undo(agent, several)
    assert counts(several, new) == [(1, 0), (0, 0)]


def test_what_was_said_in_the_new_one_since_comes_back_with_it(several, talk, agent):
    new = split(several, agent, "And I was charged twice.")
    bill = CaseMessage.objects.get(message__text="And I was charged twice.").message
    talk.customer_says("When?", minute=6, parent_external_id=bill.external_id)
    replies.note(case=new, text="Asked billing.", by=agent)
    routing.route(talk.channel)
    undo(agent, several)
    assert said_in(several)[-1] == "When?"
    assert Note.objects.get().case == several
    assert fresh(several).state == "new"


def test_a_split_that_has_moved_on_cannot_be_undone(several, agent, cause):
    new = split(several, agent, "And I was charged twice.")
    resolution.resolve(case=new, cause=cause, by=agent)
    with pytest.raises(deeds.ChangedSince):
        deeds.undo(deed=Deed.objects.filter(action="split").get(), by=agent)
    assert fresh(new).state == "resolved"


# --- link


def test_a_link_is_seen_from_both_sides_and_named_once(two, agent):
    one, other = two
    joining.link(one=other, other=one, by=agent)
    joining.link(one=one, other=other, kind="follows", by=agent)
    assert list(CaseLink.objects.values_list("one", "other", "kind")) == [(one.pk, other.pk, "follows")]
    assert Activity.objects.about(one).filter(verb="linked").exists()
    with pytest.raises(joining.AlreadyOne):
        joining.link(one=one, other=one, by=agent)


def test_a_link_that_was_taken_away_comes_back_as_it_was(two, agent, colleague):
    one, other = two
    joining.link(one=one, other=other, kind="same_cause", by=colleague)
    before = list(CaseLink.objects.values_list("one", "other", "kind", "by", "at"))
    joining.unlink(one=other, other=one, by=agent)
    assert not CaseLink.objects.exists()
    with pytest.raises(joining.NotLinked):
        joining.unlink(one=other, other=one, by=agent)
    undo(agent, one)
    assert list(CaseLink.objects.values_list("one", "other", "kind", "by", "at")) == before


# --- pages


@pytest.fixture
def client(as_user, agent):
    return as_user(agent)


def test_the_customers_other_open_cases_are_offered_to_merge_with(client, two):
    one, other = two
    page = client.get(f"/cases/{one.pk}/merge/").content.decode()
    assert f"#{other.pk} The refund" in page
    response = client.post(f"/cases/{one.pk}/merge/", {"other": other.pk}, follow=True)
    assert "part of this case now" in response.content.decode()
    assert f"/cases/{one.pk}/undo/" in response.content.decode()
    assert fresh(other).merged_into == one


def test_the_number_of_a_merged_case_leads_on_and_says_so(client, two, agent):
    one, other = two
    joining.merge(case=other, into=one, by=agent)
    page = client.get(f"/cases/{other.pk}/").content.decode()
    assert f"Case #{other.pk} is part of this one now." in page


@pytest.mark.parametrize(
    ("words", "sentence"),
    [("", "Choose a case"), ("abc", "There is no case"), ("99999999", "There is no case"), ("²", "There is no case")],
)
def test_a_number_that_is_none_is_said_beside_the_field(client, two, words, sentence):
    response = client.post(f"/cases/{two[0].pk}/merge/", {"other": words})
    assert response.status_code == 422
    assert sentence in response.content.decode()


def test_a_case_one_may_not_see_cannot_be_merged_or_linked(client, two, stranger):
    hidden = factories.CaseFactory(channel__team=stranger.teams.get(), customer=two[0].customer)
    for page in ("merge", "link"):
        response = client.post(f"/cases/{two[0].pk}/{page}/", {"other": hidden.pk, "kind": "related"})
        assert response.status_code == 422
    assert fresh(hidden).state == "new"


def test_splitting_on_the_page(client, several):
    page = client.get(f"/cases/{several.pk}/split/").content.decode()
    assert "And I was charged twice." in page
    refused = client.post(f"/cases/{several.pk}/split/", {"subject": "Bill"})
    assert refused.status_code == 422
    chosen = pk_of("And I was charged twice.")
    client.post(f"/cases/{several.pk}/split/", {"subject": "Bill", "messages": [chosen]})
    assert Case.objects.get(split_from=several).subject == "Bill"


def test_linking_and_unlinking_on_the_page(client, two):
    one, other = two
    client.post(f"/cases/{one.pk}/link/", {"other": f"#{other.pk}", "kind": "follows"})
    page = client.get(f"/cases/{other.pk}/").content.decode()
    assert "Linked cases" in page
    assert "Follows from it" in page
    client.post(f"/cases/{one.pk}/unlink/{other.pk}/")
    assert not CaseLink.objects.exists()


def test_before_one_writes_one_sees_what_we_said_last_in_the_customers_other_cases(client, two, agent):
    one, other = two
    replies.reply(case=other, text="The money comes on Friday.", by=agent)
    page = client.get(f"/cases/{one.pk}/").content.decode()
    assert "This customer also has 1 other open case" in page
    assert "The money comes on Friday." in page
    assert f'href="/cases/{other.pk}/"' in page


def test_what_one_may_not_see_is_counted_and_nothing_of_it_is_shown(client, two, stranger):
    hidden = factories.CaseFactory(
        channel__team=stranger.teams.get(), customer=two[0].customer, subject="Secret matter"
    )
    joining.link(one=two[0], other=hidden, by=stranger)
    page = client.get(f"/cases/{two[0].pk}/").content.decode()
    assert "and 1 in another team" in page
    assert "Secret matter" not in page
    assert "(another team’s)" in page
