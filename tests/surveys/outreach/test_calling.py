"""Somebody calls: the number, a time, and what came of it, kept once whatever happens on the way."""

import itertools
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from threading import Barrier
from uuid import uuid4

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from crm import consent
from crm.errors import Refused
from crm.models import Activity, Consent, Notice
from surveys.models import Attempt, Call, FollowUp, Heard
from surveys.outreach import calling, hours, instead
from tests import factories
from tests.surveys.outreach.days import stop_clock

pytestmark = pytest.mark.django_db
NUMBER = "+34600100200"


def customer_with(number=NUMBER, **facts):
    customer = factories.CustomerFactory(country="GB", **facts)
    if number:
        factories.IdentityFactory(kind="phone", place="", value=number, customer=customer)
    return customer


def call_to(customer, owner=None, steps=("thank", "engage", "share"), **facts):
    call = factories.CallFactory(loop__customer=customer, owner=owner, **facts)
    response = factories.ResponseFactory(invitation__customer=customer)
    for step in steps:
        factories.FollowUpFactory(call=call, response=response, step=step)
    return call


@pytest.fixture
def customer(db):
    return customer_with(name="Sara")


@pytest.fixture
def call(customer, agent):
    return call_to(customer, agent)


@pytest.fixture
def any_hour(db):
    """They may be called around the clock, so that a test is about something else."""
    factories.CallingHoursFactory(calendar__around_the_clock=True)


def in_hours(customer):
    """Some days ahead, at a moment when they may be called."""
    return hours.within(customer, timezone.now() + timedelta(days=3))


def outside(customer):
    return next(
        at for n in range(48) if not hours.window(customer, at := timezone.now() + timedelta(days=3, hours=n)).now
    )


def steps_of(call):
    rows = FollowUp.objects.filter(response__invitation__customer=call.customer_id)
    return {row.step: "done" if row.done_at else "cancelled" if row.cancelled_at else "open" for row in rows}


# --- the number


def test_the_number_is_shown_to_who_is_to_call(call, agent, lead, any_hour):
    assert calling.number(call, agent) == calling.number(call, lead) == NUMBER


def test_the_number_is_not_shown_once_they_want_no_calls(call, agent, customer):
    consent.record(customer=customer, purpose="call", state="refused", how="Said so", by=None)
    with pytest.raises(consent.MayNotContact, match="Sara does not want this: Calls"):
        calling.number(call, agent)


def test_the_number_is_for_its_owner_alone(call, colleague):
    with pytest.raises(calling.NotYours, match="This call is with Ana Ruiz now"):
        calling.number(call, colleague)


def test_who_wants_the_number_takes_the_call_first(customer, agent):
    with pytest.raises(calling.NobodysYet, match="Take it first"):
        calling.number(call_to(customer), agent)


def test_a_call_that_is_over_shows_no_number(customer, agent):
    over = call_to(customer, agent, state="done", ended_at=timezone.now())
    with pytest.raises(calling.CallIsOver, match="This call is over: done"):
        calling.number(over, agent)


def test_where_no_number_is_known_it_says_so(agent, any_hour):
    with pytest.raises(calling.NoNumber, match="no phone number of Tom"):
        calling.number(call_to(customer_with("", name="Tom"), agent), agent)


@pytest.mark.parametrize("hidden", ["erased_at", "unreachable_at"])
def test_a_number_that_is_not_to_be_used_is_not_shown(call, agent, customer, hidden, any_hour):
    customer.links.get().identity.__class__.objects.update(**{hidden: timezone.now(), "handle": ""})
    with pytest.raises(calling.NoNumber):
        calling.number(call, agent)


def test_a_number_they_proved_to_hold_comes_before_a_newer_one(call, agent, customer, any_hour):
    factories.IdentityFactory(kind="phone", place="", value="+34600", customer=customer, verified_at=timezone.now())
    factories.IdentityFactory(kind="phone", place="", value="+34999", customer=customer)
    assert calling.number(call, agent) == "+34600"


@pytest.mark.parametrize(("moment", "until"), [
    (datetime(2026, 3, 4, 8, 59, tzinfo=UTC), "It is 08:59 there: call from 09:00 on."),
    (datetime(2026, 3, 4, 18, tzinfo=UTC), "It is 18:00 there: call from Thursday 5 March, 09:00 on."),
    (datetime(2026, 3, 7, 12, tzinfo=UTC), "It is 12:00 there: call from Monday 9 March, 09:00 on."),
])  # fmt: skip
def test_outside_their_hours_the_number_is_shown_to_nobody(call, agent, lead, monkeypatch, moment, until):
    stop_clock(monkeypatch, lambda: moment)
    for who in (agent, lead):
        with pytest.raises(calling.NotNow) as refused:
            calling.number(call, who)
        assert str(refused.value) == f"They are not called at this hour. {until}"


