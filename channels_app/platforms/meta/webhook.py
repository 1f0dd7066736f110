"""The one webhook of Meta's app: whether it is Meta that calls, and what it brings, taken apart.

One call may bring up to a thousand things: of several accounts (entries), of each several changes, in each several
messages. Every one becomes a payload of its own, in Meta's own form with all its neighbours left out.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from channels_app.platforms.abilities import Access, Answered, RawRequest
from channels_app.platforms.base import Json, RawPayload
from channels_app.platforms.errors import BadSignature, Unreadable
from channels_app.platforms.meta.reading import envelope, moment, objects, within, word

KINDS = {"page": "facebook", "instagram": "instagram", "whatsapp_business_account": "whatsapp"}
SIGNED = "sha256="
MESSAGING = ("messaging", "standby")  # standby: another app has the conversation in hand
WHATSAPP = ("messages", "statuses", "message_echoes")
NOT_AN_OBJECT = "Meta sent something in it that is not an object."


class Webhook:
    """What Facebook, Instagram and WhatsApp have in common: they are called in one way (`Called`)."""

    access: Access

    def handshake(self, request: RawRequest) -> Answered | None:
        """Meta asks once, when the webhook is entered in the app. Raises BadSignature."""
        if request.method != "GET" or request.query.get("hub.mode") != "subscribe":
            return None
        known, told = self.access.secrets.get("verify_token", ""), request.query.get("hub.verify_token", "")
        if not known or not hmac.compare_digest(known.encode(), told.encode("utf-8", "replace")):
            raise BadSignature("Meta’s question does not hold our verify token.")
        return Answered(body=request.query.get("hub.challenge", ""))

    def verify(self, request: RawRequest) -> None:
        """By the app's secret, or the one before it while it is being changed. Raises BadSignature."""
        told = request.headers.get("x-hub-signature-256", "")
        known = [self.access.secrets.get(name, "") for name in ("app_secret", "app_secret_before")]
        right = [hmac.compare_digest(signature(one, request.body).encode(), _bytes(told)) for one in known if one]
        if not any(right):
            raise BadSignature("The call is not signed with the secret of our app at Meta.")

    def split(self, request: RawRequest) -> list[RawPayload]:
        """All that came, of whatever account. Raises Unreadable where nothing can be read."""
        return split(request.body)


def signature(secret: str, body: bytes) -> str:
    """What Meta writes into X-Hub-Signature-256: over the raw bytes, as they came."""
    return SIGNED + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "replace")


@dataclass(frozen=True, slots=True)
class _Item:
    """One thing that happened: in its entry, at its time (seconds since 1970; 0 where none is told)."""

    entry: Any
    account: str
    at: float


def split(body: bytes) -> list[RawPayload]:
    found = envelope(body)
    about = word(found.get("object"))
    items = [item for entry in objects(found["entry"]) for item in list(_items(about, entry)) or [_whole(entry)]]
    payloads = [_payload(about, item) for item in sorted(items, key=lambda item: item.at)]
    odd = [each for each in found["entry"] if not isinstance(each, dict)]
    return payloads + [_payload(about, _Item(each, "", 0.0), NOT_AN_OBJECT) for each in odd]


def _payload(about: str, item: _Item, trouble: str = "") -> RawPayload:
    kind = KINDS.get(about, about)
    origin = f"{kind} {item.account}".rstrip()
    return RawPayload(_written(about, item.entry), origin, trouble, kind, item.account)


def _written(about: str, entry: object) -> bytes:
    """In ASCII: half of a surrogate pair, which Meta may send, cannot be written otherwise."""
    return json.dumps({"object": about, "entry": [entry]}).encode()


def _whole(entry: Json) -> _Item:
    """With Instagram's own login a comment stands in the entry itself."""
    return _Item(entry, word(entry.get("id")), _at(entry.get("time")))


def _items(about: str, entry: Json) -> Iterator[_Item]:
    head = {name: value for name, value in entry.items() if name not in ("changes", *MESSAGING)}
    for name in MESSAGING:
        for one in objects(entry.get(name)):
            yield _Item({**head, name: [one]}, word(entry.get("id")), _at(one.get("timestamp"), entry.get("time")))
    for change in objects(entry.get("changes")):
        parts = _changes(change) if about == "whatsapp_business_account" else [change]
        for part in parts:
            value = within(part, "value")
            account = word(within(value, "metadata").get("phone_number_id")) or word(entry.get("id"))
            yield _Item({**head, "changes": [part]}, account, _time_of(value, entry))


def _changes(change: Json) -> list[Json]:
    """A change of WhatsApp as one of each message in it, with the contact who wrote that one."""
    value = within(change, "value")
    shared = {name: what for name, what in value.items() if name not in (*WHATSAPP, "contacts")}
    parts = [(name, one) for name in WHATSAPP for one in objects(value.get(name))]
    made = [{**shared, **_contact(value, one), name: [one]} for name, one in parts]
    return [{**change, "value": part} for part in made] or [change]


def _contact(value: Json, message: Json) -> Json:
    who = word(message.get("from"))
    found = [each for each in objects(value.get("contacts")) if word(each.get("wa_id")) == who]
    return {"contacts": found[:1]} if found else {}


def _time_of(value: Json, entry: Json) -> float:
    inner = [one.get("timestamp") for name in WHATSAPP for one in objects(value.get(name))]
    return _at(*inner, value.get("created_time"), value.get("timestamp"), entry.get("time"))


def _at(*stated: object) -> float:
    try:
        return moment(*stated).timestamp()
    except Unreadable:
        return 0.0
