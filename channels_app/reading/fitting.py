"""Fitting a linear model to examples, from what it knew before.

The weights are those that explain the examples best and stray least from the base: multinomial logistic regression with
a Gaussian around the base (the base is what is believed before the examples are seen). A few examples move little, and
only the n-grams they hold; many move much. Nothing is drawn by chance: the same examples in any order give one model.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from channels_app.reading.analyzer import LEXICON_LANGUAGE
from channels_app.reading.dense import NAMES, VOTED_ON, WISHES
from channels_app.reading.descent import lowest
from channels_app.reading.evaluating import evaluate
from channels_app.reading.features import SLOTS
from channels_app.reading.linear import DENSE_UNIT, UNIT, Head, LinearModel, Sureness, features_of
from channels_app.reading.prepared import prepare
from channels_app.reading.reader import CHUNK, Reader, with_votes
from channels_app.reading.teaching import MOOD, MOODS, VALUES, Example, held_back, part
from channels_app.reading.verdict import THRESHOLD

__all__ = ["Example", "Strength", "evaluate", "fit", "fresh", "held_back"]

STEPS = 60
AT_ONCE = 10 * CHUNK
FOLDS = 5
LIKE_THE_LISTS = 3.0
"""What the score of the lists weighs for a mood before anything is learned; they call it neutral up to `THRESHOLD`."""
ONLY_ASKS, CERTAIN = 2.0, 1e5
"""Who only asks a company is neutral: tweets among friends, where few ask, cannot teach that, so it stays."""
LIKE_THE_WORDS = 3.0
"""What a vote of the words weighs before anything is learned: as much as where the words decide alone."""
ENOUGH_OF_A_LANGUAGE = 100
ENOUGH_TO_BE_SURE = 2_000
FIRM_SURENESS, FLATTEST = 10.0, 0.05
MOST, LEAST, MOST_ODDS = 32_767, 1e-12, 500.0

Floats = NDArray[Any]


class Strength(NamedTuple):
    """How firmly the base is believed, of n-grams and of dense features, and how far rare classes are made even."""

    grams: float = 1.5
    dense: float = 10.0
    evened: float = 0.25


OF_MOODS, OF_WISHES = Strength(), Strength(grams=6.0, dense=30.0, evened=0.5)
"""Of corrections. Wishes begin with words that people chose, and have few corrections for many values: firmer."""


def fit(
    base: LinearModel, examples: Sequence[Example], *, version: str, strength: Strength | None = None
) -> LinearModel:
    """The base moved towards the examples. Aspects and values that Hark does not know are left out."""
    model, known = base, [each for each in examples if each.value in VALUES.get(each.aspect, ())]
    known.sort()
    for aspect in VALUES:
        own = [each for each in known if each.aspect == aspect]
        if own:
            firm = strength or (OF_MOODS if aspect == MOOD else OF_WISHES)
            model = _with_head(model, aspect, _fitted(model, aspect, own, firm))
    return LinearModel(version, model.heads, base.languages | _learned(known))


@dataclass(frozen=True, slots=True)
class _Facts:
    """Examples of one aspect as numbers. `slots` of text `i` begin at `starts[i]`; `truths` are places of values."""

    slots: NDArray[np.int32]
    counts: NDArray[np.int64]
    starts: NDArray[np.int64]
    dense: Floats
    truths: NDArray[np.int64]

    @property
    def spread(self) -> Floats:
        return np.sqrt(np.maximum(self.counts, 1))

    def only(self, chosen: NDArray[np.bool_]) -> "_Facts":
        counts = self.counts[chosen]
        return _Facts(
            self.slots[np.repeat(chosen, self.counts)], counts, _starts(counts), self.dense[chosen], self.truths[chosen]
        )


def _fitted(model: LinearModel, aspect: str, examples: Sequence[Example], strength: Strength) -> Head:
    """The head that examples make of that of a model; how sure it is is measured on texts it was not fitted on."""
    prior = model.heads.get(aspect) or fresh(aspect)
    facts = _facts(model, aspect, examples)
    apart = np.array([part(each.text) for each in examples])
    told, truths = [np.zeros((0, len(prior.values)))], [np.zeros(0, dtype=np.int64)]
    for fold in range(FOLDS):
        ours = (apart * FOLDS).astype(int) == fold
        if ours.any() and not ours.all() and sum(map(len, truths)) < ENOUGH_TO_BE_SURE:
            told.append(_odds(_moved(prior, facts.only(~ours), strength), facts.only(ours)))
            truths.append(facts.truths[ours])
    head = _moved(prior, facts, strength)
    sureness = _sureness(prior, np.concatenate(told), np.concatenate(truths))
    return Head(head.values, head.grams, head.dense, sureness)


def fresh(aspect: str) -> Head:
    """The head of an aspect that nothing was learned of: the words decide."""
    values = VALUES[aspect]
    dense = np.zeros((features_of(aspect), len(values)), dtype=np.int32)
    for at, (of, value) in enumerate(VOTED_ON):
        if of == aspect:
            dense[at, values.index(value)] = round(LIKE_THE_WORDS / UNIT)
    if aspect == MOOD:
        dense[NAMES.index("score")] = np.rint(np.array([-LIKE_THE_LISTS, 0, LIKE_THE_LISTS]) / UNIT)
        dense[NAMES.index("only_asks"), 1] = round(ONLY_ASKS / UNIT)
        dense[-1, 1] = round(THRESHOLD * LIKE_THE_LISTS / UNIT)
    grams = np.zeros((SLOTS, len(values)), dtype=np.int16)
    return Head(values, grams, dense, (Sureness(),) * len(values))


def _facts(model: LinearModel, aspect: str, examples: Sequence[Example]) -> _Facts:
    reader, values = Reader(model), VALUES[aspect]
    slots, counts, dense = [], [], []
    for at in range(0, len(examples), AT_ONCE):
        batch = examples[at : at + AT_ONCE]
        seen = reader.see([each.text for each in batch], [each.language for each in batch])
        slots.append(seen.hashed.slots.astype(np.int32))
        counts.append(seen.hashed.counts)
        dense.append(with_votes(seen, reader.wishes(seen)) if aspect in WISHES else seen.dense)
    many = np.concatenate(counts)
    truths = np.array([values.index(each.value) for each in examples])
    return _Facts(np.concatenate(slots), many, _starts(many), np.concatenate(dense) * DENSE_UNIT, truths)


def _starts(counts: NDArray[np.int64]) -> NDArray[np.int64]:
    return np.cumsum(counts) - counts


def _odds(head: Head, facts: _Facts) -> Floats:
    grams = [np.float32(UNIT) * each[facts.slots] for each in head.grams.T.astype(np.float32)]
    return _summed(grams, facts) + facts.dense @ (UNIT * head.dense)


def _summed(weights: Sequence[Floats], facts: _Facts) -> Floats:
    """What the n-grams of each text weigh, from their weights for each value."""
    found = np.zeros((len(facts.counts), len(weights)))
    some = facts.counts > 0
    if some.any():
        for at, each in enumerate(weights):
            found[some, at] = np.add.reduceat(each, facts.starts[some])
    return found / facts.spread[:, None]


def _moved(prior: Head, facts: _Facts, strength: Strength) -> Head:
    """The head that explains the facts best without straying far from the prior one."""
    used = np.unique(facts.slots)
    found = _Climb(prior, facts, strength).best()
    grams = prior.grams.copy()
    grams[used] = np.clip(np.rint(grams[used] + found[: len(used)] / UNIT), -MOST, MOST)
    dense = np.rint(prior.dense + found[len(used) :] / UNIT).astype(np.int32)
    return Head(prior.values, grams, dense, prior.sureness)


class _Climb:
    """The sum that is made as small as possible, over the n-grams that occur and all dense features."""

    def __init__(self, prior: Head, facts: _Facts, strength: Strength) -> None:
        self.facts, self.values = facts, len(prior.values)
        grams, self.places, times = np.unique(facts.slots, return_inverse=True, return_counts=True)
        self.used, self.begins = len(grams), np.cumsum(times) - times
        self.texts = np.repeat(np.arange(len(facts.counts)), facts.counts)[np.argsort(facts.slots, kind="stable")]
        self.before = _odds(prior, facts)
        self.truths = np.eye(self.values)[facts.truths]
        self.weights = _evened(facts.truths, self.values, strength.evened)
        self.firm = np.sqrt(np.concatenate([np.full(self.used, strength.grams), _firm(prior, strength)]))[:, None]

    def best(self) -> Floats:
        """How far each weight moves, the n-grams first."""
        start = np.zeros(len(self.firm) * self.values)
        return lowest(self.slope, start, steps=STEPS).reshape(-1, self.values) / self.firm

    def slope(self, strained: Floats) -> tuple[float, Floats]:
        """Of moves times how firm each weight is, so that the firm and the loose ones are found equally fast."""
        strained = strained.reshape(-1, self.values)
        grams, dense = np.split(strained / self.firm, [self.used])
        by_value = [each[self.places] for each in np.ascontiguousarray(grams.T, dtype=np.float32)]
        odds = self.before + _summed(by_value, self.facts) + self.facts.dense @ dense
        odds -= odds.max(axis=1, keepdims=True)
        logs = odds - np.log(np.exp(odds).sum(axis=1, keepdims=True))
        missed = self.weights[:, None] * (np.exp(logs) - self.truths)
        value = -float(self.weights @ (logs * self.truths).sum(axis=1)) + float((strained**2).sum()) / 2
        turned = np.concatenate([self._by_gram(missed / self.facts.spread[:, None]), self.facts.dense.T @ missed])
        return value, (turned / self.firm + strained).ravel()

    def _by_gram(self, missed: Floats) -> Floats:
        """What is missed by each n-gram, summed over the texts that have it."""
        return np.stack(
            [np.add.reduceat(each[self.texts], self.begins) for each in np.ascontiguousarray(missed.T)], axis=1
        )


def _firm(prior: Head, strength: Strength) -> Floats:
    """How firmly each dense feature is believed to weigh what it did."""
    firm = np.full(prior.dense.shape[0], strength.dense)
    if prior.values == MOODS:
        firm[NAMES.index("only_asks")] = CERTAIN
    return firm


def _evened(truths: NDArray[np.int64], values: int, evened: float) -> Floats:
    """The weight of each example, 1 on average: the rarer its value, the more."""
    counts = np.bincount(truths, minlength=values)
    weights = (1.0 / np.maximum(counts, 1)) ** evened
    return weights[truths] / weights[truths].mean()


def _sureness(prior: Head, odds: Floats, truths: NDArray[np.int64]) -> tuple[Sureness, ...]:
    """How sure each value is, from what was said of texts that were not fitted on; what is rare stays as it was."""
    said = odds.argmax(axis=1)
    rest = odds - odds.max(axis=1, keepdims=True)
    others = np.maximum(np.exp(rest).sum(axis=1) - 1.0, LEAST)
    return tuple(
        _sure(before, -np.log(others[said == at]), (truths == said)[said == at])
        for at, before in enumerate(prior.sureness)
    )


def _sure(before: Sureness, margins: Floats, right: NDArray[np.bool_]) -> Sureness:
    """Logistic regression of "right" on the margin, drawn to what was believed before."""
    start, signs = np.array(before), np.where(right, 1.0, -1.0)
    table = np.stack([np.ones(len(margins)), margins], axis=1)

    def slope(moved: Floats) -> tuple[float, Floats]:
        odds = signs * (table @ (start + moved))
        wrong = 1 / (1 + np.exp(np.minimum(odds, MOST_ODDS)))
        value = float(np.logaddexp(0, -odds).sum()) + FIRM_SURENESS / 2 * float(moved @ moved)
        return value, -(table.T @ (signs * wrong)) + FIRM_SURENESS * moved

    found = start + lowest(slope, np.zeros(2), steps=STEPS, near=1e-9)
    return Sureness(round(float(found[0]), 4), round(max(float(found[1]), FLATTEST), 4))


def _with_head(model: LinearModel, aspect: str, head: Head) -> LinearModel:
    return LinearModel(model.version, MappingProxyType({**model.heads, aspect: head}), model.languages)


def _learned(examples: Sequence[Example]) -> frozenset[str]:
    """The languages in which there are enough examples of moods to read moods by their n-grams."""
    moods = [prepare(each.text, each.language).language or LEXICON_LANGUAGE for each in examples if each.aspect == MOOD]
    return frozenset(language for language, count in Counter(moods).items() if count >= ENOUGH_OF_A_LANGUAGE)
