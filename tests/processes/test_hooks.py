"""The real web process is called by a network, and killed in the middle of it."""

from __future__ import annotations

import socket
import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlsplit

import httpx
import pytest

from channels_app import inbox
from channels_app.hooks import reading
from channels_app.models import App, Channel, Message, RawEvent
from tests import factories
from tests.channels_app import called
from tests.processes import ground
from tests.processes.stack import Stack

pytestmark = pytest.mark.processes
PAGE, CALLS, LINES = "1234567890", 600, 8


@pytest.fixture
def app(stack: Stack) -> App:
    return factories.AppFactory(secrets=called.META)


@pytest.fixture
def page(app: App) -> Channel:
    return called.account(app, "facebook", PAGE)


@pytest.fixture
def url(stack: Stack, app: App) -> str:
    return f"{stack.url}/hooks/{app.hook}/"


class Network:
    """Calls over several lines at once; knows what was taken."""

    def __init__(self, url: str) -> None:
        self.url, self.taken, self._lock = url, set(), threading.Lock()

    def call(self, ids: list[str]) -> None:
        with ThreadPoolExecutor(LINES) as pool:
            list(pool.map(self._call_some, [ids[number::LINES] for number in range(LINES)]))

    def _call_some(self, ids: list[str]) -> None:
        with httpx.Client(verify=False, timeout=60) as line:
            for mid in ids:
                body = called.envelope(called.private(PAGE, mid))
                try:
                    answer = line.post(self.url, content=body, headers=called.meta_signature(body))
                except httpx.HTTPError:
                    return
                if answer.status_code == 200:
                    with self._lock:
                        self.taken.add(mid)


def kept() -> set[str]:
    return {bytes(body).partition(b'"mid": "')[2].partition(b'"')[0].decode()
            for body in RawEvent.objects.values_list("body", flat=True)}  # fmt: skip


def test_what_was_answered_before_a_kill_is_stored_and_all_of_it_sent_again_is_there_once(stack, app, page, url):
    stack.start("web")
    ids = [f"m_{number}" for number in range(CALLS)]
    network = Network(url)
    burst = threading.Thread(target=network.call, args=(ids,))
    burst.start()
    stack.wait_until("a quarter is answered", lambda: len(network.taken) >= CALLS / 4)
    stack.kill9("web")
    stack.restart("web")
    burst.join()
    assert CALLS / 4 <= len(network.taken) < CALLS  # each line ended with the process
    assert network.taken <= kept()

    network.call(ids)
    assert network.taken == set(ids) == kept()
    inbox.drain(page)
    assert Counter(Message.objects.values_list("external_id", flat=True)) == Counter(ids)
    states = Counter(RawEvent.objects.values_list("state", flat=True))
    assert states == {"stored": CALLS, "duplicate": RawEvent.objects.count() - CALLS}


def test_a_worker_makes_messages_of_it_in_their_order(stack, app, page, url):
    stack.start("web", "worker")
    ids = [f"m_{number}" for number in range(20)]
    with httpx.Client(verify=False, timeout=60) as line:
        for mid in ids:
            body = called.envelope(called.private(PAGE, mid))
            assert line.post(url, content=body, headers=called.meta_signature(body)).status_code == 200
    stack.wait_until("all are routed", lambda: Message.objects.exclude(routed_at=None).count() == len(ids))
    assert list(Message.objects.order_by("id").values_list("external_id", flat=True)) == ids


def test_over_real_sockets_a_slow_a_large_and_a_torn_call_hold_up_nobody(stack, app, page, url):
    stack.start("web")
    place = urlsplit(url)

    def open_line(head: str) -> socket.socket:
        line = socket.create_connection((place.hostname, place.port), 60)
        line.sendall(f"POST {place.path} HTTP/1.1\r\nHost: hark\r\n{head}\r\n\r\n".encode())
        return line

    slow, torn = open_line("Content-Length: 100"), open_line("Content-Length: 100")
    chunked, large = open_line("Transfer-Encoding: chunked"), open_line(f"Content-Length: {reading.MOST + 1}")
    torn.sendall(b"{")
    torn.close()
    chunked.sendall(b"%x\r\n" % 65536 + b" " * 65536 + b"\r\n")
    assert b" 413 " in large.recv(100)
    body = called.envelope(called.private(PAGE, "m_1"))
    with httpx.Client(verify=False, timeout=60) as client:
        pieces = iter([body[:20], body[20:]])  # in chunks
        assert client.post(url, content=pieces, headers=called.meta_signature(body)).status_code == 200
        assert client.get(url, params={"hub.mode": "subscribe", "hub.verify_token": "who is this",
                                       "hub.challenge": "42"}).text == "42"  # fmt: skip
        assert client.head(url).status_code == 405
        assert client.get(stack.url + "/healthz").text == "alive\n"
    assert b" 408 " in slow.recv(100)
    assert b" 408 " in chunked.recv(100)
    for line in (slow, chunked, large):
        line.close()
    assert kept() == {"m_1"}


def test_while_the_database_turns_us_away_the_network_is_asked_to_come_again(stack, app, page, url):
    stack.start("web")
    network = Network(url)
    network.call(["m_1"])
    assert network.taken == {"m_1"}
    ground._on_server(f"ALTER DATABASE {stack.database} ALLOW_CONNECTIONS false")
    try:
        ground._on_server(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{stack.database}'")
        body = called.envelope(called.private(PAGE, "m_2"))
        answer = httpx.post(url, content=body, headers=called.meta_signature(body), verify=False, timeout=60)
        assert (answer.status_code, answer.text) == (503, "Hark cannot store this just now. Send it again later.\n")
    finally:
        ground._on_server(f"ALTER DATABASE {stack.database} ALLOW_CONNECTIONS true")
    network.call(["m_2"])
    assert network.taken == {"m_1", "m_2"}
