"""Promise clocks: what runs, what pauses, what was kept, and what is told of it."""

from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from cases import promises, replies, resolution
from cases.models import Case, CaseMessage, Clock
from tests import factories
from tests.cases.conftest import at, converse

pytestmark = pytest.mark.django_db

HOUR = 3600


def clocks(case, kind=None):
    """The clocks of a case as (kind, state), in the order they began."""
    found = Clock.objects.filter(case=case, **({"kind": kind} if kind else {})).order_by("kind", "started_at", "pk")
    return [(c.kind, c.end or ("running" if c.running_since else "paused")) for c in found]


def clock(case, kind):
    return Clock.objects.filter(case=case, kind=kind).latest("started_at", "pk")


def put(case, **facts):
    Case.objects.filter(pk=case.pk).update(**facts)
    promises.settle([case.pk])
    case.refresh_from_db()
    return case


def we_answer(case, minute, *, acknowledges=False):
    """Written in Hark so many minutes after the conversation began; the case waits for the customer."""
    message = factories.MessageFactory(
        thread=case.thread, identity=case.identity, direction="out", occurred_at=at(minute), sentiment="unknown"
    )
    CaseMessage.objects.create(case=case, message=message, acknowledges=acknowledges)
    state = {} if acknowledges else {"state": "waiting", "waiting_since": at(minute)}
    return put(case, **state)


def they_write(case, minute):
    message = factories.MessageFactory(thread=case.thread, identity=case.identity, occurred_at=at(minute))
    CaseMessage.objects.create(case=case, message=message)
    if case.needs_us:
        return put(case)
    return put(case, state="open" if case.owner_id else "new", waiting_since=at(minute))


@pytest.fixture
def opened(talk):
    """A case the customer opened at minute 0, routed."""
    talk.customer_says(minute=0)
    return talk.route()


# --- what runs


def test_three_promises_run_from_the_opening(opened):
    assert clocks(opened) == [("acknowledge", "running"), ("answer", "running"), ("resolve", "running")]
    due = {kind: clock(opened, kind).due_at for kind in Clock.Kind}
    assert due == {"acknowledge": at(60), "answer": at(240), "resolve": at(3 * 24 * 60)}
    assert clock(opened, "answer").risk_at == at(180)


def test_the_case_says_which_promise_ends_next_and_stands_by_it(opened):
    assert (opened.due_at, opened.due_kind, opened.risk_at) == (at(60), "acknowledge", at(45))
    assert opened.turn_at == at(60)


def test_a_word_that_only_acknowledges_leaves_the_answer_owed(opened):
    case = we_answer(opened, 10, acknowledges=True)
    assert clocks(case) == [("acknowledge", "kept"), ("answer", "running"), ("resolve", "running")]
    assert (case.due_at, case.due_kind) == (at(240), "answer")


def test_an_answer_keeps_both_and_pauses_the_rest(opened):
    case = we_answer(opened, 30)
    assert clocks(case) == [("acknowledge", "kept"), ("answer", "kept"), ("resolve", "paused")]
    assert clock(case, "resolve").spent == 30 * 60
    assert (case.due_at, case.due_kind, case.risk_at) == (None, "", None)
    assert clock(case, "answer").ended_at == at(30)


def test_what_came_too_late_is_broken_since_it_was_due(opened):
    case = we_answer(opened, 90)
    assert clocks(case) == [("acknowledge", "broken"), ("answer", "kept"), ("resolve", "paused")]
    assert clock(case, "acknowledge").broken_at == at(60)


def test_the_second_at_which_it_is_due_is_in_time(opened):
    assert clocks(we_answer(opened, 60), "acknowledge") == [("acknowledge", "kept")]


def test_each_turn_has_an_answer_of_its_own_and_time_of_the_customer_does_not_count(opened):
    case = they_write(we_answer(opened, 30), 200)
    assert clocks(case, "answer") == [("answer", "kept"), ("answer", "running")]
    assert clock(case, "answer").due_at == at(200 + 240)
    assert clock(case, "resolve").due_at == at(200 + 3 * 24 * 60 - 30)
    assert clocks(case, "acknowledge") == [("acknowledge", "kept")]
    case = we_answer(case, 230)
    assert clock(case, "resolve").spent == 60 * 60


def test_the_oldest_unanswered_word_counts_not_the_newest(opened):
    case = they_write(opened, 100)
    assert clock(case, "answer").due_at == at(240)
    assert Clock.objects.filter(case=case).count() == 3


def test_snoozing_stops_no_clock(opened, agent):
    put(opened, owner=agent, state="open")
    case = put(opened, state="snoozed", snoozed_until=at(9999))
    assert clocks(case) == [("acknowledge", "running"), ("answer", "running"), ("resolve", "running")]


