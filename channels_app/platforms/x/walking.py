"""Back from the newest to where we stopped: X gives what is new first, page by page.

A mark is {"since": the newest id that is certain}; while a walk is not at its end it also holds {"top": the newest id
it has seen, "token": of its next page}. What is new is told again for a minute (ids.OVERLAP); the store drops it.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime

from channels_app.platforms.base import Json, RawPayload
from channels_app.platforms.errors import Forbidden, Rejected, TryLater
from channels_app.platforms.x import ids
from channels_app.platforms.x.reading import by_id

PEOPLE = ("author_id", "sender_id", "in_reply_to_user_id")
LONG_PAUSE = 3600.0  # seconds until what we may not read is asked for again
Ask = Callable[[int, str], Json]  # an id (0: from anywhere) and the token of a page ("": the first) → the answer


@dataclass
class Walk:
    """One time of asking, of so many pages at most. The first time of all it is one page: what is older is not ours."""

    mark: Json
    pages: int
    found: dict[int, RawPayload] = field(default_factory=dict)
    more: bool = False

    def go(self, ask: Ask) -> None:
        """Raises TryLater where nothing was found before it; else the walk goes on from there the next time."""
        since, top = int(self.mark.get("since", 0)), int(self.mark.get("top", 0))
        floor, token = ids.with_overlap(since), str(self.mark.get("token", ""))
        for _ in range(self.pages if since else 1):
            try:
                page = self._page(ask, floor, token)
            except TryLater:
                if not self.found:
                    raise
                break
            news = self._take(page, floor)
            top = max([top, *news])
            goes_on = since and news and len(news) == len(page["data"])
            token = str((page.get("meta") or {}).get("next_token") or "") if goes_on else ""
            if not token:
                break
        self.more = bool(token)
        self.mark = {"since": str(since), "top": str(top), "token": token} if token else _after(max(top, since))

    def _page(self, ask: Ask, floor: int, token: str) -> Json:
        """A token that X does not know any more: from the newest again. What X does not let us read is for later."""
        try:
            return ask(floor, token)
        except Rejected as error:
            if not token or isinstance(error, Forbidden):
                raise TryLater(str(error), LONG_PAUSE) from error
            return self._page(ask, floor, "")

    def _take(self, page: Json, floor: int) -> list[int]:
        """The ids on the page that are new."""
        found = {int(ids.number(one["data"])): alone(one) for one in items(page)}
        news = [number for number in found if number > floor]
        self.found |= {number: found[number] for number in news}
        return news

    def oldest_first(self) -> list[RawPayload]:
        return [self.found[number] for number in sorted(self.found)]


def _after(newest: int) -> Json:
    """Where there was nothing yet, what comes from now on is new."""
    return {"since": str(newest or ids.at(datetime.now(UTC)))}


def items(page: Json) -> Iterator[Json]:
    """Each post or message as if it had been asked for alone. Raises TryLater where it is no page of X's."""
    data, includes = page.get("data") or [], page.get("includes") or {}
    if not isinstance(data, list) or not isinstance(includes, dict):
        raise TryLater("X answered something that is no page.")
    for one in data:
        if not isinstance(one, dict) or not ids.maybe(one, "id"):
            raise TryLater("X answered something that is no page.")
        try:
            yield {"data": one, "includes": _named_by(one, includes)}
        except (AttributeError, TypeError):  # not the page is at fault but the post: `parse` refuses it alone
            yield {"data": one, "includes": {}}


def _named_by(one: Json, includes: Json) -> Json:
    people = _those(includes, "users", (one.get(name) for name in PEOPLE))
    keys = (one.get("attachments") or {}).get("media_keys") or ()
    shown = [each for each in includes.get("media") or () if each.get("media_key") in keys]
    return {name: each for name, each in (("users", people), ("media", shown)) if each}


def _those(includes: Json, name: str, wanted: Iterable[object]) -> list[Json]:
    known = by_id(includes, name)
    return [known[key] for key in dict.fromkeys(map(str, wanted)) if key in known]


def alone(item: Json) -> RawPayload:
    number = ids.maybe(item["data"], "id")
    return RawPayload(json.dumps(item, ensure_ascii=False).encode("utf-8", "replace"), f"x, {number}")
