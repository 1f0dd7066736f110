"""A number on WhatsApp, by the Cloud API: private messages, free for a day after theirs."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import ClassVar

import httpx

from channels_app.platforms.abilities import Access, Health
from channels_app.platforms.base import (
    Capabilities,
    Carried,
    Event,
    Idempotency,
    Json,
    Measures,
    Moderation,
    Outgoing,
    Page,
    Sent,
    web_address,
)
from channels_app.platforms.errors import ParentGone, Rejected, TryLater, repeatable
from channels_app.platforms.meta import whatsapp_reading
from channels_app.platforms.meta.graph import line, node, posted
from channels_app.platforms.meta.reading import word, words
from channels_app.platforms.meta.webhook import Webhook
from channels_app.platforms.meta.whatsapp_reading import DIRECT, GROUP

PRODUCT = {"messaging_product": "whatsapp"}
MEDIA_HOSTS = re.compile(r"(?:[a-z0-9-]+\.)+(?:fbsbx\.com|facebook\.com|whatsapp\.net|whatsapp\.com)")
CAPTION = 1024  # characters that may stand with a file
LIKED = "👍"
KINDS = {"image/jpeg": "image", "image/png": "image", "video/mp4": "video", "video/3gpp": "video"}  # others: a document


class WhatsAppPlatform(Webhook):
    """WhatsApp cannot be asked for messages, neither theirs nor ours: what the webhook brings is all there is."""

    kind: ClassVar[str] = "whatsapp"
    capabilities: ClassVar[Capabilities] = Capabilities(
        connected=True,
        reply_private=True, webhook=True, text_limit=4096, idempotency=Idempotency.NONE, direct=DIRECT, attachments=1,
        attachment_bytes=5_000_000, window=24 * 3600, receipts=True, edits_seen=True, deletes_seen=True, can_like=True,
        can_mark_read=True, can_block=True,
    )  # fmt: skip

    def __init__(self, access: Access, transport: httpx.BaseTransport | None = None) -> None:
        self.access = access
        self.ours = access.settings.get("phone_id", "")
        self.wire = line("WhatsApp", access, transport)

    def parse(self, body: bytes) -> list[Event]:
        """One payload of `split`. Raises Unreadable."""
        return whatsapp_reading.events(body, self.ours)

    def fetch_since(self, cursor: Json, *, limit: int) -> Page:
        return Page([], cursor)

    def send(self, out: Outgoing) -> Sent:
        """Raises Rejected (WindowClosed after a day), TryLater or UnknownOutcome. The receipts name `out.key`."""
        if out.files and len(out.text) > CAPTION:
            raise Rejected("With a file, WhatsApp takes at most 1,024 characters: send the words first.")
        what = self._with_file(out.files[0], out.text) if out.files else _written(out.text)
        body = {**PRODUCT, **_to(out), **what, **_answered(out.parent_id), "biz_opaque_callback_data": out.key}
        return posted(self.wire.act("POST", node(self.ours, "messages"), json=body))

    def send_template(self, out: Outgoing, *, name: str, language: str, values: tuple[str, ...] = ()) -> Sent:
        """What may open a conversation, or go on with it after a day: words that WhatsApp has approved beforehand."""
        filled = [{"type": "body", "parameters": [{"type": "text", "text": value} for value in values]}]
        template = {"name": name, "language": {"policy": "deterministic", "code": language}} | (
            {"components": filled} if values else {}
        )
        body = {**PRODUCT, **_to(out), "type": "template", "template": template, "biz_opaque_callback_data": out.key}
        return posted(self.wire.act("POST", node(self.ours, "messages"), json=body))

    def find_sent(self, out: Outgoing) -> Sent | None:
        return None

    def moderate(self, act: Moderation) -> None:
        """Twice is once. Raises Rejected or TryLater."""
        with repeatable():
            self._measure(act)

    def _measure(self, act: Moderation) -> None:
        match act.kind:
            case Measures.MARK_READ:
                self._tell({**PRODUCT, "status": "read", "message_id": act.post_id})
            case Measures.LIKE:
                reaction = {"message_id": act.post_id, "emoji": "" if act.undo else LIKED}
                to = {"recipient_type": "individual", "to": act.author}
                self._tell({**PRODUCT, **to, "type": "reaction", "reaction": reaction})
            case Measures.BLOCK:
                body = {**PRODUCT, "block_users": [{"user": act.author}]}
                self.wire.act("DELETE" if act.undo else "POST", node(self.ours, "block_users"), json=body)
            case _:
                raise Rejected("WhatsApp cannot be asked for this.")

    def check(self) -> Health:
        """Which number this is. Raises AccessExpired, AccessRevoked, TryLater."""
        fields = {"fields": "id,display_phone_number,verified_name"}
        found = self.wire.json(self.wire.look(node(self.ours), fields))
        row = found if isinstance(found, dict) else {}
        return Health(word(row.get("display_phone_number")), word(row.get("id")), expires_at=self.access.expires_at)

    def locate(self, media_id: str) -> str:
        """The address of a file, which works for five minutes and wants our key. Raises ParentGone where it is gone."""
        found = self.wire.json(self.wire.look(node(media_id), {"phone_number_id": self.ours}))
        address = web_address(words(found.get("url"))) if isinstance(found, dict) else ""
        if not address:
            raise ParentGone("WhatsApp does not have this file any more.")
        return address

    def enclosed(self, external_id: str, url: str) -> bytes:
        """A file that came with a message; its address is the Graph API's. Raises ParentGone, Rejected, TryLater."""
        address = self.locate(url.rstrip("/").rpartition("/")[2])
        if not MEDIA_HOSTS.fullmatch(httpx.URL(address).host):  # our key opens it, and is for nobody else
            raise Rejected("WhatsApp named an address that is not its own.")
        return replace(self.wire, base="").look(address).content

    def _tell(self, body: Json) -> None:
        self.wire.act("POST", node(self.ours, "messages"), json=body)

    def _with_file(self, file: Carried, text: str) -> Json:
        kind = KINDS.get(file.type, "document")
        named = {"filename": file.name} if kind == "document" else {}
        caption = {"caption": text} if text else {}
        return {"type": kind, kind: {"id": self._upload(file), **named, **caption}}

    def _upload(self, file: Carried) -> str:
        """Nobody sees it before it is sent, so that a lost answer costs nothing."""
        form = {"messaging_product": "whatsapp", "type": file.type}
        with repeatable("WhatsApp did not take the file."):
            found = self.wire.act(
                "POST", node(self.ours, "media"), data=form, files={"file": (file.name, file.read(), file.type)}
            )
        told = self.wire.json(found)
        media_id = word(told.get("id")) if isinstance(told, dict) else ""
        if not media_id:
            raise TryLater("WhatsApp did not say where it keeps the file.")
        return media_id


def _to(out: Outgoing) -> Json:
    if out.thread_id.startswith(GROUP):
        return {"recipient_type": "group", "to": out.thread_id.removeprefix(GROUP)}
    return {"recipient_type": "individual", "to": out.recipient}


def _answered(parent_id: str) -> Json:
    return {"context": {"message_id": parent_id}} if parent_id else {}


def _written(text: str) -> Json:
    return {"type": "text", "text": {"body": text, "preview_url": False}}
