"""Ids of X: numbers that hold the moment they were given out, told apart by what they name.

A post keeps its number. A direct message is "dm/" and its number, a conversation with one person "dm-" and theirs, one
of several "group-" and its own.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

from channels_app.platforms.base import Json
from channels_app.platforms.errors import Rejected

NUMBER = re.compile(r"[0-9]{1,19}")
MESSAGE, WITH_ONE, WITH_SEVERAL = "dm/", "dm-", "group-"
EXACT = 2**53  # from here on a number that passed through JavaScript may have been rounded
EPOCH, SHIFT = 1288834974657, 22  # of X's Snowflake ids: milliseconds since 1970, bits below the time
FIRST = 30_000_000_000  # below it, before November 2010, ids hold no time
OVERLAP = timedelta(minutes=1)  # ids are only roughly in order, and what is new is not seen everywhere at once


def number(raw: Json, name: str = "id") -> str:
    """The text form where there is one: the number beside it may be rounded. Raises KeyError where there is none."""
    for value in (raw.get(f"{name}_str"), raw.get(name)):
        if isinstance(value, str) and NUMBER.fullmatch(value):
            return value
        if isinstance(value, int) and 0 < value < EXACT:
            return str(value)
    raise KeyError(name)


def maybe(raw: Json, name: str) -> str:
    try:
        return number(raw, name)
    except KeyError:
        return ""


def moment(of: str) -> datetime | None:
    """When X gave the id out; None where it does not say."""
    digits = of.removeprefix(MESSAGE)
    if not NUMBER.fullmatch(digits) or int(digits) < FIRST:
        return None
    return datetime.fromtimestamp(((int(digits) >> SHIFT) + EPOCH) / 1000, UTC)


def at(when: datetime) -> int:
    """The smallest id of that moment."""
    return max(int(when.timestamp() * 1000) - EPOCH, 0) << SHIFT


def with_overlap(since: int) -> int:
    return max(since - (int(OVERLAP.total_seconds() * 1000) << SHIFT), 0)


def must_be_one(text: str, what: str) -> str:
    """As a part of an address or a request. Raises Rejected: "X knows no such {what}"."""
    if not NUMBER.fullmatch(text):
        raise Rejected(f"X knows no such {what}.")
    return text
