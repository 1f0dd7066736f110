"""What the Account Activity API sends: one call may hold several events of several kinds. In the words of API v1.1."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from channels_app.platforms.base import Author, Event, EventKind, Json, RawPayload
from channels_app.platforms.x import ids, media, reading

POSTS, DELETED, LIKED = "tweet_create_events", "tweet_delete_events", "favorite_events"
MESSAGES, READ, ACCOUNT = "direct_message_events", "direct_message_mark_read_events", "user_event"
SEVERAL = (POSTS, DELETED, LIKED, MESSAGES, READ)
WRITTEN = "%a %b %d %H:%M:%S %z %Y"  # Mon May 19 14:01:46 +0000 2025


def split(body: bytes) -> list[RawPayload]:
    """Each event as a call of its own, oldest first; who typed, followed or muted is not kept.

    The same event comes once for each of our accounts it is about.
    """
    try:
        call = json.loads(body)
    except (ValueError, RecursionError):
        return [RawPayload(body, trouble="This is not JSON.")]
    if not isinstance(call, dict):
        return [RawPayload(body, trouble="This is JSON, but not an event.")]
    return [_alone(one) for one in sorted(_each(call), key=_order)]


def _each(call: Json) -> Iterator[Json]:
    shared: Json = {name: call[name] for name in ("for_user_id", "user_has_blocked") if name in call}
    for kind in SEVERAL:
        for one in call.get(kind) or ():
            yield {**shared, kind: [one], **_people(call, one)}
    if ACCOUNT in call:
        yield {**shared, ACCOUNT: call[ACCOUNT]}


def _people(call: Json, one: Any) -> Json:
    """Of all people the call names, those of this event."""
    known = call.get("users")
    if not isinstance(known, dict) or not isinstance(one, dict):
        return {}
    said = one.get("message_create") or one
    wanted = {str(said.get("sender_id")), str((said.get("target") or {}).get("recipient_id"))}
    return {"users": {key: user for key, user in known.items() if key in wanted}}


def _alone(one: Json) -> RawPayload:
    whose = str(one.get("for_user_id") or "")
    if not whose:
        try:
            whose = str(one[ACCOUNT]["revoke"]["source"]["user_id"])
        except (KeyError, TypeError):
            whose = ""
    body = json.dumps(one, ensure_ascii=False).encode("utf-8", "replace")
    return RawPayload(body, f"x {whose}".rstrip(), kind="x", account=whose)


def _order(one: Json) -> float:
    """When it happened; what does not say it comes last, and is refused by `events`."""
    try:
        return max(event.occurred_at.timestamp() for event in events(one, ""))
    except (KeyError, TypeError, ValueError, AttributeError):
        return float("inf")


def is_one(body: Json) -> bool:
    return any(name in body for name in (*SEVERAL, ACCOUNT))


def events(body: Json, ours: str) -> list[Event]:
    """Raises KeyError, TypeError, ValueError, AttributeError where it is none of X's."""
    whose, users = str(body.get("for_user_id") or ours), body.get("users") or {}
    found = [_post(one, whose, body) for one in body.get(POSTS) or () if not one.get("retweeted_status")]
    found += [_deleted(one, whose) for one in body.get(DELETED) or ()]
    found += [_liked(one, whose) for one in body.get(LIKED) or ()]
    found += [_message(one, whose, users) for one in body.get(MESSAGES) or () if one.get("type") == "message_create"]
    found += [_read(one, users) for one in body.get(READ) or () if str(one["sender_id"]) != whose]
    if revoked := (body.get(ACCOUNT) or {}).get("revoke"):
        found.append(_revoked(revoked))
    return found


def _post(raw: Json, whose: str, call: Json) -> Event:
    number, author = ids.number(raw), ids.number(raw["user"])
    first, ours, parent = _original(raw), author == whose, ids.maybe(raw, "in_reply_to_status_id")
    quoted = ids.maybe(raw, "quoted_status_id")
    whole = raw.get("extended_tweet") or raw
    text = reading.words(
        whole.get("full_text") or raw.get("full_text") or raw.get("text"),
        [*_links(whole), *_links(raw), *_quoting(raw)], quoted,
    )  # fmt: skip
    blocked = str(call.get("user_has_blocked", "")).lower() == "true"  # X sends the text "false"
    return Event(
        kind=EventKind.EDIT if first != number else EventKind.MESSAGE,
        external_id=first,
        occurred_at=_when(raw, number),
        author=None if ours else person(raw["user"], author),
        is_ours=ours,
        text=reading.ANSWERING.sub("", text) if ours and parent else text,
        language=reading.language(raw),
        parent_id=parent,
        quoted_id=quoted,
        addressed_to=ids.maybe(raw, "in_reply_to_user_id") if ours else "",
        url=reading.address(number, raw["user"].get("screen_name")),
        attachments=tuple(one for one in map(media.of_activity, _media(whole)) if one),
        extra=({"version": number} if first != number else {}) | ({"blocked": "yes"} if blocked else {}),
    )


