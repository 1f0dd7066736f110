"""From pairs to persons: who is one with whom, when everybody was held against everybody.

The likeliest pairs are joined first. Two groups are not joined where a member of one and a member of the other
contradict each other, however many likenesses lead from the one to the other: a chain of them ends far from its begin.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from itertools import product

from crm.matching.records import Match

Pair = tuple[int, int]
CONTRADICTION = -6.0  # log-odds against: two of name, date of birth and address differ, and nothing speaks for it


def contradict(found: Match) -> bool:
    """Whether what speaks against the two being one outweighs what speaks for it beyond slips and moves."""
    return sum(point.weight for point in found.points) <= CONTRADICTION


def clusters(
    members: Iterable[int], likely: Iterable[tuple[Pair, float]], apart: Callable[[int, int], bool]
) -> list[set[int]]:
    """Groups of `members`, joined along `likely` pairs (with their scores); `apart` says that two contradict."""
    group = {member: {member} for member in members}
    for (one, other), _score in sorted(likely, key=lambda found: (-found[1], found[0])):
        left, right = group[one], group[other]
        if left is not right and not any(apart(mine, theirs) for mine, theirs in product(left, right)):
            left |= right
            group.update(dict.fromkeys(right, left))
    return list({id(found): found for found in group.values()}.values())
