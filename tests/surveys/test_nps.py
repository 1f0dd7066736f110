"""The score and its interval against an independent script, on random answers and on the edges."""

import random
from datetime import timedelta

import pytest
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from surveys import nps
from surveys.models import Response
from tests import factories
from tests.surveys import naive

ANSWERS = st.lists(st.tuples(st.integers(0, 10), st.floats(1, 50)), min_size=1, max_size=80)
ABOUT = {"abs": 0.0501}  # ours are rounded to one decimal


def tally(answers):
    return nps.Tally.of(
        (nps.group_of(score), nps.Part(1, weight, weight * weight)) for score, weight in answers
    )  # fmt: skip


def same(score, oracle):
    """Whether a score says what the script says."""
    for name in ("nps", "low", "high", "base"):
        assert getattr(score, name) == pytest.approx(oracle[name], **ABOUT), name
    assert score.promoters == pytest.approx(oracle["promoter"], **ABOUT)
    assert score.passives == pytest.approx(oracle["passive"], **ABOUT)
    assert score.detractors == pytest.approx(oracle["detractor"], **ABOUT)
    assert score.n == oracle["n"]


@given(ANSWERS)
def test_any_answers_score_as_the_script_says(answers):
    same(nps.score(tally(answers), least=1), naive.nps(answers))


@given(ANSWERS)
def test_the_score_lies_in_its_interval_and_both_in_the_scale(answers):
    score = nps.score(tally(answers), least=1)
    assert -100 <= score.low <= score.nps <= score.high <= 100
    assert score.promoters + score.passives + score.detractors == pytest.approx(100, abs=0.15)


@given(ANSWERS, ANSWERS)
def test_any_change_is_what_the_script_says(now, before):
    found = nps.change(tally(now), tally(before), least=1)
    by, low, high = naive.change(now, before)
    assert (found.by, found.low, found.high) == pytest.approx((by, low, high), **ABOUT)


@given(ANSWERS, ANSWERS)
def test_who_is_not_in_a_part_is_the_rest(part, others):
    rest = tally([*part, *others]) - tally(part)
    same(nps.score(rest, least=1), naive.nps(others))


@given(ANSWERS)
def test_unweighted_everybody_stands_for_themselves(answers):
    same(nps.score(tally(answers).unweighted(), least=1), naive.nps([(score, 1.0) for score, _weight in answers]))


def test_a_textbook_example():
    """60 promoters, 20 passives, 20 detractors of 100: Var = (.6 + .2 - .4²) / 100 = .0064, so 40 ± 1.96 · 8."""
    score = nps.score(tally([(9, 1.0)] * 60 + [(7, 1.0)] * 20 + [(0, 1.0)] * 20), least=10)
    assert (score.nps, score.low, score.high, score.base) == (40.0, 24.3, 55.7, 100.0)


@pytest.mark.parametrize("score", range(11))
def test_the_groups_are_those_the_database_says(db, score):
    stored = Response.objects.get(pk=factories.ResponseFactory(score=score).pk)
    assert nps.group_of(score) == stored.group == naive.group(score)


@pytest.mark.parametrize(("score", "interval"), [(10, (94.0, 100.0)), (8, (-3.0, 3.0)), (0, (-100.0, -94.0))])
def test_a_hundred_who_agree_leave_a_doubt_all_the_same(score, interval):
    found = nps.score(tally([(score, 1.0)] * 100), least=10)
    assert (found.low, found.high) == interval


def test_equal_weights_change_nothing_and_unequal_ones_make_less_sure():
    answers = [(9, 1.0)] * 30 + [(3, 1.0)] * 20
    plain = nps.score(tally(answers), least=1)
    assert nps.score(tally([(score, 4.0) for score, _weight in answers]), least=1) == plain
    uneven = nps.score(tally([(s, 9.0 if n % 2 else 1.0) for n, (s, _w) in enumerate(answers)]), least=1)
    assert uneven.base < plain.base
    assert uneven.high - uneven.low > plain.high - plain.low


def test_weights_bring_back_what_sampling_left_out():
    """Half of the happy were asked, a tenth of the others: unweighted the happy count five times too much."""
    answers = [(10, 2.0)] * 50 + [(0, 10.0)] * 10
    assert nps.score(tally(answers), least=1).nps == 0.0
    assert nps.score(tally(answers).unweighted(), least=1).nps == 66.7