def _original(raw: Json) -> str:
    history = raw.get("edit_history") or {}
    if isinstance(history, dict) and (first := ids.maybe(history, "initial_tweet_id")):
        return first
    return reading.original({**raw, "id": ids.number(raw)})


def _links(raw: Json) -> list[Json]:
    """Those of pictures lead to where X shows them."""
    named = reading.entities(raw)
    return [*(named.get("urls") or ()), *(named.get("media") or ())]


def _quoting(raw: Json) -> list[Json]:
    shown = raw.get("quoted_status_permalink") or {}
    return [{"url": shown.get("url"), "expanded_url": shown.get("expanded")}]


def _media(raw: Json) -> list[Json]:
    return (raw.get("extended_entities") or {}).get("media") or reading.entities(raw).get("media") or []


def _deleted(raw: Json, whose: str) -> Event:
    """X tells of posts of our own accounts alone."""
    status = raw["status"]
    return Event(
        kind=EventKind.DELETE, external_id=ids.number(status), occurred_at=_milliseconds(raw["timestamp_ms"]),
        is_ours=str(status.get("user_id")) == whose,
    )  # fmt: skip


def _liked(raw: Json, whose: str) -> Event:
    author, status = ids.number(raw["user"]), raw["favorited_status"]
    return Event(
        kind=EventKind.REACTION, external_id=str(raw["id"])[:255], occurred_at=_milliseconds(raw["timestamp_ms"]),
        author=None if author == whose else person(raw["user"], author), is_ours=author == whose,
        parent_id=_original(status), extra={"emoji": "❤️"},
    )  # fmt: skip


def _message(raw: Json, whose: str, users: Json) -> Event:
    said = raw["message_create"]
    sender, recipient, data = ids.number(said, "sender_id"), said["target"]["recipient_id"], said["message_data"]
    ours = sender == whose
    other = str(recipient) if ours else sender
    enclosed = media.of_activity((data.get("attachment") or {}).get("media") or {})
    return Event(
        kind=EventKind.MESSAGE,
        external_id=ids.MESSAGE + ids.number(raw),
        occurred_at=_milliseconds(raw["created_timestamp"]),
        author=None if ours else person(users.get(sender) or {}, sender),
        is_ours=ours,
        text=reading.words(data.get("text"), _links(data) + _enclosed_link(data)),
        private=True,
        thread_id=ids.WITH_ONE + other,
        addressed_to=other if ours else "",
        attachments=(enclosed,) if enclosed else (),
    )


def _enclosed_link(data: Json) -> list[Json]:
    """The link in the words that stands for the picture."""
    shown = (data.get("attachment") or {}).get("media") or {}
    return [{**shown, "media_key": "enclosed"}] if shown.get("url") else []


def _read(raw: Json, users: Json) -> Event:
    """They have read all up to this message."""
    reader, last = ids.number(raw, "sender_id"), ids.number(raw, "last_read_event_id")
    until = ids.moment(last)
    return Event(
        kind=EventKind.RECEIPT, external_id=f"read:{ids.MESSAGE}{last}", parent_id=ids.MESSAGE + last,
        occurred_at=_milliseconds(raw["created_timestamp"]), author=person(users.get(reader) or {}, reader),
        private=True, thread_id=ids.WITH_ONE + reader,
        extra={"state": "read"} | ({"until": until.isoformat()} if until else {}),
    )  # fmt: skip


def _revoked(raw: Json) -> Event:
    at = reading.when(raw["date_time"], "")
    return Event(EventKind.REVOKED, external_id=f"revoked-{at.isoformat()}", occurred_at=at)


def person(user: Json, key: str) -> Author:
    """A user in words of API v1.1."""
    shown = {"username": user.get("screen_name"), "public_metrics": {"followers_count": user.get("followers_count")}}
    return reading.person({**user, **shown}, key)


def _when(raw: Json, number: str) -> datetime:
    if raw.get("timestamp_ms"):
        return _milliseconds(raw["timestamp_ms"])
    if raw.get("created_at"):
        return datetime.strptime(raw["created_at"], WRITTEN)
    return reading.when(None, number)


def _milliseconds(since_1970: object) -> datetime:
    return datetime.fromtimestamp(int(str(since_1970)) / 1000, UTC)
