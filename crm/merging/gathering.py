"""What stands with a record that was merged comes along later: it was left behind and may go now, or it came too late.

Something may be written to a record in the moment in which it is merged; a case is left behind while the survivor has
one open on the same conversation. What is brought along is entered in the book of each merge on its way, and goes back
with them.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from itertools import pairwise
from typing import Any

from django.db.models import OuterRef, QuerySet

from crm import handoff
from crm.merging.ledger import AtThisMoment, all_or_nothing, carry, give_back, lock
from crm.merging.relations import Relation, relations
from crm.models import Customer, Merge

AT_ONCE = 500  # records of one kind in a run


def bring_along() -> int:
    """Bring what can go to whoever stands for the record now. Returns how many rows went. May run twice."""
    went = 0
    for relation in relations():
        for pk in _left_with(relation):
            with suppress(AtThisMoment):  # the next run finds it again
                went += _bring(relation, pk)
    return went


def _left_with(relation: Relation) -> list[int]:
    """Merged records with rows of this kind that can go at least one step: of those that never can, there are many."""
    into = f"{relation.field.name}__merged_into"
    rows = relation.model._base_manager.filter(**{f"{into}__isnull": False})
    rows = rows.exclude(pk__in=relation.clashing(rows, OuterRef(into)).values("pk"))
    return list(rows.order_by().values_list(relation.column, flat=True).distinct()[:AT_ONCE])


def _bring(relation: Relation, pk: int) -> int:
    way = _way_from(pk)
    with all_or_nothing():
        held = lock(*way)
        if any(held[one].merged_into_id != other for one, other in pairwise(way)) or held[way[-1]].merged_into_id:
            return 0  # put apart, or merged anew, meanwhile
        rows = list(_free(relation, way).values_list("pk", flat=True))
        for one, other in pairwise(way):
            _step(relation, rows, one, other)
        if rows:
            handoff.pass_on("customer_changed", way[-1])
    return len(rows)


def _way_from(pk: int) -> list[int]:
    """The record, those it was merged into one after the other, and last the one that stands."""
    way, into = [pk], Customer.objects.values_list("merged_into", flat=True)
    while following := into.filter(pk=way[-1]).first():
        way.append(following)
    return way


def _free(relation: Relation, way: Sequence[int]) -> QuerySet[Any]:
    """The rows that have room at every step: the way back leads through each."""
    rows = relation.rows_of(way[0])
    for step in way[1:]:
        rows = rows.exclude(pk__in=relation.kept_back(way[0], step).values("pk"))
    return rows


def _step(relation: Relation, rows: Sequence[int], one: int, other: int) -> None:
    moving = relation.rows_of(one).filter(pk__in=rows)
    merge = Merge.objects.in_force().whole().filter(absorbed=one, survivor=other).first()
    if merge:
        carry(merge, relation, moving, to=other)
    else:  # a fresh record that leads home: nothing goes back to it
        give_back(relation, moving, to=other)
