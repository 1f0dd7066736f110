"""What WhatsApp tells: messages, what became of ours, and what we wrote in WhatsApp's own app."""

from __future__ import annotations

from dataclasses import replace

from channels_app.platforms.archive import clean_text
from channels_app.platforms.base import Author, Enclosed, Event, EventKind, Json, web_address
from channels_app.platforms.errors import Unreadable
from channels_app.platforms.meta.graph import HOST, VERSION
from channels_app.platforms.meta.reading import entries, lines, moment, needed, objects, within, word, words

DIRECT, GROUP = "dm-{key}", "group-"  # the conversation with one person, by their number
MEDIA = ("image", "video", "audio", "document", "sticker")
STATES = {"sent", "delivered", "read", "failed"}
UNSHOWN = "(A message of a kind that WhatsApp does not hand on. Look at it in the app.)"


def events(body: bytes, ours: str) -> list[Event]:
    """`ours` is the id of our number. Raises Unreadable."""
    found: list[Event] = []
    for entry in entries(body, "whatsapp_business_account"):
        for change in objects(entry.get("changes")):
            found += _changed(within(change, "value"), ours)
    return found


def _changed(value: Json, ours: str) -> list[Event]:
    told = word(within(value, "metadata").get("phone_number_id"))
    if ours and told and told != ours:
        raise Unreadable("This is for another number than the channel’s.")
    found = [_event(one, value) for one in objects(value.get("messages"))]
    found += [_event(one, value, echo=True) for one in objects(value.get("message_echoes"))]
    found += [_receipt(one) for one in objects(value.get("statuses"))]
    return [event for event in found if event]


def number(told: str) -> str:
    """In the one form numbers have everywhere; what is no number, as it came."""
    return f"+{told}" if told.isdecimal() else told


def author(told: str, name: str = "") -> Author:
    key = number(told)
    return Author(key=key, handle=key, name=name[:255], kind="phone" if key.startswith("+") else "handle")


def _event(message: Json, value: Json, *, echo: bool = False) -> Event | None:
    match word(message.get("type")):
        case "system":  # that somebody has another number now; nobody said anything
            return None
        case "reaction":
            return _reaction(message, value, echo)
        case "edit":
            edit = within(message, "edit")
            text = _text(within(edit, "message"))
            return _base(message, value, echo, EventKind.EDIT, needed(edit, "original_message_id"), text)
        case "revoke":
            gone = needed(within(message, "revoke"), "original_message_id")
            return _base(message, value, echo, EventKind.DELETE, gone)
    return _base(message, value, echo, EventKind.MESSAGE, needed(message, "id"), _text(message))


def _base(message: Json, value: Json, echo: bool, kind: EventKind, external_id: str, text: str = "") -> Event:
    who, group = needed(message, "to" if echo else "from"), word(message.get("group_id"))
    return Event(
        kind=kind,
        external_id=external_id,
        occurred_at=moment(message.get("timestamp")),
        author=None if echo else author(who, _name(value, who)),
        is_ours=echo,
        text=text,
        private=True,
        thread_id=f"{GROUP}{group}" if group else DIRECT.format(key=number(who)),
        addressed_to=number(who) if echo else "",
        parent_id=word(within(message, "context").get("id")),
        attachments=_enclosed(message),
    )


def _name(value: Json, who: str) -> str:
    named = {
        word(each.get("wa_id")): words(within(each, "profile").get("name")) for each in objects(value.get("contacts"))
    }
    return named.get(who, "")


def _reaction(message: Json, value: Json, echo: bool) -> Event:
    """An empty emoji takes it back."""
    said = within(message, "reaction")
    emoji = word(said.get("emoji"))
    extra = {"emoji": emoji} | ({} if emoji else {"undo": "yes"})
    target = needed(said, "message_id")
    made = _base(message, value, echo, EventKind.REACTION, needed(message, "id"))
    return replace(made, parent_id=target, extra=extra)


def _receipt(status: Json) -> Event | None:
    """Of one message. Why it failed stands in `extra`, in WhatsApp's words, with its code."""
    state, mid = word(status.get("status")), needed(status, "id")
    if state not in STATES:
        return None
    failed = next(iter(objects(status.get("errors"))), {})
    told = {
        "state": state, "code": word(failed.get("code")), "said": words(failed.get("title"))[:200],
        "key": word(status.get("biz_opaque_callback_data")),
    }  # fmt: skip
    return Event(
        kind=EventKind.RECEIPT,
        external_id=f"{state}:{mid}"[:255],
        occurred_at=moment(status.get("timestamp")),
        private=True,
        parent_id=mid,
        thread_id=DIRECT.format(key=number(needed(status, "recipient_id"))),
        extra={name: what for name, what in told.items() if what},
    )


# --- its words


def _text(message: Json) -> str:
    kind = word(message.get("type"))
    if kind in MEDIA:
        return words(within(message, kind).get("caption"))
    read = TEXTS.get(kind)
    return (read(message) if read else "") or UNSHOWN


def _place(message: Json) -> str:
    at = within(message, "location")
    point = ", ".join(clean_text(at[name])[:20] for name in ("latitude", "longitude") if name in at)
    return lines([words(at.get("name")), words(at.get("address")), point, web_address(words(at.get("url")))])


def _contacts(message: Json) -> str:
    return lines(_card(one) for one in objects(message.get("contacts")))


def _card(one: Json) -> str:
    numbers = [words(each.get("phone")) for each in objects(one.get("phones"))]
    return " ".join([words(within(one, "name").get("formatted_name")), *numbers]).strip()


def _chosen(message: Json) -> str:
    said = within(message, "interactive")
    chosen = within(said, word(said.get("type")))
    return words(chosen.get("title")) or words(chosen.get("body"))


def _order(message: Json) -> str:
    order = within(message, "order")
    goods = [
        f"{word(one.get('quantity'))} × {word(one.get('product_retailer_id'))}"
        for one in objects(order.get("product_items"))
    ]
    return lines([words(order.get("text")), *goods])


TEXTS = {
    "text": lambda message: words(within(message, "text").get("body")),
    "button": lambda message: words(within(message, "button").get("text")),
    "interactive": _chosen,
    "location": _place,
    "contacts": _contacts,
    "order": _order,
}


def _enclosed(message: Json) -> tuple[Enclosed, ...]:
    """Where the Graph API tells the address of a file, which works for five minutes; our key opens both."""
    kind = word(message.get("type"))
    if kind not in MEDIA:
        return ()
    media = within(message, kind)
    found = word(media.get("id"))
    address = f"{HOST}/{VERSION}/{found}" if found.isalnum() else ""
    name = words(media.get("filename"))[:255]
    return (Enclosed(address, name, word(media.get("mime_type")).partition(";")[0]),) if address else ()
