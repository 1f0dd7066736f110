"""What Mastodon's JSON says: a notification, a post, or that a post is gone. Pure.

A person's key is their whole handle, user@server, in small letters: it is the same whichever server is asked, and it is
what a post has to name to reach them. The account ids of a server are its own.
"""

from __future__ import annotations

import json
import mimetypes
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import PurePosixPath
from urllib.parse import unquote, urlsplit

import regex

from channels_app.platforms.archive import clean_text
from channels_app.platforms.base import Author, Enclosed, Event, EventKind, Json, web_address
from channels_app.platforms.errors import Unreadable
from channels_app.platforms.html_text import text_of

SPEAKS, LIKES = ("mention", "quote"), "favourite"  # of the kinds of notifications, those we read
OPEN = {"public", "unlisted", "local"}  # everything else is for some people only
SNAC_ID = regex.compile(r"[0-9]{10}(?=[0-9a-f]{32}$)")  # when the post was last written, then what names it
BIDI = regex.compile(r"\p{Bidi_Control}")


@dataclass(frozen=True, slots=True)
class Us:
    """Our account at its server. `domain` is what stands behind the @ of its people."""

    domain: str = ""
    account_id: str = ""
    key: str = ""
    made_up: bool = False  # the server calls every post English and gives nobody followers: snac does

    @classmethod
    def at(cls, settings: Mapping[str, str]) -> Us:
        """From the settings of an Access."""
        domain = settings.get("domain") or urlsplit(settings.get("server", "")).netloc
        return cls(
            domain.casefold(), settings.get("account_id", ""), key_of(settings.get("handle", ""), domain),
            "snac" in settings.get("version", "").lower(),
        )  # fmt: skip

    def is_author(self, account: Json) -> bool:
        named = bool(self.key) and key_of(str(account.get("acct") or ""), self.domain) == self.key
        return named or (bool(self.account_id) and str(account.get("id")) == self.account_id)

    def post_id(self, told: object) -> str:
        """A post's id as it stays: snac gives another after each edit, and finds a post by its end alone."""
        found = clean_text(told)[:255]
        return SNAC_ID.sub("0" * 10, found) if self.made_up else found

    def called(self, handle: str) -> str:
        """As a post at our server names them: without the server's name where it is ours."""
        user, _, place = handle.lstrip("@").partition("@")
        return user if place.casefold() in ("", self.domain) else f"{user}@{place}"


def handle_of(acct: str, domain: str) -> str:
    """The whole handle: a server leaves its own name away."""
    name = clean_text(acct).lstrip("@")
    return (name if "@" in name or not name else f"{name}@{domain}")[:250]


def key_of(acct: str, domain: str) -> str:
    return handle_of(acct, domain).casefold()


def events(body: bytes, us: Us) -> list[Event]:
    """One item as the network gave it. Raises Unreadable."""
    raw = _opened(body)
    try:
        if raw.get("event") == "delete":
            return [Event(EventKind.DELETE, us.post_id(required(raw, "payload")), moment(raw, "at"))]
        if "type" in raw and "content" not in raw:
            return _notified(raw, us)
        return _said(raw, us)
    except KeyError as error:
        raise Unreadable(f"The post has no {error.args[0]}.") from error
    except (TypeError, ValueError, AttributeError) as error:
        raise Unreadable("The post has a field that cannot be read.") from error


def _opened(body: bytes) -> Json:
    try:
        raw = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise Unreadable("This is not JSON.") from error
    if not isinstance(raw, dict):
        raise Unreadable("This is JSON, but not a post.")
    return raw


def required(raw: Json, name: str) -> str:
    value = clean_text(raw.get(name))[:255]
    if not value:
        raise KeyError(name)
    return value


def moment(raw: Json, name: str) -> datetime:
    at = datetime.fromisoformat(required(raw, name))
    if at.tzinfo is None:
        raise ValueError("a time without its zone")
    return at


# --- what kinds of things there are


