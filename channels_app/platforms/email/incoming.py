"""One mail as an event: what somebody wrote, and what a machine did."""

from __future__ import annotations

from email.message import Message

from channels_app.platforms import mail_text
from channels_app.platforms.archive import clean_text
from channels_app.platforms.base import Author, Event, EventKind
from channels_app.platforms.email import conversation, enclosed, returned
from channels_app.platforms.email.headers import addressed, header, id_of, leaves, moment, read, sender
from channels_app.platforms.email.mailbox import Mailbox
from channels_app.platforms.errors import Unreadable

AUTOMATIC = {"bulk", "junk", "auto_reply"}  # of Precedence
MACHINES = ("X-Autoreply", "X-Autorespond", "X-Loop")
NO_CHARSETS = ("punycode", "idna")  # Python knows them, and takes hours over a long text
NOBODY = ("mailer-daemon@", "postmaster@", "noreply@", "no-reply@")


def parse(body: bytes, box: Mailbox) -> list[Event]:
    """Raises Unreadable where nobody is named as its author."""
    try:
        return _events(read(body), body, box)
    except RecursionError as error:
        raise Unreadable("The mail holds something within something without end.") from error


def _events(found: Message, body: bytes, box: Mailbox) -> list[Event]:
    if reports := [part for part in leaves(found) if part.get_content_type() == "message/delivery-status"]:
        return list(returned.events(found, reports, body, box))
    if is_automatic(found, box):
        return []
    name, address = sender(found)
    if not address:
        raise Unreadable("The mail does not say who wrote it.")
    if address.casefold().startswith(NOBODY) or _is_our_own(found, address, box):
        return []
    return [_message(found, body, box, name, address)]


def is_automatic(found: Message, box: Mailbox) -> bool:
    """RFC 3834, what is older than it, lists, receipts and complaints."""
    stated = header(found, "Auto-Submitted").split(";")[0].strip().lower()
    marked = any(header(found, name) for name in MACHINES) or header(found, "Precedence").lower() in AUTOMATIC
    report = found.get_content_type() == "multipart/report"
    return stated not in ("", "no") or marked or report or header(found, "Return-Path") == "<>" or _by_list(found, box)


def _by_list(found: Message, box: Mailbox) -> bool:
    """A mailbox may itself be behind a list: care@example.com is <care.example.com> there."""
    name = header(found, "List-Id").rpartition("<")[2].rstrip(">").strip().casefold()
    if name and name == box.address.replace("@", ".").casefold():
        return False
    return bool(name) or header(found, "Precedence").lower() == "list"


def _is_our_own(found: Message, address: str, box: Mailbox) -> bool:
    """What we sent ourselves and got back."""
    return conversation.is_ours(address, box) or bool(conversation.key_in(header(found, "Message-ID"), box))


def _message(found: Message, body: bytes, box: Mailbox, name: str, address: str) -> Event:
    to = addressed(found)
    references, answered = (conversation.ids_in(header(found, each)) for each in ("References", "In-Reply-To"))
    parent, thread = conversation.place(references, answered, conversation.key_of(to, box), box)
    subject = header(found, "Subject")
    return Event(
        kind=EventKind.MESSAGE,
        external_id=id_of(found, body),
        occurred_at=moment(found),
        author=Author(key=address, handle=address, name=name, kind="email"),
        text=clean_text(words(found)) or subject,
        private=True,
        parent_id=parent,
        thread_id=thread,
        attachments=enclosed.listed(found),
        extra={"to": " ".join(to), "subject": subject},
    )


def words(found: Message) -> str:
    """What was written, from all parts meant to be read: some programs put pictures between them."""
    written = [part for part in leaves(found) if not enclosed.is_file(part)]
    plain, html = (
        [_content(part) for part in written if part.get_content_subtype() == kind] for kind in ("plain", "html")
    )
    text = "\n\n".join(filter(None, map(str.strip, plain)))
    return mail_text.said(text or "\n\n".join(map(mail_text.plain, html)))


def _content(part: Message) -> str:
    raw, charset = bytes(part.get_payload(decode=True) or b""), str(part.get_content_charset() or "utf-8")
    try:
        return raw.decode("utf-8" if charset in NO_CHARSETS else charset, "replace")
    except (LookupError, ValueError):  # a charset nobody knows
        return raw.decode("utf-8", "replace")
