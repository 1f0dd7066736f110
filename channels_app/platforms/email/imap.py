"""The mailbox as it is read: nothing in it is moved, marked or deleted.

The place is {"of": which folder of whose mailbox where, "validity": of its numbers, "uid": the last we have read,
"since": the day before which nothing is read, "on": the day we last looked}. Where the folder was numbered anew, or is
another, what came since then is read again. A place that does not say of which folder is of the one we read.
"""

from __future__ import annotations

import base64
import hashlib
import imaplib
import re
import ssl
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

from channels_app.platforms.base import Json, Page, RawPayload
from channels_app.platforms.email import conversation
from channels_app.platforms.email.mailbox import Mailbox, Security, Server
from channels_app.platforms.errors import AccessRevoked, TryLater

TIMEOUT = 20.0  # seconds, of each step
LARGEST = 2 * 1024 * 1024  # bytes read of one mail: what stands first is what was written
AT_ONCE = 16 * 1024 * 1024  # bytes read in one look
MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
DAY = timedelta(days=1)
FOR_NOW = re.compile(r"\[(?:UNAVAILABLE|INUSE|LIMIT|SERVERBUG)\]", re.I)  # RFC 5530


@dataclass(frozen=True, slots=True)
class Folder:
    box: imaplib.IMAP4
    validity: int

    def search(self, *criteria: str) -> list[int]:
        found = self._answer("SEARCH", *criteria)
        return sorted(map(int, b" ".join(filter(None, found)).split()))

    def named(self, message_id: str) -> int | None:
        """The number of the newest mail with this id."""
        if not conversation.is_id(message_id):
            return None
        return next(reversed(self.search("HEADER", "Message-ID", quoted(message_id))), None)

    def body(self, uid: int, most: int, part: str = "") -> bytes:
        """At most `most` bytes of a mail, or of its "HEADER"; empty where it is gone."""
        parts = self._answer("FETCH", str(uid), f"(BODY.PEEK[{part}]<0.{most}>)")
        return next((bytes(part[1]) for part in parts if isinstance(part, tuple)), b"")

    def _answer(self, *command: str) -> list[Any]:
        """imaplib gives a NO back as if it were what was asked for."""
        state, found = self.box.uid(*command)
        if state != "OK":
            raise TryLater("The mailbox does not do what it is asked.")
        return found


def fetch_since(box: Mailbox, cursor: Json, *, limit: int, today: date | None = None) -> Page:
    """Mails after `cursor`, oldest first. Raises TryLater, AccessRevoked."""
    today = today or datetime.now(UTC).date()
    with opened(box) as folder:
        last, since = _place(box, cursor, folder.validity, today)
        # "n:*" gives the last mail even where its number is smaller
        uids = [uid for uid in folder.search(f"UID {last + 1}:*", *_from(since)) if uid > last]
        payloads = list(_read(folder, uids[:limit]))
    last = uids[len(payloads) - 1] if payloads else last
    there = {"of": _of(box), "validity": folder.validity, "uid": last, "since": since, "on": today.isoformat()}
    return Page(payloads, there, more=len(uids) > len(payloads))


def _place(box: Mailbox, cursor: Json, validity: int, today: date) -> tuple[int, str]:
    """(the last number read, the day before which nothing is read). A day more: servers go by a clock of their own."""
    if cursor.get("validity") == validity and cursor.get("of", _of(box)) == _of(box):
        return int(cursor.get("uid", 0)), str(cursor.get("since", ""))
    looked = date.fromisoformat(cursor["on"]) - DAY if cursor.get("on") else today - timedelta(days=box.backfill)
    return 0, (looked - DAY).isoformat()


def _of(box: Mailbox) -> str:
    """Servers number folders from where they like: the same number elsewhere is another mail."""
    where = (box.reads.host.casefold(), box.reads.user, box.folder) if box.reads else ()
    return hashlib.sha256("\n".join(where).encode("utf-8", "replace")).hexdigest()[:16]


