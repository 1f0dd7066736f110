"""A web process of our own on the loopback, for measuring what a browser would wait for."""

from __future__ import annotations

import os
import signal
import socket
import statistics
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import httpx
from django.conf import settings
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from django.contrib.sessions.backends.db import SessionStore

from config.up import web_process
from crm.models import User

READY_SECONDS = 30


@dataclass(frozen=True)
class Times:
    """Milliseconds of one page, sorted."""

    ms: tuple[float, ...]

    @property
    def p50(self) -> float:
        return statistics.median(self.ms)

    @property
    def p95(self) -> float:
        return self.ms[min(len(self.ms) - 1, int(0.95 * len(self.ms)))]


@dataclass(frozen=True)
class Served:
    url: str
    pid: int


@contextmanager
def served(**environment: str) -> Iterator[Served]:
    """A web process with this much more in its environment; it ends with the block."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        program = web_process(listener)
        process = subprocess.Popen(  # noqa: S603 - our own program
            program.command, pass_fds=program.pass_fds, cwd=settings.BASE_DIR,
            env={**os.environ, "HARK_URL": url, **environment},
        )  # fmt: skip
        try:
            _wait_until_ready(url)
            yield Served(url, process.pid)
        finally:
            process.send_signal(signal.SIGINT)
            process.wait(20)


def _wait_until_ready(url: str) -> None:
    until = time.monotonic() + READY_SECONDS
    while True:
        try:
            httpx.get(f"{url}/healthz", timeout=5)
        except httpx.HTTPError:
            if time.monotonic() > until:
                raise
            time.sleep(0.1)
        else:
            return


def session(user: User) -> str:
    """The cookie of somebody signed in."""
    store = SessionStore()
    store[SESSION_KEY], store[HASH_SESSION_KEY] = str(user.pk), user.get_session_auth_hash()
    store[BACKEND_SESSION_KEY] = "django.contrib.auth.backends.ModelBackend"
    store.create()
    return str(store.session_key)


def timed(get: Callable[[str], httpx.Response], path: str, floor: str, times: int) -> tuple[Times, Times]:
    """A page and its floor in turn, so that what else the machine does meets both."""
    found: dict[str, list[float]] = {path: [], floor: []}
    for _ in range(times):
        for address in (path, floor):
            began = time.perf_counter()
            answer = get(address)
            found[address].append((time.perf_counter() - began) * 1000)
            answer.raise_for_status()
    return Times(tuple(sorted(found[path]))), Times(tuple(sorted(found[floor])))
