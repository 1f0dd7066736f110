"""What the mail rigs have in common: our mailbox care@care.test, and maria@customer.test with her own."""

from __future__ import annotations

import imaplib
import smtplib
from abc import abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from email import message_from_bytes, policy
from email.message import EmailMessage
from email.utils import format_datetime, make_msgid

from channels_app.platforms.abilities import Access
from channels_app.platforms.email import EmailPlatform
from tests.rigs.rig import Picture, Rig, Said

OURS, THEIRS = "care@care.test", "maria@customer.test"
PASSWORD = 'a secret; "as" people {have} them'


class MailRig(Rig):
    network, kind = "e-mail", "email"
    hop = 10.0
    sending = b"\r\n.\r\n"  # the end of a mail
    customer_pictures = True
    customer = THEIRS

    imap_port: int
    subject = "The train"

    # --- ours

    def access(self) -> Access:
        settings = {
            "address": OURS, "name": "Skylark care", "imap_host": "127.0.0.1", "imap_port": str(self.imap_port),
            "imap_security": "none", "imap_user": self.login(OURS), "smtp_host": "127.0.0.1",
            "smtp_port": str(self.door.port), "smtp_security": "none", "smtp_user": self.smtp_user(),
        }  # fmt: skip
        return Access(settings, {"password": PASSWORD})

    def wrong_access(self) -> Access:
        return Access(self.access().settings, {"password": "another"})

    def platform(self, access: Access | None = None) -> EmailPlatform:
        return EmailPlatform(access or self.access())

    def smtp_user(self) -> str:
        """Whom our mail is handed in as; "" where the server asks nobody."""
        return ""

    def login(self, address: str) -> str:
        return address.partition("@")[0]

    # --- the customer's

    @abstractmethod
    def inwards(self) -> int:
        """The port at which the customer's mail to us is handed in."""

    def post(self, text: str, *, picture: Picture | None = None) -> str:
        return self.mail(self.letter(text, picture))

    def answer(self, to: str, text: str) -> str:
        """As a mail program does it: what they read is named, and what that names."""
        read = next(mail for mail in self.arrived() if mail["Message-ID"] == to)
        letter = self.letter(text, subject=read["Subject"])
        letter["In-Reply-To"] = to
        letter["References"] = f"{read['References'] or ''} {to}".strip()
        return self.mail(letter)

    def letter(self, text: str, picture: Picture | None = None, subject: str = "") -> EmailMessage:
        letter = EmailMessage(policy.SMTP)
        letter["From"], letter["To"], letter["Subject"] = f"Maria Łęcka <{THEIRS}>", OURS, subject or self.subject
        letter["Date"], letter["Message-ID"] = format_datetime(datetime.now(UTC)), make_msgid(domain="customer.test")
        letter.set_content(text)
        if picture:
            main, _, sub = picture.type.partition("/")
            letter.add_attachment(picture.body, maintype=main, subtype=sub, filename=picture.name)
        return letter

    def mail(self, letter: EmailMessage) -> str:
        """Hand it in; its id."""
        with smtplib.SMTP("127.0.0.1", self.inwards(), timeout=20) as line:
            line.send_message(letter, THEIRS, [OURS])
        self.written.append(letter)
        return letter["Message-ID"]

    @property
    def written(self) -> list[EmailMessage]:
        """What the customer sent: their own folder of it."""
        return self.__dict__.setdefault("_written", [])

    def arrived(self) -> list[EmailMessage]:
        """What lies in the customer's mailbox, in the order in which it came."""
        with self.reader() as line:
            _, found = line.uid("SEARCH", "ALL")
            return [self._read(line, number) for number in (found[0] or b"").split()]

    @staticmethod
    def _read(line: imaplib.IMAP4, number: bytes) -> EmailMessage:
        _, parts = line.uid("FETCH", number.decode(), "(BODY.PEEK[])")
        body = next(part[1] for part in parts if isinstance(part, tuple))
        return message_from_bytes(body, policy=policy.default)

    @contextmanager
    def reader(self) -> Iterator[imaplib.IMAP4]:
        with imaplib.IMAP4("127.0.0.1", self.imap_port, timeout=20) as line:
            line.authenticate("PLAIN", lambda _: f"\0{self.login(THEIRS)}\0{PASSWORD}".encode())
            line.select("INBOX", readonly=True)
            yield line

    def thread(self, id: str) -> list[Said]:
        """All that names one another, as mail programs put it together."""
        mails = [*self.written, *self.arrived()]
        ids = {id}
        for _ in mails:
            ids |= {name for mail in mails if names(mail) & ids for name in names(mail)}
        return [said(mail) for mail in mails if mail["Message-ID"] in ids]


def names(mail: EmailMessage) -> set[str]:
    lines = (mail["Message-ID"], mail["In-Reply-To"], mail["References"])
    return {name for line in lines for name in str(line or "").split()}


def said(mail: EmailMessage) -> Said:
    body = mail.get_body(("plain",))
    return Said(
        id=str(mail["Message-ID"]).strip(), text=body.get_content().strip() if body else "",
        by_us=THEIRS not in str(mail["From"]), parent=str(mail["In-Reply-To"] or "").strip(),
        pictures=[part.get_filename() or "" for part in mail.iter_attachments()],
    )  # fmt: skip