def test_within_their_hours_it_is_shown(call, agent, monkeypatch):
    stop_clock(monkeypatch, lambda: datetime(2026, 3, 4, 9, tzinfo=UTC))
    assert calling.number(call, agent) == NUMBER


def test_the_hours_are_those_of_the_record_that_stands(call, agent, customer, monkeypatch):
    """Ten in London, seven in the evening in Tokyo."""
    stop_clock(monkeypatch, lambda: datetime(2026, 3, 4, 10, tzinfo=UTC))
    stands = factories.CustomerFactory(country="JP")
    customer.__class__.objects.filter(pk=customer.pk).update(merged_into=stands)
    with pytest.raises(calling.NotNow, match="It is 19:00 there"):
        calling.number(call, agent)


def test_who_wants_no_calls_hears_of_no_hour_at_which_they_might(call, agent, customer, monkeypatch):
    stop_clock(monkeypatch, lambda: datetime(2026, 3, 7, 12, tzinfo=UTC))
    consent.forbid(customer=customer, how="By letter", by=None)
    with pytest.raises(consent.MayNotContact):
        calling.number(call, agent)


# --- planning


def test_a_call_is_planned_for_a_time_within_their_hours(call, agent, customer):
    at, due_at = in_hours(customer), call.due_at
    calling.plan(call=call, at=at, by=agent)
    assert (call.state, call.planned_for, call.due_at) == ("planned", at, due_at)
    assert Activity.objects.about(call).get().verb == "planned"


def test_nothing_is_planned_outside_their_hours(call, agent, customer):
    with pytest.raises(calling.NotInTheirHours, match=r"They cannot be called then\. It is .* there: call from"):
        calling.plan(call=call, at=outside(customer), by=agent)
    call.refresh_from_db()
    assert call.state == "open"


def test_nothing_is_planned_for_a_moment_that_has_passed(call, agent):
    with pytest.raises(calling.HasPassed):
        calling.plan(call=call, at=timezone.now() - timedelta(minutes=1), by=agent)


def test_nothing_is_planned_against_their_will(call, agent, customer):
    at = in_hours(customer)
    consent.forbid(customer=customer, how="By letter", by=None)
    with pytest.raises(consent.MayNotContact):
        calling.plan(call=call, at=at, by=agent)


def test_nobody_plans_the_call_of_another(call, colleague, customer):
    with pytest.raises(calling.NotYours):
        calling.plan(call=call, at=in_hours(customer), by=colleague)


# --- what came of it


def test_who_is_reached_is_thanked_and_engaged_and_the_call_is_done(call, agent):
    attempt = calling.record(call=call, by=agent, outcome="reached", note="Loves the lounge.")
    assert (call.state, call.ended_at) == ("done", attempt.at)
    assert steps_of(call) == {"thank": "done", "engage": "done", "share": "open"}
    assert Activity.objects.about(call).get().detail == "Reached"


def test_who_is_reached_and_wants_to_be_called_again_is_still_to_be_called(call, agent, customer):
    at = in_hours(customer)
    calling.record(call=call, by=agent, outcome="reached", next_at=at)
    assert (call.state, call.due_at, call.ended_at) == ("reached", at, None)
    assert set(steps_of(call).values()) == {"open"}


def test_they_name_another_time_and_it_is_due_then(customer, agent):
    call, at = call_to(customer, agent, escalated_at=timezone.now()), in_hours(customer)
    calling.record(call=call, by=agent, outcome="later", next_at=at)
    assert (call.state, call.planned_for, call.due_at, call.tries) == ("planned", at, at, 0)
    assert call.escalated_at is None


def test_a_time_they_name_outside_their_hours_is_moved_and_the_note_is_kept(call, agent, customer):
    at = outside(customer)
    attempt = calling.record(call=call, by=agent, outcome="later", note="After lunch.", next_at=at)
    assert call.planned_for > at
    assert hours.window(customer, call.planned_for).now
    assert Attempt.objects.get().note == attempt.note == "After lunch."


def test_without_a_time_they_are_called_in_their_next_hours(call, agent, customer):
    calling.record(call=call, by=agent, outcome="later")
    assert call.planned_for > timezone.now()
    assert hours.window(customer, call.planned_for).now


