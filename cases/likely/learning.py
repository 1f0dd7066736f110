"""Which signs go with which cause, counted anew each hour from what is resolved now.

So a case that comes back, a cause that is joined to another and words that are erased change the counts by themselves,
resolving a case writes nothing of it, and it may be killed anywhere.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from datetime import timedelta
from typing import NamedTuple

from django.db import connection, transaction
from django.db.models.functions import Left
from django.utils import timezone

from cases import writing
from cases.likely import signs
from cases.models import Case, CauseSign
from channels_app.models import Message

MOST_CASES = 10_000  # the newest
SINCE = timedelta(days=400)
AT_ONCE = 1_000
PEOPLE = 3  # who have to have used a word: no word of one person is kept
LOCK = 33, 0  # beside those of channels_app.locks
Pair = tuple[str, int]


class Known(NamedTuple):
    """A resolved case, and what is read of it."""

    pk: int
    customer: int
    cause: int
    topic: str


@transaction.atomic
def learn() -> int:
    """Count, and write what has changed. Returns from how many cases; one process at a time, another does nothing."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s, %s)", LOCK)
        if not cursor.fetchone()[0]:
            return 0
    known = list(resolved())
    _write(count((case, signs_of) for case, signs_of in with_signs(known)))
    return len(known)


def resolved() -> Iterator[Known]:
    """The newest first."""
    cases = Case.objects.resolved().filter(opened_at__gte=timezone.now() - SINCE).order_by("-opened_at", "-id")
    yield from map(Known._make, cases.values_list(*Known._fields)[:MOST_CASES])


def with_signs(known: Sequence[Known]) -> Iterator[tuple[Known, set[str]]]:
    """A query for each AT_ONCE of them."""
    for start in range(0, len(known), AT_ONCE):
        cases = known[start : start + AT_ONCE]
        texts: dict[int, list[str]] = {}
        theirs = Message.objects.filter(case_entry__case__in=[case.pk for case in cases], erased_at=None)
        said = theirs.filter(direction=Message.Direction.IN).in_order()
        for pk, text in said.values_list("case_entry__case", Left("text", signs.READ)):
            texts.setdefault(pk, []).append(text)
        for case in cases:
            yield case, set(signs.of_case(texts.get(case.pk, ()), case.topic))


def count(known: Iterable[tuple[Known, set[str]]]) -> Counter[Pair]:
    """Cases by (sign, cause); by ("", cause) all of them."""
    counted: Counter[Pair] = Counter()
    people: dict[str, set[int]] = {}
    for case, found in known:
        counted.update((sign, case.cause) for sign in ("", *found))
        for sign in found:
            if len(who := people.setdefault(sign, set())) < PEOPLE:
                who.add(case.customer)
    shared = {sign for sign, who in people.items() if len(who) == PEOPLE} | {""}
    return Counter({pair: n for pair, n in counted.items() if pair[0] in shared})


def _write(counted: Counter[Pair]) -> None:
    """Only what is other than it stands: four queries."""
    rows = {(sign, cause): (pk, n) for pk, sign, cause, n in
            CauseSign.objects.values_list("pk", "sign", "cause_id", "cases")}  # fmt: skip
    CauseSign.objects.filter(pk__in=[pk for pair, (pk, _n) in rows.items() if pair not in counted]).delete()
    writing.put(
        CauseSign, ["cases"], [(rows[pair][0], n) for pair, n in counted.items() if pair in rows and rows[pair][1] != n]
    )
    CauseSign.objects.bulk_create(
        [CauseSign(sign=sign, cause_id=cause, cases=n) for (sign, cause), n in counted.items()
         if (sign, cause) not in rows], batch_size=5_000,
    )  # fmt: skip
