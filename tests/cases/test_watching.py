"""Promises at risk and broken are told once, when it happens; and due times follow when hours change."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier

import pytest
from django.db import connection, transaction
from django.db.models import F
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from cases import jobs, promises
from cases.models import Case, Clock, Rule, RuleRun
from cases.promises import reckoning
from channels_app import live
from channels_app.models import ChannelPromise, LiveEvent
from config import cron
from crm.models import Activity, Notice, Period
from crm.models.activity import log
from tests import factories

pytestmark = pytest.mark.django_db


def opened(channel, minutes, **facts):
    """A case the customer opened so many minutes ago, with its clocks."""
    case = factories.CaseFactory(channel=channel, opened_at=timezone.now() - timedelta(minutes=minutes), **facts)
    promises.settle([case.pk])
    case.refresh_from_db()
    return case


def told(case):
    return list(Notice.objects.filter(subject_id=case.pk, kind="promise").order_by("pk").values_list("text", flat=True))


# --- at risk, broken


def test_nothing_is_told_of_what_is_in_time(channel, agent):
    opened(channel, 40, owner=agent, state="open")
    assert promises.watch() == 0
    assert not Notice.objects.exists()


def test_a_promise_at_risk_is_told_to_its_owner_once(channel, agent):
    case = opened(channel, 50, owner=agent, state="open")
    assert promises.watch() == 1
    assert promises.watch() == 0
    assert told(case) == [f"Acknowledge: at risk in case #{case.pk}"]
    assert Notice.objects.get().url == case.get_absolute_url()
    assert Clock.objects.get(case=case, kind="acknowledge").risk_told_at


def test_a_broken_one_is_told_again_as_such(channel, agent):
    case = opened(channel, 50, owner=agent, state="open")
    promises.watch()
    Clock.objects.filter(case=case, kind="acknowledge").update(due_at=timezone.now() - timedelta(seconds=2))
    Notice.objects.update(read_at=timezone.now())
    assert promises.watch() == 1
    assert told(case)[1:] == [f"Acknowledge: late in case #{case.pk}"]
    broken = Clock.objects.get(case=case, kind="acknowledge")
    assert broken.broken_at == broken.due_at
    assert (broken.ended_at, promises.watch()) == (None, 0)


def test_what_was_broken_before_anybody_looked_is_told_as_broken_only(channel, agent):
    case = opened(channel, 70, owner=agent, state="open")
    promises.watch()
    assert told(case) == [f"Acknowledge: late in case #{case.pk}"]


def test_nobody_is_told_where_nobody_has_it_but_the_rules_and_the_lists_are(
    channel, django_capture_on_commit_callbacks
):
    rule = factories.RuleFactory(event="at_risk", priority=None, points=150, team=None)
    case = opened(channel, 50)
    live.follow(f"team:{case.team_id}", 0)
    with django_capture_on_commit_callbacks(execute=True):
        promises.watch()
    assert not Notice.objects.exists()
    clock = Clock.objects.get(case=case, kind="acknowledge")
    assert RuleRun.objects.get(rule=rule).occasion == f"clock:{clock.pk}"
    case.refresh_from_db()
    assert case.extra_points == 150
    assert LiveEvent.objects.filter(stream=f"team:{case.team_id}", kind="case").exists()


def test_rules_can_ask_which_promise_is_broken(channel):
    of_answers = factories.RuleFactory(event="broken", promises=["answer"], points=10, team=None, stops=False)
    of_others = factories.RuleFactory(event="broken", promises=["resolve"], points=10, team=None, stops=False)
    case = opened(channel, 250)
    promises.watch()
    assert RuleRun.objects.filter(rule=of_answers, case=case).exists()
    assert not RuleRun.objects.filter(rule=of_others).exists()
    assert Rule.objects.filter(event="broken").count() == 2


def test_a_promise_that_pauses_is_at_risk_no_more(channel):
    case = opened(channel, 50)
    Case.objects.filter(pk=case.pk).update(state="waiting", waiting_since=timezone.now())
    promises.settle([case.pk])
    assert promises.watch() == 0


def counted(act):
    with CaptureQueriesContext(connection) as queries:
        assert act() > 0
    return len(queries)


def test_watching_costs_the_same_however_many(channel, agent):
    costs = []
    for size in (1, 20):
        for _ in range(size):
            opened(channel, 50, owner=agent, state="open")
        costs.append(counted(promises.watch))
    assert costs[0] == costs[1] < 30


def test_more_than_a_batch_is_told_at_once(channel, monkeypatch):
    monkeypatch.setattr("cases.promises.watching.BATCH", 3)
    for _ in range(7):
        opened(channel, 50)
    assert promises.watch() == 7


def test_it_runs_by_the_clock():
    assert cron.EVERY["cases.jobs.watch_promises"] == 5
    assert cron.EVERY["cases.jobs.sweep_promises"] == cron.EVERY["channels_app.jobs.sweep"]


# --- two at once


def at_once(*acts):
    start = Barrier(len(acts), timeout=60)

    def run(act):
        start.wait()
        try:
            return act()
        finally:
            connection.close()

    with ThreadPoolExecutor(len(acts)) as pool:
        return list(pool.map(run, acts))


@pytest.mark.django_db(transaction=True)
def test_of_watchers_at_the_same_time_each_promise_is_told_by_one(channel, agent):
    cases = [opened(channel, 50, owner=agent, state="open") for _ in range(15)]
    at_once(*[promises.watch] * 4)
    promises.watch()  # what one watcher had left because another held it
    assert [told(case) for case in cases] == [[f"Acknowledge: at risk in case #{case.pk}"] for case in cases]


@pytest.mark.django_db(transaction=True)
def test_of_watchers_at_the_same_time_each_breach_is_told_by_one(channel, agent):
    cases = [opened(channel, 250, owner=agent, state="open") for _ in range(15)]
    rule = factories.RuleFactory(event="broken", points=1, team=None, priority=None)
    at_once(*[promises.watch] * 4)
    promises.watch()
    runs = RuleRun.objects.filter(rule=rule)
    assert sorted(runs.values_list("case", flat=True)) == sorted([case.pk for case in cases] * 2)  # both its clocks
    assert not Clock.objects.filter(kind__in=["answer", "acknowledge"], broken_at=None).exists()


@pytest.mark.django_db(transaction=True)
def test_a_case_somebody_holds_is_left_for_the_next_time(channel, agent):
    case = opened(channel, 50, owner=agent, state="open")
    with transaction.atomic():
        Case.objects.select_for_update().get(pk=case.pk)
        assert at_once(promises.watch) == [0]
    assert promises.watch() == 1


# --- when hours change


@pytest.fixture
def office(channel):
    """The channel's hours, around the clock until a test changes them."""
    calendar = factories.CalendarFactory(week=[(day, 0, 1440) for day in range(7)], time_zone="UTC")
    return factories.ChannelPromiseFactory(channel=channel, calendar=calendar).calendar


