"""Bringing the clocks of cases in line with where they stand: in batches, with a fixed number of queries."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils import timezone

from cases import writing
from cases.models import Case, CaseMessage, Clock
from cases.promises import terms
from cases.promises.turns import Said, Standing
from channels_app.models import Message

CLOCK = (
    "started_at", "running_since", "spent", "due_at", "risk_at", "risk_told_at", "broken_at", "ended_at", "end",
)  # fmt: skip
CASE = ("due_at", "due_kind", "risk_at")
READ = ("pk", "channel_id", "channel__platform", "state", "opened_at", "waiting_since", "resolved_at", *CASE)


def settle(pks: Iterable[int]) -> None:
    """Bring the clocks of these cases, and what the cases tell of them, in line with where they stand.

    To be called after any change of a case's state or messages, in the same transaction. Safe to call again; eight
    queries at most, however many cases. Cases are locked before their clocks, in the order of their numbers.
    """
    if wanted := set(pks):
        _settle(wanted)


@transaction.atomic(savepoint=False)
def _settle(wanted: Collection[int]) -> None:
    cases = list(Case.objects.filter(pk__in=wanted).order_by("pk").select_for_update(of=("self",)).values(*READ))
    clocks, said = _clocks(wanted), _said(wanted)
    promised = terms.of_channels({case["channel_id"]: case["channel__platform"] for case in cases})
    before = {clock.pk: _facts(clock) for of_case in clocks.values() for clock in of_case}
    for case in cases:
        if case["channel_id"] in promised:
            standing = _standing(case, said[case["pk"]], clocks[case["pk"]], promised[case["channel_id"]])
            standing.settle()
    _write(cases, clocks, before)


def _standing(case: dict[str, Any], said: Sequence[Said], clocks: list[Clock], promised: terms.Terms) -> Standing:
    times = {name: case[name] for name in ("pk", "state", "opened_at", "waiting_since", "resolved_at")}
    return Standing(**times, said=said, clocks=clocks, terms=promised, now=timezone.now())


def _clocks(pks: Collection[int]) -> dict[int, list[Clock]]:
    found = defaultdict(list)
    for clock in Clock.objects.filter(case__in=pks).order_by("pk").select_for_update(of=("self",)):
        found[clock.case_id].append(clock)
    return found


def _said(pks: Collection[int]) -> dict[int, list[Said]]:
    """Times and directions alone, in the order things were said. Who did not write to us was promised nothing."""
    entries = CaseMessage.objects.filter(case__in=pks, message__overheard=False).order_by(
        "message__occurred_at", "message_id"
    )
    found = defaultdict(list)
    columns = ("case_id", "message__occurred_at", "message__direction", "acknowledges")
    for case, at, direction, acknowledges in entries.values_list(*columns):
        found[case].append(Said(at, direction == Message.Direction.OUT, acknowledges))
    return found


def _facts(clock: Clock) -> tuple[Any, ...]:
    return tuple(getattr(clock, name) for name in CLOCK)


def _write(cases: Sequence[dict[str, Any]], clocks: dict[int, list[Clock]], before: dict[int, tuple[Any, ...]]) -> None:
    """Those that ended first, so that a case never has two open clocks of a kind, not even within a statement."""
    every = [clock for of_case in clocks.values() for clock in of_case]
    Clock.objects.bulk_create([clock for clock in every if clock.pk is None and clock.ended_at])
    changed = [clock for clock in every if clock.pk in before and _facts(clock) != before[clock.pk]]
    writing.write(changed, CLOCK)
    Clock.objects.bulk_create([clock for clock in every if clock.pk is None])
    write_cases(cases, clocks)


def write_cases(cases: Iterable[dict[str, Any]], clocks: dict[int, list[Clock]]) -> list[int]:
    """What cases tell of their running clocks, where that is not what they told. Returns which were written."""
    wanted = {case["pk"]: soonest(clocks[case["pk"]]) for case in cases}
    told = [case["pk"] for case in cases if wanted[case["pk"]] != {name: case[name] for name in CASE}]
    writing.put(Case, CASE, [[pk, *wanted[pk].values()] for pk in told])
    return told


def soonest(clocks: Iterable[Clock]) -> dict[str, datetime | str | None]:
    """Which promise ends next, and from when one is at risk."""
    running = [clock for clock in clocks if clock.due_at and clock.risk_at]
    if not running:
        return {"due_at": None, "due_kind": "", "risk_at": None}
    due_at, kind = min((clock.due_at, str(clock.kind)) for clock in running if clock.due_at)
    return {"due_at": due_at, "due_kind": kind, "risk_at": min(clock.risk_at for clock in running if clock.risk_at)}
