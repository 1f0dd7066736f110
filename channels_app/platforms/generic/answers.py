"""What the other system answers, and what that means. Its own words are not shown: they may quote a customer.

It may say why with one of the words of `REASONS`, as {"error": "too-long"}.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime

import httpx

from channels_app.platforms.archive import clean_text
from channels_app.platforms.base import Json
from channels_app.platforms.errors import (
    AccessRevoked,
    Forbidden,
    ParentGone,
    PlatformError,
    Rejected,
    TryLater,
    UnknownOutcome,
    WindowClosed,
)
from channels_app.platforms.wire import meaning
from crm.webhooks.guard import Answer

KNOWN_ALREADY = 409
LATER = 600.0  # seconds; somebody has to mend something first
LONGEST = 255
REASONS: Mapping[str, tuple[type[PlatformError], str]] = {
    "too-long": (Rejected, "{name} finds it too long."),
    "blocked": (Forbidden, "{name} says that they do not want to hear from us there."),
    "window-closed": (WindowClosed, "{name} says that it is too late to answer there. Use another way to reach them."),
    "gone": (ParentGone, "{name} says that what was to be answered is not there any more."),
    "not-supported": (Rejected, "{name} does not do this."),
}


def must_be_taken(name: str, answer: Answer) -> None:
    """Raises what an answer means that is not a success."""
    if not 200 <= answer.status < 300:
        raise _refusal(name, answer)


def _refusal(name: str, answer: Answer) -> PlatformError:
    status = answer.status
    if status >= 500 and status != 503:
        return UnknownOutcome(f"{name} stumbled over it (status {status}).")
    if 300 <= status < 400:
        return TryLater(f"{name} answered with a redirect (status {status}). Hark follows none.", LATER)
    if status == 401:
        return AccessRevoked(f"{name} does not accept our signature.", LATER)
    if status in (404, 405):
        return TryLater(f"Nothing takes what we send at the address of {name} (status {status}).", LATER)
    reason = said(answer).get("error")
    if isinstance(reason, str) and reason in REASONS and status not in (408, 425, 429, 503):
        kind, sentence = REASONS[reason]
        return kind(sentence.format(name=name))
    headers = {key: value for key, value in answer.headers.items() if value.isascii()}
    return meaning(name, httpx.Response(status, headers=headers))


def said(answer: Answer) -> Json:
    """Empty where it is no JSON object: its status has said all that counts."""
    try:
        found = json.loads(answer.body)
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def id_of(said: Json) -> str:
    """Empty where it gave none that we could keep; then the reply goes by its key."""
    value = said.get("id")
    if isinstance(value, bool) or not isinstance(value, str | int):
        return ""
    text = clean_text(value)
    return text if len(text) <= LONGEST else ""


def moment_of(said: Json) -> datetime | None:
    try:
        at = datetime.fromisoformat(said["at"])
    except (KeyError, TypeError, ValueError):
        return None
    return at if at.tzinfo and 1990 <= at.year < 2100 else None


def name_of(said: Json) -> str:
    name = said.get("name")
    return clean_text(name)[:100] if isinstance(name, str) else ""
