"""Which mailbox of ours: where it is read, where its mail is handed in, and what opens both.

| settings of an Access | |
|---|---|
| `address`, `name` | what customers write to, and how we sign |
| `imap_host`, `imap_port`, `imap_security`, `imap_user`, `folder` | where it is read; without a host it is not |
| `smtp_host`, `smtp_port`, `smtp_security`, `smtp_user` | where mail is handed in; without a host, EMAIL_URL |
| `plus_addresses` | "yes": it takes care+anything@…, so that an answer finds its way without References |
| `backfill_days` | how old a mail may be to be read when the mailbox is connected |

Its secrets are `password`, `smtp_password` (else the same), and `signing_keys` (a space between them; the first signs).
Security is "tls", "starttls" or "none"; a user not given is the address.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from urllib.parse import SplitResult, unquote, urlsplit

from django.conf import settings

from channels_app.platforms.abilities import Access

BACKFILL = 14  # days


class Security(StrEnum):
    TLS = "tls"
    STARTTLS = "starttls"
    NONE = "none"


IMAP = {Security.TLS: 993, Security.STARTTLS: 143, Security.NONE: 143}
SMTP = {Security.TLS: 465, Security.STARTTLS: 587, Security.NONE: 25}


@dataclass(frozen=True, slots=True)
class Server:
    host: str
    port: int
    security: Security = Security.TLS
    user: str = ""
    password: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class Mailbox:
    """`reads` None: nothing is read. `hands_in` None: mail leaves by the server the settings name."""

    address: str = ""
    name: str = ""
    reads: Server | None = None
    folder: str = "INBOX"
    hands_in: Server | None = None
    plus_addresses: bool = False
    keys: tuple[str, ...] = field(default=(), repr=False)
    backfill: int = BACKFILL

    @property
    def domain(self) -> str:
        return self.address.rpartition("@")[2] or "localhost"


def of(access: Access) -> Mailbox:
    """The mailbox of a channel."""
    said, secrets = access.settings, access.secrets
    password = secrets.get("password", "")
    return Mailbox(
        address=said.get("address", ""), name=said.get("name", ""), folder=said.get("folder") or "INBOX",
        reads=_server(said, "imap", IMAP, password),
        hands_in=_server(said, "smtp", SMTP, secrets.get("smtp_password") or password),
        keys=tuple(secrets.get("signing_keys", "").split()) or ours(),
        plus_addresses=said.get("plus_addresses") == "yes", backfill=_number(said.get("backfill_days", ""), BACKFILL),
    )  # fmt: skip


def of_settings() -> Mailbox:
    """The mailbox surveys come back to: MAILBOX_URL is imap://user:password@host:port/FOLDER, or imaps://."""
    where = urlsplit(settings.MAILBOX_URL)
    return Mailbox(
        address=settings.MAIL_RETURN_TO or settings.SURVEY_FROM, reads=_named(where) if where.hostname else None,
        folder=unquote(where.path.strip("/")) or "INBOX", plus_addresses=bool(settings.MAIL_RETURN_TO), keys=ours(),
    )  # fmt: skip


def ours() -> tuple[str, ...]:
    return (settings.SECRET_KEY, *map(str, settings.SECRET_KEY_FALLBACKS))


def _named(where: SplitResult) -> Server:
    security = Security.TLS if where.scheme == "imaps" else Security.NONE
    user, password = unquote(where.username or ""), unquote(where.password or "")
    return Server(where.hostname or "", where.port or IMAP[security], security, user, password)


def _server(said: Mapping[str, str], what: str, ports: Mapping[Security, int], password: str) -> Server | None:
    if not said.get(f"{what}_host"):
        return None
    security = Security(said.get(f"{what}_security") or Security.TLS)
    port = _number(said.get(f"{what}_port", ""), ports[security])
    user = said.get(f"{what}_user", said.get("address", ""))
    return Server(said[f"{what}_host"], port, security, user, password)


def _number(text: str, otherwise: int) -> int:
    return int(text) if text.isdecimal() else otherwise