def close_tomorrow(calendar, lead):
    """Only the next three hours of today are left of the week."""
    now = timezone.now()
    Period.objects.filter(calendar=calendar).delete()
    opens = now.hour * 60 + now.minute - 60
    Period.objects.create(calendar=calendar, weekday=now.weekday(), opens=max(opens, 0), closes=1440)
    log("changed", calendar, by=lead)


def test_what_runs_is_due_at_another_time_when_the_hours_change(channel, office, lead):
    case, elsewhere = opened(channel, 0), opened(factories.ChannelFactory(), 0)
    resolve = Clock.objects.get(case=case, kind="resolve")
    close_tomorrow(office, lead)
    assert promises.recompute([channel.pk]) >= 1
    later = Clock.objects.get(case=case, kind="resolve")
    assert later.due_at > resolve.due_at + timedelta(days=6)
    assert (later.promised, later.started_at) == (resolve.promised, resolve.started_at)
    case.refresh_from_db()
    assert case.due_at == min(Clock.objects.filter(case=case).values_list("due_at", flat=True))
    assert promises.recompute([channel.pk]) == 0
    assert Clock.objects.get(case=elsewhere, kind="resolve").due_at == elsewhere.opened_at.replace(
        microsecond=0
    ) + timedelta(days=3)


def test_what_comes_to_lie_ahead_again_is_told_again(channel, office, lead):
    case = opened(channel, 3 * 24 * 60 - 60)
    promises.watch()
    assert Clock.objects.get(case=case, kind="resolve").risk_told_at
    ChannelPromise.objects.filter(channel=channel).update(calendar=factories.CalendarFactory(week=[(0, 0, 10)]))
    promises.recompute([channel.pk])
    again = Clock.objects.get(case=case, kind="resolve")
    assert again.risk_at > timezone.now()
    assert again.risk_told_at is None


def test_what_is_broken_stays_broken(channel, office, lead):
    case = opened(channel, 300)
    promises.watch()
    before = Clock.objects.get(case=case, kind="answer")
    ChannelPromise.objects.filter(channel=channel).update(calendar=factories.CalendarFactory(week=[(0, 0, 10)]))
    promises.recompute([channel.pk])
    after = Clock.objects.get(case=case, kind="answer")
    assert (after.due_at, after.broken_at) == (before.due_at, before.broken_at)


def test_what_a_lost_job_left_is_found_by_the_sweep_and_once(channel, office, lead, nudges):
    promises.recompute([channel.pk])
    promises.sweep()
    close_tomorrow(office, lead)
    jobs.sweep_promises()
    assert reckoning.channels_of(reckoning._changed_since()) == {channel.pk}
    jobs.recompute_promises(channel.pk)
    assert reckoning._changed_since() == {}
    assert Activity.objects.filter(verb=reckoning.RECKONED).count() == 1


def test_the_sweep_nudges_the_job(channel, office, lead, nudges, django_capture_on_commit_callbacks):
    close_tomorrow(office, lead)
    with django_capture_on_commit_callbacks(execute=True):
        jobs.sweep_promises()
    assert (reckoning.JOB, channel.pk) in nudges


def test_reckoning_one_channel_leaves_the_change_for_the_others_of_that_calendar(channel, office, lead):
    other = factories.ChannelPromiseFactory(calendar=office).channel
    close_tomorrow(office, lead)
    promises.recompute([channel.pk])
    assert reckoning.channels_of(reckoning._changed_since()) == {channel.pk, other.pk}
    promises.recompute([channel.pk, other.pk])
    assert reckoning._changed_since() == {}


def test_reckoning_costs_the_same_however_many(channel, office, lead):
    costs = []
    for size in (1, 20):
        for _ in range(size):
            opened(channel, 0)
        close_tomorrow(office, lead)
        Clock.objects.running().update(due_at=F("due_at") - timedelta(minutes=1))  # so that each of them moves
        costs.append(counted(lambda: promises.recompute([channel.pk])))
    assert costs[0] == costs[1] < 20
