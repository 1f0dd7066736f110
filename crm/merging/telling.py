"""The history of a record's merges, in words. A fixed number of queries, however many there are."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from django.db.models import Count
from django.utils.dateparse import parse_datetime
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from crm.merging import facts
from crm.merging.ledger import is_made
from crm.merging.relations import LINKS, by_kind, relations
from crm.merging.staying import counted, labelled
from crm.models import Consent, Customer, IdentityLink, Merge, Move

CUSTOMER = Customer._meta.label_lower
State = IdentityLink.State


@dataclass
class Told:
    """One merge: what went, by kind; which values changed; which handles came along; what stayed behind."""

    merge: Merge
    went: list[str] = field(default_factory=list)
    changed: list[str] = field(default_factory=list)
    handles: list[str] = field(default_factory=list)
    behind: list[str] = field(default_factory=list)


def history(merges: Iterable[Merge]) -> list[Told]:
    """These merges in words, in the order they come in."""
    told = {merge.pk: Told(merge) for merge in merges}
    _tell_rows(told)
    _tell_values(told)
    _tell_handles(told)
    _tell_behind(told)
    return list(told.values())


def _tell_rows(told: dict[int, Told]) -> None:
    ways = by_kind()
    counts = Move.objects.filter(merge__in=told).order_by("kind").values_list("merge", "kind", "column")
    for merge, kind, column, number in counts.annotate(Count("pk")):
        if (kind, column) in ways and kind != LINKS.kind:
            told[merge].went.append(counted(ways[kind, column].model, number))


def _tell_values(told: dict[int, Told]) -> None:
    for move in Move.objects.filter(merge__in=told, kind=CUSTOMER).order_by("pk"):
        if not is_made(move, Customer) and move.was != move.became:
            words = {"what": labelled(move.column), "was": said(move.column, move.was)}
            became = said(move.column, move.became)
            told[move.merge_id].changed.append(_("{what}: {was} → {became}").format(**words, became=became))


def said(column: str, kept: Any) -> str:
    """A kept value as one reads it."""
    if column.startswith(facts.CONSENT):
        return str(Consent.State(kept["state"]).label) if kept else _("nobody asked")
    if kept in (None, ""):
        return _("nothing")
    if column in facts.EARLIEST:
        moment = parse_datetime(kept)
        return date_format(moment, "j M Y") if moment else str(kept)
    choices: Iterable[tuple[Any, Any]] = Customer._meta.get_field(column).flatchoices or ()  # type: ignore[union-attr]
    return str(dict(choices).get(kept, f"“{kept}”"))


def _tell_handles(told: dict[int, Told]) -> None:
    """The identities that changed hands."""
    lines = Move.objects.filter(merge__in=told, kind=LINKS.kind, column__in=(LINKS.column, "state"))
    rows: dict[int, set[int]] = defaultdict(set)
    for merge, row in lines.values_list("merge", "row"):
        rows[row].add(merge)
    for link in IdentityLink.objects.filter(pk__in=rows).select_related("identity").order_by("identity"):
        for merge in rows[link.pk]:
            label = link.identity.label
            if label not in told[merge].handles and link.state == State.CONFIRMED:
                told[merge].handles.append(label)


def _tell_behind(told: dict[int, Told]) -> None:
    """What the absorbed records hold still."""
    absorbed = {t.merge.absorbed_id: t for t in told.values() if t.merge.is_whole and not t.merge.undone_at}
    for relation in relations() if absorbed else ():
        rows = relation.model._base_manager.filter(**{f"{relation.column}__in": absorbed}).order_by(relation.column)
        for customer, number in rows.values_list(relation.column).annotate(Count("pk")):
            absorbed[customer].behind.append(counted(relation.model, number))
