"""The list under a filter, without a search: the newest first.

An index has the order of the list, and walking it until a page is full is at once where the filter leaves many, or new
ones. Where it leaves few and old ones (a network nobody uses any more), the walk would go through everybody: it is
stopped, and those whom the filter leaves are gathered first and sorted then. Where they are too many for that, the walk
was only slow, and goes on.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import TypeVar

from crm.finding.windows import TookTooLong, bounded
from crm.models import Customer
from crm.models.customers import CustomerQuerySet

WALKING_MS = 100
GATHERING_MS = 1_000
COUNTING_MS = 100
FEW = 100_000  # rows, as the planner guesses: more are not gathered
ALL = 2**31  # a limit that cuts nothing off: PostgreSQL works out what stands within it before what stands around it

T = TypeVar("T")


def walked(customers: CustomerQuerySet, page: Callable[[CustomerQuerySet], T]) -> tuple[T, bool]:
    """`page(customers)`, which asks for some of them in the order of the list, and whether it came at once; raises
    TookTooLong.
    """
    try:
        with bounded(WALKING_MS):
            return page(customers), True
    except TookTooLong:
        return _otherwise(customers, page), False


def _otherwise(customers: CustomerQuerySet, page: Callable[[CustomerQuerySet], T]) -> T:
    if guessed(customers) < FEW:
        try:
            with bounded(GATHERING_MS):
                return page(gathered(customers))
        except TookTooLong:
            pass  # the guess was wrong
    with bounded():
        return page(customers)


def guessed(customers: CustomerQuerySet) -> int:
    """How many they are, as the planner guesses."""
    plan = json.loads(customers.order_by().values("pk").explain(format="json"))
    return int(plan[0]["Plan"]["Plan Rows"])


def gathered(customers: CustomerQuerySet) -> CustomerQuerySet:
    return Customer.objects.filter(pk__in=customers.order_by().values("pk")[:ALL])


def counted(customers: CustomerQuerySet, most: int) -> int | None:
    """How many they are; `most` + 1 stands for more. None where counting so far takes longer than it is worth."""
    try:
        with bounded(COUNTING_MS):
            return len(customers.order_by("-created_at", "-id").values_list("pk")[: most + 1])
    except TookTooLong:
        return None
