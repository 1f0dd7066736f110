"""How the AT Protocol names things: at://account/collection/key, and keys that are moments (TID).

A TID is 13 letters that sort by time: 53 bits of microseconds since 1970, 10 bits of whose clock it was. What Hark
writes has a key made from its own name for it, so that the same thing twice is one record. Those keys stand for moments
before September 2005, when no such network was: among the keys of what was written elsewhere they come first, so what
we sent never comes back as something new (`walking.own`).
"""

from __future__ import annotations

import hashlib
import re
from datetime import UTC, datetime
from typing import NamedTuple

POST, LIKE, BLOCK, GATE = (
    "app.bsky.feed.post", "app.bsky.feed.like", "app.bsky.graph.block", "app.bsky.feed.threadgate"
)  # fmt: skip
LETTERS = "234567abcdefghijklmnopqrstuvwxyz"
TID = re.compile(r"[2-7a-j][2-7a-z]{12}")
ADDRESS = re.compile(r"at://(did:[a-z0-9]+:[A-Za-z0-9._:%-]+)/([A-Za-z0-9.-]+)/([A-Za-z0-9._~:-]+)")
LONGEST = 255  # letters of an id in Hark
BITS_OF_CLOCK, BITS_OF_OURS = 10, 60


class Place(NamedTuple):
    """Where a record is: whose it is (a DID), what it is, and its key there."""

    account: str
    collection: str
    key: str

    def __str__(self) -> str:
        return f"at://{self.account}/{self.collection}/{self.key}"


def place(address: object) -> Place | None:
    """None where `address` is none that names a record of an account by its DID, or is too long to be kept."""
    found = ADDRESS.fullmatch(address) if isinstance(address, str) and len(address) <= LONGEST else None
    return Place(*found.groups()) if found else None


def key_of(name: str) -> str:
    """The key of what Hark calls `name`: always the same, a valid TID, older than any other."""
    return _letters(int.from_bytes(hashlib.sha256(name.encode()).digest()[:8]) >> (64 - BITS_OF_OURS))


def key_at(moment: datetime) -> str:
    """The first key of that moment."""
    return _letters(max(int(moment.timestamp() * 1_000_000), 0) << BITS_OF_CLOCK)


def moment_of(key: str) -> datetime | None:
    """When a key was made, by the clock of whoever made it; None where it is no TID."""
    if not TID.fullmatch(key):
        return None
    number = 0
    for letter in key:
        number = number * 32 + LETTERS.index(letter)
    try:
        return datetime.fromtimestamp((number >> BITS_OF_CLOCK) / 1_000_000, UTC)
    except (OverflowError, ValueError):
        return None


def _letters(number: int) -> str:
    return "".join(LETTERS[(number >> (5 * at)) & 31] for at in range(12, -1, -1))


def page_of(account: str, key: str = "") -> str:
    """Where people see it on the web: an account, or a post of it."""
    return f"https://bsky.app/profile/{account}" + (f"/post/{key}" if key else "")
