"""The Graph API: one line to it, and what its errors mean.

Codes: https://developers.facebook.com/docs/graph-api/guides/error-handling, …/messenger-platform/error-codes and
…/whatsapp/cloud-api/support/error-codes. What an error says in words is not handed on: it may quote a customer.
"""

from __future__ import annotations

import json
import math
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

import httpx

from channels_app.platforms.abilities import Access, Budget
from channels_app.platforms.base import Json, Sent
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
    UnknownOutcome,
    WindowClosed,
)
from channels_app.platforms.meta.reading import objects, within, word
from channels_app.platforms.wire import LONGEST_PAUSE, Wire

HOST, VERSION = "https://graph.facebook.com", "v23.0"
LATER = 3600.0  # seconds, where a person has to see to something first
EXPIRED = 463  # subcode of 190
TOO_OFTEN = {4, 17, 32, 341, 613, 80007, 130429, 131048, 131056}
TOO_OFTEN_OF_USE = range(80000, 80015)  # of one kind of use
OUTSIDE_WINDOW = {2018065, 2018278, 2534022}  # subcodes of 10
RESTRICTED = 1893063  # subcode of 10: the page may not write for a while
GONE_SUBCODE, NO_PROFILE = 33, 2018218  # of 100
ALREADY_ANSWERED = {10900, 2534014}  # a private message has answered this comment before
UNREACHABLE = {551, 131026, 131030}
STUMBLED = {1, 2, 131000, 131016}  # on its own; what was asked may have been done


class Graph(Wire):
    """Also reads how much of our budget is used, which Meta tells in a percentage."""

    def understood(self, answer: httpx.Response) -> httpx.Response:
        self.budget = used(answer.headers) or self.budget
        return super().understood(answer)


def line(name: str, access: Access, transport: httpx.BaseTransport | None = None) -> Graph:
    host = access.settings.get("host") or HOST
    key = access.secrets.get("access_token", "")
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    return Graph(name, f"{host}/{VERSION}", headers, means=lambda answer: meaning(name, answer), transport=transport)


def node(*names: str) -> str:
    """The path of what has these ids, which came from outside."""
    return "/" + "/".join(quote(name, safe="") for name in names)


def posted(answer: httpx.Response, *names: str) -> Sent:
    """The post that came of a request, by the id under one of `names`. Raises UnknownOutcome where it is not told."""
    try:
        found = answer.json()
    except ValueError:
        found = None
    row = found if isinstance(found, dict) else {}
    ids = [word(row.get(name)) for name in names] + [word(each.get("id")) for each in objects(row.get("messages"))]
    if not any(ids):
        raise UnknownOutcome("Meta took it and did not say which post it became.")
    return Sent(next(filter(None, ids)), datetime.now(UTC))


def meaning(name: str, answer: httpx.Response) -> PlatformError | None:
    """What an error of the Graph API means; None where the answer holds none."""
    try:
        found = answer.json()
    except ValueError:
        return None
    error = within(found, "error") if isinstance(found, dict) else {}
    code, subcode = _number(error.get("code")), _number(error.get("error_subcode"))
    if not code:
        return None
    means = _of_access(name, code, subcode) or _of_budget(name, code, answer) or _of_reply(name, code, subcode)
    return means or _of_state(name, code, subcode, answer)


def _of_access(name: str, code: int, subcode: int) -> PlatformError | None:
    if code == 190 and subcode == EXPIRED:
        return AccessExpired(f"Our key to {name} has run out.")
    if code in (102, 190):
        return AccessRevoked(f"{name} does not accept our key any more: connect the account anew.", LATER)
    if code == 10 and subcode == RESTRICTED:
        return TryLater(f"{name} does not let this account write for a while.", LATER)
    if code == 368:
        return TryLater(f"{name} has blocked this account for a while: look at it there.", LATER)
    return None


def _of_budget(name: str, code: int, answer: httpx.Response) -> PlatformError | None:
    if code in TOO_OFTEN or code in TOO_OFTEN_OF_USE:
        scope = {4: "app", 17: "person", 32: "page", 131056: "recipient"}.get(code, "account")
        return RateLimited(f"{name} was asked too often.", regained_in(answer.headers), scope)
    return None


def _of_reply(name: str, code: int, subcode: int) -> PlatformError | None:
    if code == 131047:
        return WindowClosed(
            f"More than 24 hours have passed since their last message: {name} now takes only an approved template."
        )
    if code == 10 and subcode in OUTSIDE_WINDOW:
        return WindowClosed(
            f"{name} takes no answer any more, since their last message is too long ago. A person may still answer for"
            " seven days with the human agent tag; after that, answer in public and ask them to write again."
        )
    if code in ALREADY_ANSWERED or subcode in ALREADY_ANSWERED:
        return Rejected(f"A comment may be answered in private once, and {name} says that this one was.")
    if code in UNREACHABLE:
        return Rejected(f"{name} cannot reach this person.")
    if code == 506:
        return Duplicate(f"{name} has these words already.")
    return None


def _of_state(name: str, code: int, subcode: int, answer: httpx.Response) -> PlatformError:
    if code == 803 or (code == 100 and subcode in (GONE_SUBCODE, NO_PROFILE)):
        return ParentGone(f"{name} has no such thing any more, or does not show it to us.")
    if code in (3, 10) or 200 <= code < 300:
        return Forbidden(f"{name} does not let us do this: a permission is missing (code {code}).")
    if code in STUMBLED:
        asked = answer.request.method == "GET"
        told = f"{name} stumbled over it (code {code})."
        return TryLater(told) if asked else UnknownOutcome(told)
    return Rejected(f"{name} refused it (code {code}).")


def regained_in(headers: httpx.Headers) -> float:
    """Seconds until we may ask again: Meta tells minutes; where it does not, a quarter of its hour."""
    minutes = [_number(use.get("estimated_time_to_regain_access")) for use in _uses(headers)]
    return min(60.0 * max(minutes), LONGEST_PAUSE) if any(minutes) else 900.0


def used(headers: httpx.Headers) -> Budget | None:
    """What is left, of a hundred, of what is used up most; None where nothing is told."""
    shares = ("call_count", "total_time", "total_cputime", "acc_id_util_pct")
    told = [_number(use.get(name)) for use in _uses(headers) for name in shares if name in use]
    return Budget(100, max(0, 100 - max(told))) if told else None


def _uses(headers: httpx.Headers) -> list[Json]:
    """X-App-Usage is one; X-Business-Use-Case-Usage several, by account."""
    found = [_json(headers.get("x-app-usage", "")), _json(headers.get("x-ad-account-usage", ""))]
    by_account = _json(headers.get("x-business-use-case-usage", ""))
    return [each for each in found if each] + [use for uses in by_account.values() for use in objects(uses)]


def _json(text: str) -> Json:
    try:
        found = json.loads(text)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _number(value: Any) -> int:
    is_one = isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
    return int(value) if is_one else 0
