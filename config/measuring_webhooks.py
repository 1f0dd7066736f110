"""A network that calls as fast as it likes: signed calls of Meta's webhook, and a client that keeps its time.

The client is an open loop: each call has its moment, whether or not those before were answered, and what it takes is
reckoned from that moment. So a server that stumbles is charged for all who had to wait.
"""

from __future__ import annotations

import asyncio
import collections
import hashlib
import hmac
import json
import os
import statistics
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import uvloop
from django.db import transaction

from channels_app import hooks
from channels_app.models import App, Channel, Credential
from crm import sealing
from crm.models import Team, User
from crm.models.staff import Role

PAGES, PEOPLE = 4, 2_000  # accounts that are called for; customers who write
SECRET = "only for measuring"  # noqa: S105 - of an app nobody calls
BEGAN = 1_760_000_000  # seconds since 1970: when the first of them wrote
LINES = 128  # kept alive; more are opened where all of them wait
MOST_LINES, LAST = 2_000, 15.0  # seconds given to the last answers
IDLE_SECONDS = 3.0  # the web process closes a line nobody has used for five


@transaction.atomic
def app() -> tuple[App, list[Channel]]:
    """Made, or found: an app of Meta with some Pages."""
    team, _ = Team.objects.get_or_create(name="Measured webhooks")
    by = User.objects.filter(role=Role.ADMIN).first() or User.objects.create(
        username="measured-webhooks", role=Role.ADMIN, is_active=False
    )
    sealed = sealing.seal(json.dumps({"app_secret": SECRET}))
    found, _ = App.objects.update_or_create(
        network=App.Network.META, name="Measured webhooks", defaults={"sealed": sealed}, create_defaults={
            "sealed": sealed, "made_by": by},
    )  # fmt: skip
    channels = []
    for number in range(PAGES):
        channel, _ = Channel.objects.get_or_create(
            key=f"measured-webhooks-{number}",
            defaults={"name": f"Measured Page {number}", "platform": "facebook", "place": "facebook", "team": team},
        )
        held = {"account": _page(number), "settings": {"page_id": _page(number)}, "sealed": sealing.seal("{}")}
        Credential.objects.update_or_create(
            channel=channel, defaults=held, create_defaults={**held, "app": found, "connected_by": by}
        )
        channels.append(channel)
    return found, channels


def _page(number: int) -> str:
    return f"10000000{number}"


def bodies(number: int, run: str) -> list[bytes]:
    """So many messages, each in a call of its own; their ids are this run's."""
    return [_body(n, f"m_{run}_{n}") for n in range(number)]


def _body(number: int, mid: str) -> bytes:
    page, at = _page(number % PAGES), (BEGAN + number) * 1000
    said = {"mid": mid, "text": f"My bag did not arrive with train {number}, and nobody can tell me where it is."}
    message = {"sender": {"id": f"7{number % PEOPLE:07}"}, "recipient": {"id": page}, "timestamp": at, "message": said}
    return json.dumps({"object": "page", "entry": [{"id": page, "time": at, "messaging": [message]}]}).encode()


def requests(found: App, url: str, said: Sequence[bytes]) -> list[bytes]:
    """As they go over the wire. Signed before the clock runs."""
    path, host = urlsplit(hooks.address(found)).path, urlsplit(url).netloc
    head = f"POST {path} HTTP/1.1\r\nHost: {host}\r\nContent-Type: application/json\r\n".encode()
    return [
        b"%bX-Hub-Signature-256: sha256=%b\r\nContent-Length: %d\r\n\r\n%b"
        % (head, hmac.new(SECRET.encode(), body, hashlib.sha256).hexdigest().encode(), len(body), body)
        for body in said
    ]


@dataclass
class Sent:
    """What became of the calls: milliseconds from the moment each was due, and statuses."""

    ms: list[float] = field(default_factory=list)
    statuses: collections.Counter[int] = field(default_factory=collections.Counter)
    seconds: float = 0.0

    def figures(self, number: int) -> dict[str, Any]:
        ms = sorted(self.ms) or [float("nan")]
        return {
            "sent": number, "answered 200": self.statuses[200],
            "answered otherwise": sum(n for status, n in self.statuses.items() if status != 200),
            "a second": round(self.statuses[200] / self.seconds), "p50_ms": round(statistics.median(ms), 1),
            "p95_ms": round(ms[int(0.95 * len(ms))], 1), "p99_ms": round(ms[int(0.99 * len(ms))], 1),
            "worst_ms": round(ms[-1], 1),
        }  # fmt: skip


