"""Working time, against the wall clock counted off by a calculation of its own (config/measuring_clocks.py)."""

import random
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from config.measuring_clocks import NEAR, ZONES, Case, disagreement, random_case
from crm import hours
from crm.hours import ALWAYS, Hours, NeverOpen
from tests import factories

OFFICE = ((540, 1080),) * 5 + ((), ())  # 9 to 18, Monday to Friday, as week of single periods
WEEK = tuple((day,) if day else () for day in OFFICE)


def local(zone, text, fold=0):
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone), fold=fold).astimezone(UTC)


def office(zone="Europe/Madrid", **facts):
    return Hours("Office", zone, **{"always": False, "week": WEEK, **facts})


# --- what is exact


@st.composite
def days(draw):
    """Periods of one day that do not overlap; they may touch."""
    edges = sorted(draw(st.lists(st.integers(0, 1440), max_size=6, unique=True)))
    return tuple(zip(edges[::2], edges[1::2], strict=False))


@st.composite
def questions(draw):
    zone = draw(st.sampled_from(ZONES))
    at = draw(st.sampled_from([*NEAR.get(zone, ()), "2026-06-10T12:00", "2026-12-31T23:00"]))
    start = datetime.fromisoformat(at).replace(tzinfo=UTC) + timedelta(seconds=draw(st.integers(-90_000, 90_000)))
    off = draw(st.dictionaries(st.integers(-1, 4), days(), max_size=3))
    holidays = {(start + timedelta(days=n)).date(): periods[:1] for n, periods in off.items()}
    end = start + timedelta(seconds=draw(st.integers(0, 3 * 86_400)))
    return Case(zone, tuple(draw(days()) for _ in range(7)), holidays, start, draw(st.integers(0, 80_000)), end)


@settings(max_examples=150, deadline=None)
@given(questions())
def test_any_calendar_agrees_with_the_wall_clock_to_the_second(question):
    assert disagreement(question) == ""


def test_hundreds_of_random_calendars_agree():
    chance = random.Random(4)
    assert [told for _ in range(400) if (told := disagreement(random_case(chance)))] == []


def test_the_other_calculation_tells_a_wrong_one_apart():
    """Or agreeing would mean nothing: a calendar one minute longer is noticed."""
    chance, noticed = random.Random(4), 0
    for _ in range(60):
        question = random_case(chance)
        longer = tuple(tuple((o, min(c + 1, 1440)) for o, c in day) for day in question.week)
        object.__setattr__(question, "hours", Hours("x", question.zone, False, longer, question.holidays))
        noticed += bool(disagreement(question))
    assert noticed > 10


@settings(max_examples=100, deadline=None)
@given(questions(), st.integers(1, 80_000))
def test_so_much_time_has_passed_when_it_is_due_and_not_a_second_before(question, seconds):
    try:
        due = hours.after(question.hours, question.start, seconds)
    except NeverOpen:
        assert not any(question.week)
        return
    assert hours.between(question.hours, question.start, due) == seconds
    assert hours.between(question.hours, question.start, due - timedelta(seconds=1)) == seconds - 1


# --- changes of the clocks


def test_an_hour_that_is_skipped_does_not_count():
    night = office(week=(((0, 1440),),) * 7)  # open all day, on the clocks of Madrid
    start = local("Europe/Madrid", "2026-03-29T01:30")
    assert hours.after(night, start, 3600) == local("Europe/Madrid", "2026-03-29T03:30")
    early = office(week=(((120, 240),),) * 7)  # 2 to 4, of which only 3 to 4 exists that day
    day = local("Europe/Madrid", "2026-03-29T00:00"), local("Europe/Madrid", "2026-03-30T00:00")
    assert hours.between(early, *day) == 3600


def test_an_hour_that_comes_twice_counts_twice_even_where_it_closes_within_it():
    early = office(week=(((60, 150),),) * 7)  # 1:00 to 2:30; 2:00 to 3:00 comes twice
    day = local("Europe/Madrid", "2026-10-25T00:00"), local("Europe/Madrid", "2026-10-26T00:00")
    assert hours.between(early, *day) == (60 + 30 + 30) * 60
    first_time = local("Europe/Madrid", "2026-10-25T02:40")
    assert not hours.is_open(early, first_time)
    assert hours.next_open(early, first_time) == local("Europe/Madrid", "2026-10-25T02:00", fold=1)
    assert hours.is_open(early, local("Europe/Madrid", "2026-10-25T02:29", fold=1))


def test_lord_howe_moves_its_clocks_by_half_an_hour():
    nights = office("Australia/Lord_Howe", week=(((60, 180),),) * 7)
    back = local("Australia/Lord_Howe", "2026-04-05T00:00"), local("Australia/Lord_Howe", "2026-04-06T00:00")
    forward = local("Australia/Lord_Howe", "2026-10-04T00:00"), local("Australia/Lord_Howe", "2026-10-05T00:00")
    assert (hours.between(nights, *back), hours.between(nights, *forward)) == (150 * 60, 90 * 60)


