"""What others tell us of an own channel, as docs/own-channel.md says: {"type", "timestamp", "data"}, or several.

What is not there is empty, and what Hark does not know is left alone. What is of another kind than the page says is
refused by its name, never by what stands in it: that may be a customer's.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from channels_app.platforms.archive import clean_text
from channels_app.platforms.base import Author, Enclosed, Event, EventKind, Json, web_address
from channels_app.platforms.errors import Unreadable

PING = "ping"  # somebody tries whether we listen
STATES = ("sent", "delivered", "read", "failed")
KINDS = ("handle", "email", "phone", "external")
LONGEST = 255  # characters of an id or a name
MOST_FOLLOWERS = 2**31 - 1


def events(body: bytes) -> list[Event]:
    """Raises Unreadable."""
    return [event for one in _each(_document(body)) for event in _read(one)]


def apart(body: bytes) -> list[bytes]:
    """Each event by itself, oldest first: as it came, where there is one alone. Raises Unreadable."""
    found = _document(body)
    if not _several(found):
        return [] if _is_ping(found) else [body]
    try:
        packed = [json.dumps(one, ensure_ascii=False) for one in _each(found) if not _is_ping(one)]
    except RecursionError as error:
        raise Unreadable("This is JSON in too many brackets.") from error
    return [one.encode("utf-8", "replace") for one in packed]


def _document(body: bytes) -> Any:
    try:
        return json.loads(body.decode("utf-8"))
    except UnicodeDecodeError as error:
        raise Unreadable(f"This is not UTF-8 (byte {error.start}).") from error
    except ValueError as error:
        raise Unreadable("This is not JSON.") from error
    except RecursionError as error:
        raise Unreadable("This is JSON in too many brackets.") from error


def _each(found: Any) -> list[Any]:
    """One event, or those of {"events": […]}, oldest first."""
    return _oldest_first(found["events"]) if _several(found) else [found]


def _several(found: Any) -> bool:
    return isinstance(found, dict) and isinstance(found.get("events"), list)


def _is_ping(one: Any) -> bool:
    return isinstance(one, dict) and one.get("type") == PING


def _oldest_first(several: list[Any]) -> list[Any]:
    """As they came where one of them does not say when: it is refused alone, later."""
    try:
        return sorted(several, key=_moment)
    except Unreadable:
        return several


def _read(one: Any) -> list[Event]:
    if not isinstance(one, dict):
        raise Unreadable("This is JSON, but not an event.")
    kind = one.get("type")
    if _is_ping(one):
        return []
    if not isinstance(kind, str) or kind not in READERS:
        raise Unreadable(f"“type” is none of {', '.join([*READERS, PING])}.")
    return [READERS[kind](_object(one, "data"), _moment(one))]


# --- the five kinds


def _message(data: Json, at: datetime) -> Event:
    text, files = _text(data, "text"), _files(data)
    if not text and not files:
        raise Unreadable("The message has neither text nor files.")
    return _post(EventKind.MESSAGE, data, at, text, files)


def _edit(data: Json, at: datetime) -> Event:
    if not isinstance(data.get("text"), str):
        raise Unreadable("The edit does not say what the text is now.")
    return _post(EventKind.EDIT, data, at, _text(data, "text"), _files(data))


def _post(kind: EventKind, data: Json, at: datetime, text: str, files: tuple[Enclosed, ...]) -> Event:
    ours, key = _flag(data, "ours"), _name(data, "key")
    return Event(
        kind=kind, external_id=_needed(data, "id"), occurred_at=at, text=text, attachments=files,
        author=None if ours else _author(data), is_ours=ours, private=_flag(data, "private"),
        language=_name(data, "language")[:8], parent_id=_name(data, "in_reply_to"), quoted_id=_name(data, "quotes"),
        thread_id=_name(data, "conversation"), addressed_to=_name(data, "to") if ours else "",
        url=web_address(_text(data, "url")), extra={"key": key} if key else {},
    )  # fmt: skip


def _delete(data: Json, at: datetime) -> Event:
    return Event(EventKind.DELETE, _needed(data, "id"), at, thread_id=_name(data, "conversation"))


def _receipt(data: Json, at: datetime) -> Event:
    state = data.get("state")
    if state not in STATES:
        raise Unreadable(f"“state” is none of {', '.join(STATES)}.")
    about = _needed(data, "id")
    return Event(EventKind.RECEIPT, f"{state}:{about}"[:LONGEST], at, parent_id=about, extra={"state": state})


def _reaction(data: Json, at: datetime) -> Event:
    extra = {"emoji": _name(data, "emoji")} | ({"undo": "yes"} if _flag(data, "undo") else {})
    return Event(
        EventKind.REACTION, _needed(data, "id"), at, author=_author(data), parent_id=_needed(data, "message"),
        extra=extra,
    )  # fmt: skip


READERS: Mapping[str, Callable[[Json, datetime], Event]] = {
    "message": _message, "edit": _edit, "delete": _delete, "receipt": _receipt, "reaction": _reaction,
}  # fmt: skip


# --- who, and which files


def _author(data: Json) -> Author:
    who = _object(data, "author")
    kind = _name(who, "kind") or KINDS[0]
    if kind not in KINDS:
        raise Unreadable(f"The author’s “kind” is none of {', '.join(KINDS)}.")
    return Author(
        key=_needed(who, "id"), handle=_name(who, "handle"), name=_name(who, "name"), kind=kind,
        place=_name(who, "place"), profile_url=web_address(_text(who, "url")), reach=_count(who, "followers"),
        location=_name(who, "city")[:120], links=tuple(filter(None, map(_link, _list(who, "links")))),
    )  # fmt: skip


def _link(value: Any) -> str:
    return web_address(clean_text(value)) if isinstance(value, str) else ""


def _files(data: Json) -> tuple[Enclosed, ...]:
    return tuple(_file(each) for each in _list(data, "files"))


def _file(raw: Any) -> Enclosed:
    if not isinstance(raw, dict):
        raise Unreadable("One of “files” is not an object.")
    expires = _moment(raw, "expires_at") if raw.get("expires_at") else None
    name, type_, alt = _name(raw, "name"), _name(raw, "type"), _text(raw, "alt")
    return Enclosed(_whole(raw, "url"), name, type_, alt, expires)


def _whole(raw: Json, name: str) -> str:
    if text := _text(raw, name):
        return text
    raise Unreadable(f"“{name}” is missing.")


# --- values


def _object(raw: Json, name: str) -> Json:
    value = raw.get(name)
    if not isinstance(value, dict):
        raise Unreadable(f"“{name}” is missing, or not an object.")
    return value


def _list(raw: Json, name: str) -> list[Any]:
    value = raw.get(name)
    if value is None or isinstance(value, list):
        return value or []
    raise Unreadable(f"“{name}” is not a list.")


def _text(raw: Json, name: str) -> str:
    """Text, or a whole number as text."""
    value = raw.get(name)
    if value is None:
        return ""
    if isinstance(value, bool) or not isinstance(value, str | int):
        raise Unreadable(f"“{name}” is not text.")
    return clean_text(value)


def _name(raw: Json, name: str) -> str:
    """What has to stay whole: two ids that begin alike are two."""
    text = _text(raw, name)
    if len(text) > LONGEST:
        raise Unreadable(f"“{name}” is longer than {LONGEST} characters.")
    return text


def _needed(raw: Json, name: str) -> str:
    if text := _name(raw, name):
        return text
    raise Unreadable(f"“{name}” is missing.")


def _flag(raw: Json, name: str) -> bool:
    value = raw.get(name, False)
    if value is None or isinstance(value, bool):
        return bool(value)
    raise Unreadable(f"“{name}” is neither true nor false.")


def _count(raw: Json, name: str) -> int | None:
    value = raw.get(name)
    is_one = isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= MOST_FOLLOWERS
    return value if is_one else None


def _moment(raw: Any, name: str = "timestamp") -> datetime:
    """RFC 3339, with its zone."""
    value = raw.get(name) if isinstance(raw, dict) else None
    try:
        at = datetime.fromisoformat(value or "")
    except (TypeError, ValueError) as error:
        raise Unreadable(f"“{name}” is not a time such as 2026-11-20T10:00:00Z.") from error
    if at.tzinfo is None:
        raise Unreadable(f"“{name}” does not say in which zone it is.")
    if not 1990 <= at.year < 2100:
        raise Unreadable(f"“{name}” is not a time a message can have.")
    return at
