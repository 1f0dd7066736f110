"""What comes next in a loop, by when, and whose turn it is."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.utils import timezone
from django.utils.translation import gettext as _

from surveys.models import Call, GroupRequest, Loop
from surveys.outreach.loops.ending import GRACE
from surveys.outreach.loops.steps import Step, calls_of


@dataclass(frozen=True)
class Coming:
    """`at`: by when, None while the clock of a group stands still. `whose` is empty where nobody has it yet."""

    step: Step
    what: str
    at: datetime | None
    whose: str = ""
    is_late: bool = False


def coming(loop: Loop, now: datetime | None = None) -> Coming | None:
    """None where nobody has anything to do in it any more. Three queries."""
    return comings([loop], now).get(loop.pk)


def comings(loops: Iterable[Loop], now: datetime | None = None) -> dict[int, Coming]:
    """By the pk of the loop, of each that is open, or in which somebody is called again: when what they were promised
    has come. Three queries, however many.
    """
    found = list(loops)
    now, calls = now or timezone.now(), calls_of(loop.pk for loop in found)
    waiting: dict[int, list[GroupRequest]] = {pk: [] for pk in calls}
    for request in GroupRequest.objects.waiting().filter(loop__in=waiting).select_related("group", "attempt__by"):
        waiting[request.loop_id].append(request)
    coming = {
        loop.pk: _first([*_of_calls(calls[loop.pk], now), *_of_requests(waiting[loop.pk], now)], now)
        or (None if loop.ended_at else _end(calls[loop.pk]))
        for loop in found
    }
    return {pk: each for pk, each in coming.items() if each}


def _first(found: Sequence[Coming], now: datetime) -> Coming | None:
    """What is due first; before it what stands still, since nothing else moves it on."""
    return min(found, key=lambda each: (each.at is not None, each.at or now), default=None)


def _end(calls: Sequence[Call]) -> Coming:
    ended = max((call.ended_at for call in calls if call.ended_at), default=None)
    return Coming(Step.TOLD, _("Nothing is left to do: it ends by itself"), ended + GRACE if ended else None)


def _of_calls(calls: Iterable[Call], now: datetime) -> Iterator[Coming]:
    for call in calls:
        if call.is_live:
            tells = call.kind == Call.Kind.SECOND
            whose, at = str(call.owner or ""), call.planned_for or call.due_at
            said = _("{who} tells them what came of it") if tells else _("{who} calls them")
            step = Step.TOLD if tells else Step.CALLED
            yield Coming(step, said.format(who=whose or _("Whoever takes the call")), at, whose, call.due_at < now)


def _of_requests(waiting: Iterable[GroupRequest], now: datetime) -> Iterator[Coming]:
    for request in waiting:
        if request.asked_back_at:
            caller = str(request.attempt.by)
            said = _("{who} tells {group} what it asked back").format(who=caller, group=request.group)
            yield Coming(Step.GIVEN, said, None, caller)
        else:
            said = _("{group} answers").format(group=request.group)
            yield Coming(Step.GIVEN, said, request.due_at, str(request.group), request.due_at < now)
