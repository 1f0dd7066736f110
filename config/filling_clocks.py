"""The promise clocks of a case of the bulk, as the desk would have left them: day and night, the usual promises."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from channels_app.models import ChannelPromise

Row = tuple[object, ...]


@dataclass(frozen=True)
class Turns:
    """When a case was opened, since when it waits for us (None: it does not), first answered, resolved; and now."""

    opened: datetime
    waiting: datetime | None
    answered: datetime | None
    resolved: datetime | None
    now: datetime


@dataclass(frozen=True)
class Due:
    at: datetime
    kind: str
    risk: datetime


def clocks(case: int, turns: Turns, promise: ChannelPromise) -> tuple[list[Row], Due | None]:
    """The rows of cases.models.Clock, and which promise ends next."""
    rows, running = [], []
    for kind, since, ended in _spans(turns):
        promised, warned = (getattr(promise, f"{kind}_{what}") * 60 for what in ("minutes", "warn"))
        due, runs = since + timedelta(seconds=promised), turns.waiting is not None and not ended
        risk = due - timedelta(seconds=warned)
        is_broken = (ended or runs) and due <= (ended or turns.now)
        end = ("broken" if is_broken else "kept") if ended else ""
        state = (since, 0, due, risk) if runs else (None, 0, None, None)
        rows.append((case, kind, promised, warned, since, *state, due if is_broken else None, ended, end))
        running += [Due(due, kind, risk)] if runs else []
    first = min(running, key=lambda each: each.at, default=None)
    return rows, first and Due(first.at, first.kind, min(each.risk for each in running))


def _spans(turns: Turns) -> Iterator[tuple[str, datetime, datetime | None]]:
    """(kind, since when, until when) of each promise."""
    yield "acknowledge", turns.opened, turns.answered
    yield "answer", turns.waiting or turns.opened, None if turns.waiting else turns.answered
    yield "resolve", turns.opened, turns.resolved
