"""What stands above a mail, as text, whatever somebody put there."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from email import message_from_bytes, policy
from email.message import Message
from email.policy import Compat32
from email.utils import getaddresses, parsedate_to_datetime
from itertools import islice

from channels_app.platforms.archive import clean_text
from channels_app.platforms.email.conversation import NO_ID

ADDRESSED = ("Delivered-To", "X-Original-To", "To", "Cc")
LONGEST = 8_000  # characters read of one: Python takes minutes over a line of ten thousand addresses
LONGEST_ID = 255
MOST = 200  # parts read of a mail


class Cut(Compat32):
    """Reads the parts of a mail in time that grows with its length alone, which `policy.default` does not."""

    def header_source_parse(self, sourcelines: Sequence[str]) -> tuple[str, str]:
        name, value = super().header_source_parse(list(sourcelines))
        return name, value[:LONGEST]

    def header_fetch_parse(self, name: str, value: str) -> str:
        return _as_sent(value)


CUT = Cut()


def read(mail: bytes) -> Message:
    return message_from_bytes(mail, policy=CUT)


def header(found: Message, name: str) -> str:
    """As text; one that Python's own reader breaks on, as it stands."""
    raw = next((_as_sent(str(value)) for key, value in found.raw_items() if key.lower() == name.lower()), "")
    try:
        value = str(policy.default.header_fetch_parse(name, raw))
    except Exception:  # broken headers break it in many ways
        value = raw
    return " ".join(clean_text(value).split())


def _as_sent(raw: str) -> str:
    """What was written without a code is most likely UTF-8."""
    return raw if raw.isascii() else raw.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def sender(found: Message) -> tuple[str, str]:
    """(name, address); ("", "") where nobody is named."""
    named = getaddresses([header(found, "From")])
    return next(((name[:255], address[:255]) for name, address in named if "@" in address), ("", ""))


def addressed(found: Message) -> list[str]:
    """Whom it is to."""
    named = getaddresses([header(found, name) for name in ADDRESSED])
    return list(dict.fromkeys(address for _, address in named if address))


def id_of(found: Message, body: bytes) -> str:
    """One that is too long to be kept, or none, becomes one of ours."""
    stated = header(found, "Message-ID")
    if stated and len(stated) <= LONGEST_ID:
        return stated
    return f"<{hashlib.sha256(stated.encode('utf-8', 'replace') or body).hexdigest()}{NO_ID}"


def moment(found: Message) -> datetime:
    """When our own server took it, else when it says it was written; never later than now."""
    now = datetime.now(UTC)
    for stated in (header(found, "Received").rpartition(";")[2], header(found, "Date")):
        try:
            at = parsedate_to_datetime(stated)
        except (TypeError, ValueError, IndexError, OverflowError):
            continue
        at = at if at.tzinfo else at.replace(tzinfo=UTC)
        return min(at, now) if at.year >= 1990 else now
    return now


def leaves(found: Message) -> list[Message]:
    """The parts that hold something, in their order. A mail within a mail is one of them: nobody looks into it."""
    return list(islice(_leaves(found), MOST))


def _leaves(found: Message) -> Iterator[Message]:
    if found.get_content_maintype() != "multipart":
        yield found
        return
    parts = found.get_payload()
    for part in parts if isinstance(parts, list) else []:
        if isinstance(part, Message):
            yield from _leaves(part)
