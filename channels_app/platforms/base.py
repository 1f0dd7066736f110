"""The one interface between Hark and a network.

A platform is a kind of network; a Channel is one account of ours on it. A platform module never touches the database:
it turns bytes into events, and outgoing text into requests. What it can do stands in its `Capabilities`, which the
composer, the outbox and the rules read instead of asking for the platform's name.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, ClassVar, Protocol

from channels_app.platforms.counting import Counting

Json = dict[str, Any]


class Idempotency(StrEnum):
    """What a network does with a request it has seen before; the outbox obeys it."""

    NATIVE = "native"  # the same key twice is one post: an unknown outcome may simply be tried again
    DETECT = "detect"  # the same words twice are refused (Duplicate): trying again tells whether it arrived
    RECONCILE = "reconcile"  # we can look whether it arrived, then try again if it did not
    NONE = "none"  # nobody can tell: held for a person


class EventKind(StrEnum):
    MESSAGE = "message"
    EDIT = "edit"
    DELETE = "delete"
    RETURNED = "returned"  # what we sent could not be delivered; `author` is whom it was for
    RECEIPT = "receipt"  # what became of a message of ours: `extra["state"]` is sent, delivered, read or failed
    REACTION = "reaction"  # to the post `parent_id`: `extra["emoji"]`, and `extra["undo"]` where it was taken back
    REVOKED = "revoked"  # our access to the account was taken away


class Pace(StrEnum):
    """How often a network is asked: settings.POLL_EVERY has the seconds."""

    QUICK = "quick"  # on this machine
    STEADY = "steady"  # across the internet, where people wait for each other
    SLOW = "slow"  # what takes a while to answer, or counts each question


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What a network lets us do. `text_limit` is in what `counts` counts; None means no limit."""

    reply_public: bool = False
    reply_private: bool = False
    poll: bool = False
    pace: Pace = Pace.QUICK  # how often it is asked
    is_mail: bool = False  # letters: other parts of Hark write them too, by a way of their own
    connected: bool = False  # an account is connected first: without its Access nothing can be asked
    written_by_hand: bool = False  # an agent says what was said; nothing leaves Hark
    text_limit: int | None = None
    counts: Counting = Counting.CODEPOINTS
    names_them: bool = False  # the name of whom it answers is put before the words, and counts
    idempotency: Idempotency = Idempotency.NONE
    direct: str = ""  # what it calls the conversation of us with one person: "dm-{key}"; empty: nobody knows before
    attachments: int = 0  # files a message of ours may carry
    attachment_bytes: int = 0  # of each of them, at most
    webhook: bool = False  # it calls us; polling stays as a net below
    private_from_public: bool = False  # a first private message may answer a public post
    window: int | None = None  # seconds after their last message in which we may answer freely; None: for ever
    window_extended: int | None = None  # in which a person may still answer, where the network has such a tag
    thread_of_parts: bool = False  # what is too long may go as several posts, each answering the one before
    alt_text: bool = False  # pictures carry words for who cannot see them
    receipts: bool = False  # it says what was delivered and read
    edits_seen: bool = False  # an edit there reaches us
    deletes_seen: bool = False
    search: bool = False  # posts that do not mention us can be looked for (`Searches`)
    can_like: bool = False
    can_delete: bool = False  # a post of ours
    can_mark_read: bool = False
    can_hide: bool = False  # a post below ours
    can_block: bool = False
    can_report: bool = False

    @property
    def can_tell(self) -> bool:
        """Whether it can be learnt there what became of an answer."""
        return self.idempotency is not Idempotency.NONE

    @property
    def can_reply(self) -> bool:
        return self.reply_public or self.reply_private or self.written_by_hand


@dataclass(frozen=True, slots=True)
class Author:
    """Who wrote it, in the network's words. `key` is stable on that network: its user id, else the handle."""

    key: str
    handle: str = ""
    name: str = ""
    kind: str = "handle"  # or "email", "phone", "external": an Identity.Kind
    place: str = ""  # whose key it is; empty: the channel's network
    profile_url: str = ""
    reach: int | None = None  # followers, where the network says
    location: str = ""  # where they say they are, in their words
    links: tuple[str, ...] = ()  # addresses they give in their profile


