"""The clock of requests to groups: two weeks of their calendar, two reminders, and who hears of what is overdue."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from hypothesis import given
from hypothesis import strategies as st

from crm import hours
from crm.models import Activity, Notice
from surveys import jobs
from surveys.models import GroupRequest, OutreachSettings
from surveys.outreach import clock
from tests import factories

MADRID = ZoneInfo("Europe/Madrid")
OFFICE = hours.Hours("Office", "Europe/Madrid", False, (((540, 1080),),) * 5 + ((),) * 2)
MONDAY = datetime(2026, 3, 2, 10, tzinfo=MADRID)
WEEKS = st.lists(
    st.sampled_from([(), ((540, 1080),), ((480, 720), (780, 1020)), ((0, 1440),), ((60, 150),)]), min_size=7, max_size=7
)
ZONES = st.sampled_from(
    ["UTC", "Europe/Madrid", "America/Sao_Paulo", "Asia/Kolkata", "Pacific/Auckland", "Asia/Beirut"]
)
MOMENTS = st.datetimes(datetime(2015, 1, 1), datetime(2030, 1, 1), timezones=st.just(UTC))


def at(month, day, hour, minute=0):
    return datetime(2026, month, day, hour, minute, tzinfo=MADRID)


# --- when it is due


def test_an_answer_is_due_when_the_group_closes_two_weeks_later():
    assert clock.due(OFFICE, MONDAY, 14) == at(3, 16, 18)


def test_a_day_on_which_the_group_is_closed_makes_it_the_next_open_one():
    closed = hours.Hours("", "Europe/Madrid", False, OFFICE.week, {at(3, 16, 0).date(): ()})
    assert clock.due(OFFICE, at(3, 7, 12), 14) == at(3, 23, 18)
    assert clock.due(closed, MONDAY, 14) == at(3, 17, 18)


def test_without_hours_an_answer_is_due_at_the_end_of_the_day():
    assert clock.due(None, MONDAY, 14) == datetime(2026, 3, 17, tzinfo=UTC)
    assert clock.due(hours.Hours("Never", "UTC", False), MONDAY, 14) == datetime(2026, 3, 17, tzinfo=UTC)


def test_the_day_is_that_of_the_groups_own_zone():
    late_in_madrid = datetime(2026, 3, 1, 23, 30, tzinfo=UTC)
    assert clock.due(OFFICE, late_in_madrid, 14) == at(3, 16, 18)


@given(ZONES, WEEKS.filter(any), MOMENTS, st.integers(1, 60))
def test_an_answer_is_always_due_at_the_end_of_an_open_day_and_never_early(zone, week, asked_at, days):
    open_ = hours.Hours("", zone, False, tuple(week))
    due_at = clock.due(open_, asked_at, days)
    local = (due_at - timedelta(seconds=1)).astimezone(ZoneInfo(zone))
    assert hours.is_open(open_, due_at - timedelta(seconds=1))
    assert local.date() >= asked_at.astimezone(ZoneInfo(zone)).date() + timedelta(days)
    midnight = clock._midnight(local.date() + timedelta(1), ZoneInfo(zone))
    assert hours.between(open_, due_at, midnight) == 0


@given(ZONES, WEEKS.filter(any), MOMENTS, st.integers(0, 10**6), st.integers(0, 10**6))
def test_the_clock_stands_as_much_open_time_is_left_after_as_was_before(zone, week, since, ahead, stood):
    open_ = hours.Hours("", zone, False, tuple(week))
    due_at, now = since + timedelta(seconds=ahead), since + timedelta(seconds=stood)
    moved = clock.moved_on(open_, due_at, since, now)
    assert moved >= due_at
    left = hours.between(open_, since, due_at)
    assert hours.between(open_, due_at, moved) == hours.between(open_, since, now)
    assert left == 0 or hours.between(open_, now, moved) == left


# --- who hears of it


@pytest.fixture
def group(agent, colleague, lead):
    calendar = factories.CalendarFactory()
    return factories.SupportGroupFactory(name="Billing", members=[agent, colleague], owner=lead, calendar=calendar)


@pytest.fixture
def head(db):
    head = factories.UserFactory(role="executive")
    OutreachSettings.objects.create(pk=1, escalate_to=head)
    return head


@pytest.fixture
def request_(group):
    return factories.GroupRequestFactory(
        hashtag__group=group, hashtag__tag="billing", asked_at=MONDAY, due_at=at(3, 16, 18)
    )


def told(user):
    return list(Notice.objects.filter(user=user, kind="request").order_by("pk").values_list("text", flat=True))


def test_members_are_reminded_seven_and_three_days_ahead_once_each(request_, agent, colleague, head):
    assert clock.remind(at(3, 8, 23, 59)) == 0
    assert clock.remind(at(3, 9, 0)) == 1
    assert clock.remind(at(3, 9, 12)) == 0
    assert told(agent) == [f"Request #{request_.pk} to Billing waits for an answer until 2026-03-16."]
    Notice.objects.all().delete()
    assert clock.remind(at(3, 12, 23)) == 0
    assert clock.remind(at(3, 13, 8)) == 1
    assert clock.remind(at(3, 14, 8)) == 0
    assert len(told(agent)) == len(told(colleague)) == 1
    assert told(head) == []


def test_once_due_who_answers_for_the_group_and_the_head_hear_of_it_once(request_, agent, lead, head):
    clock.remind(at(3, 16, 17, 59))
    Notice.objects.all().delete()
    assert clock.remind(at(3, 16, 18, 1)) == 1
    assert clock.remind(at(3, 18, 12)) == 0
    assert (
        told(lead) == told(head) == [f"Billing has not answered request #{request_.pk}, which was due on 2026-03-16."]
    )
    assert told(agent) == []
    assert Activity.objects.about(request_).get().verb == "escalated"


def test_a_clock_that_stood_still_for_days_says_only_what_still_holds(request_, agent, lead, head):
    assert clock.remind(at(3, 14, 12)) == 1
    assert len(told(agent)) == 1
    late = factories.GroupRequestFactory(hashtag=request_.hashtag, asked_at=MONDAY - timedelta(30), due_at=MONDAY)
    assert clock.remind(at(3, 14, 13)) == 1
    assert len(told(agent)) == 1
    assert [str(late.pk) in text for text in told(lead)] == [True]


@pytest.mark.parametrize("state", ["answered", "withdrawn", "asked back"])
def test_nobody_is_told_of_what_waits_for_the_group_no_longer(request_, state, agent, lead, head):
    facts = {
        "answered": {"answer": factories.GroupAnswerFactory(group=request_.group)},
        "withdrawn": {"withdrawn_at": MONDAY},
        "asked back": {"asked_back": "Which seat?", "asked_back_at": MONDAY, "asked_back_by": agent},
    }[state]
    GroupRequest.objects.update(**facts)
    assert clock.remind(at(3, 14, 12)) == clock.remind(at(4, 1, 12)) == 0


def test_a_group_without_members_or_owner_is_not_silent_leads_hear_of_it(lead):
    nobody = factories.UserFactory(is_active=False)
    group = factories.SupportGroupFactory(members=[nobody], owner=nobody)
    factories.GroupRequestFactory(hashtag__group=group, asked_at=MONDAY, due_at=at(3, 16, 18))
    assert (clock.remind(at(3, 10, 12)), len(told(lead))) == (1, 1)
    Notice.objects.update(at=MONDAY)
    clock.remind(at(3, 17, 12))
    assert len(told(lead)) == 2


def test_groups_in_all_zones_are_reminded_on_their_own_day(agent):
    for zone in ("Pacific/Auckland", "America/Lima"):
        calendar = factories.CalendarFactory(time_zone=zone)
        group = factories.SupportGroupFactory(name=zone, members=[agent], calendar=calendar)
        due_at = datetime(2026, 3, 16, 18, tzinfo=ZoneInfo(zone))
        factories.GroupRequestFactory(hashtag__group=group, asked_at=MONDAY, due_at=due_at)
    clock.remind(datetime(2026, 3, 8, 12, tzinfo=UTC))
    assert ["Auckland" in text for text in told(agent)] == [True]
    clock.remind(datetime(2026, 3, 9, 6, tzinfo=UTC))
    assert ["Lima" in text for text in told(agent)] == [False, True]


def test_a_batch_costs_the_same_however_many_it_holds_and_batches_follow_each_other(request_, head, monkeypatch):
    def queries():
        with CaptureQueriesContext(
            connection,
        ) as asked:
            said = clock.remind(at(3, 9, 12))
        return said, len(asked)

    assert queries()[0] == 1
    GroupRequest.objects.update(reminded=0)
    Notice.objects.all().delete()
    one = queries()
    for _ in range(4):
        factories.GroupRequestFactory(hashtag=request_.hashtag, asked_at=MONDAY, due_at=at(3, 16, 18))
    GroupRequest.objects.update(reminded=0)
    Notice.objects.all().delete()
    assert queries() == (5, one[1])
    GroupRequest.objects.update(reminded=0)
    monkeypatch.setattr(clock, "BATCH", 2)
    assert queries()[0] == 5


def test_the_job_reminds_by_todays_clock(request_, lead, head):
    GroupRequest.objects.update(asked_at=MONDAY, due_at=MONDAY)
    jobs.watch_requests()
    assert len(told(lead)) == 1
