"""What we sent and a network gave back: nobody can be reached there. Who sent it is told, and says what it was.

Whoever sends by a way of its own gives itself a name here, from its app's `ready()`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from channels_app.models import RawEvent
from channels_app.platforms.base import Event, EventKind

Hears = Callable[[Event], str]
_hearers: list[Hears] = []
NOBODYS = "It came back, and nobody here knows of having sent it."


def heard_by(hears: Hears) -> None:
    """`hears(event)` is called in the transaction in which it is stored, and may be again; it gives a finished
    sentence, or "" where it did not send what came back."""
    if hears not in _hearers:
        _hearers.append(hears)


def take_out(parsed: Sequence[tuple[RawEvent, Event]]) -> list[tuple[RawEvent, Event]]:
    """Tell of what came back; the rest, which was said."""
    rest = []
    for raw, event in parsed:
        if event.kind is EventKind.RETURNED:
            raw.reason = next(filter(None, (hears(event) for hears in _hearers)), NOBODYS)[:500]
        else:
            rest.append((raw, event))
    return rest
