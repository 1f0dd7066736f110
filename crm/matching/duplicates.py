"""Which customers are recorded twice: everybody held against whom they share something rare with, then grouped."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

from crm.matching import loading
from crm.matching.candidates import look
from crm.matching.clusters import Pair, clusters, contradict
from crm.matching.learning import world_for
from crm.matching.records import Match
from crm.matching.scoring import match, passes

AT_ONCE = 200  # customers looked for in one round of queries


def persons(customers: Sequence[int]) -> list[set[int]]:
    """Groups of customers (pks) who are likely one person each; most are alone."""
    records = loading.of_customers(customers)
    likely: dict[Pair, float] = {}
    for start in range(0, len(customers), AT_ONCE):
        part = {pk: records[pk] for pk in customers[start : start + AT_ONCE] if pk in records}
        for pk, found in look(part).items():
            for one in found.candidates:
                if passes(one.match) and one.customer_id in records:
                    likely[min(pk, one.customer_id), max(pk, one.customer_id)] = one.match.odds
    world = world_for(records.values())

    @cache
    def held(one: int, other: int) -> Match:
        return match(records[one], records[other], world)

    return clusters(records, likely.items(), lambda one, other: contradict(held(min(one, other), max(one, other))))
