"""Customers who are owed calls, made one and put apart again: one call for one person, each for what they said.

tests/crm/test_merge_any_order.py does it at random; test_whole_loop.py in calendar time.
"""

from __future__ import annotations

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from crm import consent, merging
from crm.models import Notice
from surveys import jobs
from surveys.models import Call, FollowUp, GroupRequest, Loop
from surveys.outreach import follow_ups, merged, second, withdrawing
from tests import factories
from tests.rows import rows_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def people(db):
    return factories.CustomerFactory.create_batch(2, country="GB")


def answered(customer, **facts):
    return factories.ResponseFactory(invitation__customer=customer, **facts)


def owed(customer):
    (call,) = follow_ups.owe([answered(customer)])
    return call


def merge(survivor, absorbed, by):
    entry = merging.merge(survivor=survivor, absorbed=absorbed, by=by)
    jobs.customers_changed(survivor.pk, absorbed.pk)
    return entry


def undo(entry, by):
    merging.undo(merge=entry, by=by)
    jobs.customers_changed(entry.survivor_id, entry.absorbed_id)


def done(call):
    factories.CallAttemptFactory(call=call, by=call.owner or factories.UserFactory())
    call.follow_ups.exclude(step="share").update(done_at=timezone.now())
    Call.objects.filter(pk=call.pk).update(state="done", ended_at=timezone.now())


def answered_request(call, text="It is paid back."):
    attempt = call.attempts.get()
    asked = factories.GroupRequestFactory(attempt=attempt)
    asked.answer = factories.GroupAnswerFactory(group=asked.group, text=text)
    asked.save()
    return asked


def live(**of):
    return list(Call.objects.live().filter(**of).order_by("pk"))


def open_steps(call):
    return sorted(call.follow_ups.filter(done_at=None, cancelled_at=None).values_list("step", flat=True))


def test_nothing_is_put_right_where_all_is_right(people, lead):
    before = [owed(customer) for customer in people]
    assert merged.put_right([customer.pk for customer in people]) == []
    assert merged.sweep() == 0
    assert live() == before


def test_two_second_calls_become_one_that_tells_what_both_would_have_told(people, lead):
    for number, customer in enumerate(people):
        call = owed(customer)
        done(call)
        answered_request(call, text=f"Answer {number}")
        second.schedule(call.loop, timezone.now())
    merge(*people, lead)
    (one,) = live(kind="second")
    assert one.customer == people[0]
    assert [answer.text for answer in second.answers_for(one)] == ["Answer 0", "Answer 1"]


def test_and_two_again_when_they_are_put_apart(people, lead):
    for number, customer in enumerate(people):
        call = owed(customer)
        done(call)
        answered_request(call, text=f"Answer {number}")
        second.schedule(call.loop, timezone.now())
    undo(merge(*people, lead), lead)
    told = {call.customer: [answer.text for answer in second.answers_for(call)] for call in live(kind="second")}
    assert told == {people[0]: ["Answer 0"], people[1]: ["Answer 1"]}
    assert [open_steps(call) for call in live(kind="second")] == [["share"], ["share"]]


def test_what_was_answered_while_they_were_one_by_who_is_another_goes_with_them(people, lead):
    """The survey was sent to the one, and answered when both were one: the call is to who stood then."""
    one, other = people
    invitation = factories.InvitationFactory(customer=other, state="answered", ended_at=timezone.now())
    entry = merge(one, other, lead)
    (call,) = follow_ups.owe([factories.ResponseFactory(invitation=invitation)])
    assert call.customer == one
    undo(entry, lead)
    call.refresh_from_db()
    assert (call.customer, call.loop.customer, call.is_live) == (other, other, True)
    assert live() == [call]


def test_a_call_that_is_left_with_nothing_to_do_ends_with_the_reason(people, lead):
    """Both answered; the survivor's own thanks are done already."""
    one, other = people
    mine = owed(one)
    own = mine.follow_ups.values_list("response", flat=True)[0]
    owed(other)
    entry = merge(one, other, lead)
    mine.follow_ups.filter(response=own).update(done_at=timezone.now())
    undo(entry, lead)
    mine.refresh_from_db()
    assert (mine.state, mine.reason) == (
        "cancelled",
        "What was owed in it is another record’s: the two were put apart.",
    )
    (call,) = live()
    assert (call.customer, open_steps(call)) == (other, ["engage", "share", "thank"])


