"""By hand: phone, letter, chat and visit, written down by the agent who was there."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import ClassVar

from channels_app.platforms.archive import as_object, clean_id, clean_text, moment
from channels_app.platforms.base import (
    Author,
    Capabilities,
    Event,
    EventKind,
    Idempotency,
    Json,
    Moderation,
    Outgoing,
    Page,
    Sent,
)
from channels_app.platforms.errors import Rejected


class ByHandPlatform:
    """A payload is what the form of `channels_app.forms.ContactForm` holds; an answer is a record of what was said."""

    kind: ClassVar[str] = "by_hand"
    capabilities: ClassVar[Capabilities] = Capabilities(written_by_hand=True, idempotency=Idempotency.NATIVE)

    def parse(self, body: bytes) -> list[Event]:
        row = as_object(body)
        key, name, kind = clean_id(row["identity"]), clean_text(row["name"])[:255], row["kind_of_identity"]
        return [
            Event(
                kind=EventKind.MESSAGE,
                external_id=clean_id(row["id"]),
                occurred_at=moment(row["at"]),
                author=Author(
                    key=key.casefold() if kind == "handle" else key, handle=key, name=name, kind=kind,
                    place=clean_id(row.get("place_of_identity")),
                ),
                text=clean_text(row["text"]),
                private=True,
                thread_id=clean_id(row.get("thread")),
            )
        ]  # fmt: skip

    def fetch_since(self, cursor: Json, *, limit: int) -> Page:
        return Page([], cursor)

    def send(self, out: Outgoing) -> Sent:
        return Sent(external_id=out.key, at=datetime.now(UTC))

    def find_sent(self, out: Outgoing) -> Sent | None:
        return self.send(out)

    def moderate(self, act: Moderation) -> None:
        raise Rejected("What was written down by hand stands on no network.")


def payload(fields: Mapping[str, object]) -> bytes:
    """What the agent wrote down, as the raw event it becomes."""
    return json.dumps(fields, ensure_ascii=False, default=str).encode()
