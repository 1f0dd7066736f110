"""The way back: each line of a merge's book is undone where what it says still holds.

What somebody changed since stays changed. What a later entry of the book changed once more is that entry's to undo:
it is given the older value to go back to, so that several can be undone in any order.
"""

from __future__ import annotations

import operator
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import reduce
from itertools import groupby
from typing import Any

from django.apps import apps
from django.db import models
from django.db.models import Min, Q, QuerySet

from crm.merging import facts, values
from crm.merging.ledger import give_back, is_made
from crm.merging.links import AGAINST
from crm.merging.relations import LINKS, Relation, by_kind
from crm.merging.staying import Stayed
from crm.models import Customer, IdentityLink, Merge, Move

CUSTOMER = Customer._meta.label_lower
State = IdentityLink.State


def restore(merge: Merge) -> Stayed:
    """Put back all that can be; what could not."""
    stayed = Stayed()
    handed = hand_over_links(merge, stayed)
    for route in _routes(merge):
        if route.relation == LINKS:
            route = replace(route, lines={row: pk for row, pk in route.lines.items() if row not in handed})
        if route.lines:
            _rows_back(merge, route, stayed)
    _facts_back(merge, stayed)
    for move_group in _by_row(merge, handed):
        _row_back(move_group, stayed)
    return stayed


def later_entries(merge: Merge) -> dict[int, int]:
    """Identity → the next entry after this one, still in force, that changed a link of it."""
    touched = Move.objects.filter(merge=merge, kind=LINKS.kind).values("row")
    identities = IdentityLink.objects.filter(pk__in=touched).values("identity")
    rows = dict(IdentityLink.objects.filter(identity__in=identities).values_list("pk", "identity"))
    lines = Move.objects.filter(kind=LINKS.kind, row__in=rows, merge__undone_at=None, merge__gt=merge.pk)
    found: dict[int, int] = {}
    for row, entry in lines.order_by().values_list("row").annotate(Min("merge")):
        found[rows[row]] = min(entry, found.get(rows[row], entry))
    return found


def hand_over_links(merge: Merge, stayed: Stayed) -> set[int]:
    """Leave to later entries the links whose identity they have decided on since. Returns the links' keys.

    The links of an identity hang together, since one of them is confirmed: they go back all at once or not yet.
    """
    handed: set[int] = set()
    for identity, entry in later_entries(merge).items():
        links = set(IdentityLink.objects.filter(identity=identity).values_list("pk", flat=True))
        moves = Move.objects.filter(merge=merge, kind=LINKS.kind, row__in=links)
        for move in moves.select_related("merge").order_by("pk"):
            _hand_over(move, entry)
        handed |= links
        stayed.decided_since(identity)
    return handed


def _hand_over(move: Move, entry: int) -> None:
    theirs = {line.column: line for line in Move.objects.filter(merge=entry, kind=move.kind, row=move.row)}
    same = theirs.get(move.column)
    if same and same.was == move.became:
        Move.objects.filter(pk=same.pk).update(was=move.was)
    elif same is None and not (move.column == LINKS.column and _given_since(move, theirs)):
        Move.objects.filter(pk=move.pk).update(merge=entry)


def _given_since(move: Move, later: Mapping[str, Move]) -> bool:
    """Whether the link was confirmed after it moved and before the `later` lines: then it is that record's own."""
    now = values.whole(IdentityLink.objects.get(pk=move.row))
    before = now | {column: line.was for column, line in later.items()}
    since = values.written(None, move.merge.at)
    return before["state"] == State.CONFIRMED and (before["decided_at"] or "") > since


# --- rows that went from record to record


@dataclass(frozen=True)
class Route:
    """Rows of one kind that went from `was` to `became`: the key of each, and of the line that says so."""

    relation: Relation
    was: int
    became: int
    lines: dict[int, int]

    def following(self) -> dict[int, int]:
        """Row → the next line, of an entry in force, that moved it on."""
        same = {"kind": self.relation.kind, "column": self.relation.column, "row__in": list(self.lines)}
        later = Move.objects.filter(merge__undone_at=None, pk__gt=min(self.lines.values()), **same).order_by("-pk")
        return {row: pk for row, pk in later.values_list("row", "pk") if pk > self.lines[row]}


def _ways() -> Q:
    """The lines about whose a row is."""
    return reduce(operator.or_, (Q(kind=kind, column=column) for kind, column in by_kind()))


def _routes(merge: Merge) -> list[Route]:
    """Asked whole: of thousands of rows, PostgreSQL knows nothing yet right after they were moved."""
    known, found = by_kind(), defaultdict[tuple[str, str, Any, Any], dict[int, int]](dict)
    lines = Move.objects.filter(_ways(), merge=merge).order_by("pk")
    for kind, column, was, became, row, pk in lines.values_list("kind", "column", "was", "became", "row", "pk"):
        found[kind, column, was, became][row] = pk
    return [Route(known[kind, column], was, became, rows) for (kind, column, was, became), rows in found.items()]


def targets(merge: Merge) -> set[int]:
    """The records that get rows back."""
    return {route.was for route in _routes(merge)}


