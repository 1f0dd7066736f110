"""How an account of a Mastodon server is connected: the server is told of Hark, a person agrees there, we get a key.

Mastodon's keys do not run out; they end when the person takes them back.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from urllib.parse import urlencode, urlsplit

import httpx

from channels_app.platforms.abilities import Access
from channels_app.platforms.base import Json
from channels_app.platforms.errors import AccessExpired, ParentGone, PlatformError, Rejected, TryLater, repeatable
from channels_app.platforms.mastodon.reading import handle_of
from channels_app.platforms.wire import Wire

NAME = "Mastodon"
SCOPES = (
    "read:accounts", "read:notifications", "read:search", "read:statuses",
    "write:blocks", "write:favourites", "write:media", "write:reports", "write:statuses",
)  # fmt: skip


def server_of(text: str) -> str:
    """The address of a server from what a person types: "mastodon.social", its address, or @us@mastodon.social.

    Raises Rejected. Whether it may be asked at all is for who asks.
    """
    typed = text.strip()
    where = typed if "://" in typed else f"https://{typed.rpartition('@')[2]}"
    try:
        parts = urlsplit(where)
        good = parts.scheme in ("https", "http") and parts.hostname and not parts.username
        port = f":{parts.port}" if parts.port else ""
    except ValueError:
        good, port = None, ""
    if not good or " " in where:
        raise Rejected("This is not the address of a server, such as mastodon.social.")
    host = parts.hostname or ""
    return f"{parts.scheme}://{f'[{host}]' if ':' in host else host}{port}"


def register(server: str, *, back: str, name: str = "Hark", transport: httpx.BaseTransport | None = None) -> Access:
    """Tell `server` of us, who bring people back to `back`. Raises TryLater, Rejected."""
    asked = {"client_name": name, "redirect_uris": back, "scopes": " ".join(SCOPES)}
    told = _act(Wire(NAME, server, means=_refused, transport=transport), "/api/v1/apps", asked)
    try:
        ours, secret = str(told["client_id"]), str(told["client_secret"])
    except KeyError as error:
        raise TryLater("The server did not register us: it may not be a Mastodon server.") from error
    return Access({"server": server, "client_id": ours}, {"client_secret": secret})


def authorize_url(access: Access, *, back: str, state: str) -> str:
    """Where a person agrees that we speak as their account. Pure."""
    asked = {
        "response_type": "code", "client_id": access.settings["client_id"], "redirect_uri": back,
        "scope": " ".join(SCOPES), "state": state,
    }  # fmt: skip
    return f"{access.settings['server']}/oauth/authorize?{urlencode(asked)}"


def exchange(access: Access, *, code: str, back: str, transport: httpx.BaseTransport | None = None) -> Access:
    """The key for a code, and who it speaks as. Raises Rejected where the code does not hold, TryLater."""
    wire = Wire(NAME, access.settings["server"], means=_refused, transport=transport)
    told = _act(wire, "/oauth/token", {**_ours(access), "grant_type": "authorization_code", "code": code,
                                       "redirect_uri": back, "scope": " ".join(SCOPES)})  # fmt: skip
    key = told.get("access_token")
    if not isinstance(key, str) or not key:
        raise TryLater("The server gave no key. Connect the channel again.")
    scopes = str(told.get("scope") or " ".join(SCOPES))
    found = who(Wire(NAME, wire.base, {"Authorization": f"Bearer {key}"}, means=_refused, transport=transport))
    return Access({**access.settings, **found, "scopes": scopes}, {**access.secrets, "access_token": key})


def revoke(access: Access, *, transport: httpx.BaseTransport | None = None) -> None:
    """Give the key back. Twice is once. Raises TryLater."""
    wire = Wire(NAME, access.settings["server"], transport=transport)
    try:
        _act(wire, "/oauth/revoke", {**_ours(access), "token": access.secrets.get("access_token", "")})
    except (Rejected, AccessExpired):
        return  # it holds no more, or the server has no way to take it back


def who(wire: Wire) -> dict[str, str]:
    """What a key's own account and its server say of themselves, as settings. Raises TryLater and what is refused."""
    account = wire.json(wire.look("/api/v1/accounts/verify_credentials"))
    try:
        server = wire.json(wire.look("/api/v1/instance"))
    except ParentGone:
        server = {}
    try:
        domain = urlsplit(f"//{str(server.get('uri') or '').rpartition('//')[2]}").netloc or urlsplit(wire.base).netloc
        limit = ((server.get("configuration") or {}).get("statuses") or {}).get("max_characters")
        return {
            "account_id": str(account["id"]), "handle": handle_of(str(account["acct"]), domain), "domain": domain,
            "version": str(server.get("version") or "")[:100],
        } | ({"text_limit": str(limit)} if isinstance(limit, int) else {})  # fmt: skip
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise TryLater("The server does not say who we are: it may not be a Mastodon server.") from error


def missing(scopes: Sequence[str]) -> tuple[str, ...]:
    """What we need and were not given; "read" holds all that begins with read:."""
    return tuple(scope for scope in SCOPES if scopes and not {scope, scope.partition(":")[0]} & set(scopes))


def _ours(access: Access) -> dict[str, str]:
    return {"client_id": access.settings["client_id"], "client_secret": access.secrets["client_secret"]}


def _act(wire: Wire, path: str, data: dict[str, Any]) -> Json:
    """Nothing is lost where it is asked twice: an application or a key more."""
    with repeatable():
        told = wire.json(wire.act("POST", path, data=data))
    return told if isinstance(told, dict) else {}


def _refused(answer: httpx.Response) -> PlatformError | None:
    if answer.status_code in (400, 401, 422):
        return Rejected("The server did not accept it. Connect the channel again from the beginning.")
    if answer.status_code in (404, 405, 410) and answer.request.method == "POST":
        return Rejected("This server does not speak as Mastodon does.")
    return None
