"""The mailbox as a platform."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime
from email.message import Message
from typing import ClassVar

import structlog

from channels_app.platforms.abilities import Access, Health
from channels_app.platforms.base import (
    Capabilities,
    Event,
    Idempotency,
    Json,
    Moderation,
    Outgoing,
    Pace,
    Page,
    Sent,
)
from channels_app.platforms.email import enclosed, headers, imap, incoming, mailbox, outgoing, smtp
from channels_app.platforms.email.mailbox import Mailbox
from channels_app.platforms.errors import ParentGone, PlatformError, Rejected

log = structlog.get_logger(__name__)

HEAD = 64 * 1024  # bytes read of what stands above a mail
PATIENCE = 3.0  # seconds, of each step of reading it: the mail leaves without
WHOLE = 40 * 1024 * 1024  # bytes of a mail with its files


class EmailPlatform:
    """`access` is of one channel; without it, the mailbox the settings name: the surveys' own."""

    kind: ClassVar[str] = "email"
    capabilities: ClassVar[Capabilities] = Capabilities(
        connected=True,
        is_mail=True, reply_private=True, poll=True, pace=Pace.SLOW, idempotency=Idempotency.NONE, attachments=5,
        attachment_bytes=5_000_000,
    )  # fmt: skip

    def __init__(self, access: Access | None = None) -> None:
        self.access = access

    @property
    def box(self) -> Mailbox:
        return mailbox.of(self.access) if self.access else mailbox.of_settings()

    def parse(self, body: bytes) -> list[Event]:
        """Raises Unreadable where nobody is named as its author."""
        return incoming.parse(body, self.box)

    def fetch_since(self, cursor: Json, *, limit: int) -> Page:
        box = self.box
        return imap.fetch_since(box, cursor, limit=limit) if box.reads else Page([], cursor)

    def enclosed(self, external_id: str, url: str) -> bytes:
        """A file that came with a mail, from the mailbox. Raises ParentGone, TryLater."""
        with imap.opened(self.box) as folder:
            uid = folder.named(external_id)
            found = folder.body(uid, WHOLE) if uid else b""
        if not found:
            raise ParentGone("The mail is not in the mailbox any more.")
        return enclosed.body_of(found, url)

    def send(self, out: Outgoing) -> Sent:
        """Send once. Raises Rejected, TryLater or UnknownOutcome."""
        box = self.box
        letter = outgoing.letter(out, box, _head(box, out.parent_id))
        smtp.hand_in(letter, box)
        return Sent(letter.extra_headers["Message-ID"], datetime.now(UTC))

    def find_sent(self, out: Outgoing) -> Sent | None:
        return None

    def moderate(self, act: Moderation) -> None:
        raise Rejected("A mail cannot be hidden, and its author cannot be reported.")

    def check(self) -> Health:
        """Opens the folder, and the line mail leaves by. Raises AccessRevoked, TryLater."""
        box = self.box
        if box.reads:
            with imap.opened(box):
                pass
        line = smtp.opened(box)
        with suppress(OSError):
            line.close()
        able = ("read", "send") if box.reads else ("send",)
        return Health(
            handle=box.address, key=box.address.casefold(), scopes=able, missing=() if box.reads else ("read",)
        )


def _head(box: Mailbox, message_id: str) -> Message | None:
    """What stands above the mail we answer, if it is still in the mailbox and that answers at once."""
    if box.reads is None or not message_id:
        return None
    try:
        with imap.opened(box, timeout=PATIENCE) as folder:
            uid = folder.named(message_id)
            head = folder.body(uid, HEAD, "HEADER") if uid else b""
    except PlatformError as trouble:
        log.info("a mail is answered without a look at it", why=str(trouble))
        return None
    return headers.read(head) if head else None
