"""When a customer may be called: by the hours of their country, on their own clock."""

import zoneinfo
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from surveys.outreach import hours
from tests import factories

MONDAY = datetime(2026, 3, 2, 12, tzinfo=UTC)  # a Monday in winter, at noon in London


def customer(**facts):
    return factories.CustomerFactory(**facts)


def at(zone, *moment):
    return datetime(*moment, tzinfo=zoneinfo.ZoneInfo(zone))


# --- whose clock


@pytest.mark.parametrize(
    ("country", "zone"),
    [("GB", "Europe/London"), ("de", "Europe/Berlin"), ("IN", "Asia/Kolkata"), ("JP", "Asia/Tokyo")],
)
def test_a_country_that_keeps_one_time_gives_its_clock(country, zone):
    assert hours.zone_of(country) == zone


@pytest.mark.parametrize("country", ["US", "ES", "PT", "BR", "", "XX", "nowhere"])
def test_a_country_of_several_times_or_none_gives_no_clock(country):
    assert hours.zone_of(country) == ""


@pytest.mark.parametrize("zone", ["", "Mars/Olympus", "europe", "../etc/passwd"])
def test_what_is_no_time_zone_counts_as_none(zone):
    assert hours.named(zone) == ""


# --- where no hours are set


@pytest.mark.django_db
def test_without_calling_hours_people_are_called_from_nine_to_six_on_weekdays():
    tokyo = customer(country="JP")
    assert not hours.window(tokyo, at("Asia/Tokyo", 2026, 3, 2, 8, 59)).now
    assert hours.window(tokyo, at("Asia/Tokyo", 2026, 3, 2, 9)).now
    assert hours.window(tokyo, at("Asia/Tokyo", 2026, 3, 2, 17, 59)).now
    assert not hours.window(tokyo, at("Asia/Tokyo", 2026, 3, 2, 18)).now
    assert not hours.window(tokyo, at("Asia/Tokyo", 2026, 3, 7, 12)).now


@pytest.mark.django_db
def test_their_own_zone_comes_before_that_of_their_country():
    moved = customer(country="GB", time_zone="America/New_York")
    window = hours.window(moved, MONDAY)
    assert (window.now, window.local.hour) == (False, 7)
    assert window.next_at == at("America/New_York", 2026, 3, 2, 9)
    assert window.why == "It is 07:00 there: call from 09:00 on."


@pytest.mark.django_db
def test_a_word_that_is_no_zone_leaves_that_of_the_country():
    assert hours.window(customer(country="JP", time_zone="Tokio"), MONDAY).local.hour == 21


@pytest.mark.django_db
def test_on_a_friday_evening_they_are_called_on_monday():
    window = hours.window(customer(country="GB"), at("Europe/London", 2026, 3, 6, 19))
    assert window.next_at == at("Europe/London", 2026, 3, 9, 9)
    assert window.why == "It is 19:00 there: call from Monday 9 March, 09:00 on."


# --- with calling hours


def opened(country="", week=None, **calendar):
    made = factories.CalendarFactory(week=week, **calendar)
    factories.CallingHoursFactory(country=country, calendar=made)
    return made


@pytest.mark.django_db
def test_the_hours_of_their_country_count_on_their_own_clock():
    opened("JP", week=[(0, 600, 720)], time_zone="Europe/Madrid")
    tokyo = customer(country="JP")
    assert hours.window(tokyo, at("Asia/Tokyo", 2026, 3, 2, 11)).now
    assert not hours.window(tokyo, at("Asia/Tokyo", 2026, 3, 2, 12)).now
    assert hours.window(customer(country="GB"), at("Europe/London", 2026, 3, 2, 12)).now


@pytest.mark.django_db
def test_hours_without_a_country_count_everywhere_else():
    opened("", week=[(0, 600, 720)])
    assert not hours.window(customer(country="GB"), at("Europe/London", 2026, 3, 2, 12)).now
    assert hours.window(customer(country="GB"), at("Europe/London", 2026, 3, 2, 11)).now


@pytest.mark.django_db
def test_the_clock_of_the_calendar_counts_where_we_know_none_of_theirs():
    opened("US", time_zone="America/Chicago")
    window = hours.window(customer(country="US"), at("America/Chicago", 2026, 3, 2, 9))
    assert (window.now, window.local.hour) == (True, 9)


@pytest.mark.django_db
def test_nobody_is_called_on_a_holiday_of_their_country():
    made = opened("GB", time_zone="Europe/London")
    factories.HolidayFactory(calendar=made, on=date(2026, 3, 2))
    window = hours.window(customer(country="GB"), MONDAY)
    assert (window.now, window.next_at) == (False, at("Europe/London", 2026, 3, 3, 9))
    assert window.why == "It is 12:00 there, on a holiday: call from Tuesday 3 March, 09:00 on."


@pytest.mark.django_db
def test_a_calendar_without_hours_says_so_and_names_no_next_time():
    opened("GB", week=(), name="Never")
    window = hours.window(customer(country="GB"), MONDAY)
    assert (window.now, window.next_at) == (False, None)
    assert "“Never” has no hours" in window.why
    assert hours.within(customer(country="GB"), MONDAY) == MONDAY


@pytest.mark.django_db
def test_around_the_clock_is_always_and_the_next_time_is_a_day_later():
    opened("", week=(), around_the_clock=True)
    night = at("Europe/London", 2026, 3, 1, 3)
    assert hours.window(customer(country="GB"), night).now
    assert hours.next_window(customer(country="GB"), night) == night + timedelta(days=1)


@pytest.mark.django_db
def test_the_next_window_is_not_this_one():
    london = customer(country="GB")
    assert hours.next_window(london, MONDAY) == at("Europe/London", 2026, 3, 3, 9)
    assert hours.next_window(london, at("Europe/London", 2026, 3, 2, 20)) == at("Europe/London", 2026, 3, 3, 9)


@pytest.mark.django_db
@pytest.mark.parametrize("n", [1, 30])
def test_many_customers_take_two_queries(n, django_assert_num_queries):
    opened("GB")
    opened("")
    many = [customer(country=("GB", "JP", "US")[k % 3]) for k in range(n)]
    with django_assert_num_queries(2):
        book = hours.book()
        found = [hours.look(book.of(one), MONDAY) for one in many]
    assert found == [hours.window(one, MONDAY) for one in many]


# --- properties


moments = st.datetimes(datetime(2024, 1, 1), datetime(2030, 1, 1), timezones=st.just(UTC))
zones = st.sampled_from(["Europe/London", "America/New_York", "Asia/Kathmandu", "Pacific/Chatham", "Africa/Cairo"])


def usual(zone):
    return hours.Hours(zone=zone, always=False, week=hours.WEEKDAYS)


@given(moments, zones)
def test_a_window_is_open_exactly_when_their_wall_clock_says_so(moment, zone):
    local = moment.astimezone(zoneinfo.ZoneInfo(zone))
    assert hours.look(usual(zone), moment).now is (local.weekday() < 5 and 9 <= local.hour < 18)


@given(moments, zones)
def test_the_next_time_is_within_hours_and_nothing_is_open_before_it(moment, zone):
    window = hours.look(usual(zone), moment)
    assert window.next_at
    assert window.next_at >= moment.replace(microsecond=0)
    assert hours.look(usual(zone), window.next_at).now
    if not window.now:
        assert not hours.look(usual(zone), window.next_at - timedelta(seconds=1)).now
        assert hours.hours.between(usual(zone), moment, window.next_at) == 0


@given(moments, zones)
def test_every_refusal_is_a_finished_sentence(moment, zone):
    assert hours.look(usual(zone), moment).why.endswith(".")