class _Line(asyncio.Protocol):
    """One kept connection, one call at a time. 0 is the status of what was not answered."""

    def __init__(self, crowd: _Crowd) -> None:
        self.crowd, self.due, self.heard, self.idle_since = crowd, 0.0, b"", 0.0
        self.transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport  # type: ignore[assignment] # it is one that writes

    def ask(self, due: float, request: bytes) -> None:
        self.due, self.heard = due, b""
        if self.transport:
            self.transport.write(request)

    def data_received(self, data: bytes) -> None:
        self.heard += data
        head, end, body = self.heard.partition(b"\r\n\r\n")
        if end and len(body) >= int(head.lower().partition(b"content-length: ")[2].split(b"\r\n")[0]):
            due, self.due = self.due, 0.0
            self.crowd.answered(int(head[9:12]), due)
            self.crowd.free(self, keeps=b"connection: close" not in head.lower())

    def connection_lost(self, error: Exception | None) -> None:
        self.transport = None
        if self.due:
            self.crowd.answered(0, self.due)


class _Crowd:
    def __init__(self, url: str, requests: Sequence[bytes], rate: float) -> None:
        found = urlsplit(url)
        self.where, self.requests, self.rate = (found.hostname or "", found.port or 80), requests, rate
        self.idle: list[_Line] = []
        self.opening: set[asyncio.Future[None]] = set()
        self.late: collections.deque[tuple[float, bytes]] = collections.deque()
        self.sent, self.lines, self.done = Sent(), 0, asyncio.Event()

    async def run(self) -> Sent:
        for _ in range(LINES):
            await self._open()
        began, number = time.perf_counter(), 0
        while number < len(self.requests):
            due = min(int((time.perf_counter() - began) * self.rate) + 1, len(self.requests))
            for one in range(number, due):
                self._ask(began + one / self.rate, self.requests[one])
            number = due
            await asyncio.sleep(0.001)
        try:
            await asyncio.wait_for(self.done.wait(), LAST)
        except TimeoutError:
            self.sent.statuses[0] += len(self.requests) - self.sent.statuses.total()
        self.sent.seconds = time.perf_counter() - began
        return self.sent

    def _ask(self, due: float, request: bytes) -> None:
        if line := self._idle():
            line.ask(due, request)
            return
        self.late.append((due, request))
        if self.lines < MOST_LINES:
            self.lines += 1
            opening = asyncio.ensure_future(self._open(counted=True))
            self.opening.add(opening)
            opening.add_done_callback(self.opening.discard)

    def _idle(self) -> _Line | None:
        """One that the server has not closed, nor is about to."""
        while self.idle:
            line = self.idle.pop()
            if line.transport and time.perf_counter() - line.idle_since < IDLE_SECONDS:
                return line
            self.lines -= 1
            if line.transport:
                line.transport.close()
        return None

    async def _open(self, *, counted: bool = False) -> None:
        self.lines += not counted
        _, line = await asyncio.get_running_loop().create_connection(lambda: _Line(self), *self.where)
        self.free(line)

    def free(self, line: _Line, *, keeps: bool = True) -> None:
        if not keeps:
            self.lines -= 1
        elif self.late:
            line.ask(*self.late.popleft())
        else:
            line.idle_since = time.perf_counter()
            self.idle.append(line)

    def answered(self, status: int, due: float) -> None:
        self.sent.statuses[status] += 1
        self.sent.ms.append((time.perf_counter() - due) * 1000)
        if self.sent.statuses.total() == len(self.requests):
            self.done.set()


def call(url: str, requests: Sequence[bytes], rate: float) -> Sent:
    """All of them, so many a second."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(_Crowd(url, requests, rate).run())


def worked(pid: int) -> float:
    """Seconds of a processor this process has had; nothing for pid 0."""
    if not pid:
        return 0.0
    told = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(told[11]) + int(told[12])) / os.sysconf("SC_CLK_TCK")
