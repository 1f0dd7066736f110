"""What is new in a list that a server gives newest first, with ids that say nothing but that they differ.

The cursor remembers the newest items we have: a floor, above which is asked (`min_id`; empty while all there ever was
is remembered), and some after it that are read again each time. So what was written late, changed, or taken away among
them is found, though no server tells. Only what is new or changed is handed on.

Mastodon answers `min_id` with the items next above it. snac answers with the newest of all above it, so it is walked
down (`max_id`) until nothing is left between; and where it ignores `min_id`, the list ends at the floor.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from channels_app.platforms.base import Json

OVERLAP = 20  # items read again each time
LARGEST = 40  # that every server gives at once
ROUNDS = 25  # of walking down

Ask = Callable[[Mapping[str, str]], Sequence[Json]]


class Seen(NamedTuple):
    """An item we have, the post in it, and a mark that changes with its words."""

    id: str
    post: str
    mark: str


NOTHING = Seen("", "", "")  # a floor below everything


@dataclass(frozen=True, slots=True)
class Walk:
    items: Sequence[Json]  # new or changed, oldest first
    seen: Sequence[Seen]  # for the next cursor
    missing: Sequence[Seen]  # were there last time and are not now
    more: bool


def remembered(cursor: object) -> list[Seen] | None:
    """From JSON. None: never asked before, so only the newest page is wanted."""
    return [Seen(*map(str, entry)) for entry in cursor] if isinstance(cursor, list) else None


def walk(ask: Ask, before: Sequence[Seen] | None, *, limit: int) -> Walk:
    """The oldest `limit` of what is new since `before`, and what changed."""
    asked = min(limit if before is None else limit + OVERLAP, LARGEST)
    found, full = _above(ask, before, asked)
    known = {entry.id: entry for entry in (before or ())[1:]}
    floor = before[:1] if before else [] if full else [NOTHING]
    now = [(item, seen_of(item)) for item in reversed(found)]
    new = [entry.id for _, entry in now if entry.id not in known]
    taken = set(new[:limit] if before is not None else new[-limit:])
    kept = [(item, entry) for item, entry in now if entry.id in known or entry.id in taken]
    return Walk(
        items=[item for item, entry in kept if known.get(entry.id) != entry],
        seen=[*floor, *(entry for _, entry in kept)][-OVERLAP - 1 :],
        missing=[entry for entry in (before or ())[1:] if entry.id not in {each.id for _, each in now}],
        more=bool(new) and before is not None and (full or len(new) > len(taken)),
    )


def seen_of(item: Json) -> Seen:
    held = item.get("status")
    post = held if isinstance(held, dict) else item
    words = "\n".join(str(post.get(name) or "") for name in ("content", "spoiler_text", "edited_at"))
    mark = f"{zlib.crc32(words.encode('utf-8', 'replace')):x}"
    return Seen(str(item.get("id") or ""), str(post.get("id") or ""), mark)


def _above(ask: Ask, before: Sequence[Seen] | None, asked: int) -> tuple[list[Json], bool]:
    """All items above the floor that one page or, where it leaves a gap, a walk down gives; whether a page was full."""
    floor = before[0].id if before else ""
    wanted = {"limit": str(asked)} | ({"min_id": floor} if floor else {})
    page = found = _down_to(floor, ask(wanted))
    full = len(page) >= asked
    known = {entry.id for entry in (before or ())[1:]}
    for _ in range(ROUNDS):
        if before is None or not page or known & {str(item.get("id")) for item in page}:
            break
        page = _unmet(found, _down_to(floor, ask(wanted | {"max_id": str(page[-1].get("id"))})))
        found = [*found, *page]
    return found, full


def _down_to(floor: str, page: Sequence[Json]) -> list[Json]:
    """Without the floor and what is below it, where a server gives that all the same; nor what has no id."""
    ids = [str(item.get("id") or "") for item in page]
    end = ids.index(floor) if floor and floor in ids else len(ids)
    return [item for item, each in zip(page[:end], ids, strict=False) if each]


def _unmet(found: Sequence[Json], page: Sequence[Json]) -> list[Json]:
    met = {str(item.get("id")) for item in found}
    return [item for item in page if str(item.get("id")) not in met]
