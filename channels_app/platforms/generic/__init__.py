"""Bring your own channel: a chat, a forum, an app of yours, joined by signed JSON over HTTP in both ways.

Its side is written by others, after docs/own-channel.md. It calls us, and is called at an address that is judged as
that of any webhook (crm/webhooks/guard.py). One secret signs both ways; so no type of event goes both ways, and what
we sent cannot be played back to us as something that was said.
"""

from __future__ import annotations

import base64
import json
import uuid
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, ClassVar

from channels_app.platforms.abilities import Access, Answered, Health, RawRequest
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
    RawPayload,
    Sent,
)
from channels_app.platforms.errors import (
    AccessRevoked,
    ParentGone,
    PlatformError,
    Rejected,
    TryLater,
    UnknownOutcome,
    Unreadable,
    repeatable,
)
from channels_app.platforms.generic import answers, proof, reading
from crm.errors import Refused
from crm.webhooks import guard, signing

SECONDS = 20.0  # for one call; files go with it, and a reply is leased for longer


class GenericPlatform:
    """`access.settings`: "url" (empty: it only listens) and "name", as sentences call it. Secrets: see `proof`."""

    kind: ClassVar[str] = "own_channel"
    capabilities: ClassVar[Capabilities] = Capabilities(
        connected=True,
        reply_public=True, reply_private=True, webhook=True, private_from_public=True, text_limit=10_000,
        idempotency=Idempotency.NATIVE, attachments=4, attachment_bytes=5_000_000, alt_text=True, receipts=True,
        edits_seen=True, deletes_seen=True, can_hide=True, can_delete=True,
    )  # fmt: skip

    def __init__(self, access: Access) -> None:
        self.access = access

    @property
    def name(self) -> str:
        return self.access.settings.get("name") or "The other system"

    # --- it calls us

    def handshake(self, request: RawRequest) -> Answered | None:
        """It asks nothing: who holds the secret is known by the signature."""
        return None

    def verify(self, request: RawRequest) -> None:
        """Raises BadSignature."""
        now = datetime.now(UTC)
        proof.must_be_theirs(request, proof.in_force(self.access, now), now)

    def split(self, request: RawRequest) -> list[RawPayload]:
        """Each event by itself; what nobody can read is kept whole, with the reason."""
        call = f"webhook {request.headers.get('webhook-id', '')}".strip()
        try:
            return [RawPayload(body, call) for body in reading.apart(request.body)]
        except Unreadable as error:
            return [RawPayload(request.body, call, str(error))]

    def parse(self, body: bytes) -> list[Event]:
        """Raises Unreadable."""
        return reading.events(body)

    def fetch_since(self, cursor: Json, *, limit: int) -> Page:
        """It calls us, and calls again until we have taken it."""
        return Page([], cursor)

    # --- we call it

    def send(self, out: Outgoing) -> Sent:
        """The same key is one reply over there. Raises Rejected, TryLater or UnknownOutcome."""
        answer = self._call("reply", _reply(out), key=out.key)
        said = answers.said(answer)
        if answer.status != answers.KNOWN_ALREADY:
            answers.must_be_taken(self.name, answer)
        return Sent(answers.id_of(said) or out.key, answers.moment_of(said) or datetime.now(UTC))

    def find_sent(self, out: Outgoing) -> Sent | None:
        return None  # nobody has to look: the same key is sent again

    def moderate(self, act: Moderation) -> None:
        """Hide or delete; twice is once. Raises Rejected or TryLater."""
        if act.kind not in (Measures.HIDE, Measures.DELETE):
            raise Rejected(f"{self.name} can only be asked to hide and to delete.")
        asked = {"measure": act.kind.value, "id": act.post_id, "undo": act.undo}
        try:
            with repeatable():
                answers.must_be_taken(self.name, self._call("measure", asked, key=str(uuid.uuid4())))
        except ParentGone:
            if act.kind is not Measures.DELETE:
                raise

    def check(self) -> Health:
        """Whether it answers, and takes our signature. Raises AccessRevoked or TryLater."""
        if not self.access.settings.get("url"):
            return Health(handle=self.name)
        try:
            answer = self._call("check", {}, key=str(uuid.uuid4()))
            answers.must_be_taken(self.name, answer)
        except TryLater:
            raise
        except PlatformError as error:
            raise TryLater(str(error), answers.LATER) from error
        return Health(handle=answers.name_of(answers.said(answer)) or self.name)

    def _call(self, kind: str, data: Mapping[str, Any], *, key: str) -> guard.Answer:
        """Ask once, signed. Raises Rejected, TryLater or UnknownOutcome where there is no answer."""
        url, now = self.access.settings.get("url", ""), datetime.now(UTC)
        if not url:
            raise Rejected("This channel only listens: it has no address that answers could be sent to.")
        if not (secrets := proof.in_force(self.access, now)):
            raise AccessRevoked("This channel has no secret to sign with. Give it a new one.", answers.LATER)
        body = json.dumps({"type": kind, "timestamp": now.isoformat(), "data": data})
        headers = signing.signed(key, body, now, secrets)
        try:
            return guard.fetch("POST", url, headers=headers, content=body.encode(), seconds=SECONDS)
        except (guard.NotFound, guard.NeverReached) as refusal:
            raise TryLater(str(refusal)) from refusal
        except (guard.Unreachable, guard.TooSlow) as refusal:
            raise UnknownOutcome(str(refusal)) from refusal
        except Refused as refusal:  # it may not be asked there
            raise Rejected(str(refusal)) from refusal


def _reply(out: Outgoing) -> Json:
    return {
        "key": out.key, "text": out.text, "in_reply_to": out.parent_id, "conversation": out.thread_id,
        "to": out.recipient, "private": out.private, "files": [_packed(file) for file in out.files],
    }  # fmt: skip


def _packed(file: Carried) -> Json:
    return {
        "name": file.name, "type": file.type, "alt": file.alt, "body": base64.b64encode(file.read()).decode("ascii"),
    }  # fmt: skip
