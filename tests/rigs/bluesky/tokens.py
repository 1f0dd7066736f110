"""Keys as the server gives them, with another end or another's signature: it has to find that out by itself."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time

SECRET = b"jwt-secret"  # of every server that @atproto/dev-env starts


def run_out(key: str) -> str:
    """The same key, as if it had run out a minute ago."""
    head, claims, _ = key.split(".")
    told = {**json.loads(_read(claims)), "iat": int(time.time()) - 7260, "exp": int(time.time()) - 60}
    return _signed(head, _written(json.dumps(told).encode()), SECRET)


def signed_by_another(key: str) -> str:
    head, claims, _ = key.split(".")
    return _signed(head, claims, b"not the server's")


def _signed(head: str, claims: str, secret: bytes) -> str:
    said = f"{head}.{claims}"
    return f"{said}.{_written(hmac.new(secret, said.encode(), hashlib.sha256).digest())}"


def _read(part: str) -> bytes:
    return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))


def _written(part: bytes) -> str:
    return base64.urlsafe_b64encode(part).rstrip(b"=").decode()
