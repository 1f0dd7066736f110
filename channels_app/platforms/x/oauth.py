"""The way to a key: OAuth 2 with PKCE, and refresh tokens that are good for one use.

Settings: "client_id", and afterwards "scopes". Secrets: "client_secret" (the app is a confidential client), and
afterwards "access_token" and "refresh_token".
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from urllib.parse import urlencode

import httpx

from channels_app.platforms.abilities import Access
from channels_app.platforms.base import Json
from channels_app.platforms.errors import AccessExpired, AccessRevoked, Rejected, TryLater, repeatable
from channels_app.platforms.wire import Wire

API = "https://api.x.com"
AUTHORIZE = "https://x.com/i/oauth2/authorize"
TOKEN = "/2/oauth2/token"  # noqa: S105 - a path
SCOPES = (
    "tweet.read", "tweet.write", "tweet.moderate.write", "users.read", "dm.read", "dm.write", "like.write",
    "media.write", "offline.access",
)  # fmt: skip


def authorize_url(access: Access, *, back: str, state: str) -> str:
    """Where a person says yes. `state` is secret, another each time, and comes back with them."""
    asked = {
        "response_type": "code", "client_id": access.settings["client_id"], "redirect_uri": back,
        "scope": " ".join(SCOPES), "state": state, "code_challenge": _challenge(_verifier(access, state)),
        "code_challenge_method": "S256",
    }  # fmt: skip
    return f"{AUTHORIZE}?{urlencode(asked)}"


def exchange(
    access: Access, *, code: str, back: str, state: str = "", transport: httpx.BaseTransport | None = None
) -> Access:
    """The key for `code`, which lives 30 seconds. `state` as it was given to `authorize_url`.

    Raises AccessRevoked where X does not take the code.
    """
    asked = {
        "grant_type": "authorization_code", "code": code, "redirect_uri": back,
        "code_verifier": _verifier(access, state),
    }  # fmt: skip
    return _asked_for(access, asked, "X does not take the code: connect the account anew.", transport)


def renewed(access: Access, *, transport: httpx.BaseTransport | None = None) -> Access:
    """Another key. The one before, and its refresh token, are void. Raises AccessRevoked, TryLater."""
    refresh = access.secrets.get("refresh_token")
    if not refresh:
        raise AccessRevoked("The key to X has run out and cannot be renewed: connect the account anew.")
    asked = {"grant_type": "refresh_token", "refresh_token": refresh}
    return _asked_for(access, asked, "X does not renew our key: connect the account anew.", transport)


def _asked_for(access: Access, asked: Json, refused: str, transport: httpx.BaseTransport | None) -> Access:
    client = access.settings["client_id"]
    wire = Wire("X", API, transport=transport)
    try:
        with repeatable("X was asked for a key and did not answer."):  # what was given for it may be used up
            answer = wire.act(
                "POST", TOKEN, data={**asked, "client_id": client}, auth=(client, access.secrets["client_secret"])
            )
    except (AccessExpired, Rejected) as error:
        raise AccessRevoked(refused) from error
    return _with(access, wire.json(answer))


def _with(access: Access, given: Json) -> Access:
    if not isinstance(given, dict) or not given.get("access_token"):
        raise TryLater("X answered something that is no key.")
    held = {name: str(given[name]) for name in ("access_token", "refresh_token") if given.get(name)}
    scopes = {"scopes": str(given["scope"])} if given.get("scope") else {}
    lives = timedelta(seconds=float(given.get("expires_in") or 7200))
    return replace(
        access, secrets={**access.secrets, **held}, settings={**access.settings, **scopes},
        expires_at=datetime.now(UTC) + lives,
    )  # fmt: skip


def _verifier(access: Access, state: str) -> str:
    """PKCE's secret of this one attempt, made of its `state`, so that nothing has to be kept meanwhile. RFC 7636."""
    key = access.secrets["client_secret"].encode()
    return _url_safe(hmac.digest(key, b"pkce:" + state.encode(), hashlib.sha256))


def _challenge(verifier: str) -> str:
    return _url_safe(hashlib.sha256(verifier.encode()).digest())


def _url_safe(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()