def test_a_case_snoozed_while_we_wait_for_the_customer_goes_on_waiting(opened, agent):
    we_answer(opened, 30)
    case = put(opened, owner=agent, state="snoozed", snoozed_until=at(9999))
    assert clocks(case) == [("acknowledge", "kept"), ("answer", "kept"), ("resolve", "paused")]


def test_what_wakes_without_a_word_of_the_customer_owes_no_answer(opened, agent):
    we_answer(opened, 30)
    case = put(opened, owner=agent, state="open")
    assert clocks(case) == [("acknowledge", "kept"), ("answer", "kept"), ("resolve", "running")]
    assert case.due_kind == "resolve"
    assert clock(case, "resolve").spent == 30 * 60


def test_setting_aside_drops_what_runs_and_bringing_back_takes_it_up(opened):
    case = put(opened, state="aside")
    assert clocks(case) == [("acknowledge", "broken"), ("answer", "broken"), ("resolve", "dropped")]  # six hours old
    assert case.due_at is None
    case = put(opened, state="new")
    assert clocks(case) == [("acknowledge", "running"), ("answer", "running"), ("resolve", "running")]
    assert clock(case, "answer").due_at == at(240)


def test_a_case_we_opened_owes_no_answer_until_the_customer_writes(talk):
    talk.we_say(minute=0)
    case = talk.route()
    assert clocks(case) == [("resolve", "paused")]
    talk.customer_says(minute=50)
    case = talk.route()
    assert clocks(case) == [("answer", "running"), ("resolve", "running")]
    assert clock(case, "resolve").spent == 0
    assert clock(case, "answer").due_at == at(290)


def test_turns_that_came_and_went_in_one_batch_are_kept_and_counted(talk):
    talk.customer_says(minute=0)
    talk.we_say(minute=20)
    talk.customer_says("And my bag?", minute=100)
    talk.we_say(minute=400)
    talk.customer_says("Thanks for nothing", minute=500)
    case = talk.route()
    assert clocks(case, "answer") == [("answer", "kept"), ("answer", "broken"), ("answer", "running")]
    assert clocks(case, "acknowledge") == [("acknowledge", "kept")]
    assert clock(case, "resolve").spent == (20 + 300) * 60


def test_a_post_that_comes_late_moves_the_start_back(talk):
    talk.customer_says(minute=30)
    talk.route()
    talk.customer_says(minute=10)
    case = talk.route()
    assert {c.due_at for c in Clock.objects.filter(case=case, kind__in=["acknowledge", "answer"])} == {at(70), at(250)}
    assert Clock.objects.filter(case=case).count() == 3


# --- the end, and returns


def test_resolving_in_time_keeps_the_promise(opened, lead, cause):
    case = we_answer(opened, 30)
    resolution.resolve(case=case, cause=cause, by=lead)
    assert clocks(case) == [("acknowledge", "kept"), ("answer", "kept"), ("resolve", "kept")]


def test_resolving_without_an_answer_keeps_no_answer(channel, lead, cause):
    case = factories.CaseFactory(channel=channel, state="open", owner=lead)
    promises.settle([case.pk])
    resolution.resolve(case=case, cause=cause, by=lead)
    assert clocks(case) == [("acknowledge", "dropped"), ("answer", "dropped"), ("resolve", "kept")]


def test_an_undone_resolution_goes_on_as_if_it_had_not_been(channel, lead, cause):
    case = factories.CaseFactory(channel=channel, state="open", owner=lead)
    promises.settle([case.pk])
    before = list(Clock.objects.filter(case=case).order_by("pk").values("pk", "kind", "due_at", "started_at"))
    resolution.resolve(case=case, cause=cause, by=lead)
    resolution.reopen(case=case, by=lead)
    after = list(Clock.objects.filter(case=case).order_by("pk").values("pk", "kind", "due_at", "started_at"))
    assert [abs((a["due_at"] - b["due_at"]).total_seconds()) <= 1 for a, b in zip(after, before, strict=True)]
    assert [{**a, "due_at": 0} for a in after] == [{**b, "due_at": 0} for b in before]
    assert clocks(case) == [("acknowledge", "running"), ("answer", "running"), ("resolve", "running")]


def test_a_return_is_acknowledged_and_answered_anew_and_resolved_with_what_is_left(talk, agent, cause):
    talk.customer_says(minute=0)
    we_answer(talk.route(), 30)
    put(talk.case(), state="resolved", resolved_at=at(60), resolved_by=agent, cause=cause)
    talk.customer_says("It happened again", minute=200)
    case = talk.route()
    assert case.state == "new"
    assert clocks(case) == [
        ("acknowledge", "kept"), ("acknowledge", "running"), ("answer", "kept"), ("answer", "running"),
        ("resolve", "running"),
    ]  # fmt: skip
    assert clock(case, "acknowledge").due_at == at(260)
    assert clock(case, "resolve").due_at == at(200 + 3 * 24 * 60 - 30)
    promises.settle([case.pk])
    assert Clock.objects.filter(case=case).count() == 5


