"""A door in front of a server: everything passes, until an answer is to be lost on the way."""

from __future__ import annotations

import random
import selectors
import socket
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

ONCE = 65536  # bytes
PATIENCE = 60.0  # seconds
LOWEST, BELOW = 10_000, 32_768
_given: set[int] = set()


def free_port() -> int:
    """One that nobody gets by chance: the kernel gives connections theirs from above `BELOW`, and a server that is
    killed and comes back must find its own free.
    """
    while True:
        port = random.randrange(LOWEST, BELOW)
        with suppress(OSError), socket.create_server(("127.0.0.1", port)):
            if port not in _given:
                _given.add(port)
                return port


def answers(port: int) -> bool:
    with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
        return True
    return False


@dataclass
class Lost:
    """A request with `marker` was written, the server has answered, and nobody will read that answer."""

    marker: bytes
    hold: bool  # the line stays open and silent; else it is reset
    happened: threading.Event = field(default_factory=threading.Event)
    over: threading.Event = field(default_factory=threading.Event)

    def wait(self) -> None:
        assert self.happened.wait(PATIENCE), f"No request with {self.marker!r} came to the door."


class Door:
    """Listens on `port` and passes everything on to `behind`, on loopback. Nobody behind: the line is closed."""

    def __init__(self, behind: int) -> None:
        self.behind, self.port = behind, free_port()
        self._losing: Lost | None = None
        self._lock = threading.Lock()
        self._open: set[socket.socket] = set()
        self.open()

    def open(self) -> None:
        """Also again, after `close`, at the same port."""
        self._listener = socket.create_server(("127.0.0.1", self.port), backlog=64)
        threading.Thread(target=self._listen, args=(self._listener,), daemon=True).start()

    @contextmanager
    def loses_answer(self, marker: bytes, *, hold: bool = False) -> Iterator[Lost]:
        """Inside, the answer to the first request with `marker` in it is lost: the server has done what was asked.

        With `hold` the asker waits for it in vain, until the end of this block; else its line is reset.
        """
        lost = self._losing = Lost(marker, hold)
        try:
            yield lost
        finally:
            self._losing = None
            lost.over.set()

    def take(self, asked: bytes) -> Lost | None:
        """The loss that was ordered, for the first request it is meant for."""
        with self._lock:
            lost = self._losing
            if lost is None or lost.marker not in asked:
                return None
            self._losing = None
            return lost

    def close_lines(self, *lines: socket.socket, reset: bool) -> None:
        with self._lock:
            self._open -= set(lines)
        for line in lines:
            _reset(line) if reset else line.close()

    def close(self) -> None:
        """Nobody answers at its port any more, and who was talking is cut off."""
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        with self._lock:
            left = list(self._open)
        for line in left:
            with suppress(OSError):
                line.shutdown(socket.SHUT_RDWR)

    def _listen(self, listener: socket.socket) -> None:
        while True:
            try:
                asker, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=self._pass, args=(asker,), daemon=True).start()

    def _pass(self, asker: socket.socket) -> None:
        try:
            server = socket.create_connection(("127.0.0.1", self.behind), timeout=5)
        except OSError:
            _reset(asker)
            return
        server.settimeout(None)
        with self._lock:
            self._open |= {asker, server}
        _Line(self, asker, server).passes()


class _Line:
    """One thread for both ways: a line that somebody still listens at is not reset by closing it."""

    def __init__(self, door: Door, asker: socket.socket, server: socket.socket) -> None:
        self.door, self.asker, self.server = door, asker, server
        self.asked = b""  # the end of what was asked: a marker may come in pieces
        self.lost: Lost | None = None

    def passes(self) -> None:
        with selectors.DefaultSelector() as both, suppress(OSError, ValueError):
            both.register(self.asker, selectors.EVENT_READ, self._ask)
            both.register(self.server, selectors.EVENT_READ, self._answer)
            while all(key.data() for key, _ in both.select(PATIENCE)):
                pass
        self.door.close_lines(self.asker, self.server, reset=self.lost is not None)

    def _ask(self) -> bool:
        """Whether it goes on."""
        piece = self.asker.recv(ONCE)
        self.asked = (self.asked + piece)[-ONCE:]
        self.lost = self.lost or self.door.take(self.asked)
        self.server.sendall(piece)
        return bool(piece)

    def _answer(self) -> bool:
        piece = self.server.recv(ONCE)
        if self.lost and piece:
            self.lost.happened.set()
            self.lost.over.wait(PATIENCE if self.lost.hold else 0)
            return False
        self.asker.sendall(piece)
        return bool(piece)


def _reset(line: socket.socket) -> None:
    """The other side reads "connection reset by peer"."""
    with suppress(OSError):
        line.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    line.close()
