"""How every platform speaks HTTP: one client, time-outs, what may be asked again, and what an answer means.

What changes nothing (`look`) is tried again where the line broke or the server stumbled. What changes something (`act`)
is written once: where no answer came, nobody knows. Neither secrets nor words of customers reach a log or an error.
"""

from __future__ import annotations

import math
import random
import time
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

import httpx
import structlog

from channels_app.platforms.abilities import Budget
from channels_app.platforms.errors import (
    AccessExpired,
    Forbidden,
    ParentGone,
    PlatformError,
    RateLimited,
    Rejected,
    TryLater,
    UnknownOutcome,
)
from crm.errors import Refused
from crm.webhooks import guard

log = structlog.get_logger(__name__)

TIMEOUT = httpx.Timeout(20.0, connect=5.0)  # seconds
TRIES, PAUSE = 3, 0.2  # of what may be asked again; seconds before the second, doubled before the third
LONGEST_PAUSE, SHORTEST_PAUSE = 3600.0, 1.0
MOST_BYTES, MOST_SECONDS = 32 * 1024 * 1024, 60.0  # of one answer: neither an endless nor a dripping one holds us up
NOT_WRITTEN = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.UnsupportedProtocol)
AS_IT_TRAVELS = {b"content-encoding", b"content-length", b"transfer-encoding"}  # no longer so once it is here
UNWRITABLE = "{name} cannot be asked: its address, our key or what is sent is not written rightly."
Meaning = Callable[[httpx.Response], PlatformError | None]


@dataclass
class Wire:
    """One account's line to one server. `name` is the network's, for sentences; `headers` hold its key.

    `means` says what an answer of this network means where its status alone does not; None: what statuses say.
    """

    name: str
    base: str
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    means: Meaning | None = None
    transport: httpx.BaseTransport | None = field(default=None, repr=False)
    timeout: httpx.Timeout = field(default_factory=lambda: TIMEOUT)
    budget: Budget | None = None

    def look(self, path: str, params: Mapping[str, Any] | None = None, **options: Any) -> httpx.Response:
        """GET. Raises TryLater where it cannot be had, and what the answer means.

        Who says when to come back is not asked before.
        """
        for attempt in range(TRIES):
            try:
                answer = self._ask("GET", path, params=params, **options)
            except httpx.RequestError as error:
                trouble: PlatformError = TryLater(f"{self.name} cannot be reached.")
                trouble.__cause__ = error
            else:
                if answer.status_code < 500:
                    return self.understood(answer)
                trouble = TryLater(f"{self.name} has trouble of its own (status {answer.status_code}).", pause(answer))
                if "Retry-After" in answer.headers:
                    break
            if attempt + 1 < TRIES:
                time.sleep(PAUSE * 2**attempt * random.uniform(0.5, 1.5))  # so that not all come at once
        raise trouble

    def act(self, method: str, path: str, **body: Any) -> httpx.Response:
        """What changes something: once. Raises TryLater (nothing was written), UnknownOutcome (perhaps it was written),
        and what the answer means.
        """
        try:
            answer = self._ask(method, path, **body)
        except NOT_WRITTEN as error:
            raise TryLater(f"{self.name} cannot be reached.") from error
        except httpx.RequestError as error:
            raise UnknownOutcome(f"{self.name} was asked and did not answer.") from error
        if answer.status_code >= 500 and answer.status_code != 503:
            raise UnknownOutcome(f"{self.name} stumbled over it (status {answer.status_code}).")
        return self.understood(answer)

    def understood(self, answer: httpx.Response) -> httpx.Response:
        """The answer, if it is a success; raises what it means otherwise."""
        if answer.is_success or answer.status_code == 304:
            return answer
        raise (self.means(answer) if self.means else None) or meaning(self.name, answer)

    def json(self, answer: httpx.Response) -> Any:
        """Raises TryLater where it is none: a page in between, a login, a torn answer."""
        try:
            return answer.json()
        except ValueError as error:
            raise TryLater(f"The answer of {self.name} cannot be read.") from error

    def _ask(self, method: str, path: str, *, auth: tuple[str, str] | None = None, **options: Any) -> httpx.Response:
        """Raises httpx.RequestError where there is no answer; Rejected, TryLater where nothing can be asked."""
        self._must_be_theirs(path)
        try:
            client = self._client(path)
            request = client.build_request(method, path, **options)
        except (httpx.InvalidURL, UnicodeError):
            raise TryLater(UNWRITABLE.format(name=self.name)) from None  # without its cause, which may quote the key
        try:
            with client, closing(client.send(request, stream=True, auth=auth)) as coming:
                answer = _whole(coming)
        except httpx.LocalProtocolError:  # before the first byte
            raise TryLater(UNWRITABLE.format(name=self.name)) from None
        except Refused as refusal:  # before a connection: a person has to look at the address
            raise TryLater(str(refusal), LONGEST_PAUSE) from refusal
        self.budget = budget_of(answer.headers) or self.budget
        log.debug("a network was asked", network=self.name, method=method, status=answer.status_code)
        return answer

    def _client(self, path: str) -> httpx.Client:
        """With a connection of its own each time, as some servers reset those that are kept; to the internet alone."""
        plain = (path if "://" in path else self.base).lower().startswith("http:")
        return httpx.Client(
            base_url=self.base, headers={"Connection": "close", **self.headers}, timeout=self.timeout,
            transport=self.transport or guard.Way(plain=plain, seconds=MOST_SECONDS), follow_redirects=False,
        )  # fmt: skip

    def _must_be_theirs(self, path: str) -> None:
        """An address that an answer named, such as that of the next page, gets our key only where it was asked."""
        try:
            asked, ours = httpx.URL(path), httpx.URL(self.base)
        except httpx.InvalidURL:
            return  # said where it is asked
        named = (asked.scheme, asked.host, asked.port)
        if self.base and asked.is_absolute_url and named != (ours.scheme, ours.host, ours.port):
            raise Rejected(f"{self.name} named an address that is not its own.")


