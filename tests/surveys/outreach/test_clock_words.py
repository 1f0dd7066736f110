"""The clock of a request as it reads: days in words, late, and why it stands still."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.utils import timezone

from surveys.outreach import clock_words
from tests import factories

pytestmark = pytest.mark.django_db
NOON = datetime(2026, 11, 25, 12, tzinfo=UTC)  # a Wednesday
FIVE = datetime(2026, 12, 4, 17, tzinfo=UTC)  # the Friday nine days later


@pytest.fixture
def esther():
    return factories.UserFactory(first_name="Esther", last_name="Price", role="executive")


@pytest.fixture
def asked(esther):
    def asked(due_at=FIVE, **facts):
        return factories.GroupRequestFactory(attempt__call__owner=esther, due_at=due_at, **facts)

    return asked


def words(request, reader, now=NOON):
    return clock_words.standing(request, reader, now)


def test_days_left_are_said_with_the_day(asked, agent):
    found = words(asked(), agent)
    assert (found.state, found.words) == ("runs", "9 days left, until Friday 4 December")


def test_at_midnight_ends_the_day_before(asked, agent):
    assert words(asked(datetime(2026, 12, 5, tzinfo=UTC)), agent).words == "9 days left, until Friday 4 December"


@pytest.mark.parametrize(
    ("before", "said", "state"),
    [
        (timedelta(days=4), "4 days left, until Friday 4 December", "runs"),
        (timedelta(days=3), "3 days left, until Friday 4 December", "soon"),
        (timedelta(days=1), "1 day left, until tomorrow, Friday 4 December", "soon"),
        (timedelta(hours=2), "due today, until 17:00", "soon"),
        (-timedelta(), "overdue since 17:00 today", "late"),
        (-timedelta(hours=2), "overdue since 17:00 today", "late"),
        (-timedelta(hours=8), "1 day overdue, was due Friday 4 December", "late"),
        (-timedelta(days=3), "3 days overdue, was due Friday 4 December", "late"),
    ],
)
def test_the_nearer_it_comes_the_more_it_says(asked, agent, before, said, state):
    found = words(asked(), agent, FIVE - before)
    assert (found.words, found.state) == (said, state)


def test_another_year_is_named(asked, agent):
    assert (
        words(asked(datetime(2027, 1, 8, 17, tzinfo=UTC)), agent).words == "44 days left, until Friday 8 January 2027"
    )


def test_days_are_those_of_the_group_and_its_clock_is_named_to_readers_elsewhere(asked, agent):
    group = factories.SupportGroupFactory(calendar=factories.CalendarFactory(time_zone="Pacific/Auckland"))
    request = asked(datetime(2026, 12, 4, 4, tzinfo=UTC), hashtag__group=group)  # five in the afternoon there
    night = datetime(2026, 12, 3, 12, tzinfo=UTC)  # the fourth has begun there
    assert words(request, agent, night).words == "due today, until 17:00 (Pacific/Auckland)"
    with timezone.override(ZoneInfo("Pacific/Auckland")):
        assert words(request, agent, night).words == "due today, until 17:00"


def test_a_clock_that_stands_says_who_asked_whom(asked, agent, colleague, esther):
    request = asked(asked_back="Which seat?", asked_back_at=NOON, asked_back_by=agent)
    late = FIVE + timedelta(days=30)
    assert words(request, agent, late).words == "stands still: you asked Esther"
    assert words(request, esther, late).words == "stands still: Ana Ruiz asked you"
    found = words(request, colleague, late)
    assert (found.state, found.words) == ("stands", "stands still: Ana Ruiz asked Esther Price")


def test_what_is_over_says_whose_answer_it_is(asked, agent, colleague):
    answer = factories.GroupAnswerFactory(by=agent)
    request = asked(answer=answer)
    assert words(request, colleague).words == "answered by Ana Ruiz"
    assert words(request, agent).words == "answered by you"
    assert words(asked(withdrawn_at=NOON), agent).words == "withdrawn"
