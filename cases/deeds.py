"""What was done to cases, kept so that whoever did it can take it back.

A deed holds how the cases stood before and after: numbers, states, moments and pks, never a word of a customer. One
kind holds words of ours: a question that was taken out of a survey, so that Undo can put it back. Like every deed it
can be undone for a day, and is thrown away after a week (`KEPT`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import Exists, OuterRef, Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from cases import live, promises, told
from cases.models import Case, Deed
from cases.models.states import UNRESOLVED
from crm.errors import Refused
from crm.models import Activity, User

MOST = 500  # cases at once
OPEN_FOR = timedelta(hours=24)  # how long a deed can be undone
KEPT = timedelta(days=7)
FIELDS = (
    "state", "owner_id", "team_id", "priority", "snoozed_until", "waiting_since", "resolved_at", "resolved_by_id",
    "cause_id", "outcome", "mood_at_end", "extra_points", "reasons",
)  # fmt: skip
ALWAYS = ("state", "owner_id")  # told in every deed, so that nothing is put back under a case that has moved on

Facts = dict[str, Any]
Undo = Callable[[Deed, User], int]
_undo: dict[str, Undo] = {}


class TooMany(Refused):
    sentence = _("These are {n} cases. At most {most} can be changed at once.")


class TooLate(Refused):
    sentence = _("That was more than a day ago. It stays as it is; change it by hand.")


class UndoneAlready(Refused):
    sentence = _("That has been undone already.")


class NothingToUndo(Refused):
    sentence = _("There is nothing of yours to undo here.")


class ChangedSince(Refused):
    sentence = _("Somebody has changed that since, so it stays as it is now.")


def undoes(action: str) -> Callable[[Undo], Undo]:
    """Declare how deeds of this `action` are undone; others by putting back what was before. Returns how many."""

    def keep(undo: Undo) -> Undo:
        _undo[action] = undo
        return undo

    return keep


@transaction.atomic
def do(*, action: str, cases: Iterable[int], by: User, act: Callable[[list[int]], object]) -> Deed | None:
    """Let `act` change those of `cases` that `by` may see; None where it changed nothing.

    Three queries more than `act`, however many cases.
    """
    pks = list(cases)
    if len(pks) > MOST:
        raise TooMany(n=len(pks), most=MOST)
    before = standing(Case.objects.visible_to(by).filter(pk__in=pks))
    act(list(before))
    after = standing(Case.objects.filter(pk__in=before))
    moved = [pk for pk in before if before[pk] != after[pk]]
    changes = [_difference(pk, before[pk], after[pk]) for pk in moved]
    return write(action, [was for was, _ in changes], [now for _, now in changes], by) if moved else None


def standing(cases: Any) -> dict[int, Facts]:
    """How each of `cases` stands, as a deed keeps it. They are locked, in one order for everybody."""
    locked = cases.order_by("pk").select_for_update(of=("self",)).only("pk", *FIELDS)
    return {case.pk: facts_of(case) for case in locked}


def facts_of(case: Case, fields: Sequence[str] = FIELDS) -> Facts:
    return {name: _written(getattr(case, name)) for name in fields}


def _written(value: Any) -> Any:
    return value.isoformat() if isinstance(value, datetime) else value


def read(name: str, value: Any) -> Any:
    """The value of a field, from how a deed keeps it."""
    field: Any = Case._meta.get_field(name.removesuffix("_id"))
    return datetime.fromisoformat(value) if value and field.get_internal_type() == "DateTimeField" else value


def _difference(pk: int, was: Facts, now: Facts) -> tuple[Facts, Facts]:
    names = [name for name in FIELDS if name in ALWAYS or was[name] != now[name]]
    return {"id": pk} | {n: was[n] for n in names}, {"id": pk} | {n: now[n] for n in names}


def write(action: str, before: list[Facts], after: list[Facts], by: User) -> Deed:
    return Deed.objects.create(action=action, before=before, after=after, by=by)


def concerned(deed: Deed) -> set[int]:
    """The pks of its cases."""
    return {facts["id"] for facts in deed.after or deed.before if "id" in facts}


def last_of(user: User, case: int) -> Deed:
    """What `user` did last to this case, and may still undo."""
    mine = Deed.objects.filter(by=user, undone_at=None, at__gt=timezone.now() - OPEN_FOR)
    concerned = Q(before__contains=[{"id": case}]) | Q(after__contains=[{"id": case}])
    if found := mine.filter(concerned).order_by("-id").first():
        return found
    raise NothingToUndo


@transaction.atomic
def undo(*, deed: Deed, by: User) -> int:
    """Put back what nobody has changed since. Returns of how many cases. Only for who did it, within a day."""
    deed = Deed.objects.select_for_update().get(pk=deed.pk)
    if deed.by_id != by.pk:
        raise NothingToUndo
    if deed.undone_at:
        raise UndoneAlready
    if deed.at < timezone.now() - OPEN_FOR:
        raise TooLate
    restored = _undo.get(deed.action, _put_back)(deed, by)
    deed.undone_at = timezone.now()
    deed.save(update_fields=["undone_at"])
    return restored


def _put_back(deed: Deed, by: User) -> int:
    """Each case that stands in every changed field as the deed left it. A fixed number of queries."""
    before = {facts["id"]: facts for facts in deed.before}
    after = {facts["id"]: facts for facts in deed.after}
    found = Case.objects.filter(pk__in=before).order_by("pk").select_for_update(of=("self",))
    kept = [case for case in found if _as_left(case, after[case.pk])]
    kept = _without_a_second(kept, before)
    for case in kept:
        restore(case, before[case.pk])
    Case.objects.bulk_update(kept, [name.removesuffix("_id") for name in FIELDS])
    tell([case.pk for case in kept], deed.action, by, [case.pk for case in kept if case.needs_us])
    return len(kept)


def _as_left(case: Case, left: Facts) -> bool:
    return all(_written(getattr(case, name)) == value for name, value in left.items() if name != "id")


def restore(case: Case, facts: Facts) -> None:
    """Not saved."""
    for name, value in facts.items():
        if name != "id":
            setattr(case, name, read(name, value))


def _without_a_second(cases: list[Case], before: dict[int, Facts]) -> list[Case]:
    """Less those that would open again beside another open one on the same conversation."""
    opening = [case.pk for case in cases if not case.is_unresolved and before[case.pk]["state"] in UNRESOLVED]
    if not opening:
        return cases
    beside = Case.objects.unresolved().filter(customer=OuterRef("customer"), thread=OuterRef("thread"), split_from=None)
    stay = set(Case.objects.filter(Exists(beside), pk__in=opening, split_from=None).values_list("pk", flat=True))
    return [case for case in cases if case.pk not in stay]


def tell(pks: Sequence[int], action: str, by: User, arrived: Iterable[int]) -> None:
    """Log an undo, and let clocks, other systems and open pages know."""
    Activity.objects.bulk_create(
        [Activity(verb="undone", subject_kind="cases.case", subject_id=pk, by=by, detail=action) for pk in pks]
    )
    promises.settle(pks)
    told.changed(pks)
    live.cases_changed(pks, arrived=arrived, by=by)


def forget_old() -> int:
    """Drop deeds nobody can undo any more. Returns how many."""
    return Deed.objects.filter(at__lt=timezone.now() - KEPT).delete()[0]
