"""How long each kind of data is kept, and its removal by the clock.

Two sorts. What Hark itself needs for a while only goes by itself each hour. Anything somebody may want to keep has a
rule that is off until a lead turns it on, after having looked at what would go; those run once a day. Each app names
its kinds when it starts.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import structlog
from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from crm.errors import Refused
from crm.locks import alone
from crm.models import RetentionRule, RetentionRun, User
from crm.models.activity import log as note
from crm.privacy.holders import BATCH, Words

log = structlog.get_logger(__name__)

LOCK = 12  # the first half of our advisory locks
EACH_DAY = timedelta(hours=23)  # after this the rules run again: an hour is what the clock may be late
FRESH = timedelta(days=1)  # how long what somebody saw counts as seen
COUNTED = 100_000  # a look counts no further


class NoSuchKind(Refused):
    sentence = _("There is no such kind of data. Load the page again.")


class LookFirst(Refused):
    sentence = _("Look first at what would go with {days} days; then switch it on.")


class TooShort(Refused):
    sentence = _("What is kept is kept for {least} days at least.")


@dataclass(frozen=True)
class Kind:
    """Data that may go when it is old. `days` is what we propose; `older(before)` are the rows that are due.

    `remove` takes a batch of them; what it leaves must no longer be due.
    """

    name: str
    label: Words
    says: Words
    days: int
    older: Callable[[datetime], QuerySet[Any]]
    remove: Callable[[QuerySet[Any]], object]
    least: int = 1


@dataclass(frozen=True)
class Passing:
    """What Hark needs for a while only: `forget()` drops what is older than `after` and returns how many."""

    name: str
    label: Words
    after: timedelta
    forget: Callable[[], int | None]


KINDS: dict[str, Kind] = {}
PASSING: dict[str, Passing] = {}


def register(*kinds: Kind) -> None:
    KINDS.update({kind.name: kind for kind in kinds})


def passes(*kinds: Passing) -> None:
    PASSING.update({kind.name: kind for kind in kinds})


def delete(rows: QuerySet[Any]) -> None:
    rows.delete()


# --- rules


@dataclass(frozen=True)
class Line:
    """One kind as the page shows it. `seen` is how many would go with `days`, None where nobody looked lately."""

    kind: Kind
    rule: RetentionRule | None
    days: int
    seen: int | None

    @property
    def is_on(self) -> bool:
        return self.rule is not None and self.rule.enabled_at is not None

    @property
    def may_switch_on(self) -> bool:
        return self.seen is not None and (not self.is_on or self.rule is None or self.rule.days != self.days)

    @property
    def is_many(self) -> bool:
        return self.seen is not None and self.seen > COUNTED


def lines() -> list[Line]:
    rules = {rule.kind: rule for rule in RetentionRule.objects.select_related("enabled_by")}
    looks = _looks()
    return [_line(kind, rules.get(kind.name), looks.get(kind.name)) for kind in KINDS.values()]


def _line(kind: Kind, rule: RetentionRule | None, look: dict[str, int] | None) -> Line:
    """With the days somebody looked at last, else those of the rule, else those we propose."""
    if look:
        return Line(kind, rule, look["days"], look["count"])
    return Line(kind, rule, rule.days if rule else kind.days, None)


def _looks() -> dict[str, dict[str, int]]:
    """What was seen lately: kind → {"days", "count"}, the newest look at each."""
    lately = RetentionRun.objects.filter(dry=True, at__gt=timezone.now() - FRESH).order_by("at", "pk")
    return {name: seen for run in lately for name, seen in run.removed.items() if name in KINDS}


def look(*, days: dict[str, int], by: User | None) -> RetentionRun:
    """Count what would go of these kinds, each after so many days. Nothing goes. Raises NoSuchKind, TooShort."""
    seen = {}
    for name, many in days.items():
        kind = _checked(name, many)
        seen[name] = {"days": many, "count": kind.older(_before(many))[: COUNTED + 1].count()}
    return RetentionRun.objects.create(dry=True, by=by, removed=seen)


@transaction.atomic
def switch_on(*, name: str, days: int, by: User) -> RetentionRule:
    """From the next run on this goes after so many days. Raises LookFirst where nobody looked at that lately."""
    _checked(name, days)
    if _looks().get(name, {}).get("days") != days:
        raise LookFirst(days=days)
    held = {"days": days, "enabled_at": timezone.now(), "enabled_by": by}
    rule, _made = RetentionRule.objects.update_or_create(kind=name, defaults=held)
    note("switched on", rule, by=by, detail=f"{name}: {days} days")
    return rule


@transaction.atomic
def switch_off(*, name: str, by: User) -> None:
    """It is kept from now on. What is gone stays gone."""
    for rule in RetentionRule.objects.select_for_update().filter(kind=name, enabled_at__isnull=False):
        rule.enabled_at = rule.enabled_by = None
        rule.save(update_fields=["enabled_at", "enabled_by"])
        note("switched off", rule, by=by, detail=name)


def _checked(name: str, days: int) -> Kind:
    kind = KINDS.get(name)
    if kind is None:
        raise NoSuchKind
    if days < kind.least:
        raise TooShort(least=kind.least)
    return kind


def _before(days: int) -> datetime:
    return timezone.now() - timedelta(days=days)


# --- the clock


def due() -> None:
    """Each hour: drop what passes by itself; once a day run the rules that are on."""
    with alone(LOCK) as mine:
        if not mine:
            return
        for kind in PASSING.values():
            if number := kind.forget():
                log.info("forgotten", kind=kind.name, rows=number)
        if not RetentionRun.objects.filter(dry=False, at__gt=timezone.now() - EACH_DAY).exists():
            _run(None)


def run(*, by: User | None) -> RetentionRun | None:
    """Run the rules that are on here and now. None where another process is at it."""
    with alone(LOCK) as mine:
        return _run(by) if mine else None


def _run(by: User | None) -> RetentionRun:
    """Batch by batch, each a transaction: killed anywhere, what is gone is gone, and the next run takes the rest."""
    done = RetentionRun.objects.create(dry=False, by=by)
    for rule in RetentionRule.objects.exclude(enabled_at=None):
        if kind := KINDS.get(rule.kind):
            for number in _removed(kind, _before(rule.days)):
                done.removed[kind.name] = done.removed.get(kind.name, 0) + number
                done.save(update_fields=["removed"])
    log.info("retention rules were run", **done.removed)
    return done


def _removed(kind: Kind, before: datetime) -> Iterator[int]:
    due, last = kind.older(before).order_by("pk").values_list("pk", flat=True), 0
    while pks := list(due.filter(pk__gt=last)[:BATCH]):
        with transaction.atomic():
            kind.remove(due.model._base_manager.filter(pk__in=pks))
        yield len(pks)
        last = pks[-1]