# --- days, holidays, edges


def test_an_evening_goes_on_in_the_morning_and_a_weekend_does_not_count():
    friday = local("Europe/Madrid", "2026-11-20T17:30")
    assert hours.after(office(), friday, 3600) == local("Europe/Madrid", "2026-11-23T09:30")
    assert hours.between(office(), friday, local("Europe/Madrid", "2026-11-23T09:30")) == 3600
    assert hours.next_open(office(), local("Europe/Madrid", "2026-11-21T12:00")).astimezone(UTC).hour == 8


def test_what_is_due_as_they_close_is_due_then_and_not_the_next_morning():
    assert hours.after(office(), local("Europe/Madrid", "2026-11-20T17:00"), 3600) == local(
        "Europe/Madrid", "2026-11-20T18:00"
    )


def test_a_holiday_replaces_its_day():
    closed = office(holidays={date(2026, 11, 23): ()})
    half = office(holidays={date(2026, 11, 21): ((600, 660),)})
    friday = local("Europe/Madrid", "2026-11-20T17:30")
    assert hours.after(closed, friday, 3600) == local("Europe/Madrid", "2026-11-24T09:30")
    assert hours.after(half, friday, 3600) == local("Europe/Madrid", "2026-11-21T10:30")


def test_it_is_open_when_it_opens_and_not_when_it_closes():
    assert hours.is_open(office(), local("Europe/Madrid", "2026-11-20T09:00"))
    assert not hours.is_open(office(), local("Europe/Madrid", "2026-11-20T18:00"))
    assert hours.next_close(office(), local("Europe/Madrid", "2026-11-20T09:00")) == local(
        "Europe/Madrid", "2026-11-20T18:00"
    )


def test_without_a_calendar_every_second_counts():
    at = datetime(2026, 3, 29, 0, 59, 59, 700_000, tzinfo=UTC)
    for calendar in (None, ALWAYS):
        assert hours.after(calendar, at, 90) == datetime(2026, 3, 29, 1, 1, 29, tzinfo=UTC)
        assert hours.between(calendar, at, at + timedelta(days=1)) == 86_400
        assert hours.is_open(calendar, at)
        assert hours.next_open(calendar, at) == at.replace(microsecond=0)
        assert hours.next_close(calendar, at) is None


def test_time_that_ends_before_it_begins_is_none():
    at = datetime(2026, 11, 20, 12, tzinfo=UTC)
    assert hours.between(office(), at, at - timedelta(days=1)) == hours.between(None, at, at - timedelta(days=1)) == 0


def test_nothing_can_be_promised_by_a_calendar_without_hours():
    for calendar in (office(week=((),) * 7), office(week=((),) * 6 + (((0, 0),),))):
        with pytest.raises(NeverOpen, match="“Office” has no hours in the next two years"):
            hours.after(calendar, datetime(2026, 11, 20, tzinfo=UTC), 1)


def test_nor_by_one_whose_every_day_is_a_holiday():
    start = datetime(2026, 11, 20, tzinfo=UTC)
    off = {start.date() + timedelta(days=n): () for n in range(-1, 900)}
    with pytest.raises(NeverOpen):
        hours.next_open(office(holidays=off), start)


# --- as it is stored


@pytest.mark.django_db
def test_calendars_are_read_in_one_query_however_many(django_assert_num_queries):
    stored = [factories.CalendarFactory() for _ in range(20)]
    factories.HolidayFactory(calendar=stored[0], on="2026-12-25")
    factories.HolidayFactory(calendar=stored[0], on="2026-12-24", opens=540, closes=720)
    with django_assert_num_queries(1):
        found = hours.load([calendar.pk for calendar in stored])
    assert len(found) == 20
    read = found[stored[0].pk]
    assert read.on(date(2026, 12, 25)) == ()
    assert read.on(date(2026, 12, 24)) == ((540, 720),)
    assert read.on(date(2026, 12, 23)) == ((540, 1080),)
    assert read.on(date(2026, 12, 26)) == ()
    with django_assert_num_queries(0):
        assert hours.load([]) == {}
        assert hours.between(read, datetime(2026, 12, 1, tzinfo=UTC), datetime(2026, 12, 2, tzinfo=UTC)) == 9 * 3600


@pytest.mark.django_db
def test_a_stored_calendar_may_be_asked_as_it_is():
    assert hours.is_open(factories.CalendarFactory(), datetime(2026, 11, 20, 12, tzinfo=UTC))
    assert not hours.is_open(factories.CalendarFactory(), datetime(2026, 11, 21, 12, tzinfo=UTC))
    assert hours.is_open(factories.CalendarFactory(around_the_clock=True), datetime(2026, 11, 21, 12, tzinfo=UTC))