@pytest.mark.parametrize("outcome", ["no_answer", "mailbox"])
def test_a_try_in_vain_is_counted_and_made_again_in_their_next_hours(call, agent, customer, outcome):
    calling.record(call=call, by=agent, outcome=outcome)
    assert (call.state, call.tries) == ("not_reached", 1)
    assert call.due_at == hours.next_window(customer, timezone.now())


def test_after_the_last_try_in_vain_they_are_written_to(call, agent, customer):
    factories.IdentityFactory(kind="email", place="", value="sara@example.com", customer=customer)
    calling.record(call=call, by=agent, outcome="no_answer")
    assert instead.to_mail() == []
    calling.record(call=call, by=agent, outcome="mailbox")
    assert instead.to_mail() == [call.pk]


def test_a_wrong_number_is_not_called_again_and_the_next_one_is(call, agent, customer, any_hour):
    factories.IdentityFactory(kind="phone", place="", value="+34999", customer=customer)
    calling.record(call=call, by=agent, outcome="wrong_number")
    assert (call.state, call.tries) == ("not_reached", 0)
    assert calling.number(call, agent) == NUMBER


def test_where_the_only_number_is_wrong_they_are_written_to(call, agent, customer, nudges):
    factories.IdentityFactory(kind="email", place="", value="sara@example.com", customer=customer)
    calling.record(call=call, by=agent, outcome="wrong_number")
    assert instead.to_mail() == [call.pk]


def test_who_wants_no_calls_gets_none(call, agent, customer):
    calling.record(call=call, by=agent, outcome="not_wanted", note="Please stop.")
    assert (call.state, call.reason) == ("cancelled", "They want no calls: they said so in one.")
    assert Consent.objects.get(customer=customer, purpose="call").state == "refused"
    assert steps_of(call)["thank"] == "cancelled"
    assert Attempt.objects.get().note == "Please stop."


def test_what_they_said_is_kept_by_topic(call, agent):
    calling.record(call=call, by=agent, outcome="reached", heard=[("product", "praise"), ("product", "criticism")])
    assert list(Heard.objects.values_list("topic", "tone")) == [("product", "criticism")]


def test_that_somebody_called_outside_their_hours_is_kept_since_it_happened(call, agent, customer):
    night = outside(customer) - timedelta(days=7)
    calling.record(call=call, by=agent, outcome="reached", at=night)
    assert (Attempt.objects.get().at, call.ended_at) == (night, night)


def test_a_clock_that_is_ahead_counts_as_now(call, agent):
    attempt = calling.record(call=call, by=agent, outcome="reached", at=timezone.now() + timedelta(days=2))
    assert attempt.at == attempt.kept_at


@pytest.mark.parametrize(("first", "then"), itertools.product(Attempt.Outcome.values, repeat=2))
def test_whatever_comes_of_two_calls_both_are_kept_and_somebody_still_calls_or_it_is_over(call, agent, first, then):
    for outcome in (first, then):
        calling.record(call=call, by=agent, outcome=outcome, note=outcome)
    assert list(call.attempts.order_by("pk").values_list("note", flat=True)) == [first, then]
    ends = {"reached", "not_wanted", "wrong_number"} & {first, then} or {first, then} <= {"no_answer", "mailbox"}
    assert call.is_live is not bool(ends)
    assert bool({"open"} & {steps_of(call)["thank"]}) is call.is_live
    assert call.owner == agent


# --- once, and by whom


def test_a_note_that_is_sent_twice_is_kept_once(call, agent):
    key = uuid4()
    first = calling.record(call=call, by=agent, outcome="no_answer", note="Rang.", key=key)
    again = calling.record(call=call, by=agent, outcome="no_answer", note="Rang.", key=key)
    assert first == again == Attempt.objects.get()
    assert call.tries == 1


def test_the_key_of_one_note_is_not_that_of_another_call(call, agent):
    key = uuid4()
    calling.record(call=call, by=agent, outcome="no_answer", key=key)
    with pytest.raises(calling.KeptElsewhere):
        calling.record(call=call_to(customer_with("+34999"), agent), by=agent, outcome="no_answer", key=key)


def test_who_calls_somebody_from_the_pool_has_the_call_from_then_on(customer, agent):
    call = call_to(customer, None, state="handed_back", reason="On leave")
    calling.record(call=call, by=agent, outcome="no_answer")
    assert (call.owner, call.state) == (agent, "not_reached")


