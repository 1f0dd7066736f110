"""How often a cause comes up before and after what is done about it; and where nothing can be said, that it says so."""

from datetime import datetime, time, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from cases.models import Case
from surveys import mentions
from surveys.mentions import Mentions, Week
from surveys.models import Answer
from tests import factories

TODAY = timezone.localdate()


@pytest.fixture
def cause(db):
    return factories.CauseFactory(name="Refund late")


def a_plan(cause, weeks_ago=None, **facts):
    """Under way; or come, so many whole weeks ago."""
    if weeks_ago is None:
        return factories.ActionPlanFactory(cause=cause, **facts)
    return factories.ActionPlanFactory(
        cause=cause, state="done", outcome="So", ended_at=timezone.now(),
        shipped_on=TODAY - timedelta(weeks=weeks_ago), **facts,
    )  # fmt: skip


def cases(n, cause, by, *, plan=None, week=0, hours=1):
    """So many of this cause, opened in the week counted from the day on which it changed."""
    start = (plan.shipped_on if plan else None) or TODAY
    midnight = timezone.make_aware(datetime.combine(start, time.min), timezone.get_default_timezone())
    for _each in range(n):
        case = factories.resolved(factories.CaseFactory(), by, cause)
        Case.objects.filter(pk=case.pk).update(opened_at=midnight + timedelta(weeks=week, hours=hours))


def n_of(found):
    return [week.n for week in found.weeks]


# --- what is counted


def test_without_a_cause_there_is_nothing_to_count(db):
    assert mentions.of(factories.ActionPlanFactory()) is None


def test_before_it_comes_the_last_eight_weeks_are_shown(cause, agent):
    cases(3, cause, agent, week=-1)
    found = mentions.of(a_plan(cause))
    assert n_of(found) == [0] * 7 + [3]
    assert found.sentence == "It has not come yet: these are the 3 mentions of the last 8 weeks."


def test_weeks_are_counted_from_the_midnight_of_the_day_on_which_it_changed(cause, agent):
    plan = a_plan(cause, weeks_ago=2)
    cases(1, cause, agent, plan=plan, week=0, hours=-0.01)
    cases(2, cause, agent, plan=plan, week=0, hours=0)
    cases(4, cause, agent, plan=plan, week=1, hours=0)
    found = mentions.of(plan)
    assert n_of(found)[7:] == [1, 2, 4]
    assert next(week.since for week in found.weeks if week.after) == plan.shipped_on


def test_the_week_that_runs_is_not_there_nor_more_than_eight_after(cause):
    ten_days = factories.ActionPlanFactory(
        cause=cause, state="done", outcome="So", ended_at=timezone.now(), shipped_on=TODAY - timedelta(days=10)
    )
    assert mentions.of(ten_days).weeks_after == 1
    assert mentions.of(a_plan(cause, weeks_ago=30)).weeks_after == 8


def test_causes_under_it_count_others_are_the_base(cause, agent):
    cases(1, factories.CauseFactory(parent=cause), agent, week=-1)
    cases(1, cause, agent, week=-1)
    cases(3, factories.CauseFactory(), agent, week=-1)
    last = mentions.of(a_plan(cause)).weeks[-1]
    assert (last.n, last.of, last.share) == (2, 5, 40.0)


def test_a_case_without_a_cause_counts_nowhere(cause, agent):
    case = factories.CaseFactory()
    Case.objects.filter(pk=case.pk).update(opened_at=timezone.now() - timedelta(days=3))
    assert mentions.of(a_plan(cause)).before.of == 0


def test_comments_about_it_count_but_not_where_a_person_took_the_theme_away(cause):
    for dropped in (None, timezone.now()):
        theme = factories.ThemeFactory(topic="", cause=cause, dropped_at=dropped)
        Answer.objects.filter(pk=theme.answer_id).update(answered_at=timezone.now() - timedelta(days=3))
    before = mentions.of(a_plan(cause)).before
    assert (before.n, before.of) == (1, 1)


def test_many_plans_take_one_query_each_with_its_own_weeks(cause, agent):
    other = factories.CauseFactory()
    plans = [a_plan(cause), a_plan(other), a_plan(cause, weeks_ago=3)]
    cases(2, cause, agent, week=-1)
    with CaptureQueriesContext(connection) as run:
        found = mentions.of_plans(plans)
    assert len(run) == 1
    assert [found[plan.pk].before.n for plan in plans] == [2, 0, 0]
    assert found[plans[2].pk].after.n == 2


# --- what is said


def week(n, of, *, after):
    return Week(TODAY, n, of, after)


def both(before, after, weeks=4):
    """Mentions with these (n, of) before and after, in so many weeks after."""
    rest = [week(0, 0, after=True)] * (weeks - 1)
    return Mentions([week(*before, after=False), week(*after, after=True), *rest], TODAY)


def test_fewer_mentions_are_said_with_their_interval():
    found = both((60, 200), (10, 200))
    assert (found.fell, found.rose) == (True, False)
    assert found.sentence.startswith("It is mentioned less: 30.0 % before, 5.0 % after. The difference lies between −")


def test_so_are_more():
    found = both((10, 200), (60, 200))
    assert (found.fell, found.rose) == (False, True)
    assert found.sentence.startswith("It is mentioned more: 5.0 % before, 30.0 % after.")


def test_what_may_be_chance_is_called_so():
    found = both((12, 100), (9, 100))
    assert (found.fell, found.rose) == (False, False)
    assert found.sentence.startswith("There is no difference beyond chance: 12.0 % before, 9.0 % after.")


def test_half_as_many_mentions_in_half_as_many_cases_are_no_success():
    assert not both((40, 200), (20, 100)).fell


@pytest.mark.parametrize(
    ("found", "sentence"),
    [
        (both((60, 200), (0, 100), weeks=1), "It is too early to say: 2 whole weeks have to pass first."),
        (both((9, 200), (0, 100)), "There are too few mentions to say: 9 in the weeks before and 0 after."),
        (both((60, 200), (0, 0)), "There are too few mentions to say: 60 in the weeks before and 0 after."),
    ],
)
def test_where_nothing_can_be_said_it_says_so(found, sentence):
    assert found.sentence == sentence
    assert (found.fell, found.rose, found.difference) == (False, False, None)


def test_the_interval_is_that_of_newcombe():
    """His example: 56 of 70 less 48 of 80, from 0.0524 to 0.3339 (1998, table II, method 10)."""
    low, high = mentions._newcombe(week(48, 80, after=False), week(56, 70, after=True))
    assert (low, high) == (5.2, 33.4)


counts = st.integers(1, 500).flatmap(lambda of: st.tuples(st.integers(0, of), st.just(of)))


@given(counts, counts)
def test_the_interval_holds_the_difference_and_turns_round_with_it(before, after):
    there = mentions._newcombe(week(*before, after=False), week(*after, after=True))
    back = mentions._newcombe(week(*after, after=False), week(*before, after=True))
    change = 100 * (after[0] / after[1] - before[0] / before[1])
    assert there[0] - 0.1 <= change <= there[1] + 0.1
    assert back == pytest.approx((-there[1], -there[0]), abs=0.11)


# --- drawn


def test_the_highest_week_fills_the_picture():
    found = Mentions([week(1, 4, after=False), week(1, 2, after=True)], TODAY)
    assert [(bar.x, bar.height, bar.top) for bar in mentions.bars(found)] == [(0, 40.0, 42.0), (24, 80.0, 2.0)]


def test_nothing_at_all_is_drawn_flat():
    assert {bar.height for bar in mentions.bars(Mentions([week(0, 0, after=False)], None))} == {0.0}
