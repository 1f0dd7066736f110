"""What proves that an event is from us: https://www.standardwebhooks.com, scheme v1 (HMAC-SHA256).

A webhook's secrets are sealed as JSON: the one in force and, for a day after it was replaced, the one before it. Both
sign meanwhile, so that the other side may change over whenever it likes.
"""

from __future__ import annotations

import base64
import json
import secrets
from collections.abc import Sequence
from datetime import datetime, timedelta

import standardwebhooks
from django.utils import timezone

from crm import sealing
from crm.models import Webhook, WebhookEvent

OVERLAP = timedelta(days=1)


def new_secret() -> str:
    return "whsec_" + base64.b64encode(secrets.token_bytes(32)).decode()


def sealed(secret: str, *, before: str = "", until: datetime | None = None) -> str:
    return sealing.seal(json.dumps({"now": secret, "before": before, "until": until.isoformat() if until else ""}))


def in_force(webhook: Webhook) -> list[str]:
    """The secrets that sign now, the newest first. Raises sealing.CannotOpen."""
    kept = json.loads(sealing.unseal(webhook.secret))
    still = kept["before"] and timezone.now() < datetime.fromisoformat(kept["until"])
    return [kept["now"], kept["before"]] if still else [kept["now"]]


def replaced(webhook: Webhook, secret: str) -> str:
    """A new secret sealed together with the one it replaces; alone, where that cannot be opened any more."""
    try:
        before = in_force(webhook)[0]
    except sealing.CannotOpen:
        return sealed(secret)
    return sealed(secret, before=before, until=timezone.now() + OVERLAP)


def headers(event: WebhookEvent, body: str, at: datetime) -> dict[str, str]:
    """`at` is when it is sent: the other side refuses what is older than five minutes."""
    return signed(str(event.key), body, at, in_force(event.webhook))


def signed(key: str, body: str, at: datetime, by: Sequence[str]) -> dict[str, str]:
    """The headers of a call that each of these secrets signs. `at` is in UTC."""
    signatures = [standardwebhooks.Webhook(secret).sign(key, at, body) for secret in by]
    return {
        "content-type": "application/json",
        "webhook-id": key,
        "webhook-timestamp": str(int(at.timestamp())),
        "webhook-signature": " ".join(signatures),
    }