def test_a_note_written_offline_before_another_got_the_call_is_kept_and_they_are_told(customer, agent, colleague):
    call = call_to(customer, colleague)
    calling.record(call=call, by=agent, outcome="reached", at=timezone.now() - timedelta(hours=2))
    assert (call.state, call.owner) == ("done", colleague)
    assert Notice.objects.get(user=colleague).text == f"Ana Ruiz has called the customer of your call #{call.pk}."


def test_nobody_writes_into_the_call_of_another(call, colleague):
    with pytest.raises(calling.NotYours):
        calling.record(call=call, by=colleague, outcome="reached")
    assert not Attempt.objects.exists()


def test_sales_write_nothing_into_the_pool_of_care(customer):
    with pytest.raises(calling.NotYours, match="with nobody now"):
        calling.record(call=call_to(customer), by=factories.UserFactory(role="sales"), outcome="reached")


def test_a_note_that_comes_after_the_call_was_over_is_kept_and_changes_nothing(customer, agent):
    ended = timezone.now() - timedelta(hours=1)
    call = call_to(customer, agent, state="cancelled", reason="They asked for it.", ended_at=ended)
    calling.record(call=call, by=agent, outcome="reached", note="Nice talk.")
    assert (call.state, Attempt.objects.get().note) == ("cancelled", "Nice talk.")
    assert set(steps_of(call).values()) == {"open"}


def test_of_who_was_erased_meanwhile_nothing_is_kept(call, agent, customer):
    customer.__class__.objects.update(erased_at=timezone.now())
    with pytest.raises(consent.NobodyLeft):
        calling.record(call=call, by=agent, outcome="reached", note="Sara said …")
    assert not Attempt.objects.exists()


def test_a_hashtag_in_a_note_asks_the_group_that_owns_it(call, agent):
    group = factories.SupportGroupFactory()
    factories.HashtagFactory(tag="billing", group=group)
    attempt = calling.record(call=call, by=agent, outcome="reached", note="Charged twice. #billing")
    assert [asked.group for asked in attempt.requests.all()] == [group]


@pytest.mark.parametrize("outcome", Attempt.Outcome.values)
def test_a_note_takes_as_many_queries_for_many_answers_as_for_one(outcome, agent):
    taken = []
    for number, answers in (("+34601", 1), ("+34602", 6)):
        call = call_to(customer_with(number), agent)
        for _ in range(answers - 1):
            more = factories.ResponseFactory(invitation__customer=call.customer)
            for step in ("thank", "engage", "share"):
                factories.FollowUpFactory(call=call, response=more, step=step)
        with CaptureQueriesContext(connection) as seen:
            calling.record(call=call, by=agent, outcome=outcome, note="Nice talk.")
        taken.append(len(seen))
    assert taken[0] == taken[1]


# --- the second call


def test_a_second_call_tells_and_closes_the_loop(customer, agent):
    call = call_to(customer, agent, kind="second", steps=("share",))
    calling.record(call=call, by=agent, outcome="reached")
    call.loop.refresh_from_db()
    assert (steps_of(call), call.loop.state) == ({"share": "done"}, "closed")


# --- many hands


@pytest.mark.django_db(transaction=True)
def test_a_device_that_sends_the_same_note_many_times_at_once_keeps_it_once(customer, agent):
    call, key, n = call_to(customer, agent), uuid4(), 8
    start = Barrier(n, timeout=60)

    def send(_):
        try:
            start.wait()
            return calling.record(call=Call(pk=call.pk), by=agent, outcome="no_answer", key=key).pk
        finally:
            connection.close()

    with ThreadPoolExecutor(n) as pool:
        kept = set(pool.map(send, range(n)))
    call.refresh_from_db()
    assert kept == {Attempt.objects.get().pk}
    assert call.tries == 1


@pytest.mark.django_db(transaction=True)
def test_two_who_call_at_once_are_both_kept_and_the_call_is_one_persons(customer, agent, colleague):
    call, start = call_to(customer, None), Barrier(2, timeout=60)

    def send(who):
        try:
            start.wait()
            calling.record(call=Call(pk=call.pk), by=who, outcome="no_answer", at=datetime(2026, 1, 1, tzinfo=UTC))
            return True
        except Refused:
            return False
        finally:
            connection.close()

    with ThreadPoolExecutor(2) as pool:
        assert all(pool.map(send, [agent, colleague]))
    call.refresh_from_db()
    assert Attempt.objects.count() == 2
    assert call.owner in (agent, colleague)