@dataclass(frozen=True, slots=True)
class Enclosed:
    """A file that came with a post: where the network keeps it, and what it says of it. Nothing of it is believed."""

    url: str
    name: str = ""
    type: str = ""
    alt: str = ""  # what it shows, in the author's words
    expires_at: datetime | None = None  # the network hands it out until then


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that happened on a network. All ids are text and belong to the channel."""

    kind: EventKind
    external_id: str
    occurred_at: datetime
    author: Author | None = None  # None: the network did not say, or it is ours
    is_ours: bool = False
    text: str = ""
    language: str = ""  # what the network says; empty: Hark reads it
    private: bool = False
    parent_id: str = ""
    quoted_id: str = ""
    thread_id: str = ""  # the network's own thread or conversation, where it has one
    addressed_to: str = ""  # key of the person one of our own posts answers, where known
    url: str = ""
    attachments: Sequence[Enclosed] = ()
    extra: Mapping[str, str] = field(default_factory=dict)


LONGEST_ADDRESS = 500


def web_address(text: str) -> str:
    """`text`, if it is an address that may become a link: never javascript:, nor cut in the middle."""
    address = text.strip()
    fits = len(address) <= LONGEST_ADDRESS and address.lower().startswith(("https://", "http://"))
    return address if fits else ""


@dataclass(frozen=True, slots=True)
class RawPayload:
    """What came over the wire, untouched. `origin` says where from, for a person: "airline.csv, line 12".

    `trouble` is a finished sentence where it is clear on arrival that nobody can read it, such as a torn row of a file.
    A call may be for several accounts of ours: then `kind` of platform and `account`, the network's id, say which.
    """

    body: bytes
    origin: str = ""
    trouble: str = ""
    kind: str = ""
    account: str = ""


@dataclass(frozen=True, slots=True)
class Page:
    """One fetch: raw payloads oldest first, the cursor after them, and whether there is more."""

    payloads: Sequence[RawPayload]
    cursor: Json
    more: bool = False


@dataclass(frozen=True, slots=True)
class Carried:
    """A file that leaves with a reply. `read` opens it only when it is sent."""

    name: str
    type: str
    read: Callable[[], bytes]
    alt: str = ""


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A reply about to leave. `key` is the same on every try and unique to this reply."""

    key: str
    text: str
    parent_id: str
    thread_id: str
    recipient: str
    private: bool = False
    files: Sequence[Carried] = ()


class Measures(StrEnum):
    """What a network can be asked to do about a post or its author."""

    LIKE = "like"
    DELETE = "delete"  # a post of ours
    MARK_READ = "mark_read"
    HIDE = "hide"
    BLOCK = "block"
    REPORT = "report"


@dataclass(frozen=True, slots=True)
class Moderation:
    """A post, by its id, and its author, by key. With `undo` what was done is taken back."""

    kind: Measures
    post_id: str
    author: str
    reason: str = ""
    undo: bool = False


@dataclass(frozen=True, slots=True)
class Sent:
    external_id: str
    at: datetime


class Platform(Protocol):
    """One kind of network. Instances are cheap and hold the settings of one channel."""

    kind: ClassVar[str]
    capabilities: ClassVar[Capabilities]

    def parse(self, body: bytes) -> list[Event]:
        """Turn one raw payload into events. Pure. Raises Unreadable with a sentence for a person."""

    def fetch_since(self, cursor: Json, *, limit: int) -> Page:
        """What happened after `cursor` ({} at first), oldest first. Raises TryLater."""

    def send(self, out: Outgoing) -> Sent:
        """Send once. Raises Rejected, TryLater (not sent) or UnknownOutcome (perhaps sent)."""

    def find_sent(self, out: Outgoing) -> Sent | None:
        """Ask the network whether `out` arrived. Only where idempotency is RECONCILE. Raises TryLater."""

    def moderate(self, act: Moderation) -> None:
        """One of `Measures`, or take it back. Twice is once. Only where it can. Raises Rejected, TryLater."""
