"""How likely each cause is, by the signs of a case: pure, on counts.

A naive Bayes over the signs that are there, smoothed towards how common each sign is: what was seen twice proves
little. Words of a cause's own name speak for it before any case was resolved.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from cases.likely import signs
from cases.likely.signs import TOPIC

SHOWN = 3
SMOOTHING = 2.0  # cases in which each sign is taken to be as common as everywhere
MOST_FOR, MOST_AGAINST = 3.0, -1.0  # what one sign may add
SAYS_SOMETHING = 0.3
NAMED, NAMED_ABOVE, SAME_TOPIC = 1.5, 0.5, 0.7
SEPARATOR = " \N{SINGLE RIGHT-POINTING ANGLE QUOTATION MARK} "
REASONS = 3


class Reason(NamedTuple):
    """A word as it was written; in `of` of all `all` resolved cases with it, this was the cause. 0 of 0: it stands in
    the cause's name. `is_topic`: the word is that for what the case is about."""

    word: str
    of: int = 0
    all: int = 0
    is_topic: bool = False


class Likely(NamedTuple):
    cause: int
    score: float
    reasons: tuple[Reason, ...]


class Named(NamedTuple):
    """What a cause's name says: its words, those of what it stands under, and the topic they speak of."""

    words: frozenset[str]
    above: frozenset[str]
    topic: str = ""


@dataclass(frozen=True)
class Counts:
    """Of resolved cases: how many each cause has, and in how many of them each sign stands."""

    causes: Mapping[int, int] = field(default_factory=dict)
    signs: Mapping[str, Mapping[int, int]] = field(default_factory=dict)


def weigh(written: Mapping[str, str], counts: Counts, names: Mapping[int, Named]) -> list[Likely]:
    """The likeliest of `names`, at most SHOWN; only those for which something speaks. `written`: signs of the case."""
    every = sum(counts.causes.values())
    found = [_one(cause, name, written, counts, every) for cause, name in names.items()]
    return sorted((each for each in found if each.reasons), key=lambda each: (-each.score, each.cause))[:SHOWN]


def _one(cause: int, name: Named, written: Mapping[str, str], counts: Counts, every: int) -> Likely:
    cases = counts.causes.get(cause, 0)
    score = math.log((cases + 1) / (every + len(counts.causes) + 1))
    weighed: list[tuple[float, Reason]] = []
    for sign, word in written.items():
        seen = counts.signs.get(sign, {})
        weight, reason = _by_name(sign, word, name), Reason(word, is_topic=sign.startswith(TOPIC))
        if seen:
            of, among = seen.get(cause, 0), sum(seen.values())
            weight += _by_history(of, among, cases, every)
            reason = reason._replace(of=of, all=among if of else 0)
        score += weight
        if weight >= SAYS_SOMETHING:
            weighed.append((weight, reason))
    weighed.sort(key=lambda pair: -pair[0])
    return Likely(cause, score, tuple(reason for _weight, reason in weighed[:REASONS]))


def _by_name(sign: str, word: str, name: Named) -> float:
    if sign == TOPIC + name.topic:
        return SAME_TOPIC
    return NAMED if sign in name.words else NAMED_ABOVE if sign in name.above else 0.0


def _by_history(of: int, among: int, cases: int, every: int) -> float:
    """How much more common the sign is with this cause than everywhere, as a logarithm."""
    usual = among / every
    return max(MOST_AGAINST, min(MOST_FOR, math.log((of + SMOOTHING * usual) / (cases + SMOOTHING) / usual)))


def names(labels: Mapping[int, str], topics: Mapping[str, str]) -> dict[int, Named]:
    """Of causes as a list names them, with what they stand under. A word that several names have tells none of them.

    `topics`: by sign; a name speaks of the topic of its first word that has one, unless causes stand under it, which
    say it better.
    """
    parts = {pk: label.rpartition(SEPARATOR) for pk, label in labels.items()}
    words = {pk: set(signs.of_text(name)) for pk, (_above, _arrow, name) in parts.items()}
    tops = {above for above, _arrow, _name in parts.values()}
    often = Counter(word for each in words.values() for word in each)
    return {
        pk: Named(
            frozenset(word for word in words[pk] if often[word] == 1), frozenset(signs.of_text(above)),
            "" if label in tops else next((topics[sign] for sign in signs.of_text(label) if sign in topics), ""),
        )
        for (pk, label), (above, _arrow, _name) in zip(labels.items(), parts.values(), strict=True)
    }  # fmt: skip


def rank_of(cause: int, likely: Sequence[Likely]) -> int:
    """The place of `cause`, from 1; 0 where it is not among them."""
    return next((place for place, each in enumerate(likely, 1) if each.cause == cause), 0)
