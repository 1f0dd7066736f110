"""One comment: reading what WordPress gives, and writing what it takes."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from html import escape
from typing import Any

import httpx

from channels_app.platforms.archive import clean_id, clean_text
from channels_app.platforms.base import Author, Json, RawPayload, Sent, web_address
from channels_app.platforms.errors import TryLater, UnknownOutcome
from channels_app.platforms.html_text import text_of
from channels_app.platforms.wordpress.meaning import NAME


def payload(raw: Json) -> RawPayload:
    return RawPayload(json.dumps(raw, ensure_ascii=False).encode("utf-8", "replace"), f"comment {raw['id']}")


def comments(found: object) -> list[Json]:
    """Raises TryLater where it is no list of them."""
    if not isinstance(found, list):
        raise TryLater(f"{NAME} answered something that is not a list of comments.")
    return [raw for raw in found if isinstance(raw, dict) and raw.get("id")]


def author_of(raw: Json, place: str) -> Author:
    """A user of the site, else by the address they left, else a stranger of this one comment.

    Nobody has checked that address, and a name is not a person: neither makes anybody known to us from elsewhere.
    """
    user, address = id_of(raw.get("author")), clean_text(raw.get("author_email")).casefold()
    key = f"user:{user}" if user else f"mail:{address}" if address else f"comment:{clean_id(raw.get('id'))}"
    name, site = clean_text(raw.get("author_name"))[:255], web_address(clean_text(raw.get("author_url")))
    return Author(key=key[:255], handle=name, name=name, place=place, links=(site,) if site else ())


def words_of(content: Mapping[str, Any]) -> str:
    """As it was written where the site says so: the rendered one has other quotation marks."""
    raw = content.get("raw")
    if isinstance(raw, str):
        return text_of(raw.replace("\r\n", "\n").replace("\n", "<br>"))
    return text_of(str(content.get("rendered") or ""))


def as_html(text: str) -> str:
    """Words that stay words, in the one form that WordPress stores and compares unchanged.

    It strips backslashes before it compares, so they are written as WordPress's own filter writes them.
    """
    return escape(text.replace("\r\n", "\n").strip(), quote=False).replace("\\", "&#092;")


def id_of(value: object) -> str:
    """An id as text; WordPress says 0 where there is none."""
    text = clean_id(value)
    return "" if text == "0" else text


def moment(value: object) -> datetime | None:
    """`date_gmt` has no zone, and is UTC."""
    try:
        at = datetime.fromisoformat(str(value or ""))
    except ValueError:
        return None
    return at if at.tzinfo else at.replace(tzinfo=UTC)


def at_of(raw: Json) -> datetime:
    return moment(raw.get("date_gmt")) or datetime.now(UTC)


def raw_of(raw: Json) -> str:
    content = raw.get("content")
    return str(content.get("raw") or "") if isinstance(content, dict) else ""


def written(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def number(text: str | None, *, otherwise: int) -> int:
    return int(text) if text and text.isdecimal() else otherwise


def sent_of(answer: httpx.Response) -> Sent:
    try:
        made = answer.json()
        return Sent(str(int(made["id"])), at_of(made))
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise UnknownOutcome(f"The answer of {NAME} to the reply cannot be read.") from error
