"""What every rig can do: servers that somebody else wrote, an account of ours on them, and a customer's.

    with Snac(folder) as rig:                     # started; ended with all its processes, whatever happens
        platform = rig.platform()                 # ours, as a channel has it
        asked = rig.post("The train is late")     # the customer's, as they would on that server
        rig.wait_until("we have read it", lambda: platform.fetch_since({}, limit=40).payloads)
        rig.thread(asked)                         # what the customer sees there

Ids are those our platform gives the same post (`Event.external_id`). Our account's way to what it *sends* goes through
`rig.door` (tests/rigs/door.py), which can lose an answer; the customer's does not. A server keeps its ports and what it
holds over `kill()` and `restart()`.
"""

from __future__ import annotations

import os
import signal
import subprocess
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar, Self, TypeVar

from channels_app.platforms.abilities import Access
from channels_app.platforms.base import Platform
from config.supervisor import _end_with_parent
from tests.rigs.door import Door, answers

T = TypeVar("T")
STARTING = 60.0  # seconds a server may take; far more than any does


class CannotInstall(Exception):
    """A finished sentence: what a rig lacks, and why it cannot be put there."""


@dataclass(frozen=True, slots=True)
class Picture:
    name: str
    type: str
    body: bytes
    alt: str


@dataclass(frozen=True, slots=True)
class Said:
    """A post as the customer sees it on their own server. `text` is what is read: without marks, in one line or more.

    `html` is as the server gives it, where it gives HTML. `pictures` are the words below each of its pictures, or its
    name where the network has no such words. `by_us`: our account wrote it.
    """

    id: str
    text: str
    by_us: bool
    parent: str = ""
    html: str = ""
    pictures: Sequence[str] = ()


@dataclass
class Server:
    """One process with its children, in a group of its own. `port`: it is at work when this answers; 0: see `ready`."""

    name: str
    command: Sequence[str | Path]
    log: Path
    port: int = 0
    environment: Mapping[str, str] = field(default_factory=dict)
    folder: Path | None = None
    ready: Callable[[], object] | None = None
    within: float = STARTING
    process: subprocess.Popen[bytes] | None = field(default=None, init=False)

    def start(self) -> None:
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [str(part) for part in self.command], env={**os.environ, **self.environment}, cwd=self.folder,
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, process_group=0, preexec_fn=_end_with_parent,
            )  # fmt: skip
        wait_until(f"{self.name} is at work", self._is_at_work, within=self.within, why=self.last_words)

    def _is_at_work(self) -> object:
        assert self.process
        code = self.process.poll()
        assert code is None, f"{self.name} ended by itself with {code}:\n{self.last_words()}"
        return self.ready() if self.ready else answers(self.port)

    def end(self, how: signal.Signals = signal.SIGKILL) -> None:
        """The whole group; returns when it is gone."""
        if self.process is None:
            return
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, how)
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()
        self.process = None

    def last_words(self, size: int = 1500) -> str:
        return self.log.read_text(errors="replace")[-size:] if self.log.exists() else ""


class Rig(ABC):
    """`folder` is empty, short and the rig's own; other accounts may pass through it (mode 711)."""

    name: ClassVar[str]  # as `bin/test --rigs` and `bin/rigs` call it
    network: ClassVar[str]  # for a person: "mastodon", "e-mail"
    server: ClassVar[str]  # for a person: "snac2", "postfix+dovecot"
    kind: ClassVar[str]  # the platform's
    hop: ClassVar[float]  # seconds within which one side sees what the other did; generous, for wait_until
    sending: ClassVar[bytes]  # stands in each request that sends something, and in no other: where `door` cuts
    # what a customer, or we, can do on this server; what our platform can stands in its capabilities
    customer_edits: ClassVar[bool] = False
    customer_deletes: ClassVar[bool] = False
    customer_pictures: ClassVar[bool] = False
    we_delete: ClassVar[bool] = False

    door: Door

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.servers: list[Server] = []  # in the order in which they start
        self.started_in = 0.0  # seconds

    # --- installing

    @classmethod
    @abstractmethod
    def install(cls) -> None:
        """Put there what it needs, in `place.cache(name)` or the system; quick when all is there. CannotInstall."""

    # --- running

    def __enter__(self) -> Self:
        begun = time.monotonic()
        try:
            self.start()
        except BaseException:
            self.stop()
            raise
        self.started_in = time.monotonic() - begun
        return self

    def __exit__(self, *error: object) -> None:
        self.stop()

    @abstractmethod
    def start(self) -> None:
        """Servers, accounts, the door. Fails (AssertionError, OSError, …) where they do not come up."""

    def stop(self) -> None:
        """End all that was started. Also after a start that failed half way."""
        for server in reversed(self.servers):
            server.end()
        if door := getattr(self, "door", None):
            door.close()

    def kill(self) -> None:
        """The power fails: what a customer and we talk to is gone at once."""
        self.door.close()
        for server in reversed(self.servers):
            server.end()

    def restart(self) -> None:
        """After `kill`: the same servers, on the same ports, with what they held."""
        for server in self.servers:
            server.start()
        self.door.open()

    def run(self, server: Server) -> Server:
        """Start it as one of this rig's, after those before it."""
        self.servers.append(server)
        server.start()
        return server

    def wait_until(self, what: str, condition: Callable[[], T], *, within: float | None = None) -> T:
        """The condition's answer, once it is true: within a hop, unless said otherwise."""
        return wait_until(what, condition, within=within or self.hop, why=self.last_words)

    def last_words(self) -> str:
        return "\n".join(f"--- {server.name}\n{server.last_words()}" for server in self.servers)

    # --- our side

    @abstractmethod
    def access(self) -> Access:
        """Our account, as a channel keeps it."""

    @abstractmethod
    def wrong_access(self) -> Access:
        """The same account with a key that does not open it."""

    def expired_access(self) -> Access | None:
        """With a key that has run out and one to renew it with; None where keys do not run out."""
        return None

    @abstractmethod
    def platform(self, access: Access | None = None) -> Platform:
        """Our platform with this access, or with `access()`."""

    # --- the customer's side

    customer: str = ""  # the key of the customer who posts, as our platform names them

    @abstractmethod
    def post(self, text: str, *, picture: Picture | None = None) -> str:
        """The customer says something to us, so that it reaches us there: a mention, a comment, a mail. Its id."""

    @abstractmethod
    def answer(self, to: str, text: str) -> str:
        """The customer answers a post of ours. Its id."""

    def edit(self, id: str, text: str) -> None:
        raise NotImplementedError(f"{self.server} has no edits by customers.")

    def delete(self, id: str) -> None:
        raise NotImplementedError(f"{self.server} has no deletions by customers.")

    @abstractmethod
    def thread(self, id: str) -> list[Said]:
        """The conversation the post `id` is in, as the customer sees it there, oldest first."""

    def profile(self) -> list[Said] | None:
        """All that our account said in public, as anybody sees it there at once; None where there is no such place."""
        return None

    def answers_to(self, id: str) -> list[Said]:
        """What of ours the customer sees right below the post `id`."""
        return [said for said in self.thread(id) if said.by_us and said.parent == id]


def wait_until(what: str, condition: Callable[[], T], *, within: float, why: Callable[[], str] = lambda: "") -> T:
    """Ask until it is true, then its answer. What goes wrong in asking is a failure, not a no."""
    end, pause = time.monotonic() + within, 0.02
    while not (answer := condition()):
        assert time.monotonic() < end, f"Waited {within:.0f} s in vain until {what}.\n{why()}"
        time.sleep(pause)
        pause = min(pause * 1.5, 0.4)
    return answer
