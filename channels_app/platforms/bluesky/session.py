"""The line to the server of our account, and the session that opens it.

An app password opens a session: a key for about two hours, and another for about ninety days that gives the next pair.
Sessions are few (300 a day and account), so each is kept. The network says that a key has run out by 400, not by 401.
"""

from __future__ import annotations

import base64
import json
import re
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import httpx

from channels_app.platforms.abilities import Access
from channels_app.platforms.base import Json
from channels_app.platforms.bluesky.reading import of
from channels_app.platforms.errors import (
    AccessExpired,
    AccessRevoked,
    Duplicate,
    Forbidden,
    ParentGone,
    PlatformError,
    RateLimited,
    Rejected,
    TryLater,
    repeatable,
)
from channels_app.platforms.wire import Wire, pause

NAME, SERVER = "Bluesky", "https://bsky.social"
WORD = re.compile(r"[A-Za-z]{1,60}")
EXPIRED = {"ExpiredToken", "InvalidToken", "AuthMissing", "AuthenticationRequired", "BadJwtSignature", "BadJwt"}
SHUT = {
    "AccountTakedown": "Bluesky has taken the account down.",
    "AccountDeactivated": "The account is deactivated on Bluesky.",
    "RepoDeactivated": "The account is deactivated on Bluesky.",
    "AuthFactorTokenRequired": "Bluesky asks for a code by mail. Give it an app password instead of the account's own.",
}
GONE = {"NotFound", "RecordNotFound", "RepoNotFound", "ProfileNotFound", "ActorNotFound", *SHUT}
TOO_LONG = ("grapheme", "too long", "too big")
NOT_THERE = ("could not locate record", "profile not found", "post not found", "unable to resolve handle")


def server(access: Access) -> str:
    return (access.settings.get("server") or SERVER).rstrip("/")


def line(access: Access, transport: httpx.BaseTransport | None) -> Wire:
    """Raises AccessExpired where there is no session yet: `renewed` opens one."""
    key = access.secrets.get("access")
    if not key:
        raise AccessExpired("There is no session with Bluesky yet.")
    return _line(access, transport, key)


def _line(access: Access, transport: httpx.BaseTransport | None, key: str = "") -> Wire:
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    return Wire(NAME, f"{server(access)}/xrpc", headers, means, transport)


def means(answer: httpx.Response) -> PlatformError | None:
    """What an error of this network says; its own words are not passed on: they may quote what was sent."""
    error, said = _error(answer)
    if error in EXPIRED:
        return AccessExpired("The session with Bluesky has run out.")
    if error in SHUT and answer.status_code in (401, 403):
        return AccessRevoked(SHUT[error])
    if error == "RateLimitExceeded":
        return RateLimited("Bluesky was asked too often.", pause(answer))
    if answer.status_code != 400:
        return None
    if error in GONE or any(words in said for words in NOT_THERE):
        return ParentGone("Bluesky has no such thing any more.")
    if error == "InvalidSwap":
        return Duplicate("It stands there already.")
    if any(words in said for words in TOO_LONG):
        return Rejected("It is too long for Bluesky, or a picture is too large.")
    return Rejected(f"Bluesky refused it ({error})." if error else "Bluesky refused it.")


def _error(answer: httpx.Response) -> tuple[str, str]:
    """Its name, if it looks like one, and the rest in small letters."""
    try:
        told = answer.json()
    except ValueError:
        return "", ""
    named = str(told.get("error") or "") if isinstance(told, dict) else ""
    said = str(told.get("message") or "") if isinstance(told, dict) else ""
    return named if WORD.fullmatch(named) else "", said.casefold()


# --- the session


def renewed(access: Access, transport: httpx.BaseTransport | None) -> Access:
    """The next pair of keys; where the old one does not give it any more, a session by the app password.

    Raises AccessRevoked where neither opens the account, TryLater where nobody answers.
    """
    password = access.secrets.get("app_password")
    if refresh := access.secrets.get("refresh"):
        try:
            return _kept(access, _asked(_line(access, transport, refresh), "refreshSession"))
        except (AccessExpired, AccessRevoked, Rejected):
            if not password:
                raise AccessRevoked("The session with Bluesky has ended: connect the account anew.") from None
    return _kept(access, _opened(access, transport, password or ""))


def _opened(access: Access, transport: httpx.BaseTransport | None, password: str) -> Json:
    name = access.settings.get("handle") or access.settings.get("did", "")
    who = {"identifier": name.strip().lstrip("@"), "password": password.strip()}
    try:
        return _asked(_line(access, transport), "createSession", json=who)
    except (AccessExpired, Rejected) as error:
        raise AccessRevoked("Bluesky does not accept the name and the app password.") from error


def _asked(wire: Wire, what: str, **body: Any) -> Json:
    """A session that was opened and did not arrive does no harm: another is asked for."""
    with repeatable():
        told = wire.json(wire.act("POST", f"com.atproto.server.{what}", **body))
    if not all(isinstance(of({"it": told}, "it").get(name), str) for name in ("accessJwt", "refreshJwt", "did")):
        raise TryLater("The answer of Bluesky is not a session.")
    return dict(told)


def _kept(access: Access, told: Json) -> Access:
    """Raises AccessRevoked where it opens another account than before: ids and threads would be another's."""
    known = access.settings.get("did")
    if known and known != told["did"]:
        raise AccessRevoked("This name belongs to another account on Bluesky by now.")
    must_be_active(told)
    handle = str(told.get("handle") or access.settings.get("handle", ""))
    return replace(
        access,
        settings={**access.settings, "server": server(access), "did": told["did"], "handle": handle},
        secrets={**access.secrets, "access": told["accessJwt"], "refresh": told["refreshJwt"]},
        expires_at=runs_out(told["accessJwt"]),
    )


def must_be_active(told: Json) -> None:
    """Raises AccessRevoked where the account was taken down or put to sleep."""
    if told.get("active") is False:
        raise AccessRevoked(f"The account is not active on Bluesky ({_word(told.get('status'))}).")


def _word(said: object) -> str:
    return said if isinstance(said, str) and WORD.fullmatch(said) else "no reason given"


def claims(key: str) -> Json:
    """What a key says of itself; {} where it says nothing. Nobody's word is taken for it: the server checks it."""
    middle = [*key.split("."), ""][1]
    try:
        found = json.loads(base64.urlsafe_b64decode(middle + "=" * (-len(middle) % 4)))
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def runs_out(key: str) -> datetime | None:
    try:
        return datetime.fromtimestamp(float(claims(key)["exp"]), UTC)
    except (KeyError, TypeError, ValueError, OverflowError, OSError):
        return None


def scopes(access: Access) -> tuple[str, ...]:
    """What the session may do, in the network's words: "com.atproto.appPass" is an app password."""
    said = claims(access.secrets.get("access", "")).get("scope")
    return tuple(said.split()) if isinstance(said, str) else ()


def has_opened(access: Access) -> str:
    """The DID of the account. Raises AccessExpired where no session has told it yet."""
    known = access.settings.get("did") or claims(access.secrets.get("access", "")).get("sub")
    if not isinstance(known, str) or not known.startswith("did:"):
        raise AccessExpired("There is no session with Bluesky yet.")
    return known


def may_write(answer: Json) -> None:
    """Raises Forbidden where the author of a post lets us not answer it."""
    if of(of(answer, "author"), "viewer").get("blockedBy"):
        raise Forbidden("The author has blocked us on Bluesky.")
    if of(answer, "viewer").get("replyDisabled"):
        raise Forbidden("The author of this conversation does not let us answer there.")
