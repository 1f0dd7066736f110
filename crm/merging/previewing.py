"""What a merge would do, before it is done."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.utils.formats import date_format
from django.utils.translation import gettext as _

from crm.merging import facts
from crm.merging.joining import SameRecord, check
from crm.merging.links import AGAINST, State, meetings
from crm.merging.relations import hangers_on, relations
from crm.merging.staying import counted, labelled
from crm.models import Consent, Customer, Identity, IdentityLink

SHOWN = 5  # rows named one by one


@dataclass(frozen=True)
class Difference:
    """A field in which the records differ: both values as one reads them, and the side to take unless told."""

    name: str
    label: str
    ours: str
    theirs: str
    default: str


@dataclass(frozen=True)
class Kept:
    """Rows that stay behind, some of them by name."""

    count: str
    rows: list[str]
    has_more: bool


@dataclass(frozen=True)
class Standing:
    """A consent, or the date since when: what each record says and what will hold."""

    label: str
    ours: Any
    theirs: Any
    result: Any


@dataclass(frozen=True)
class Preview:
    survivor: Customer
    absorbed: Customer
    differences: list[Difference]
    handles: list[IdentityLink]
    moving: list[str]
    along: list[str]
    kept: list[Kept]
    consents: list[Standing]
    do_not_contact: bool
    warnings: list[str]


def preview(*, survivor: Customer, absorbed: Customer) -> Preview:
    """Raises what `merge` would raise."""
    if survivor.pk == absorbed.pk:
        raise SameRecord
    check(survivor, absorbed)
    met = meetings(survivor, absorbed)
    ours, theirs = _confirmed(survivor), _confirmed(absorbed)
    return Preview(
        survivor=survivor,
        absorbed=absorbed,
        differences=[_difference(choice, survivor, absorbed) for choice in facts.choices(survivor, absorbed)],
        handles=theirs,
        moving=list(_moving(survivor, absorbed)),
        along=list(_along(theirs)),
        kept=list(_kept(survivor, absorbed)),
        consents=list(_consents(survivor, absorbed)),
        do_not_contact=bool(survivor.do_not_contact_at or absorbed.do_not_contact_at),
        warnings=[*_doubts(survivor, absorbed), *_other_ids(ours, theirs), *_rejected(met)],
    )


def _confirmed(customer: Customer) -> list[IdentityLink]:
    links = customer.links.filter(state=State.CONFIRMED)
    return list(links.select_related("identity").order_by("created_at", "pk"))


def _difference(choice: facts.Choice, survivor: Customer, absorbed: Customer) -> Difference:
    ours, theirs = shown(survivor, choice.field), shown(absorbed, choice.field)
    return Difference(choice.name, labelled(choice.name), ours, theirs, choice.default)


def shown(customer: Customer, field: Any) -> str:
    """A value as one reads it; "" where there is none."""
    held = getattr(customer, field.name)
    if field.choices:
        return str(dict(field.flatchoices).get(held, held))
    return date_format(held, "j F Y") if isinstance(held, date) else str(held or "")


def _moving(survivor: Customer, absorbed: Customer) -> Iterator[str]:
    for relation in relations():
        if number := relation.free_to_go(absorbed.pk, survivor.pk).count():
            yield counted(relation.model, number)


def _along(theirs: list[IdentityLink]) -> Iterator[str]:
    identities = [link.identity_id for link in theirs]
    for hanger in hangers_on():
        if number := hanger.model._base_manager.filter(**{f"{hanger.column}__in": identities}).count():
            yield counted(hanger.model, number)


def _kept(survivor: Customer, absorbed: Customer) -> Iterator[Kept]:
    for relation in relations():
        rows = relation.kept_back(absorbed.pk, survivor.pk)
        if number := rows.count():
            named = [str(row) for row in rows.order_by("pk")[:SHOWN]]
            yield Kept(counted(relation.model, number), named, has_more=number > SHOWN)


def _consents(survivor: Customer, absorbed: Customer) -> Iterator[Standing]:
    """Those on which one of them has said something."""
    ours, theirs = facts.consents(survivor), facts.consents(absorbed)
    for column in facts.ruled():
        left, right = ours.get(column), theirs.get(column)
        if left or right:
            stands = facts.stricter(column, left, right)
            yield Standing(labelled(column), _state(left), _state(right), _state(stands))


def _state(kept: Any) -> str:
    return str(Consent.State(kept["state"]).label) if kept else _("Nobody asked")


# --- what should make one stop


def _doubts(survivor: Customer, absorbed: Customer) -> Iterator[str]:
    if not survivor.is_provisional and not absorbed.is_provisional:
        yield _("We know both people already. Make sure that they are one.")
    if survivor.born_on and absorbed.born_on and survivor.born_on != absorbed.born_on:
        dates = {"ours": date_format(survivor.born_on, "j F Y"), "theirs": date_format(absorbed.born_on, "j F Y")}
        yield _("They were born on different days: {ours} and {theirs}.").format(**dates)


def _other_ids(ours: list[IdentityLink], theirs: list[IdentityLink]) -> Iterator[str]:
    """One system keeps two records of them; it may know better."""
    known = {link.identity.place: link.identity for link in ours if link.identity.kind == Identity.Kind.EXTERNAL}
    for link in theirs:
        other = known.get(link.identity.place)
        if link.identity.kind == Identity.Kind.EXTERNAL and other:
            both = {"place": other.place, "ours": other.label, "theirs": link.identity.label}
            yield _("In “{place}” they are two records: {ours} and {theirs}.").format(**both)


def _rejected(met: list[tuple[IdentityLink, IdentityLink]]) -> Iterator[str]:
    """Somebody has said already that they are not one."""
    for theirs, ours in met:
        for yes, no in ((theirs, ours), (ours, theirs)):
            if yes.state == State.CONFIRMED and no.state in AGAINST:
                when = date_format(no.decided_at, "j M Y") if no.decided_at else "–"
                said = {"who": no.decided_by or "Hark", "handle": no.identity.label, "when": when}
                yield _("{who} said on {when} that {handle} is not the other person’s.").format(**said)
