"""What stands in Meta's JSON, taken with care: nothing is believed to be there, or to be what it should be."""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import UTC, datetime

from channels_app.platforms.archive import clean_text
from channels_app.platforms.base import Json
from channels_app.platforms.errors import Unreadable

MILLISECONDS = 1e11  # seconds since 1970 do not come so far for three thousand years


def envelope(body: bytes) -> Json:
    """Raises Unreadable where it is not what a webhook of Meta sends."""
    try:
        found = json.loads(body.decode("utf-8"))
    except (ValueError, RecursionError) as error:
        raise Unreadable("What Meta sent is not valid JSON.") from error
    if not isinstance(found, dict) or not isinstance(found.get("entry"), list):
        raise Unreadable("What Meta sent holds no entries.")
    return found


def entries(body: bytes, kind: str) -> list[Json]:
    """The entries of a payload that is about a `kind` of account. Raises Unreadable."""
    found = envelope(body)
    if found.get("object") != kind:
        raise Unreadable(f"This is about “{word(found.get('object'))[:40]}”, not about “{kind}”.")
    return objects(found["entry"])


def objects(value: object) -> list[Json]:
    return [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []


def within(row: Json, *names: str) -> Json:
    """The object under these names, one inside the other; an empty one where it is not there."""
    for name in names:
        found = row.get(name)
        row = found if isinstance(found, dict) else {}
    return row


def word(value: object) -> str:
    """An id or a short word; ids come as text and as numbers."""
    is_one = isinstance(value, str | int) and not isinstance(value, bool)
    return clean_text(value)[:255] if is_one else ""


def words(value: object) -> str:
    """What somebody wrote."""
    return clean_text(value) if isinstance(value, str) else ""


def lines(parts: Iterable[str]) -> str:
    return "\n".join(part for part in parts if part)


def needed(row: Json, name: str) -> str:
    """Raises Unreadable where it is missing."""
    found = word(row.get(name))
    if not found:
        raise Unreadable(f"What Meta sent has no {name}.")
    return found


def moment(*stated: object) -> datetime:
    """The first of `stated` that is a time: seconds or milliseconds since 1970, as number or text, or ISO 8601."""
    for value in stated:
        if at := _moment(word(value)):
            return at
    raise Unreadable("What Meta sent does not say when it was.")


def _moment(text: str) -> datetime | None:
    try:
        if text.isdecimal():
            number = int(text)
            at = datetime.fromtimestamp(number / 1000 if number > MILLISECONDS else number, UTC)
        else:
            at = datetime.fromisoformat(text)
    except (ValueError, OverflowError, OSError):
        return None
    at = at if at.tzinfo else at.replace(tzinfo=UTC)
    return at if 1990 <= at.year <= 2200 else None