def _whole(coming: httpx.Response) -> httpx.Response:
    """The answer with all its bytes, unpacked. Raises httpx.ReadError where it is too large or too slow."""
    body, until = bytearray(), time.monotonic() + MOST_SECONDS
    for piece in coming.iter_bytes():
        body += piece
        if len(body) > MOST_BYTES or time.monotonic() > until:
            raise httpx.ReadError("The answer has no end.", request=coming.request)
    told = [(name, value) for name, value in coming.headers.raw if name.lower() not in AS_IT_TRAVELS]
    return httpx.Response(coming.status_code, headers=told, content=bytes(body), request=coming.request)


def meaning(name: str, answer: httpx.Response) -> PlatformError:
    """What a status means where the network has no words of its own for it."""
    status = answer.status_code
    if status == 401:
        return AccessExpired(f"{name} does not accept our key.")
    if status == 403:
        return Forbidden(f"{name} does not let us do this.")
    if status in (404, 410):
        return ParentGone(f"{name} has no such thing any more.")
    if status == 429:
        return RateLimited(f"{name} was asked too often.", pause(answer))
    if status in (408, 425, 503):
        return TryLater(f"{name} is busy (status {status}).", pause(answer))
    return Rejected(f"{name} refused it (status {status}).")


def pause(answer: httpx.Response, *, otherwise: float = 30.0) -> float:
    """Seconds to wait: Retry-After as seconds or a date, else until the budget is there again."""
    wanted = _retry_after(answer.headers.get("Retry-After", ""))
    if wanted is None and (budget := budget_of(answer.headers)) and budget.resets_at and not budget.left:
        wanted = (budget.resets_at - datetime.now(UTC)).total_seconds()
    return otherwise if wanted is None else min(max(wanted, SHORTEST_PAUSE), LONGEST_PAUSE)


def _retry_after(text: str) -> float | None:
    try:
        seconds = float(text)
    except ValueError:
        pass
    else:
        return None if math.isnan(seconds) else seconds
    try:
        at = parsedate_to_datetime(text)
    except (TypeError, ValueError, OverflowError):
        return None
    return ((at if at.tzinfo else at.replace(tzinfo=UTC)) - datetime.now(UTC)).total_seconds()


def budget_of(headers: httpx.Headers) -> Budget | None:
    """From X-RateLimit-… (a date, or seconds since 1970) or RateLimit-… (seconds from now); None where none is told."""
    for prefix in ("x-ratelimit-", "x-rate-limit-", "ratelimit-"):
        if f"{prefix}remaining" in headers:
            return Budget(
                _number(headers.get(f"{prefix}limit")), _number(headers[f"{prefix}remaining"]),
                _moment(headers.get(f"{prefix}reset", "")),
            )  # fmt: skip
    return None


def _number(text: str | None) -> int | None:
    try:
        return int(float(text or ""))
    except (ValueError, OverflowError):
        return None


def _moment(text: str) -> datetime | None:
    try:
        at = float(text)
    except ValueError:
        try:
            moment = datetime.fromisoformat(text)
        except ValueError:
            return None
        return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    now = datetime.now(UTC).timestamp()
    try:
        return datetime.fromtimestamp(at if at > 1e9 else now + at, UTC)
    except (OverflowError, OSError, ValueError):
        return None