def test_what_is_owed_to_who_wants_no_calls_is_not_owed_after_they_are_put_apart(people, lead):
    one, other = people
    owed(one)
    owed(other)
    entry = merge(one, other, lead)
    merging.undo(merge=entry, by=lead)
    consent.record(customer=other, purpose="call", state="refused", how="Said so", by=None)
    jobs.customers_changed(one.pk, other.pk)
    assert [call.customer for call in live()] == [one]
    theirs = FollowUp.objects.filter(response__invitation__customer=other)
    assert set(theirs.values_list("reason", flat=True)) == {"They do not want this: Calls."}


def test_requests_go_with_their_loop(people, lead):
    one, other = people
    call = owed(other)
    done(call)
    entry = merge(one, other, lead)
    call.refresh_from_db()
    asked = factories.GroupRequestFactory(attempt=call.attempts.get())  # a note that came later
    GroupRequest.objects.filter(pk=asked.pk).update(customer=one)
    undo(entry, lead)
    asked.refresh_from_db()
    assert asked.customer == other


@pytest.mark.parametrize("deed", [merge, lambda one, other, by: undo(merge(one, other, by), by)])
def test_put_right_twice_it_is_put_right_once(people, lead, deed):
    for customer in people:
        owed(customer)
    deed(*people, lead)
    before = rows_of(Call, FollowUp, Loop)
    jobs.customers_changed(*(customer.pk for customer in people))
    assert merged.sweep() == 0
    assert rows_of(Call, FollowUp, Loop) == before


def test_the_sweep_finds_what_nobody_was_told_of(people, lead):
    for customer in people:
        owed(customer)
    entry = merging.merge(survivor=people[0], absorbed=people[1], by=lead)
    assert merged.sweep() == 1
    assert len(live()) == 1
    merging.undo(merge=entry, by=lead)
    merged.sweep()
    assert {call.customer for call in live()} == set(people)


def counted(act):
    with CaptureQueriesContext(
        connection,
    ) as queries:
        act()
    return len(queries)


def test_looking_at_many_costs_as_much_as_looking_at_one():
    def some(number):
        customers = factories.CustomerFactory.create_batch(number)
        for customer in customers:
            factories.GroupRequestFactory(attempt__call=owed(customer), attempt__by=factories.UserFactory())
        pks = [customer.pk for customer in customers]
        return counted(lambda: (merged.put_right(pks), withdrawing.withdraw_forbidden(pks)))

    assert some(20) == some(1)


# --- requests of who may not be called any more


def test_many_that_are_withdrawn_cost_as_much_as_one():
    def some(number):
        asked = factories.GroupRequestFactory.create_batch(number)
        for each in asked:
            factories.ConsentFactory(customer=each.customer, purpose="call", state="refused")
        return counted(lambda: withdrawing.withdraw_forbidden([each.customer_id for each in asked]))

    assert some(20) == some(1)


def test_only_what_waits_is_withdrawn_and_only_for_who_may_not_be_called():
    given = factories.GroupRequestFactory()
    given.answer = factories.GroupAnswerFactory(group=given.group)
    given.save()
    allowed = factories.GroupRequestFactory()
    waiting = factories.GroupRequestFactory()
    for each in (given, waiting):
        factories.ConsentFactory(customer=each.customer, purpose="call", state="refused")
    assert withdrawing.sweep_forbidden() == 1
    assert withdrawing.sweep_forbidden() == 0
    assert list(GroupRequest.objects.filter(withdrawn_at__isnull=False)) == [waiting]
    assert list(Loop.objects.open().order_by("pk")) == [given.loop, allowed.loop]


def test_members_hear_why_in_words_that_name_nobody(agent):
    asked = factories.GroupRequestFactory(customer__name="Sara Okafor", hashtag__group__members=[agent])
    factories.ConsentFactory(customer=asked.customer, purpose="call", state="refused")
    withdrawing.withdraw_forbidden([asked.customer_id])
    (heard,) = Notice.objects.filter(user=agent)
    assert heard.text == f"Request #{asked.pk} to {asked.group} was withdrawn. They do not want this: Calls."


def test_what_waits_for_a_merged_record_is_withdrawn_as_well(people, lead):
    one, other = people
    asked = factories.GroupRequestFactory(attempt__call__loop__customer=other)
    factories.ConsentFactory(customer=one, purpose="call", state="refused")
    merging.merge(survivor=one, absorbed=other, by=lead)
    assert withdrawing.withdraw_forbidden([one.pk]) == [asked.pk]
