"""Private messages of Messenger and Instagram, which look alike: read, written, looked for."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from channels_app.platforms.archive import clean_text
from channels_app.platforms.base import Author, Enclosed, Event, EventKind, Json, Outgoing, Sent, web_address
from channels_app.platforms.errors import TryLater
from channels_app.platforms.meta.graph import Graph, node, posted
from channels_app.platforms.meta.reading import lines, moment, needed, objects, within, word, words

DIRECT = "dm-{key}"  # the conversation with one person, by their id with this account
FILES = {"image", "video", "audio", "file"}
ATTACHED = {"reel": "a reel", "ig_reel": "a reel", "ig_post": "a post", "story_mention": "a story", "share": "a post"}
UNSHOWN = "(A message of a kind that Meta does not hand on. Look at it in the app.)"
LOOKED_AT = 20  # of the last messages, when one of ours is looked for
STANDARD = {"messaging_type": "RESPONSE"}
BY_PERSON = {"messaging_type": "MESSAGE_TAG", "tag": "HUMAN_AGENT"}


def in_entry(entry: Json) -> Iterator[Json]:
    """What happened in conversations. The dashboard's test events stand among the changes instead."""
    yield from objects(entry.get("messaging"))
    yield from objects(entry.get("standby"))
    for change in objects(entry.get("changes")):
        if "sender" in within(change, "value"):
            yield within(change, "value")


def events(item: Json, entry: Json) -> list[Event]:
    """What one item of `messaging` says; none where it says nothing to us. Raises Unreadable."""
    for name, read in READERS.items():
        if isinstance(item.get(name), dict):
            return read(item, entry)
    return []


# --- what was said


def _message(item: Json, entry: Json) -> list[Event]:
    message = within(item, "message")
    if message.get("is_deleted"):
        return [_about(item, entry, EventKind.DELETE)]
    return [_said(item, entry, message, _text(message))]


def _postback(item: Json, entry: Json) -> list[Event]:
    """Somebody pressed a button of ours: its words are what they say. Without an id nothing tells two of them apart."""
    pressed = within(item, "postback")
    made_up = f"postback:{_customer(item, entry)}:{word(item.get('timestamp'))}"
    return [_said(item, entry, {"mid": made_up, **pressed}, words(pressed.get("title")))]


def _said(item: Json, entry: Json, message: Json, text: str) -> Event:
    who, ours = _customer(item, entry), _is_ours(item, entry)
    return Event(
        kind=EventKind.MESSAGE,
        external_id=needed(message, "mid"),
        occurred_at=_time(item, entry),
        author=None if ours else Author(key=who),
        is_ours=ours,
        text=text,
        private=True,
        parent_id=word(within(message, "reply_to").get("mid")),
        quoted_id=word(within(message, "reply_to", "story").get("id")),
        thread_id=DIRECT.format(key=who),
        addressed_to=who if ours else "",
        attachments=tuple(_enclosed(message)),
    )


def _customer(item: Json, entry: Json) -> str:
    """With whom it is: of what we wrote ourselves, the other side."""
    return needed(within(item, "recipient" if _is_ours(item, entry) else "sender"), "id")


def _is_ours(item: Json, entry: Json) -> bool:
    sender = word(within(item, "sender").get("id"))
    return bool(within(item, "message").get("is_echo")) or (sender != "" and sender == word(entry.get("id")))


def _time(item: Json, entry: Json) -> datetime:
    return moment(item.get("timestamp"), entry.get("time"))


def _text(message: Json) -> str:
    said = [words(message.get("text")), *(_shared(each) for each in objects(message.get("attachments")))]
    if not any(said) and not list(_enclosed(message)):
        return UNSHOWN
    return lines(said)


def _shared(attached: Json) -> str:
    """What is no file, as words: a place, a page, a reel with its address."""
    kind, payload = word(attached.get("type")), within(attached, "payload")
    if kind in FILES:
        return ""
    at = within(payload, "coordinates")
    place = ", ".join(clean_text(at.get(name))[:20] for name in ("lat", "long")) if at else ""
    title = words(attached.get("title")) or words(payload.get("title"))
    address = web_address(words(payload.get("url")) or words(attached.get("url")))
    return lines([title or f"({ATTACHED.get(kind, 'Something')} was shared.)", place, address])


def _enclosed(message: Json) -> Iterator[Enclosed]:
    """Files; their addresses work for some days only, and Meta does not say for how many."""
    for attached in objects(message.get("attachments")):
        address = web_address(words(within(attached, "payload").get("url")))
        if address and word(attached.get("type")) in FILES:
            yield Enclosed(address)


# --- what is said about messages


