"""Seeing that a promise is at risk, or broken, when it happens: each is told once, however many watch."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

from django.db import transaction
from django.db.models import F, Q
from django.utils import timezone
from django.utils.translation import gettext as _

from cases import live, rules_engine, snooze, told
from cases.models import Case, Clock
from cases.models.rules import Event
from crm import notices
from crm.models import Activity, Notice

BATCH = 500
LATE = "marked late"
AT_RISK, BROKEN = Event.AT_RISK.value, Event.BROKEN.value


def watch() -> int:
    """Tell of every promise that came to be at risk, or was broken, since the last time. Returns of how many."""
    found = 0
    while told_now := _watch_batch(timezone.now()):
        found += told_now
    return found


def to_tell(now: datetime) -> Q:
    running = Q(running_since__isnull=False)
    return running & (Q(risk_told_at=None, risk_at__lte=now) | Q(broken_at=None, due_at__lt=now))


@transaction.atomic
def _watch_batch(now: datetime) -> int:
    """Cases somebody else holds are left for the next time, which is five seconds away."""
    late = Clock.objects.filter(to_tell(now)).order_by("case_id").values_list("case_id", flat=True)[:BATCH]
    cases = Case.objects.filter(pk__in=set(late)).order_by("pk")
    held = list(cases.select_for_update(of=("self",), skip_locked=True).values_list("pk", flat=True))
    clocks = list(Clock.objects.filter(to_tell(now), case__in=held).select_for_update(of=("self",), skip_locked=True))
    broken = [clock for clock in clocks if clock.broken_at is None and clock.due_at and clock.due_at < now]
    at_risk = [clock for clock in clocks if clock.risk_told_at is None and clock not in broken]
    _mark(clocks, broken, now)
    _log(broken)
    _tell(AT_RISK, at_risk)
    _tell(BROKEN, broken)
    snooze.wake([clock.case_id for clock in clocks], _("A promise in it is at risk."))
    changed = sorted({clock.case_id for clock in clocks})
    told.changed(changed)
    live.cases_changed(changed)
    return len(clocks)


def _mark(clocks: Iterable[Clock], broken: Iterable[Clock], now: datetime) -> None:
    """A promise that was broken before anybody looked is told as broken only."""
    told_of = Clock.objects.filter(pk__in=[clock.pk for clock in clocks], risk_told_at=None)
    told_of.update(risk_told_at=now)
    Clock.objects.filter(pk__in=[clock.pk for clock in broken], broken_at=None).update(broken_at=F("due_at"))


def _log(broken: Iterable[Clock]) -> None:
    """The case's own page says when a promise was broken."""
    Activity.objects.bulk_create(
        [
            Activity(
                verb="marked late", subject_kind="cases.case", subject_id=clock.case_id, detail=clock.get_kind_display()
            )
            for clock in broken
        ]
    )


def _tell(event: str, clocks: Iterable[Clock]) -> None:
    """The rules of the event, kind by kind, since a case may have two promises that fall at once; and the owners."""
    by_kind: dict[str, dict[int, Clock]] = {}
    for clock in clocks:
        by_kind.setdefault(clock.kind, {})[clock.case_id] = clock
    for of_kind in by_kind.values():
        rules_engine.happened(event, {case: f"clock:{clock.pk}" for case, clock in of_kind.items()})
    _tell_owners(event, [clock for of_kind in by_kind.values() for clock in of_kind.values()])


def _tell_owners(event: str, clocks: Sequence[Clock]) -> None:
    pattern = (
        _("%(promise)s: at risk in case #%(case)d") if event == AT_RISK else _("%(promise)s: late in case #%(case)d")
    )
    cases = Case.objects.filter(pk__in={clock.case_id for clock in clocks}, owner__isnull=False)
    owned = {case.pk: case for case in cases.only("owner")}
    notices.tell_each(
        notices.Word(
            case.owner_id, Notice.Kind.PROMISE, pattern % {"promise": clock.get_kind_display(), "case": case.pk},
            case.get_absolute_url(), case,
        )
        for clock in clocks
        if (case := owned.get(clock.case_id)) and case.owner_id
    )  # fmt: skip
