"""Counting how common names, cities and pieces of handles are, in all records, and keeping it.

Counted anew once a day, or when the records have grown by a tenth: a share that is a day old decides the same.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from django.db import connection, models, transaction
from django.db.models import F, Func, Q, QuerySet
from django.utils import timezone

from crm.matching.affixes import MOST_LEARNT_FROM, Affixes, learn
from crm.matching.commonness import World, met_again_of, pieces
from crm.matching.names import short_forms
from crm.matching.records import Record
from crm.models import Commonness, Customer, Identity
from crm.models.match_keys import NAME_FIELDS, NameWords, PlainKey

DAY_OLD = timedelta(days=1)
GROWN = 1.1
LOCK = 0x6E616D65  # "name"
NAMED = Q(known_at__isnull=False) | Q(name__contains=" ")  # of others we have no name, but a handle
Kind = Commonness.Kind


def named() -> QuerySet[Customer]:
    """Customers whose name we know, or who show one."""
    return Customer.objects.standing().filter(NAMED)


def stale() -> bool:
    """Whether the counts are to be made again."""
    total = Commonness.objects.filter(kind=Kind.TOTAL, piece="customers").first()
    if total is None or total.counted_at < timezone.now() - DAY_OLD:
        return True
    return named().count() > total.count * GROWN


@transaction.atomic
def count_all() -> None:
    """Count names, cities and languages of all customers, and learn what handles begin and end with."""
    now = timezone.now()
    with connection.cursor() as cursor:  # two at once would wait for each other's rows, in different orders
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [LOCK])
    _count(Kind.NAME, _words(), now)
    for kind, field in ((Kind.CITY, "city"), (Kind.LANGUAGE, "language")):
        _count(kind, named().order_by().exclude(**{field: ""}).values_list("pk", PlainKey(F(field))), now)
    names = dict(Commonness.objects.filter(kind=Kind.NAME).values_list("piece", "count"))
    totals = {"customers": named().count(), **{f"seen {n}": list(names.values()).count(n) for n in (1, 2)}}
    handles = _newest_handles()
    affixes = learn(handles, names, totals["customers"])
    _keep(Kind.TOTAL, {**totals, "handles": len(handles)}, now)
    _keep(Kind.BEFORE, {piece: round(share * len(handles)) for piece, share in affixes.before.items()}, now)
    _keep(Kind.AFTER, {piece: round(share * len(handles)) for piece, share in affixes.after.items()}, now)
    Commonness.objects.filter(counted_at__lt=now).delete()


def _words() -> QuerySet[Customer, Any]:
    """Each word of each customer's name, once: (pk, word)."""
    unnested = Func(NameWords(*NAME_FIELDS), function="unnest", output_field=models.TextField())
    return named().order_by().values_list("pk", unnested).distinct()


def _newest_handles() -> list[str]:
    handles = Identity.objects.filter(kind=Identity.Kind.HANDLE).order_by("-id")
    return list(handles.values_list("handle", flat=True)[:MOST_LEARNT_FROM])


def _count(kind: str, found: QuerySet[Customer, Any], now: datetime) -> None:
    """Count the customers of each piece, in the database. `found` has (pk, piece)."""
    sql, params = found.query.sql_with_params()
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO crm_commonness (kind, piece, count, counted_at) SELECT %s, piece, count(*), %s"  # noqa: S608 - of constants alone
            f" FROM ({sql}) AS found(pk, piece) WHERE length(piece) BETWEEN 2 AND 200 GROUP BY piece"
            " ON CONFLICT (kind, piece) DO UPDATE SET count = EXCLUDED.count, counted_at = EXCLUDED.counted_at",
            [kind, now, *params],
        )


def _keep(kind: str, counts: Mapping[str, int], now: datetime) -> None:
    Commonness.objects.bulk_create(
        [Commonness(kind=kind, piece=piece, count=count, counted_at=now) for piece, count in counts.items()],
        update_conflicts=True, unique_fields=["kind", "piece"], update_fields=["count", "counted_at"],
    )  # fmt: skip


# --- what was counted, as far as some records need it


def world_for(records: Iterable[Record], others: Iterable[Record] = ()) -> World:
    """What matching needs to know of all records to hold `records` against `others`. Two queries."""
    records, others = list(records), list(others)
    always: dict[str, dict[str, int]] = {kind: {} for kind in Kind.values}
    wanted = Commonness.objects.filter(kind__in=[Kind.TOTAL, Kind.BEFORE, Kind.AFTER, Kind.LANGUAGE])
    asked = Commonness.objects.filter(kind__in=[Kind.NAME, Kind.CITY], piece__in=_words_of(records, others))
    for rows in (wanted, asked):
        for kind, piece, count in rows.values_list("kind", "piece", "count"):
            always[kind][piece] = count
    return _world(always)


def _world(counts: Mapping[str, Mapping[str, int]]) -> World:
    totals = counts[Kind.TOTAL]
    handles = max(totals.get("handles", 0), 1)
    shares = [{piece: count / handles for piece, count in counts[kind].items()} for kind in (Kind.BEFORE, Kind.AFTER)]
    return World(
        customers=totals.get("customers", 0), names=counts[Kind.NAME], cities=counts[Kind.CITY],
        languages=counts[Kind.LANGUAGE], affixes=Affixes(*shares),
        met_again=met_again_of(totals.get("seen 1", 0), totals.get("seen 2", 0)),
    )  # fmt: skip


def _words_of(records: Sequence[Record], others: Sequence[Record]) -> list[str]:
    """All words of their names and places, all stretches of handles that will be read, and what is short for them.

    The others' handles are read against names alone: where no record has one, they need not be taken apart.
    """
    found: set[str] = set()
    for record in (*records, *others):
        found |= {*record.given, *record.family, *record.also, *record.places, record.city, record.family_key}
    for record in (*records, *others) if any(record.has_name for record in records) else records:
        found = found.union(*(pieces(alias.text) for alias in record.aliases))
    return list(found.union(*map(short_forms, found)) - {""})
