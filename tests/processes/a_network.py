"""A server of Mastodon's kind on loopback that fails to order: what real ones do, on the day one does not look.

    with a_network() as network:
        network.mention(1, "My bag is gone")
        network.fail(SWALLOW, on="POST")        # strikes the next such request, and is used up by it

It forgets nobody's request: `network.sent` holds each post it took, `network.asked` each question. It heeds no
Idempotency-Key, as others than Mastodon do not.
"""

from __future__ import annotations

import json
import socket
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import httpx

from tests.channels_app.platforms.fake_mastodon import BRAND, FakeMastodon, Json, notification, post

RESET, SWALLOW, HANG = "reset", "swallow", "hang"  # before it is taken; after it is taken; answers when it is let go
Answer = Callable[[], httpx.Response]


def busy(seconds: float) -> Answer:
    """Too many requests; the budget is there again so many seconds from now."""

    def answer() -> httpx.Response:
        again = datetime.fromtimestamp(datetime.now(UTC).timestamp() + seconds, UTC).isoformat()
        told = {"X-RateLimit-Limit": "300", "X-RateLimit-Remaining": "0", "X-RateLimit-Reset": again}
        return httpx.Response(429, headers=told, json={"error": "Too many requests"})

    return answer


def status(number: int) -> Answer:
    return lambda: httpx.Response(number, json={"error": "The access token was revoked"})


@dataclass
class Fault:
    what: str | Answer
    on: str  # "GET" or "POST"
    times: int


@dataclass
class Network:
    """One server, one account of ours: @brand."""

    fake: FakeMastodon = field(default_factory=FakeMastodon)
    faults: list[Fault] = field(default_factory=list)
    sent: list[Json] = field(default_factory=list)
    let_go: threading.Event = field(default_factory=threading.Event)
    url: str = ""
    lock: threading.RLock = field(default_factory=threading.RLock)

    def __post_init__(self) -> None:
        self.fake.answers["POST", "/api/v1/statuses"] = self._posted
        self.fake.answer("GET", "/api/v1/accounts/verify_credentials", {"id": "1", "acct": "brand"})
        self.fake.answer("GET", "/api/v1/instance", {"uri": "social.example", "version": "4.4.0"})

    @property
    def asked(self) -> list[httpx.Request]:
        return self.fake.asked

    def mention(self, number: int, words: str = "help", **more: Any) -> Json:
        with self.lock:
            found = post(number, words, **more)
            self.fake.notifications.append(notification(number, status=found))
            self.fake.posts[found["id"]] = found
            return found

    def fail(self, what: str | Answer, *, on: str = "GET", times: int = 1) -> None:
        with self.lock:
            self.faults.append(Fault(what, on, times))

    def strike(self, method: str) -> str | Answer | None:
        with self.lock:
            fault = next((fault for fault in self.faults if fault.on == method), None)
            if fault:
                fault.times -= 1
                if not fault.times:
                    self.faults.remove(fault)
            return fault.what if fault else None

    def answer(self, request: httpx.Request) -> httpx.Response:
        with self.lock:
            path = request.url.path
            if path.endswith("/context"):
                asked = path.split("/")[-2]
                below = [own for own in self.fake.own if own["in_reply_to_id"] == asked]
                return httpx.Response(200, json={"ancestors": [], "descendants": below})
            return self.fake(request)

    def _posted(self, request: httpx.Request) -> httpx.Response:
        asked = json.loads(request.content)
        number = 900 + len(self.sent)
        made = post(
            number, asked["status"], by=BRAND, in_reply_to_id=asked.get("in_reply_to_id"),
            created_at=datetime.now(UTC).isoformat(), visibility=asked.get("visibility", "public"),
        )  # fmt: skip
        self.sent.append(made)
        self.fake.own.append(made)
        self.fake.posts[made["id"]] = made
        return httpx.Response(200, json=made)


@contextmanager
def a_network() -> Iterator[Network]:
    network = Network()
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(network))
    server.daemon_threads = True
    network.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield network
    finally:
        network.let_go.set()
        server.shutdown()
        server.server_close()
        thread.join()


def _handler(network: Network) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            request = httpx.Request(self.command, f"{network.url}{self.path}", headers=dict(self.headers), content=body)
            fault = network.strike(self.command)
            self._strike(request, fault)

        do_POST = do_DELETE = do_GET  # noqa: N815

        def _strike(self, request: httpx.Request, fault: str | Answer | None) -> None:
            if callable(fault):
                self._say(fault())
            elif fault == RESET:
                self._hang_up()
            elif fault == SWALLOW:
                network.answer(request)
                self._hang_up()
            else:
                answer = network.answer(request)
                if fault == HANG:
                    network.let_go.wait(60)
                self._say(answer)

        def _say(self, answer: httpx.Response) -> None:
            self.send_response(answer.status_code)
            for name, value in answer.headers.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(answer.content)

        def _hang_up(self) -> None:
            """With a reset, as a server that has fallen over: no answer, and no polite end."""
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.close_connection = True
            self.connection.close()

        def log_message(self, *args: object) -> None:
            pass

    return Handler
