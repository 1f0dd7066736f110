"""What came back (RFC 3464): an event for each address that cannot be reached."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from email.message import Message

from channels_app.platforms.base import Author, Event, EventKind
from channels_app.platforms.email import conversation
from channels_app.platforms.email.headers import addressed, header, id_of, leaves, moment, read
from channels_app.platforms.email.mailbox import Mailbox

MOST = 200  # addresses read of one report


def events(found: Message, reports: Sequence[Message], body: bytes, box: Mailbox) -> Iterator[Event]:
    """Of a mail that is only late nothing is said. `extra["key"]` is that of the reply of ours, where it was one."""
    blocks = [block for report in reports for block in _blocks(report)][:MOST]
    failed = [block for block in blocks if header(block, "Action").lower() == "failed"]
    to, original = addressed(found), _original(found)
    key = conversation.key_of(to, box) or conversation.key_in(original, box)
    for number, block in enumerate(failed):
        address = _address(block, "Original-Recipient") or _address(block, "Final-Recipient")
        yield Event(
            kind=EventKind.RETURNED,
            external_id=f"{id_of(found, body)[:240]}#{number}",
            occurred_at=moment(found),
            author=Author(key=address, handle=address, kind="email") if address else None,
            private=True,
            extra={
                "to": " ".join(to), "address": address, "status": header(block, "Status").split(" ")[0],
                "said": header(block, "Diagnostic-Code").partition(";")[2].strip()[:300], "message_id": original,
                "key": key,
            },
        )  # fmt: skip


def _blocks(report: Message) -> list[Message]:
    parts = report.get_payload()
    return [part for part in parts if isinstance(part, Message)] if isinstance(parts, list) else []


def _address(block: Message, name: str) -> str:
    """ "rfc822; maria@example.com" → the address."""
    return header(block, name).partition(";")[2].strip().strip("<>")[:255]


def _original(found: Message) -> str:
    """The Message-ID of the mail that came back, from what the report holds of it."""
    for part in leaves(found):
        if part.get_content_type() in ("message/rfc822", "text/rfc822-headers"):
            held = part.get_payload()
            inner = held[0] if isinstance(held, list) and held else None
            if isinstance(inner, Message):
                return header(inner, "Message-ID")
            text = part.get_payload(decode=True)
            lines = read(text) if isinstance(text, bytes) else None
            return header(lines, "Message-ID") if lines else ""
    return ""