def _notified(raw: Json, us: Us) -> list[Event]:
    kind, post = raw["type"], raw.get("status")
    if not isinstance(post, dict):
        return []
    if kind == LIKES:
        return [_liked(raw, post, us)]
    return _said(post, us) if kind in SPEAKS else []


def _liked(raw: Json, post: Json, us: Us) -> Event:
    return Event(
        kind=EventKind.REACTION, external_id=f"favourite-{required(raw, 'id')}"[:255],
        occurred_at=moment(raw, "created_at"), author=author_of(raw["account"], us),
        parent_id=us.post_id(required(post, "id")),
    )  # fmt: skip


def _said(raw: Json, us: Us) -> list[Event]:
    """Nothing for what is only somebody else's post passed on, nor for an empty shell, which some servers give."""
    if raw.get("reblog"):
        return []
    event = _post(raw, us)
    return [event] if event.text or event.attachments else []


def _post(raw: Json, us: Us) -> Event:
    account, seen_by = raw["account"], str(raw.get("visibility") or "")
    ours, private = us.is_author(account), seen_by not in OPEN
    author = author_of(account, us)
    to = _addressed(raw, us) if ours else ""
    return Event(
        kind=EventKind.EDIT if raw.get("edited_at") else EventKind.MESSAGE,
        external_id=us.post_id(required(raw, "id")),
        occurred_at=moment(raw, "created_at"),
        author=None if ours else author,
        is_ours=ours,
        text=_words(raw),
        language="" if us.made_up else clean_text(raw.get("language"))[:8],
        private=private,
        parent_id=us.post_id(raw.get("in_reply_to_id")),
        quoted_id=us.post_id(_quoted(raw)),
        thread_id=_direct(to if ours else author.key) if private else "",
        addressed_to=to,
        url=web_address(clean_text(raw.get("url"))),
        attachments=tuple(_enclosed(file) for file in raw.get("media_attachments") or ()),
        extra={"visibility": seen_by, "uri": clean_text(raw.get("uri"))},
    )


def _direct(key: str) -> str:
    return f"dm-{key}" if key else ""


def _words(raw: Json) -> str:
    """The warning above a post, the post, and what its poll asks."""
    asked = (raw.get("poll") or {}).get("options") or ()
    choices = "\n".join(f"○ {clean_text(choice.get('title'))}" for choice in asked)
    parts = (clean_text(raw.get("spoiler_text")), text_of(str(raw.get("content") or "")), choices)
    return clean_text("\n\n".join(part for part in parts if part))


def _addressed(raw: Json, us: Us) -> str:
    """Whom a post of ours answers; else whom it names first."""
    named = [person for person in raw.get("mentions") or () if not us.is_author(person)]
    answered = [person for person in named if str(person.get("id")) == str(raw.get("in_reply_to_account_id"))]
    return next((key_of(str(person.get("acct") or ""), us.domain) for person in answered + named), "")


def _quoted(raw: Json) -> str:
    quote = raw.get("quote")
    if not isinstance(quote, dict):
        return ""
    post = quote.get("quoted_status") or {}
    return clean_text(post.get("id") or quote.get("quoted_status_id") or "")[:255]


def _enclosed(file: Json) -> Enclosed:
    url = web_address(str(file.get("url") or "")) or web_address(str(file.get("remote_url") or ""))
    path = unquote(urlsplit(url).path)
    return Enclosed(
        url, name=clean_text(PurePosixPath(path).name)[:255], type=mimetypes.guess_type(path)[0] or "",
        alt=clean_text(file.get("description")),
    )  # fmt: skip


def author_of(account: Json, us: Us) -> Author:
    handle, reach = handle_of(required(account, "acct"), us.domain), account.get("followers_count")
    fields = [web_address(text_of(str(entry.get("value") or ""))) for entry in account.get("fields") or ()]
    return Author(
        key=handle.casefold(), handle=handle, name=BIDI.sub("", clean_text(account.get("display_name")))[:255],
        profile_url=web_address(clean_text(account.get("url"))),
        reach=None if us.made_up or not isinstance(reach, int) or reach < 0 else reach,
        links=tuple(field for field in fields if field),
    )  # fmt: skip