def _from(since: str) -> list[str]:
    if not since:
        return []
    day = date.fromisoformat(since)
    return ["SINCE", f"{day.day}-{MONTHS[day.month - 1]}-{day.year}"]


def _read(folder: Folder, uids: Sequence[int]) -> Iterator[RawPayload]:
    taken = 0
    for uid in uids:
        try:
            body = folder.body(uid, LARGEST)
        except TryLater:
            if taken:  # what was read is kept, and the next look begins here
                return
            raise
        yield RawPayload(body, f"mail {uid}", "" if body else "The mail was gone before it was read.")
        taken += len(body)
        if taken > AT_ONCE:
            return


@contextmanager
def opened(box: Mailbox, timeout: float = TIMEOUT) -> Iterator[Folder]:
    """The folder, open for reading alone. Raises TryLater, AccessRevoked. `timeout` is of each step."""
    if box.reads is None:
        raise TryLater("Nobody has said where this mailbox is read.")
    try:
        line = _connected(box.reads, timeout)
        try:
            _log_in(line, box.reads)
            yield Folder(line, _select(line, box.folder))
        finally:
            with suppress(imaplib.IMAP4.error, OSError):
                line.logout()
    except ssl.SSLCertVerificationError as error:
        raise TryLater("The certificate of the mailbox's server is not good for its name.") from error
    except imaplib.IMAP4.abort as error:
        raise TryLater("The line to the mailbox broke.") from error
    except imaplib.IMAP4.error as error:
        raise TryLater("The mailbox does not do what it is asked.") from error
    except OSError as error:
        raise TryLater("The mailbox cannot be reached.") from error
    except (ValueError, IndexError) as error:
        raise TryLater("The mailbox answers something that cannot be read.") from error


def _connected(server: Server, timeout: float) -> imaplib.IMAP4:
    if server.security is Security.TLS:
        context = ssl.create_default_context()
        return imaplib.IMAP4_SSL(server.host, server.port, ssl_context=context, timeout=timeout)
    line = imaplib.IMAP4(server.host, server.port, timeout=timeout)
    if server.security is Security.STARTTLS:
        line.starttls(ssl.create_default_context())
    return line


def _log_in(line: imaplib.IMAP4, server: Server) -> None:
    """LOGIN takes plain letters alone; PLAIN takes all (RFC 4616)."""
    try:
        if f"{server.user}{server.password}".isascii():
            line.login(quoted(server.user), server.password)
        else:
            line.authenticate("PLAIN", lambda _: f"\0{server.user}\0{server.password}".encode())
    except imaplib.IMAP4.abort:
        raise
    except imaplib.IMAP4.error as error:
        if FOR_NOW.search(str(error)):
            raise TryLater("The mailbox is busy.", after=300.0) from error
        raise AccessRevoked("The mailbox does not accept our name and password.") from error


def _select(line: imaplib.IMAP4, folder: str) -> int:
    """The validity of its numbers."""
    answer, _ = line.select(folder_name(folder), readonly=True)
    if answer != "OK":
        raise TryLater("The mailbox has no such folder.")
    return int(line.response("UIDVALIDITY")[1][0] or 0)


def folder_name(text: str) -> str:
    """As RFC 3501 §5.1.3 writes it: UTF-7 with & and a comma."""

    def shifted(found: re.Match[str]) -> str:
        code = base64.b64encode(found[0].encode("utf-16-be")).rstrip(b"=").replace(b"/", b",")
        return f"&{code.decode()}-"

    return quoted(re.sub(r"[^\x20-\x7e]+", shifted, text.replace("&", "&-")))


def quoted(text: str) -> str:
    """A quoted string of RFC 3501; what cannot stand in one is left out."""
    kept = "".join(sign for sign in text if sign.isprintable() and sign.isascii())
    return '"' + kept.replace("\\", "\\\\").replace('"', '\\"') + '"'
