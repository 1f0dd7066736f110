"""The account we speak through, and what some platforms can besides: `isinstance` asks for it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol, runtime_checkable

from channels_app.platforms.base import Author, Json, Outgoing, Page, RawPayload, Sent

LONGEST = 1_000_000  # more than that is no limit that a server means


@dataclass(frozen=True, slots=True)
class Access:
    """One account of ours: where it is, and what opens it. Secrets are never in a repr, a log or an error.

    `settings` are what a person may see (the server's address, an account id); `secrets` are not shown again.
    """

    settings: Mapping[str, str] = field(default_factory=dict)
    secrets: Mapping[str, str] = field(default_factory=dict, repr=False)
    expires_at: datetime | None = None

    @property
    def text_limit(self) -> int | None:
        """What this server lets us write, where it says so itself: a network of many servers has many limits."""
        told = self.settings.get("text_limit", "")
        return int(told) if told.isdecimal() and 0 < int(told) <= LONGEST else None


@dataclass(frozen=True, slots=True)
class Health:
    """What an account says of itself: who it is there, what it lets us do, until when."""

    handle: str
    key: str = ""
    scopes: Sequence[str] = ()
    missing: Sequence[str] = ()  # scopes we need and do not have
    expires_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class RawRequest:
    """One call of a webhook, untouched. Names of headers are in small letters."""

    method: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class Answered:
    """What the network is answered at once."""

    status: int = 200
    body: str = ""
    type: str = "text/plain"


@dataclass(frozen=True, slots=True)
class Budget:
    """What is left of what a network lets us ask: until `resets_at`."""

    limit: int | None = None
    left: int | None = None
    resets_at: datetime | None = None


def left_of(platform: object) -> Budget | None:
    """What the network said last of what `platform` may still ask; None where it says nothing of that."""
    found = getattr(getattr(platform, "wire", None), "budget", None)
    return found if isinstance(found, Budget) else None


# --- what some platforms can besides; `isinstance` asks


@runtime_checkable
class Called(Protocol):
    """The network calls us."""

    def handshake(self, request: RawRequest) -> Answered | None:
        """The answer to the network's question whether this is us; None where it asks nothing. Raises BadSignature."""

    def verify(self, request: RawRequest) -> None:
        """Over the raw bytes, in constant time, with each secret that holds. Raises BadSignature."""

    def split(self, request: RawRequest) -> list[RawPayload]:
        """What `parse` reads, one by one, oldest first; each names its account where there may be several. Pure.
        Raises Unreadable where it cannot be taken apart.
        """


@runtime_checkable
class Checked(Protocol):
    """An account with a key of its own."""

    def check(self) -> Health:
        """Who we are there. Raises AccessExpired, AccessRevoked, TryLater."""


@runtime_checkable
class Renews(Protocol):
    """A key that runs out."""

    def renew(self) -> Access:
        """Another; the old one may be void from now on, so it is kept before anything is asked with it."""


@runtime_checkable
class Looks(Protocol):
    """A post can be read again, and so can what it answers."""

    def fetch_item(self, external_id: str) -> RawPayload | None:
        """As it is now; None where it is gone. Raises TryLater."""

    def fetch_context(self, external_id: str) -> list[RawPayload]:
        """What stands above it, oldest first. Raises TryLater."""

    def profile(self, key: str) -> Author | None:
        """How somebody shows themselves now; None where they are gone. Raises TryLater."""


@runtime_checkable
class Searches(Protocol):
    """Posts that do not mention us can be found."""

    def search(self, words: str, cursor: Json, *, limit: int) -> Page:
        """Newer than `cursor`, oldest first; each payload as `parse` reads it. Raises TryLater."""


@runtime_checkable
class SendsByPerson(Protocol):
    """After its window the network still takes what a person wrote (`Capabilities.window_extended`)."""

    def send_by_person(self, out: Outgoing) -> Sent:
        """As `send`."""


@runtime_checkable
class Encloses(Protocol):
    """Files that came with its posts are had from the account alone, not from their address."""

    def enclosed(self, external_id: str, url: str) -> bytes:
        """One file. Raises ParentGone where it is not there any more, TryLater."""
