"""E-mail as a network: read over IMAP, sent over SMTP. One mailbox, which settings name.

A payload is one mail as it came. What a mail server reports of a mail of ours (RFC 3464) is an event RETURNED for each
address it could not reach; who sent that mail makes sense of it (channels_app/came_back.py). What a machine answers
(RFC 3834) is no message.
"""

from __future__ import annotations

import hashlib
import imaplib
import re
import smtplib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from email import message_from_bytes, policy
from email.message import EmailMessage, Message
from email.utils import getaddresses, parsedate_to_datetime
from typing import ClassVar
from urllib.parse import unquote, urlsplit

from django.core import mail

from channels_app.platforms import mail_text
from channels_app.platforms.archive import clean_text
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
    RawPayload,
    Rejected,
    Sent,
    TryLater,
    UnknownOutcome,
    Unreadable,
)

TIMEOUT = 20.0  # seconds, of each step with the mailbox
LARGEST = 2 * 1024 * 1024  # bytes read of one mail: what stands first is what was written
AT_ONCE = 16 * 1024 * 1024  # bytes read in one look
ADDRESSED = ("Delivered-To", "X-Original-To", "To", "Cc")
AUTOMATIC = {"bulk", "junk", "list", "auto_reply"}  # of Precedence
STATUS = re.compile(r"\b[245]\.\d{1,3}\.\d{1,3}\b")
# full, too large, their system, the line, the form of a mail, our own server: another mail may arrive
FOR_NOW = ("5.2.2", "5.2.3", "5.3", "5.4", "5.5", "5.6", "5.7")
NOBODY = ("mailer-daemon@", "postmaster@", "noreply@", "no-reply@")


class NoSuchAddress(Rejected):
    """The mail server says that nobody can be reached there, now or later."""


class EmailPlatform:
    """`url` is imap://user:password@host:port/FOLDER, or imaps://; `ours` the address we write from."""

    kind: ClassVar[str] = "email"
    capabilities: ClassVar[Capabilities] = Capabilities(
        reply_private=True, poll=True, slow=True, idempotency=Idempotency.NONE
    )

    def __init__(self, url: str = "", ours: str = "") -> None:
        self.url, self.ours = url, ours

    def parse(self, body: bytes) -> list[Event]:
        """Raises Unreadable where nobody is named as its author."""
        found = message_from_bytes(body, policy=policy.default)
        if reports := [part for part in found.walk() if part.get_content_type() == "message/delivery-status"]:
            return list(_returned(found, reports, body))
        if _is_automatic(found):
            return []
        name, address = _sender(found)
        if not address:
            raise Unreadable("The mail does not say who wrote it.")
        if address.casefold() == self.ours.casefold() or address.casefold().startswith(NOBODY):
            return []
        return [_message(found, body, name, address)]

    def fetch_since(self, cursor: Json, *, limit: int) -> Page:
        """`cursor` is {"validity": of the folder's numbers, "uid": the last we have read}; {} at first."""
        if not self.url:
            return Page([], cursor)
        with self._mailbox() as (box, validity):
            last = int(cursor.get("uid", 0)) if cursor.get("validity") == validity else 0
            _, found = box.uid("SEARCH", f"UID {last + 1}:*")
            # "n:*" gives the last mail even where its number is smaller
            uids = sorted(uid for uid in map(int, (found[0] or b"").split()) if uid > last)
            payloads = list(self._fetch(box, uids[:limit]))
        last = uids[len(payloads) - 1] if payloads else last
        return Page(payloads, {"validity": validity, "uid": last}, more=len(uids) > len(payloads))

    def _fetch(self, box: imaplib.IMAP4, uids: Sequence[int]) -> Iterator[RawPayload]:
        taken = 0
        for uid in uids:
            _, parts = box.uid("FETCH", str(uid), f"(BODY.PEEK[]<0.{LARGEST}>)")
            body = next((part[1] for part in parts if isinstance(part, tuple)), b"")
            yield RawPayload(body, f"mail {uid}", "" if body else "The mail was gone before it was read.")
            taken += len(body)
            if taken > AT_ONCE:
                return

    @contextmanager
    def _mailbox(self) -> Iterator[tuple[imaplib.IMAP4, int]]:
        """The folder, open for reading alone, and the validity of its numbers. Raises TryLater."""
        where = urlsplit(self.url)
        over_tls = where.scheme == "imaps"
        kind = imaplib.IMAP4_SSL if over_tls else imaplib.IMAP4
        try:
            box = kind(where.hostname or "", where.port or (993 if over_tls else 143), timeout=TIMEOUT)
            try:
                box.login(unquote(where.username or ""), unquote(where.password or ""))
                box.select(where.path.strip("/") or "INBOX", readonly=True)
                validity = box.response("UIDVALIDITY")[1][0]
                yield box, int(validity or 0)
            finally:
                with suppress(imaplib.IMAP4.error, OSError):
                    box.logout()
        except OSError as error:
            raise TryLater("The mailbox cannot be reached.") from error
        except imaplib.IMAP4.error as error:
            raise TryLater("The mailbox refuses us: look at its address, name and password.") from error

    def send(self, out: Outgoing) -> Sent:
        """Send once. Raises Rejected, TryLater or UnknownOutcome."""
        connection = mail.get_connection()
        letter = self._letter(out)
        try:
            connection.open()
        except (OSError, smtplib.SMTPException) as error:
            raise TryLater("The mail server cannot be reached.") from error
        try:
            connection.send_messages([letter])
        except smtplib.SMTPException as error:
            raise why_not_sent(error) from error
        except OSError as error:
            raise UnknownOutcome("The mail server took the mail and did not answer.") from error
        finally:
            with suppress(OSError, smtplib.SMTPException):
                connection.close()
        return Sent(letter.extra_headers["Message-ID"], datetime.now(UTC))

    def _letter(self, out: Outgoing) -> mail.EmailMessage:
        headers = {"Message-ID": f"<{out.key}@{self.ours.rpartition('@')[2] or 'localhost'}>"}
        if out.parent_id:
            named = dict.fromkeys(filter(lambda one: one.startswith("<"), (out.thread_id, out.parent_id)))
            headers |= {"In-Reply-To": out.parent_id, "References": " ".join(named)}
        letter = mail.EmailMessage("Re: Your message to us", out.text, self.ours, [out.recipient], headers=headers)
        for file in out.files:
            letter.attach(file.name, file.read(), file.type)
        return letter

    def find_sent(self, out: Outgoing) -> Sent | None:
        return None

    def moderate(self, act: Moderation) -> None:
        raise Rejected("A mail cannot be hidden, and its author cannot be reported.")