def _about(item: Json, entry: Json, kind: EventKind, *, of: str = "message", text: str = "") -> Event:
    """An edit or a deletion, of the message it names."""
    ours = _is_ours(item, entry)
    return Event(
        kind=kind,
        external_id=needed(within(item, of), "mid"),
        occurred_at=_time(item, entry),
        author=None if ours else Author(key=_customer(item, entry)),
        is_ours=ours,
        text=text,
        private=True,
        thread_id=DIRECT.format(key=_customer(item, entry)),
    )


def _edit(item: Json, entry: Json) -> list[Event]:
    text = words(within(item, "message_edit").get("text"))
    return [_about(item, entry, EventKind.EDIT, of="message_edit", text=text)]


def _reaction(item: Json, entry: Json) -> list[Event]:
    said, at = within(item, "reaction"), _time(item, entry)
    target, who = needed(said, "mid"), needed(within(item, "sender"), "id")
    undo = {"undo": "yes"} if word(said.get("action")) == "unreact" else {}
    return [
        Event(
            kind=EventKind.REACTION,
            external_id=f"reaction:{target[:180]}:{who[:40]}:{at.timestamp():.3f}",
            occurred_at=at,
            author=None if _is_ours(item, entry) else Author(key=who),
            is_ours=_is_ours(item, entry),
            private=True,
            parent_id=target,
            thread_id=DIRECT.format(key=_customer(item, entry)),
            extra={"emoji": word(said.get("emoji")) or word(said.get("reaction")), **undo},
        )
    ]


def _delivered(item: Json, entry: Json) -> list[Event]:
    return _receipts(item, entry, within(item, "delivery"), "delivered")


def _read(item: Json, entry: Json) -> list[Event]:
    return _receipts(item, entry, within(item, "read"), "read")


def _receipts(item: Json, entry: Json, told: Json, state: str) -> list[Event]:
    """Of the messages it names; where it names none, of all of ours up to a moment."""
    mids = told.get("mids")
    named = [word(mid) for mid in mids if word(mid)] if isinstance(mids, list) else []
    named = named or [mid for mid in [word(told.get("mid"))] if mid]
    if named:
        return [_receipt(item, entry, state, mid) for mid in named]
    until = moment(told.get("watermark"))
    return [_receipt(item, entry, state, "", until)]


def _receipt(item: Json, entry: Json, state: str, mid: str, until: datetime | None = None) -> Event:
    who = _customer(item, entry)
    about = mid[:220] if until is None else f"{who[:60]}:{until.timestamp():.3f}"
    return Event(
        kind=EventKind.RECEIPT,
        external_id=f"{state}:{about}",
        occurred_at=moment(item.get("timestamp"), _watermark(item), entry.get("time")),
        private=True,
        parent_id=mid,
        thread_id=DIRECT.format(key=who),
        extra={"state": state} | ({"until": until.isoformat()} if until else {}),
    )


def _watermark(item: Json) -> object:
    """Deliveries carry no time but that of the last message they speak of."""
    return within(item, "delivery").get("watermark") or within(item, "read").get("watermark")


READERS = {
    "message": _message,
    "message_edit": _edit,
    "reaction": _reaction,
    "postback": _postback,
    "delivery": _delivered,
    "read": _read,
}


# --- the way out


def send(wire: Graph, account: str, recipient: Json, text: str, how: Json) -> Sent:
    body = {"recipient": recipient, **how, "message": {"text": text}}
    return posted(wire.act("POST", node(account, "messages"), json=body), "message_id")


def mark_read(wire: Graph, account: str, who: str) -> None:
    body = {"recipient": {"id": who}, "sender_action": "mark_seen"}
    wire.act("POST", node(account, "messages"), json=body)


def find(wire: Graph, account: str, platform: str, out: Outgoing) -> Sent:
    """Ours with these words among the last of the conversation. Raises TryLater where it is not: it may still come, and
    nobody can take it back, so that a person decides.
    """
    fields = f"messages.limit({LOOKED_AT}){{id,message,created_time,from}}"
    asked = {"platform": platform, "user_id": out.recipient, "fields": fields}
    found = wire.json(wire.look(node(account, "conversations"), asked))
    for one in _last_said(found if isinstance(found, dict) else {}):
        if word(within(one, "from").get("id")) == account and same(one.get("message"), out.text):
            return Sent(needed(one, "id"), moment(one.get("created_time")))
    raise TryLater(f"It is not in the conversation at {wire.name}, which may only be late: look there before you send.")


def _last_said(found: Json) -> Iterator[Json]:
    for conversation in objects(found.get("data")):
        yield from objects(within(conversation, "messages").get("data"))


def same(theirs: object, ours: str) -> bool:
    """The same words; networks trim and join blanks."""
    return words(theirs).split() == ours.split()