def _rows_back(merge: Merge, route: Route, stayed: Stayed) -> None:
    relation, following = route.relation, route.following()
    # whoever moved a row on gives it back to where it was before us
    Move.objects.filter(pk__in=following.values(), was=route.became).update(was=route.was)
    settled = [row for row in route.lines if row not in following]
    rows = relation.free_to_go(route.became, route.was).filter(pk__in=settled)
    if relation == LINKS:
        rows = rows.exclude(state=State.CONFIRMED, decided_at__gt=merge.at)  # given to this record since
    give_back(relation, rows, to=route.was)
    if relation == LINKS and merge.is_whole:
        _keep_rejections(merge, list(route.lines), route.was)
    _tell(route, stayed)


def _tell(route: Route, stayed: Stayed) -> None:
    """What of it is not where it was."""
    relation = route.relation
    there = relation.model._base_manager.filter(pk__in=list(route.lines)).order_by()
    now = Counter(there.values_list(relation.column, flat=True))
    stayed.gone(relation.model, len(route.lines) - now.total())
    stayed.kept(relation.model, now[route.became])
    stayed.elsewhere(relation.model, now.total() - now[route.became] - now[route.was])


def _keep_rejections(merge: Merge, links: list[int], absorbed: int) -> None:
    """Who was rejected while the two were one is rejected for both."""
    since = IdentityLink.objects.filter(
        pk__in=links, customer=absorbed, state__in=AGAINST, decided_by__isnull=False, decided_at__gt=merge.at
    )
    copies = list(since)
    for copy in copies:
        copy.pk, copy.customer_id = None, merge.survivor_id
    IdentityLink.objects.bulk_create(copies, ignore_conflicts=True)


# --- what is said of the customer


def _facts_back(merge: Merge, stayed: Stayed) -> None:
    customer = Customer.objects.get(pk=merge.survivor_id)
    lines = Move.objects.filter(merge=merge, kind=CUSTOMER, row=customer.pk).order_by("-pk")
    for move in lines:
        if not is_made(move, Customer) and not _fact_back(move, customer):
            stayed.changed(move.column)


def _fact_back(move: Move, customer: Customer) -> bool:
    """Whether the value is what it would be without this merge."""
    base, expected = move.was, move.became
    for following in _following(move):
        if following.was != expected:
            return True  # somebody changed it between the two: that is the later one's to keep
        expected = following.became
        became = _anew(following, base)
        Move.objects.filter(pk=following.pk).update(was=base, became=became)
        base = became
    now = facts.value(customer, move.column)
    if now == expected != base:
        facts.put(customer, move.column, base)
    return now in (expected, base)


def _following(move: Move) -> QuerySet[Move]:
    same = {"kind": move.kind, "row": move.row, "column": move.column}
    lines = Move.objects.filter(merge__undone_at=None, pk__gt=move.pk, **same).order_by("pk")
    return lines.select_related("merge__absorbed")


def _anew(move: Move, base: Any) -> Any:
    """What the value becomes by a later merge where it was `base` before it."""
    if not facts.is_ruled(move.column):
        return move.became
    return facts.stricter(move.column, base, facts.value(move.merge.absorbed, move.column))


# --- rows that were changed, and rows that were made


def _by_row(merge: Merge, handed: set[int]) -> Iterator[list[Move]]:
    """The other lines, those of one row together, the last first."""
    lines = Move.objects.filter(merge=merge).exclude(_ways()).exclude(kind=CUSTOMER)
    left = [move for move in lines.order_by("-pk") if move.kind != LINKS.kind or move.row not in handed]
    for _, group in groupby(left, key=lambda move: (move.kind, move.row)):
        yield list(group)


def _row_back(moves: list[Move], stayed: Stayed) -> None:
    model: type[models.Model] = apps.get_model(moves[0].kind)
    row = model._base_manager.filter(pk=moves[0].row).first()
    if row is None:
        stayed.gone(model, 1)
    elif is_made(moves[0], model):
        _unmake(row, moves[0], stayed)
    elif not _as_left(row, moves) or _owned_by_another(row, moves):
        stayed.row_changed(row)
    else:
        before = {move.column: values.read(model._meta.get_field(move.column), move.was) for move in moves}
        model._base_manager.filter(pk=row.pk).update(**before)


def _unmake(row: models.Model, move: Move, stayed: Stayed) -> None:
    if values.whole(row) == move.became:
        type(row)._base_manager.filter(pk=row.pk).delete()
    else:
        stayed.row_changed(row)


def _as_left(row: models.Model, moves: list[Move]) -> bool:
    now = values.whole(row)
    return all(now[move.column] == move.became for move in moves)


def _owned_by_another(row: models.Model, moves: list[Move]) -> bool:
    """Whether a link would be confirmed again though its identity has another owner by now."""
    if not isinstance(row, IdentityLink) or not any(m.column == "state" and m.was == State.CONFIRMED for m in moves):
        return False
    return IdentityLink.objects.confirmed().filter(identity=row.identity_id).exclude(pk=row.pk).exists()
