"""Calls of our webhooks, as a server hands them to the application, and what networks send, signed."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import json
import time
import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode

from channels.db import database_sync_to_async as sync_to_async
from standardwebhooks import Webhook

from channels_app import inbox
from channels_app.hooks import front
from channels_app.models import App, Message, RawEvent
from tests import factories

META = {"app_secret": "shh", "app_secret_before": "old", "verify_token": "who is this"}
X = {"client_secret": "c", "client_secret_before": "c old", "consumer_secret": "k"}
SECONDS = 1_800_000_000  # 2027-01-15 08:00 UTC
numbers = iter(range(1, 10_000))


@dataclass
class Answer:
    status: int
    text: str
    headers: dict[str, str]


class Server:
    """Speaks ASGI to the webhooks. `pages` holds the paths that went on to Django."""

    def __init__(self) -> None:
        self.pages: list[str] = []
        self.hooks = front.Hooks(self._page)

    async def _page(self, scope, receive, send) -> None:
        self.pages.append(scope["path"])
        await send({"type": "http.response.start", "status": 299, "headers": []})
        await send({"type": "http.response.body", "body": b"a page"})

    async def post(self, app: App, body: bytes, headers: dict[str, str] | None = None, **more: Any) -> Answer | None:
        return await self.ask("POST", f"/hooks/{app.hook}/", headers=headers, pieces=[body], **more)

    async def get(self, app: App, **asked: str) -> Answer | None:
        return await self.ask("GET", f"/hooks/{app.hook}/", query=urlencode(asked))

    async def ask(
        self, method: str, path: str, *, headers: dict[str, str] | None = None, query: str = "",
        pieces: Iterable[bytes | None] = (b"",), root_path: str = "",
    ) -> Answer | None:  # fmt: skip
        """What was answered, None for nothing. A piece that is None: they hang up; after the last: they wait."""
        scope = {
            "type": "http", "method": method, "path": path, "root_path": root_path, "query_string": query.encode(),
            "headers": [(name.lower().encode("latin-1"), value.encode("latin-1"))
                        for name, value in (headers or {}).items()],
        }  # fmt: skip
        coming, sent = list(pieces), []

        async def receive() -> dict[str, Any]:
            if not coming:
                await asyncio.Event().wait()
            piece = coming.pop(0)
            if piece is None:
                return {"type": "http.disconnect"}
            return {"type": "http.request", "body": piece, "more_body": bool(coming)}

        async def send(message: dict[str, Any]) -> None:
            sent.append(message)

        await self.hooks(scope, receive, send)
        if not sent:
            return None
        heads = {name.decode(): value.decode() for name, value in sent[0]["headers"]}
        return Answer(sent[0]["status"], sent[1]["body"].decode(), heads)


# --- what networks send


def meta_signature(body: bytes, secret: str = "shh") -> dict[str, str]:
    return {"X-Hub-Signature-256": "sha256=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()}


def x_signature(body: bytes, secret: str = "c", header: str = "X-Twitter-Webhooks-Signature-OAuth2") -> dict[str, str]:
    return {header: "sha256=" + base64.b64encode(hmac.new(secret.encode(), body, hashlib.sha256).digest()).decode()}


def own_signature(body: bytes, secret: str) -> dict[str, str]:
    key, now = str(uuid.uuid4()), datetime.now(UTC)
    return {
        "webhook-id": key, "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": Webhook(secret).sign(key, now, body.decode()),
    }  # fmt: skip


def private(account: str, *ids: str, at: int = SECONDS, text: str = "My bag is lost.") -> dict[str, Any]:
    """An entry of a Page with these messages, from one person."""
    return {"id": account, "time": at * 1000, "messaging": [
        {"sender": {"id": "7001"}, "recipient": {"id": account}, "timestamp": at * 1000 + number,
         "message": {"mid": mid, "text": text}}
        for number, mid in enumerate(ids)
    ]}  # fmt: skip


def envelope(*entries: dict[str, Any], about: str = "page") -> bytes:
    return json.dumps({"object": about, "entry": list(entries)}).encode()


def whatsapp(*phones: str, messages: int = 2, changes: int = 2) -> bytes:
    """Of each of our numbers an entry, with so many changes of so many messages. Ids are "wamid.1" and on."""
    each = iter(range(1, 1000))

    def message() -> dict[str, Any]:
        number = next(each)
        return {"from": "16505550001", "id": f"wamid.{number}", "timestamp": str(SECONDS + number), "type": "text",
                "text": {"body": f"Message {number}"}}  # fmt: skip

    def change(phone: str) -> dict[str, Any]:
        about = {"messaging_product": "whatsapp", "metadata": {"phone_number_id": phone}}
        return {"field": "messages", "value": about | {"messages": [message() for _ in range(messages)]}}

    entries = [{"id": f"of {phone}", "changes": [change(phone) for _ in range(changes)]} for phone in phones]
    return envelope(*entries, about="whatsapp_business_account")


def mention(account: str, number: int) -> bytes:
    """Of X: somebody mentions us."""
    post = {
        "id_str": str(number), "text": "@skylark my bag is lost", "timestamp_ms": str(SECONDS * 1000 + number),
        "user": {"id_str": "3001969357", "screen_name": "maria", "name": "Maria"},
    }  # fmt: skip
    return json.dumps({"for_user_id": account, "tweet_create_events": [post]}).encode()


def own_event(number: int) -> bytes:
    said = {"id": f"m-{number}", "author": {"id": "u-17", "name": "Maria Kent"}, "text": "My bag is lost."}
    stamp = datetime.fromtimestamp(time.time(), UTC).isoformat()
    return json.dumps({"type": "message", "timestamp": stamp, "data": said}).encode()


# --- apps and accounts


def account(app: App, kind: str, number: str, **facts: Any):
    """A channel of this app, connected to that account."""
    setting = {"facebook": "page_id", "instagram": "instagram_id", "whatsapp": "phone_id", "x": "account_id"}[kind]
    channel = factories.ChannelFactory(platform=kind, place=kind, **facts)
    factories.CredentialFactory(app=app, channel=channel, account=number, settings={setting: number})
    return channel


# --- calling, and looking what became of it


def from_meta(server, app, body, **more):
    return server.post(app, body, meta_signature(body), **more)


@sync_to_async
def rows():
    return [(raw.channel_id, raw.state, raw.reason) for raw in RawEvent.objects.order_by("id")]


@sync_to_async
def read_all(*channels):
    for channel in channels:
        inbox.drain(channel)


@sync_to_async
def texts(channel):
    return list(Message.objects.filter(channel=channel).order_by("id").values_list("external_id", flat=True))


@sync_to_async
def change(model, **facts):
    model.objects.update(**facts)


@sync_to_async
def noted():
    return App.objects.values_list("asked_at", "called_at", "refused_at").get()
