"""A network that does as it is told, for tests of the way out."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from threading import Lock
from typing import Any

from channels_app.platforms.archive import ArchivePlatform
from channels_app.platforms.base import (
    Author,
    Capabilities,
    Event,
    EventKind,
    Idempotency,
    Json,
    Outgoing,
    Page,
    Sent,
)
from channels_app.platforms.errors import TryLater, UnknownOutcome

AT = datetime(2026, 11, 20, 12, 30, tzinfo=UTC)


ABOUT = ("receipt", "reaction", "revoked", "returned")


def _about(row: Json) -> Event:
    """What is told of a message: `of`, `thread`; all else that is text stands in `extra`."""
    extra = {name: said for name, said in row.items() if name not in ("id", "at", "kind", "author", "of", "thread")}
    author = Author(row["author"]) if row.get("author") else None
    return Event(
        EventKind(row["kind"]), row["id"], datetime.fromisoformat(row["at"]), author, is_ours=bool(row.get("ours")),
        parent_id=row.get("of", ""), thread_id=row.get("thread", ""), extra=extra,
    )  # fmt: skip


class FakePlatform:
    """`posts` is what its readers see, by id; `asked` how often each key came, whatever became of it.

    `next` holds what happens to the coming sends, in order: an error to raise instead of taking it, SWALLOWED or LOST.
    Where there is nothing in it, a reply is taken and answered.
    """

    kind = "fake"
    LOST = UnknownOutcome("The line broke.")
    SWALLOWED = UnknownOutcome("The line broke after it was taken.")

    def __init__(
        self,
        idempotency: Idempotency,
        *,
        reply_public: bool = True,
        reply_private: bool = True,
        text_limit: int | None = None,
        **can: Any,
    ) -> None:
        self.capabilities = Capabilities(
            reply_public=reply_public,
            reply_private=reply_private and reply_public,
            text_limit=text_limit,
            idempotency=idempotency,
            poll=True,
            **can,
        )
        self.posts: dict[str, Outgoing] = {}
        self.asked: Counter[str] = Counter()
        self.next: list[Exception] = []
        self.on_send: Callable[[Outgoing], None] = lambda out: None
        self.blind = False  # find_sent cannot be reached
        self.page = Page([], {})
        self._lock = Lock()

    def parse(self, body: bytes) -> list[Event]:
        row = json.loads(body)
        key = row.get("key")
        if row.get("kind") in ABOUT:
            return [_about(row)]
        return [replace(event, extra={"key": key} if key else {}) for event in ArchivePlatform().parse(body)]

    def fetch_since(self, cursor: Json, *, limit: int) -> Page:
        return self.page

    def send(self, out: Outgoing) -> Sent:
        with self._lock:
            self.asked[out.key] += 1
            fate = self.next.pop(0) if self.next else None
        if fate and fate is not self.SWALLOWED:
            raise fate
        sent = self._take(out)
        self.on_send(out)
        if fate:
            raise fate
        return sent

    def _take(self, out: Outgoing) -> Sent:
        known = self._posted(out.key) if self.capabilities.idempotency is Idempotency.NATIVE else None
        with self._lock:
            external_id = known or f"reply-{len(self.posts) + 1}"
            self.posts[external_id] = out
        return Sent(external_id, AT)

    def find_sent(self, out: Outgoing) -> Sent | None:
        if self.blind:
            raise TryLater("The network cannot be reached.")
        found = self._posted(out.key)
        return Sent(found, AT) if found else None

    def _posted(self, key: str) -> str | None:
        return next((external_id for external_id, out in self.posts.items() if out.key == key), None)