def test_an_answer_taken_back_is_owed_again_from_when_it_was(opened):
    case = we_answer(opened, 30)
    CaseMessage.objects.filter(case=case, message__direction="out").delete()
    case = put(case, state="new", waiting_since=at(0))
    assert clocks(case) == [("acknowledge", "running"), ("answer", "running"), ("resolve", "running")]
    assert clock(case, "answer").due_at == at(240)
    assert clock(case, "resolve").due_at == at(3 * 24 * 60)  # no second counted twice


def test_merging_drops_the_clocks_of_the_one_that_goes(opened, talk):
    other = factories.CaseFactory(channel=talk.channel, customer=opened.customer)
    promises.settle([other.pk])
    put(other, state="merged", merged_into=opened)
    assert {end for _, end in clocks(other)} == {"dropped"}


def test_writing_and_resolving_by_hand_settle_by_themselves(channel, agent, cause):
    case = factories.CaseFactory(channel=channel)
    promises.settle([case.pk])
    replies.reply(case=case, text="We are looking for your bag.", by=agent, acknowledges=True)
    assert clocks(case) == [("acknowledge", "kept"), ("answer", "running"), ("resolve", "running")]
    replies.reply(case=case, text="It stands at the desk in Bilbao, come by.", by=agent)
    assert clocks(case) == [("acknowledge", "kept"), ("answer", "kept"), ("resolve", "paused")]


# --- what a channel promises


def test_promises_and_hours_are_the_channels_own(talk):
    office = factories.CalendarFactory()  # nine to six in Madrid, Monday to Friday
    factories.ChannelPromiseFactory(
        channel=talk.channel, calendar=office, acknowledge_minutes=30, acknowledge_warn=10, answer_minutes=120,
        answer_warn=30,
    )  # fmt: skip
    friday = datetime(2026, 11, 20, 16, 45, tzinfo=UTC)  # 17:45 in Madrid
    message = talk.customer_says()
    message.occurred_at = friday
    message.save()
    case = talk.route()
    assert clock(case, "acknowledge").due_at == datetime(2026, 11, 23, 8, 15, tzinfo=UTC)
    assert clock(case, "answer").risk_at == datetime(2026, 11, 23, 9, 15, tzinfo=UTC)
    monday = datetime(2026, 11, 23, 8, 10, tzinfo=UTC)
    said = factories.MessageFactory(thread=case.thread, identity=case.identity, direction="out", occurred_at=monday)
    CaseMessage.objects.create(case=case, message=said)
    put(case, state="waiting", waiting_since=monday)
    assert clocks(case) == [("acknowledge", "kept"), ("answer", "kept"), ("resolve", "paused")]
    assert clock(case, "resolve").spent == 25 * 60


def test_where_we_cannot_answer_nothing_is_promised_until_a_lead_says_so(archive):
    talk = converse(archive)
    talk.customer_says()
    case = talk.route()
    assert clocks(case) == []
    assert case.due_at is None
    factories.ChannelPromiseFactory(channel=archive)
    promises.settle([case.pk])
    assert len(clocks(case)) == 3


def test_a_calendar_that_lost_its_hours_stops_nobody(talk):
    factories.ChannelPromiseFactory(channel=talk.channel, calendar=factories.CalendarFactory(week=[]))
    talk.customer_says(minute=0)
    assert talk.route().due_at == at(60)


def test_a_clock_keeps_what_was_promised_when_it_began(opened):
    factories.ChannelPromiseFactory(channel=opened.channel, answer_minutes=10, answer_warn=1)
    promises.settle([opened.pk])
    assert clock(opened, "answer").promised == 4 * HOUR


# --- what it costs


@pytest.mark.parametrize("size", [1, 20])
def test_settling_costs_a_fixed_number_of_queries(channel, size):
    factories.ChannelPromiseFactory(channel=channel, calendar=factories.CalendarFactory())
    pks = [factories.CaseFactory(channel=channel).pk for _ in range(size)]
    with CaptureQueriesContext(connection) as first:
        promises.settle(pks)
    with CaptureQueriesContext(connection) as again:
        promises.settle(pks)
    assert (len(first), len(again)) == (7, 5)  # nothing is written where nothing changed


def test_settling_nothing_asks_nothing(django_assert_num_queries):
    with django_assert_num_queries(0):
        promises.settle([])


def test_settling_again_changes_nothing(opened):
    we_answer(opened, 30)
    they_write(opened, 40)
    before = list(Clock.objects.order_by("pk").values())
    for _ in range(3):
        promises.settle([opened.pk])
    assert list(Clock.objects.order_by("pk").values()) == before


def test_half_an_hour_ago_is_still_in_time(channel):
    case = factories.CaseFactory(channel=channel, opened_at=timezone.now() - timedelta(minutes=30))
    promises.settle([case.pk])
    case.refresh_from_db()
    assert case.due_at > timezone.now()
    assert case.risk_at > timezone.now()
