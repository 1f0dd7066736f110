"""Archive: posts from a file, one row each. It listens to the past and cannot answer."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from html import unescape
from typing import ClassVar

from channels_app.platforms.base import Author, Capabilities, Event, EventKind, Json, Moderation, Outgoing, Page, Sent
from channels_app.platforms.errors import Rejected, Unreadable

TEXT_LIMIT = 100_000  # characters of a message; the raw row keeps the rest


class ArchivePlatform:
    """A payload is a JSON object with Hark's own field names; `load_posts --map` gives them to a file's columns.

    id and text are needed. author, name, at, reply_to, quotes, thread, language, url, private, ours, followers,
    location and to are used where present.
    """

    kind: ClassVar[str] = "archive"
    capabilities: ClassVar[Capabilities] = Capabilities()

    def parse(self, body: bytes) -> list[Event]:
        row = as_object(body)
        external_id = clean_id(row.get("id"))
        if not external_id:
            raise Unreadable("The row has no id.")
        return [
            Event(
                kind=EventKind(row.get("kind") or "message"),
                external_id=external_id,
                occurred_at=moment(row.get("at")),
                author=None if truth(row.get("ours")) else author_of(row),
                is_ours=truth(row.get("ours")),
                text=clean_text(unescape(str(row.get("text") or ""))),  # exports write &amp; for &
                language=clean_text(row.get("language"))[:8],
                private=truth(row.get("private")),
                parent_id=clean_id(row.get("reply_to")),
                quoted_id=clean_id(row.get("quotes")),
                thread_id=clean_id(row.get("thread")),
                addressed_to=addressee(row),
                url=clean_text(row.get("url")),
            )
        ]

    def fetch_since(self, cursor: Json, *, limit: int) -> Page:
        return Page([], cursor)

    def send(self, out: Outgoing) -> Sent:
        raise Rejected("An archive cannot send: it is a file of what was said.")

    def find_sent(self, out: Outgoing) -> Sent | None:
        return None

    def moderate(self, act: Moderation) -> None:
        raise Rejected("An archive cannot be asked for anything: it is a file of what was said.")


def as_object(body: bytes) -> Json:
    """The payload as a JSON object. Raises Unreadable with what is wrong with it."""
    try:
        row = json.loads(body.decode("utf-8"))
    except UnicodeDecodeError as error:
        raise Unreadable(f"The row is not valid UTF-8 (byte {error.start}).") from error
    except ValueError as error:
        raise Unreadable(f"The row is not valid JSON: {error}.") from error
    except RecursionError as error:
        raise Unreadable("The row is JSON in too many brackets.") from error
    if not isinstance(row, dict):
        raise Unreadable("The row is not an object with named fields.")
    if "kind" in row and row["kind"] not in [*EventKind, "", None]:
        raise Unreadable(f"“{row['kind']}” is not a kind of event Hark knows.")
    return row


def clean_id(value: object) -> str:
    """An id as text. Tables often turn ids into floats: "3.0" is "3"."""
    text = clean_text(value)
    head, dot, tail = text.partition(".")
    return (head if dot and head.isdecimal() and set(tail) <= {"0"} else text)[:255]


def clean_text(value: object) -> str:
    """Text that PostgreSQL can hold: no NUL, no lone surrogates, not endless."""
    text = str(value if value is not None else "").replace("\x00", "")
    text = text.encode("utf-8", "replace").decode("utf-8").strip()
    return text if len(text) <= TEXT_LIMIT else text[:TEXT_LIMIT] + "…"


def truth(value: object) -> bool:
    return str(value if value is not None else "").strip().lower() in {"1", "true", "yes", "y", "t"}


def author_of(row: Json) -> Author:
    key = clean_text(row.get("author")).lstrip("@")
    if not key:
        raise Unreadable("The row has no author.")
    followers = clean_id(row.get("followers"))
    return Author(
        key=key.casefold()[:255],
        handle=key[:255],
        name=clean_text(row.get("name"))[:255],
        reach=int(followers) if followers.isdecimal() and len(followers) < 10 else None,
        location=clean_text(row.get("location"))[:120],
    )


def addressee(row: Json) -> str:
    """Whom one of our own posts answers: named by the row, else the handle it begins with."""
    named = clean_id(row.get("to"))
    words = clean_text(row.get("text"))[:300].split(maxsplit=1)
    if not named and words and words[0].startswith("@"):
        named = words[0].strip("@:,.;!?")
    return named.lstrip("@").casefold()[:255]


def moment(value: object) -> datetime:
    """A time as files write it: ISO 8601, seconds since 1970, or as in mail. Without a zone it is UTC."""
    text = str(value if value is not None else "").strip()
    if not text:
        raise Unreadable("The row has no time.")
    at = _parsed(text)
    if at is None:
        raise Unreadable(f"“{text[:40]}” is not a time.")
    at = at if at.tzinfo else at.replace(tzinfo=UTC)
    if not 1990 <= at.year <= datetime.now(UTC).year + 1:
        raise Unreadable(f"“{text[:40]}” is not a time a post can have.")
    return at


def _parsed(text: str) -> datetime | None:
    if text.replace(".", "", 1).isdecimal() and len(text.split(".")[0]) in (9, 10):
        return datetime.fromtimestamp(float(text), UTC)
    for read in (datetime.fromisoformat, _iso_with_space, parsedate_to_datetime, _as_twitter_writes):
        try:
            return read(text)
        except (ValueError, TypeError, IndexError, OverflowError):
            continue
    return None


def _iso_with_space(text: str) -> datetime:
    return datetime.strptime(text, "%Y-%m-%d %H:%M:%S %z")


def _as_twitter_writes(text: str) -> datetime:
    return datetime.strptime(text, "%a %b %d %H:%M:%S %z %Y")
