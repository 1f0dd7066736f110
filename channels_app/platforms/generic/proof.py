"""Who may speak for an own channel: signatures of https://www.standardwebhooks.com, v1, over the bytes as they came.

`Access.secrets` of such a channel hold "secret" and, for a day after it was replaced, "before" with "until" (ISO 8601).
Both sign and both are accepted meanwhile, so that the other side may change over whenever it likes.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from channels_app.platforms.abilities import Access, RawRequest
from channels_app.platforms.errors import BadSignature
from crm.webhooks import signing

WINDOW = timedelta(minutes=5)  # a call older than this, or so far ahead of our clock, is not taken


def in_force(access: Access, now: datetime) -> list[str]:
    """The secrets that hold now, the newest first; none that is empty."""
    secret, before, until = (access.secrets.get(name, "") for name in ("secret", "before", "until"))
    still = bool(before and until) and now < datetime.fromisoformat(until)
    return [each for each in (secret, before if still else "") if _key(each)]


def with_new_secret(access: Access, *, now: datetime) -> Access:
    """Another secret in place of the one in force, which holds for a day more."""
    held = {"secret": signing.new_secret()}
    if before := access.secrets.get("secret"):
        held |= {"before": before, "until": (now + signing.OVERLAP).isoformat()}
    return replace(access, secrets=held)


def must_be_theirs(request: RawRequest, secrets: Sequence[str], now: datetime) -> None:
    """Raises BadSignature."""
    key, stamp, given = (request.headers.get(f"webhook-{name}", "") for name in ("id", "timestamp", "signature"))
    if not (key and stamp and given):
        raise BadSignature("The call is not signed.")
    if not _is_recent(stamp, now):
        raise BadSignature("The call was not signed within the last five minutes, or a clock is wrong.")
    said = f"{key}.{stamp}.".encode("utf-8", "replace") + request.body
    wanted = [_signature(secret, said) for secret in secrets]
    offered = [each.encode("utf-8", "replace") for each in given.split()]
    # as many comparisons whatever fits, so that the time they take tells nothing
    if not sum(hmac.compare_digest(one, other) for one in wanted for other in offered):
        raise BadSignature("The signature of the call does not fit.")


def _is_recent(stamp: str, now: datetime) -> bool:
    is_number = stamp.isascii() and stamp.isdecimal() and len(stamp) <= 12
    return is_number and abs(now.timestamp() - int(stamp)) <= WINDOW.total_seconds()


def _signature(secret: str, said: bytes) -> bytes:
    return b"v1," + base64.b64encode(hmac.digest(_key(secret), said, hashlib.sha256))


def _key(secret: str) -> bytes:
    """Empty for what is no secret: with that nothing is signed, and nothing accepted."""
    try:
        return base64.b64decode(secret.removeprefix("whsec_") + "==")
    except (binascii.Error, ValueError):
        return b""