def why_not_sent(error: smtplib.SMTPException) -> Rejected | TryLater | UnknownOutcome:
    """What a mail server's answer means: refused for good, for now, or nobody knows whether it was taken."""
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        code, words = _answer(*next(iter(error.recipients.values())))
    elif isinstance(error, smtplib.SMTPResponseException):
        code, words = _answer(error.smtp_code, error.smtp_error)
    else:
        return UnknownOutcome("The line to the mail server broke.")
    told = f"The mail server said: {code} {words}"
    if isinstance(error, smtplib.SMTPRecipientsRefused) and _is_about_the_address(code, words):
        return NoSuchAddress(told)
    # what it says of the sender or of itself may be mended
    ours = isinstance(error, smtplib.SMTPSenderRefused | smtplib.SMTPHeloError | smtplib.SMTPAuthenticationError)
    return Rejected(told) if 500 <= code < 600 and not ours else TryLater(told, after=600.0)


def _answer(code: int, said: bytes | str) -> tuple[int, str]:
    words = said.decode("utf-8", "replace") if isinstance(said, bytes) else said
    return code, " ".join(clean_text(words).split())[:200]


def _is_about_the_address(code: int, words: str) -> bool:
    """Not that it refuses to carry mail for us. RFC 5321 where it gives no status of RFC 3463."""
    status = STATUS.search(words)
    return is_for_good(status[0]) if status else code in (550, 551, 553)


def is_for_good(status: str) -> bool:
    """RFC 3463: class 5 is permanent, but for what is no fault of the address. No status: for now."""
    return status.startswith("5.") and not any(status == each or status.startswith(f"{each}.") for each in FOR_NOW)


# --- reading one


def _header(found: Message, name: str) -> str:
    """As text; one that Python's own reader breaks on, as it stands."""
    try:
        value = found.get(name)
    except Exception:  # broken headers break it in many ways
        value = next((raw for key, raw in found.raw_items() if key.lower() == name.lower()), None)
    return " ".join(clean_text(value).split())


