"""What X means where its status alone does not say it. Its own sentences may name people, so they are never shown."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any

import httpx

from channels_app.platforms.base import Json
from channels_app.platforms.errors import (
    AccessRevoked,
    Duplicate,
    Forbidden,
    ParentGone,
    PlatformError,
    RateLimited,
    Rejected,
    TryLater,
)
from channels_app.platforms.wire import LONGEST_PAUSE, pause

OURS_IS_LOCKED = re.compile(r"(your|this) account (is|has been) (temporarily )?(locked|suspended)")
CLOSED = re.compile(r"cannot send messages? to this user|not (allowed|permitted) to send (a )?(direct )?message")
LACKING = ("client-forbidden", "unsupported-authentication", "oauth1-permissions", "client-not-enrolled")


def means(answer: httpx.Response) -> PlatformError | None:
    """None where the status says it all."""
    said = _words(_body(answer))
    match answer.status_code:
        case 402:
            return TryLater("The credit of the account at X is used up.", LONGEST_PAUSE)
        case 429:
            return _too_often(answer, said)
        case 400 | 403:
            return _refused(said)
    return None


def _refused(said: str) -> PlatformError | None:
    if "duplicate content" in said:
        return Duplicate("X has these words from us already.")
    if OURS_IS_LOCKED.search(said):
        return AccessRevoked("X has locked our account: log in at x.com and unlock it.")
    if "deleted or not visible" in said:
        return ParentGone("The post is not there any more, or X does not show it to us.")
    if CLOSED.search(said):
        return Forbidden("They do not take direct messages from us.")
    if any(word in said for word in LACKING):
        return Forbidden("The key to X does not cover this: connect the account anew, with all rights.")
    if "too long" in said:
        return Rejected("The text is too long for X.")
    return None


def _too_often(answer: httpx.Response, said: str) -> RateLimited:
    if "usage-capped" in said or "usagecapexceeded" in said:
        return RateLimited("What X lets us read in a month is used up.", LONGEST_PAUSE, "month")
    for whose in ("app", "user"):
        if answer.headers.get(f"x-{whose}-limit-24hour-remaining") == "0":
            return RateLimited(
                "What X lets us do in a day is used up.",
                _until(answer.headers.get(f"x-{whose}-limit-24hour-reset", "")), "day",
            )  # fmt: skip
    return RateLimited("X was asked too often.", pause(answer), "15 minutes")


def _until(reset: str) -> float:
    """Seconds; `reset` is in seconds since 1970."""
    if not re.fullmatch(r"[0-9]{9,11}", reset):
        return LONGEST_PAUSE
    return min(max(int(reset) - datetime.now(UTC).timestamp(), 1.0), LONGEST_PAUSE)


def found_in(body: Json) -> Json:
    """What was asked for. X may answer with success that it is not there: raises ParentGone, Forbidden or TryLater."""
    data = body.get("data")
    if isinstance(data, dict) and data:
        return data
    said = _words(body)
    if "resource-not-found" in said or "not found" in said:
        raise ParentGone("X has no such thing any more.")
    if "not-authorized" in said or "suspended" in said or "disallowed" in said:
        raise Forbidden("X does not show us this.")
    raise TryLater("The answer of X holds nothing.")


def _body(answer: httpx.Response) -> Any:
    try:
        return answer.json()
    except ValueError:
        return {}


def _words(body: Any) -> str:
    """All that X says of a problem, in small letters: at the top, and in each of "errors"."""
    if not isinstance(body, dict):
        return ""
    several = body.get("errors")
    problems = [body, *(one for one in (several if isinstance(several, list) else []) if isinstance(one, dict))]
    names = ("type", "title", "detail", "message", "reason", "error", "error_description")
    return " ".join(str(one.get(name, "")) for one in problems for name in names).lower()
