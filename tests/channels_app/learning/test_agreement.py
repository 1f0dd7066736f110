"""How well Hark reads, by those who looked."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from django.utils import timezone

from channels_app.learning.agreement import Mistake, Share, agreements
from tests import factories

pytestmark = pytest.mark.django_db
WEDNESDAY = date(2026, 11, 18)
NOON = datetime(2026, 11, 18, 12, tzinfo=UTC)


@pytest.fixture
def looked():
    """`looked("complaint", "question", times=2)`: read as the one, and is the other."""

    def looked(was, now, *, aspect="intent", times=1, weeks_ago=0, message=None):
        for _each in range(times):
            more = {"message": message} if message else {}
            factories.CorrectionFactory(aspect=aspect, was=was, now=now, at=NOON - timedelta(weeks=weeks_ago), **more)

    return looked


def of(aspect="intent", **asked):
    return next(each for each in agreements(today=WEDNESDAY, **asked) if each.aspect == aspect)


def by_class(agreement, value):
    return next(each for each in agreement.classes if each.value == value)


def test_agreement_is_what_was_right_of_what_people_looked_at(looked):
    looked("complaint", "complaint", times=3), looked("complaint", "question")
    assert of().all == Share(3, 4)
    assert of().all.share == 0.75
    low, high = of().all.interval
    assert 0.29 < low < 0.31
    assert 0.95 < high < 0.96
    assert of("topic").all == Share(0, 0)
    assert of("topic").all.share is None
    assert of("topic").all.interval is None


def test_of_a_class_it_says_how_much_read_as_it_is_it_and_how_much_of_it_was_found(looked):
    looked("complaint", "complaint", times=3), looked("complaint", "question", times=2), looked("idea", "complaint")
    complaint = by_class(of(), "complaint")
    assert (complaint.read_as, complaint.found) == (Share(3, 5), Share(3, 4))
    assert by_class(of(), "question").found == Share(0, 2)


def test_each_class_stands_there_also_where_nobody_looked_and_languages_as_they_are_met(looked):
    looked("en", "de", aspect="language")
    assert [each.value for each in of("urgency").classes] == ["high", "medium", "low"]
    assert [each.value for each in of("language").classes] == ["de", "en"]


def test_weeks_begin_on_monday_and_the_last_one_runs(looked):
    looked("idea", "idea", times=2), looked("idea", "other", weeks_ago=1), looked("idea", "idea", weeks_ago=9)
    found = of(weeks=3)
    assert found.mondays == [date(2026, 11, 2), date(2026, 11, 9), date(2026, 11, 16)]
    assert found.weeks == by_class(found, "idea").weeks == [Share(0, 0), Share(0, 1), Share(2, 2)]
    assert found.all == Share(2, 3)


def test_a_week_begins_on_the_clock_of_who_asks(looked):
    factories.CorrectionFactory(aspect="intent", was="idea", now="idea", at=datetime(2026, 11, 15, 23, 30, tzinfo=UTC))
    with timezone.override("UTC"):
        assert of(weeks=2).weeks == [Share(1, 1), Share(0, 0)]
    with timezone.override("Asia/Tokyo"):
        found = of(weeks=2)
        assert found.weeks == [Share(0, 0), Share(1, 1)]
        assert found.zone == "Asia/Tokyo"


def test_the_last_word_counts_and_only_that(looked):
    message = factories.MessageFactory()
    looked("complaint", "question", message=message), looked("complaint", "complaint", message=message)
    assert of().all == Share(1, 1)


def test_what_was_not_read_is_neither_right_nor_wrong(looked):
    looked("", "complaint", times=2), looked("unknown", "negative", aspect="sentiment")
    assert (of().all, of().not_read) == (Share(0, 0), 2)
    assert of("sentiment").not_read == 1


def test_the_mistakes_made_most_often_stand_first(looked):
    looked("complaint", "question"), looked("idea", "other", times=3), looked("idea", "idea", times=5)
    assert of().mistakes == [Mistake("idea", "other", 3), Mistake("complaint", "question", 1)]


def test_all_of_it_is_one_query(looked, django_assert_num_queries):
    looked("complaint", "question", times=20)
    with django_assert_num_queries(1):
        assert len(agreements(today=WEDNESDAY)) == 5