def _sender(found: Message) -> tuple[str, str]:
    named = getaddresses([_header(found, "From")])
    return next(((name[:255], address[:255]) for name, address in named if "@" in address), ("", ""))


def _is_automatic(found: Message) -> bool:
    """RFC 3834, and what is older than it."""
    stated = _header(found, "Auto-Submitted").split(";")[0].strip().lower()
    precedence = _header(found, "Precedence").lower()
    marked = any(_header(found, name) for name in ("X-Autoreply", "X-Autorespond", "List-Id", "X-Loop"))
    return stated not in ("", "no") or precedence in AUTOMATIC or marked or _header(found, "Return-Path") == "<>"


def _id_of(found: Message, body: bytes) -> str:
    return _header(found, "Message-ID")[:255] or f"<{hashlib.sha256(body).hexdigest()}@no-id>"


def _message(found: EmailMessage, body: bytes, name: str, address: str) -> Event:
    answered = _header(found, "In-Reply-To").split(" ")[0]
    line = _header(found, "References").split()
    return Event(
        kind=EventKind.MESSAGE,
        external_id=_id_of(found, body),
        occurred_at=_moment(found),
        author=Author(key=address, handle=address, name=name, kind="email"),
        text=clean_text(_words(found)) or _header(found, "Subject"),
        private=True,
        parent_id=answered[:255],
        thread_id=line[0][:255] if line else "",
        extra={"to": _addressed(found), "subject": _header(found, "Subject")},
    )


def _addressed(found: Message) -> str:
    """Whom it is to, a space between them."""
    named = getaddresses([_header(found, name) for name in ADDRESSED])
    return " ".join(dict.fromkeys(address for _, address in named if address))


def _words(found: EmailMessage) -> str:
    part = found.get_body(("plain", "html"))
    if part is None:
        return ""
    try:
        content = part.get_content()
    except (LookupError, ValueError):  # a charset nobody knows
        content = bytes(part.get_payload(decode=True) or b"").decode("utf-8", "replace")
    text = mail_text.plain(content) if part.get_content_subtype() == "html" else content
    return mail_text.said(text)


def _moment(found: Message) -> datetime:
    """When our own server took it, else when it says it was written; never later than now."""
    now = datetime.now(UTC)
    for stated in (_header(found, "Received").rpartition(";")[2], _header(found, "Date")):
        try:
            at = parsedate_to_datetime(stated)
        except (TypeError, ValueError, IndexError):
            continue
        at = at if at.tzinfo else at.replace(tzinfo=UTC)
        return min(at, now) if at.year >= 1990 else now
    return now


# --- what came back


def _returned(found: Message, reports: Sequence[Message], body: bytes) -> Iterator[Event]:
    """An event for each address that cannot be reached. Of a mail that is only late nothing is said."""
    blocks = [block for report in reports for block in _blocks(report)]
    failed = [block for block in blocks if _header(block, "Action").lower() == "failed"]
    for number, block in enumerate(failed):
        address = _address(block, "Original-Recipient") or _address(block, "Final-Recipient")
        yield Event(
            kind=EventKind.RETURNED,
            external_id=f"{_id_of(found, body)[:240]}#{number}",
            occurred_at=_moment(found),
            author=Author(key=address, handle=address, kind="email") if address else None,
            private=True,
            extra={
                "to": _addressed(found), "address": address, "status": _header(block, "Status").split(" ")[0],
                "said": _header(block, "Diagnostic-Code").partition(";")[2].strip()[:300],
                "message_id": _original(found),
            },
        )  # fmt: skip


def _blocks(report: Message) -> list[Message]:
    parts = report.get_payload()
    return [part for part in parts if isinstance(part, Message)] if isinstance(parts, list) else []


def _address(block: Message, name: str) -> str:
    """ "rfc822; maria@example.com" → the address."""
    return _header(block, name).partition(";")[2].strip().strip("<>")[:255]


def _original(found: Message) -> str:
    """The Message-ID of the mail that came back, from what the report holds of it."""
    for part in found.walk():
        if part.get_content_type() in ("message/rfc822", "text/rfc822-headers"):
            held = part.get_payload()
            inner = held[0] if isinstance(held, list) and held else None
            if isinstance(inner, Message):
                return _header(inner, "Message-ID")
            text = part.get_payload(decode=True)
            lines = message_from_bytes(text, policy=policy.default) if isinstance(text, bytes) else None
            return _header(lines, "Message-ID") if lines else ""
    return ""
