"""The tree of causes: which there are, and joining two that turned out to be one. A join can be taken back exactly."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from cases import deeds, live, told
from cases.models import Case, Cause, ChecklistItem, Deed
from cases.models.states import UNRESOLVED
from crm.errors import Refused
from crm.models import User
from crm.models.activity import log

ACTION = "causes joined"
AT_ONCE = 5_000  # cases moved by one statement


class CauseRetired(Refused):
    sentence = _("“{cause}” is no longer used. Choose another cause.")


class WithItself(Refused):
    sentence = _("“{cause}” is one cause already. Choose another to join it to.")


class JoinedAlready(Refused):
    sentence = _("“{cause}” was joined to “{into}” already.")


class IsUnderIt(Refused):
    sentence = _("“{into}” stands under “{cause}”. Move it elsewhere first, or join it the other way round.")


class WouldBeTooDeep(Refused):
    sentence = _("Causes stand under “{cause}”, so it can only be joined to one at the top of the tree.")


class NamesakeRetired(Refused):
    sentence = _("A retired “{child}” stands under “{into}”. Use it again, or rename one of the two, before you join.")


class CannotComeBack(Refused):
    sentence = _("“{cause}” cannot come back: there is another cause of that name in its place now. Rename one first.")


@dataclass(frozen=True)
class Pair:
    """One cause that goes into another: itself, or a child whose namesake is there already."""

    cause: Cause
    into: Cause


@dataclass
class Plan:
    """What joining two causes moves."""

    pairs: list[Pair]
    children: list[Cause] = field(default_factory=list)  # that come to stand under the other

    @property
    def losers(self) -> list[int]:
        return [pair.cause.pk for pair in self.pairs]


@dataclass(frozen=True)
class Preview:
    """How much a join would move, for who is asked."""

    plan: Plan
    cases: int
    items: int


def preview(*, cause: Cause, into: Cause) -> Preview:
    """Refuses what `merge` would refuse. Changes nothing."""
    plan = _plan(cause, into)
    cases = Case.objects.filter(cause__in=plan.losers).count()
    return Preview(plan, cases, ChecklistItem.objects.filter(cause__in=plan.losers).count())


@transaction.atomic
def merge(*, cause: Cause, into: Cause, by: User) -> Deed:
    """Cases, causes below and checklists of `cause` go to `into`; `cause` is retired and says where it went.

    The deed that comes back undoes it, by `deeds.undo`.
    """
    locked = {found.pk: found for found in Cause.objects.order_by("pk").select_for_update()}
    plan = _plan(locked[cause.pk], locked[into.pk])
    moved = [_join(pair, by) for pair in plan.pairs]
    children = [child.pk for child in plan.children]
    Cause.objects.filter(pk__in=children).update(parent=into.pk)
    facts = {"cause": cause.pk, "into": into.pk, "moved": moved, "children": children}
    return Deed.objects.create(action=ACTION, before=[facts], by=by)


def retire(*, cause: Cause, retired: bool, by: User) -> Cause:
    """Take it out of use, or back into it. One that was joined to another comes back by undoing that."""
    if cause.merged_into and not retired:
        raise JoinedAlready(cause=cause, into=cause.merged_into)
    cause.retired_at = (cause.retired_at or timezone.now()) if retired else None
    cause.save(update_fields=["retired_at"])
    log("retired" if retired else "brought back", cause, by=by)
    return cause


def _plan(cause: Cause, into: Cause) -> Plan:
    _check(cause, into)
    namesakes = {child.name.casefold(): child for child in into.children.all()}
    plan = Plan([Pair(cause, into)])
    for child in cause.children.all():
        if namesake := namesakes.get(child.name.casefold()):
            if namesake.retired_at and not child.retired_at:
                raise NamesakeRetired(into=into, child=namesake.name)
            plan.pairs.append(Pair(child, namesake))
        else:
            plan.children.append(child)
    return plan


def _check(cause: Cause, into: Cause) -> None:
    if cause.pk == into.pk:
        raise WithItself(cause=cause)
    if cause.merged_into:
        raise JoinedAlready(cause=cause, into=cause.merged_into)
    if into.retired_at:
        raise CauseRetired(cause=into)
    if into.parent_id == cause.pk:
        raise IsUnderIt(cause=cause, into=into)
    if into.parent_id and cause.children.exists():
        raise WouldBeTooDeep(cause=cause)


def _join(pair: Pair, by: User) -> dict[str, Any]:
    """Move what hangs on one cause, and retire it. What was moved, to be found again."""
    cause, into = pair.cause, pair.into
    cases = list(Case.objects.filter(cause=cause).order_by("pk").values_list("pk", flat=True))
    items = list(ChecklistItem.objects.filter(cause=cause).values_list("pk", flat=True))
    _move(cases, cause.pk, into.pk, by)
    ChecklistItem.objects.filter(pk__in=items).update(cause=into)
    before = cause.retired_at
    cause.retired_at, cause.merged_into = before or timezone.now(), into
    cause.save(update_fields=["retired_at", "merged_into"])
    log("joined", cause, by=by, detail=str(into))
    was = before.isoformat() if before else ""
    return {"cause": cause.pk, "into": into.pk, "cases": cases, "items": items, "retired_at": was}


def _move(cases: Sequence[int], cause: int, to: int, by: User) -> int:
    """Those that still have `cause`. Open pages look again where a case is still worked on."""
    changed = 0
    for pks in _in_batches(cases):
        changed += Case.objects.filter(pk__in=pks, cause=cause).update(cause=to)
        told.changed(pks)
        live.cases_changed(Case.objects.filter(pk__in=pks, state__in=UNRESOLVED).values_list("pk", flat=True), by=by)
    return changed


def _in_batches(pks: Sequence[int]) -> Iterator[Sequence[int]]:
    for start in range(0, len(pks), AT_ONCE):
        yield pks[start : start + AT_ONCE]


@deeds.undoes(ACTION)
def _take_back(deed: Deed, by: User) -> int:
    """Exactly what was moved, as far as nobody has moved it on since. Returns how many cases."""
    facts = deed.before[0]
    list(Cause.objects.order_by("pk").select_for_update().values("pk"))
    _refuse_where_the_name_is_taken(facts)
    Cause.objects.filter(pk__in=facts["children"], parent=facts["into"]).update(parent=facts["cause"])
    return sum(_part(moved, by) for moved in facts["moved"])


def _part(moved: dict[str, Any], by: User) -> int:
    cause = Cause.objects.get(pk=moved["cause"])
    cause.retired_at, cause.merged_into = _moment(moved["retired_at"]), None
    cause.save(update_fields=["retired_at", "merged_into"])
    ChecklistItem.objects.filter(pk__in=moved["items"], cause=moved["into"]).update(cause=cause)
    log("put apart again", cause, by=by, detail=str(Cause.objects.get(pk=moved["into"])))
    return _move(moved["cases"], moved["into"], cause.pk, by)


def _moment(written: str) -> datetime | None:
    return datetime.fromisoformat(written) if written else None


def _refuse_where_the_name_is_taken(facts: dict[str, Any]) -> None:
    """A cause below that came along may have been renamed to what one that stayed behind is called."""
    stayed = Cause.objects.filter(parent=facts["cause"]).values("name")
    if clash := Cause.objects.filter(pk__in=facts["children"], parent=facts["into"], name__in=stayed).first():
        raise CannotComeBack(cause=clash.name)
