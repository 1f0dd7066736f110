"""What one look costs among as many customers as there are: the time, and what PostgreSQL does for it."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from random import Random
from statistics import median
from typing import Any

from django.db import connection, transaction
from django.db.models import Max, Min

from crm.matching import blocking, refusals
from crm.matching.learning import count_all
from crm.matching.names import name_key
from crm.matching.proposals import propose
from crm.models import Commonness, Customer, Identity, IdentityLink

WIDTH = 150  # of a line of a plan: the index on names is a long expression
PLACE = "measured"
SCAN = re.compile(r"Seq Scan on (crm_(?:customer|identity|identitylink|commonness))\b")  # what grows
INDEX = re.compile(r"(?:Index (?:Only )?Scan using|Bitmap Index Scan on) (\w+)")
BY_NAME = "customers by name"
ABOUT = {
    blocking.BY_NAME: BY_NAME, blocking.BY_BIRTH: "customers by date of birth",
    blocking.BY_ADDRESS: "identities by address", blocking.BY_HANDLE: "identities by handle",
    blocking.BY_NAME_IN_HANDLE: "identities by a name in the handle", blocking.BY_PAGE: "identities by profile",
    blocking.BY_LINK: "identities by links", refusals.OF_CUSTOMERS: "who was put apart from them",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Step:
    """One query of a look: its time by EXPLAIN ANALYZE, the indexes it walks, the tables it reads from end to end."""

    about: str
    ms: float
    indexes: tuple[str, ...]
    scanned: tuple[str, ...]
    plan: str


@dataclass(frozen=True, slots=True)
class AtSize:
    customers: int
    milliseconds: tuple[float, ...]
    steps: tuple[Step, ...]
    counting_seconds: float

    @property
    def by_name(self) -> Step | None:
        return next((step for step in self.steps if step.about == BY_NAME), None)

    def figures(self) -> dict[str, float]:
        return {
            "customers": self.customers, "handles": len(self.milliseconds),
            "median_ms": round(median(self.milliseconds), 1), "worst_ms": round(max(self.milliseconds), 1),
            "sequential_scans": sum(len(step.scanned) for step in self.steps),
            "counting_seconds": round(self.counting_seconds, 1),
        }  # fmt: skip


def measure_at_size(handles: int, *, seed: int = 1) -> AtSize | None:
    """Propose for so many new handles, each alone, as of somebody we know; nothing stays. None: nobody is there."""
    with transaction.atomic():
        try:
            customers, counting = Customer.objects.standing().count(), _counted()
            people = _some(handles, Random(seed))
            times = [_timed(_new_handle(person)) for person in people]
            steps = tuple(_explained(_new_handle(people[0]))) if people else ()
            return AtSize(customers, tuple(times), steps, counting) if people else None
        finally:
            transaction.set_rollback(True)


def _counted() -> float:
    began = time.perf_counter()
    if not Commonness.objects.exists():
        count_all()
    return time.perf_counter() - began


def _some(count: int, chance: Random) -> list[Customer]:
    known = Customer.objects.standing().exclude(given_name="").exclude(family_name="")
    if not (ends := Customer.objects.aggregate(first=Min("pk"), last=Max("pk")))["first"]:
        return []
    known = known.filter(pk__in=[chance.randint(ends["first"], ends["last"]) for _ in range(20 * count)])
    return list(known.order_by("pk")[:count])


def _new_handle(person: Customer) -> int:
    """An identity with its provisional customer, as a first message makes them."""
    handle = f"{name_key(person.given_name)}_{name_key(person.family_name)}{Identity.objects.order_by('-pk')[0].pk}"
    identity = Identity.objects.create(kind="handle", place=PLACE, value=handle, handle=handle)
    customer = Customer.objects.create(name=handle)
    IdentityLink.objects.create(identity=identity, customer=customer, method=IdentityLink.Method.FIRST_CONTACT)
    return identity.pk


def _timed(identity: int) -> float:
    began = time.perf_counter()
    propose([identity])
    return (time.perf_counter() - began) * 1000


def _explained(identity: int) -> list[Step]:
    """Each question of one look, explained where it is asked, under whatever the look has set."""
    steps: list[Step] = []

    def explain(execute: Callable[..., Any], sql: str, params: Any, many: bool, context: dict[str, Any]) -> Any:
        if sql.startswith(("SELECT", "WITH")) and "set_config" not in sql:
            execute(f"EXPLAIN (ANALYZE) {sql}", params, many, context)
            steps.append(_step(sql, [line for (line,) in context["cursor"].fetchall()]))
        return execute(sql, params, many, context)

    with connection.execute_wrapper(explain):
        propose([identity])
    return steps


def _step(sql: str, lines: Sequence[str]) -> Step:
    plan = "\n".join(line if len(line) < WIDTH else f"{line[:WIDTH]} …" for line in lines)
    took = re.search(r"Execution Time: ([\d.]+)", plan)
    table = sql.partition("FROM ")[2].split(" ")[0].strip('"')
    return Step(
        about=ABOUT.get(sql, table), ms=float(took[1]) if took else 0.0,
        indexes=tuple(dict.fromkeys(INDEX.findall(plan))), scanned=tuple(dict.fromkeys(SCAN.findall(plan))), plan=plan,
    )  # fmt: skip
