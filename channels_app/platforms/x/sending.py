"""What we say and do on X, as requests. Pure, but for the pictures a post carries."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from channels_app.platforms.base import Event, Json, Measures, Moderation, Outgoing, Sent
from channels_app.platforms.errors import Rejected
from channels_app.platforms.x import ids, reading


@dataclass(frozen=True, slots=True)
class Request:
    path: str
    body: Json


def of(out: Outgoing, upload: Callable[[], list[str]]) -> Request:
    """`upload` hands over the pictures and says their ids; it is called only where all else is right."""
    if out.private:
        path = f"{conversation(out)}/messages"
        shown = [{"media_id": number} for number in upload()] if out.files else []
        return Request(path, ({"text": out.text} if out.text else {}) | ({"attachments": shown} if shown else {}))
    answers = {"in_reply_to_tweet_id": ids.must_be_one(out.parent_id, "post")} if out.parent_id else {}
    body: Json = {"text": out.text} | ({"reply": answers} if answers else {})
    return Request("/2/tweets", body | ({"media": {"media_ids": upload()}} if out.files else {}))


def conversation(out: Outgoing) -> str:
    if out.thread_id.startswith(ids.WITH_SEVERAL):
        number = ids.must_be_one(out.thread_id.removeprefix(ids.WITH_SEVERAL), "conversation")
        return f"/2/dm_conversations/{number}"
    return f"/2/dm_conversations/with/{ids.must_be_one(out.recipient, 'account')}"


def sent(answer: Json) -> Sent:
    """Raises KeyError, TypeError."""
    data = answer["data"]
    number = ids.number(data, "dm_event_id") if "dm_event_id" in data else ids.number(data)
    name = ids.MESSAGE + number if "dm_event_id" in data else number
    return Sent(name, ids.moment(name) or datetime.now(UTC))


def is_it(event: Event, out: Outgoing) -> bool:
    """A message does not say what it answers; a post does."""
    in_place = event.private if out.private else event.parent_id == out.parent_id
    return event.is_ours and in_place and _plain(event.text) == _plain(out.text)


def _plain(text: str) -> str:
    """Without what X changes in words: whom they answer before them, how links begin, letters and white space."""
    said = " ".join(unicodedata.normalize("NFC", text).split()).casefold()
    return reading.ANSWERING.sub("", said).replace("https://", "").replace("http://", "")


def measure(act: Moderation, ours: str) -> tuple[str, str, Json | None]:
    """Method, path and body. Raises Rejected."""
    if act.kind is Measures.DELETE and not act.undo and act.post_id.startswith(ids.MESSAGE):
        return "DELETE", f"/2/dm_events/{ids.must_be_one(act.post_id.removeprefix(ids.MESSAGE), 'message')}", None
    post = ids.must_be_one(act.post_id, "post")
    match act.kind:
        case Measures.HIDE:
            return "PUT", f"/2/tweets/{post}/hidden", {"hidden": not act.undo}
        case Measures.LIKE if act.undo:
            return "DELETE", f"/2/users/{ours}/likes/{post}", None
        case Measures.LIKE:
            return "POST", f"/2/users/{ours}/likes", {"tweet_id": post}
        case Measures.DELETE if not act.undo:
            return "DELETE", f"/2/tweets/{post}", None
    raise Rejected("X does not let us do this from here.")
