"""A network whose posts can be searched, read again and liked, for tests of what is not said to us."""

from __future__ import annotations

import json
from dataclasses import replace

from channels_app.platforms.abilities import Budget
from channels_app.platforms.base import Author, Idempotency, Json, Moderation, Page, RawPayload
from tests.channels_app.fake_platform import FakePlatform
from tests.channels_app.posts import Row, payload


class SearchedPlatform(FakePlatform):
    """`world` holds the network's posts by id; a search finds those with all its words. `asked_for` is what was asked.

    `trouble` is raised by whatever is asked, `troubles` by what is asked for there. `done`: about posts.
    """

    def __init__(self) -> None:
        super().__init__(Idempotency.RECONCILE)
        self.capabilities = replace(
            self.capabilities, search=True, can_like=True, can_delete=True, can_mark_read=True, can_hide=True
        )
        self.world: dict[str, Row] = {}
        self.people: dict[str, Author | None] = {}
        self.asked_for: list[object] = []
        self.done: list[Moderation] = []
        self.trouble: Exception | None = None
        self.troubles: dict[object, Exception] = {}
        self.at_a_time = 100
        self.wire = self  # what it says of its budget
        self.budget: Budget | None = None

    def post(self, *rows: Row) -> None:
        self.world |= {row["id"]: row for row in rows}

    def _ask(self, what: object) -> None:
        self.asked_for.append(what)
        if trouble := self.troubles.get(what, self.trouble):
            raise trouble

    def search(self, words: str, cursor: Json, *, limit: int) -> Page:
        self._ask(words)
        start = cursor.get("after", 0)
        rows = list(self.world.values())
        found = [
            (n, row) for n, row in enumerate(rows, 1)
            if n > start and all(word in row["text"].lower() for word in words.lower().split())
        ]  # fmt: skip
        page, rest = found[: self.at_a_time], found[self.at_a_time :]
        return Page([_raw(row) for _, row in page], {"after": page[-1][0] if rest else len(rows)}, bool(rest))

    def fetch_item(self, external_id: str) -> RawPayload | None:
        self._ask(external_id)
        row = self.world.get(external_id)
        return _raw(row) if row else None

    def fetch_context(self, external_id: str) -> list[RawPayload]:
        self._ask(f"above {external_id}")
        found: list[RawPayload] = []
        row = self.world.get(external_id)
        while row and (row := self.world.get(str(row.get("reply_to", "")))):
            found.append(_raw(row))
        return found[::-1]

    def profile(self, key: str) -> Author | None:
        self._ask(f"who {key}")
        return self.people.get(key)

    def moderate(self, act: Moderation) -> None:
        self._ask(act.kind)
        self.done.append(act)


def _raw(row: Row) -> RawPayload:
    return payload(json.dumps(row).encode(), f"post {row['id']}")
