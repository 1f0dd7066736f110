"""From points of evidence to one score, and from scores to a decision: propose one, or none."""

from __future__ import annotations

from collections.abc import Sequence
from math import exp

from crm.matching.commonness import World
from crm.matching.evidence import points
from crm.matching.records import Match, Record

THRESHOLD = 0.75  # three to one: a last name no other customer has is worth 0.8, one that two have 0.45
MARGIN = (
    1.5  # log-odds to the second best: the best is four times likelier, or a person would have to guess between two
)

DIFFERS = -2.0  # what weighs so much against is no slip and no removal


def match(one: Record, other: Record, world: World) -> Match:
    """Hold two records against each other.

    Before any evidence, of n customers one may be the person: the odds start at 1/n. Weights are added to that.
    """
    found = tuple(sorted(points(one, other, world), key=lambda point: -abs(point.weight)))
    odds = sum(point.weight for point in found) - world.odds_against
    return Match(found, odds, probability(odds))


def probability(odds: float) -> float:
    """Of log-odds, kept within what a float can tell from 0 and 1."""
    return 1 / (1 + exp(-min(max(odds, -30.0), 30.0)))


def passes(found: Match) -> bool:
    return found.score >= THRESHOLD


def is_double(found: Match) -> bool:
    """Whether two customers are recorded for one person, as far as can be told: likely, and no name or date differs."""
    return passes(found) and all(point.weight > DIFFERS for point in found.points)


def stands_out(best: Match, rivals: Sequence[Match]) -> bool:
    """Whether the best passes, and by enough over every rival."""
    return passes(best) and all(best.odds - rival.odds >= MARGIN for rival in rivals)
