"""What Meta sends and is sent, for tests: envelopes as its webhook brings them, and a Graph API that keeps requests."""

from __future__ import annotations

import hashlib
import hmac
import json
from urllib.parse import parse_qs

import httpx

from channels_app.platforms.abilities import Access, RawRequest
from tests.channels_app.platforms.published_graph import faults_of

SECRETS = {"access_token": "EAAtoken", "app_secret": "shh", "app_secret_before": "old", "verify_token": "who is this"}
PAGE, INSTAGRAM, PHONE = "1234567890", "178400000000", "106540352242922"
SECONDS = 1_800_000_000  # 2027-01-15 08:00 UTC


def access(**settings):
    known = {"page_id": PAGE, "instagram_id": INSTAGRAM, "phone_id": PHONE}
    return Access(known | settings, SECRETS)


def call(body: bytes, *, secret: str = "shh", signature: str | None = None) -> RawRequest:
    """A POST of Meta, signed over the bytes it brings; with `signature`, as if with that header ("" for none)."""
    if signature is None:
        signature = "sha256=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
    headers = {"x-hub-signature-256": signature} if signature else {}
    return RawRequest("POST", {}, headers, body)


def envelope(about: str, *entries) -> bytes:
    return json.dumps({"object": about, "entry": list(entries)}).encode()


def messaging(*items, account=PAGE, about="page") -> bytes:
    return envelope(about, {"id": account, "time": SECONDS * 1000, "messaging": list(items)})


def feed(*values, field="feed") -> bytes:
    changes = [{"field": field, "value": value} for value in values]
    return envelope("page", {"id": PAGE, "time": SECONDS, "changes": changes})


def whatsapp(*values, phone=PHONE) -> bytes:
    around = {"messaging_product": "whatsapp", "metadata": {"display_phone_number": "1555", "phone_number_id": phone}}
    changes = [{"field": "messages", "value": around | value} for value in values]
    return envelope("whatsapp_business_account", {"id": "4195", "changes": changes})


class Graph(httpx.MockTransport):
    """Answers one after the other, and keeps what it was asked. An exception among the answers is raised.

    What it is asked has to be what Meta publishes of Pages and Instagram; WhatsApp has a schema of its own.
    """

    def __init__(self, *answers, published=True):
        super().__init__(self._answer)
        self.answers, self.asked, self.published = list(answers), [], published

    def _answer(self, request):
        self.asked.append(request)
        if self.published:
            assert faults_of(request) == []
        answer = self.answers.pop(0) if self.answers else {"success": True}
        if isinstance(answer, Exception):
            raise answer
        return answer if isinstance(answer, httpx.Response) else httpx.Response(200, json=answer)

    def paths(self):
        return [f"{one.method} {one.url.path.removeprefix('/v23.0')}" for one in self.asked]

    def form(self, number=-1):
        return {name: values[0] for name, values in parse_qs(self.asked[number].content.decode()).items()}

    def body(self, number=-1):
        return json.loads(self.asked[number].content)


def refusal(code, subcode=None, *, status=400, headers=None):
    error = {"message": "Maria Silva said no", "code": code} | ({"error_subcode": subcode} if subcode else {})
    return httpx.Response(status, json={"error": error}, headers=headers)
