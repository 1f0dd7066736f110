"""What the network says of a post, and who is who on it."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

from .conversation import Act
from .people import Person, Temper, by_handle, passing_by_handle
from .privately import is_direct
from .store import Row
from .stories import BRAND

Json = dict[str, Any]
SITE = "https://simulator.example"


def utc_now() -> datetime:
    return datetime.now(UTC)


def iso(at: datetime) -> str:
    """Always UTC and equally long, so that text sorts like time."""
    return at.astimezone(UTC).isoformat(timespec="milliseconds")


def person_of(handle: str) -> Person:
    """A member of the cast, who passes by, or a stranger who behaves like most people."""
    known = by_handle().get(handle) or passing_by_handle().get(handle)
    return known or Person(f"x-{handle}", handle, handle, "", "en", Temper.ORDINARY, "standard", "plain", 1)


def as_event(row: Row) -> Json:
    """What GET /events says of one row. `story` and `act` are for tests; a real network would not tell."""
    ours = bool(row["ours"])
    person = person_of(row["author"])
    return {
        **{name: row[name] for name in ("seq", "kind", "id", "thread", "parent", "text", "language", "at")},
        **{name: row[name] for name in ("key", "story", "act")},
        "ours": ours,
        "private": row["act"] == Act.WHISPER or is_direct(row["thread"]),
        "files": json.loads(row.get("files") or "[]"),
        "to": person_of(row["recipient"]).key if row["recipient"] else "",
        "url": f"{SITE}/{row['author']}/{row['id']}",
        "author": {"key": BRAND, "handle": BRAND, "name": "Skylark"} if ours else _profile(person),
    }


def _profile(person: Person) -> Json:
    return {
        "key": person.key,
        "handle": person.handle,
        "name": person.name,
        "city": person.city,
        "followers": person.followers,
        "url": f"{SITE}/{person.handle}",
    }
