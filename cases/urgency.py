"""How urgent a case is, set by one of us: rules may still raise it, never lower it."""

from __future__ import annotations

from collections.abc import Iterable

from django.db import transaction
from django.db.models import Q
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from cases import live, rules, told
from cases.assignment import NotYours
from cases.models import Case, Priority
from crm.errors import Refused
from crm.models import Activity, User
from crm.models.activity import log


class NotOpenAnyMore(Refused):
    sentence = gettext_lazy("This case is {state}: its place in the queue does not matter any more.")


@transaction.atomic
def set_priority(*, case: Case, priority: Priority, by: User) -> Case:
    """One's own case or a free one; a lead any. The same priority again confirms it: no rule lowers it from then on."""
    current = Case.objects.locked(case.pk, "owner")
    if not current.is_unresolved:
        raise NotOpenAnyMore(state=current.get_state_display().lower())
    if current.owner_id not in (None, by.pk) and not by.leads:
        raise NotYours(owner=current.owner)
    _put_down(current, priority, by)
    current.save(update_fields=["priority", "reasons", "extra_points"])
    log("given another priority", current, by=by, detail=str(Priority(priority).label))
    told.changed([current.pk])
    live.cases_changed([current.pk], by=by)
    return current


@transaction.atomic
def set_priority_many(*, cases: Iterable[int], priority: Priority, by: User) -> int:
    """Set it for those of `cases` that `by` may change. Returns how many. A fixed number of queries."""
    chosen = Case.objects.visible_to(by).unresolved().filter(pk__in=list(cases))
    if not by.leads:
        chosen = chosen.filter(Q(owner=None) | Q(owner=by))
    found = list(chosen.order_by("pk").select_for_update(of=("self",)))
    for case in found:
        _put_down(case, priority, by)
    Case.objects.bulk_update(found, ["priority", "reasons", "extra_points"])
    Activity.objects.bulk_create([_line(case, priority, by) for case in found])
    told.changed(case.pk for case in found)
    live.cases_changed([case.pk for case in found], by=by)
    return len(found)


def _line(case: Case, priority: Priority, by: User) -> Activity:
    verb, label = "given another priority", str(Priority(priority).label)
    return Activity(verb=verb, subject_kind="cases.case", subject_id=case.pk, by=by, detail=label)


def _put_down(case: Case, priority: Priority, by: User) -> None:
    """Not saved."""
    why = _("Set to %(priority)s by %(who)s") % {"priority": Priority(priority).label.lower(), "who": by}
    case.reasons = [*_by_rules(case), {"by": by.pk, "points": 0, "why": why}]
    case.priority, case.extra_points = priority, rules.total(case.reasons)


def is_set_by_hand(case: Case) -> bool:
    return any("by" in reason for reason in case.reasons)


def _by_rules(case: Case) -> list[dict[str, object]]:
    return [reason for reason in case.reasons if "by" not in reason]