def test_below_the_smallest_base_nothing_is_said_but_how_many():
    few = nps.score(tally([(9, 1.0)] * 9), least=10)
    assert few == nps.Score(9, shown=False)
    assert few.nps is few.low is few.promoters is few.base is None
    assert nps.score(tally([(9, 1.0)] * 10), least=10).shown
    assert nps.change(tally([(9, 1.0)] * 9), tally([(9, 1.0)] * 99), least=10) is None


def test_of_nobody_nothing_is_said():
    assert nps.score(nps.Tally(), least=0) == nps.Score(0, shown=False)
    assert nps.change(nps.Tally(), nps.Tally(), least=0) is None


def test_several_comparisons_are_judged_more_strictly_than_one():
    now, before = tally([(9, 1.0)] * 60 + [(5, 1.0)] * 40), tally([(9, 1.0)] * 42 + [(5, 1.0)] * 58)
    assert nps.change(now, before, least=10).certain
    assert not nps.change(now, before, least=10, comparisons=20).certain


def test_about_one_interval_in_twenty_misses_the_truth():
    """Drawn a thousand times from people of whom we know the score: 50 % promoters, 30 % detractors."""
    dice, missed = random.Random(7), 0
    for _round in range(1000):
        drawn = dice.choices((9, 8, 2), weights=(50, 20, 30), k=200)
        score = nps.score(tally([(each, 1.0) for each in drawn]), least=1)
        missed += not score.low <= 20 <= score.high
    assert 30 <= missed <= 70


# --- from the database


def answered(dice, wave, n):
    """`n` random answers of a wave with random weights; pairs (score, weight) of those with a score."""
    found = []
    for _each in range(n):
        weight, score = dice.choice([1.0, 2.0, 3.7]), dice.choice([*range(11), None])
        factories.ResponseFactory(
            score=score, invitation__wave=wave, invitation__weight=weight, invitation__version=wave.version
        )
        found += [(score, weight)] if score is not None else []
    return found


@pytest.mark.django_db
@pytest.mark.parametrize("seed", range(3))
def test_random_answers_in_the_database_score_as_the_script_says(seed):
    dice = random.Random(seed)
    waves = [factories.WaveFactory() for _each in range(2)]
    given = {wave.pk: answered(dice, wave, 40) for wave in waves}
    counted = nps.counted(Response.objects.all(), "invitation__wave")
    assert set(counted) == set(given)
    for pk, answers in given.items():
        same(nps.score(counted[pk], least=10), naive.nps(answers))
    everything = [each for answers in given.values() for each in answers]
    found = nps.distribution(Response.objects.all(), least=10)
    same(nps.score(found.tally, least=10), naive.nps(everything))
    total = sum(weight for _score, weight in everything)
    for each in found.bins:
        mine = [weight for score, weight in everything if score == each.score]
        assert each.n == len(mine)
        assert each.share == pytest.approx(100 * sum(mine) / total, **ABOUT)


@pytest.mark.django_db
def test_the_distribution_has_all_eleven_numbers_or_none():
    assert nps.distribution(Response.objects.all(), least=10).bins == []
    for _each in range(10):
        factories.ResponseFactory(score=7)
    bins = nps.distribution(Response.objects.all(), least=10).bins
    assert [(each.score, each.n) for each in bins] == [(n, 10 if n == 7 else 0) for n in range(11)]
    assert nps.distribution(Response.objects.all(), least=11).bins == []


@pytest.mark.django_db
def test_a_flagged_answer_counts_only_once_somebody_let_it_in(lead):
    for _each in range(3):
        factories.ResponseFactory(score=9)
    flagged = factories.ResponseFactory(score=0)
    flagged.flags.create(kind="fast", why="Answered in four seconds.")
    left_out = factories.ResponseFactory(score=0, left_out_at=timezone.now(), left_out_by=lead)
    trusted = Response.objects.trusted()
    assert nps.distribution(trusted, least=1).tally.n == 3
    Response.objects.filter(pk=flagged.pk).update(let_in_at=timezone.now() - timedelta(days=1), let_in_by=lead)
    assert nps.distribution(trusted.all(), least=1).tally.n == 4
    assert left_out not in trusted.all()
