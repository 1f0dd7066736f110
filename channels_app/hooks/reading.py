"""The body of a call: read with a limit of size and of time, whoever sends how slowly."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

MOST = 3 * 1024 * 1024  # bytes; networks send less
SECONDS = 10.0  # for the whole of it
FULL = 256 * 1024 * 1024  # bytes of all calls together: anybody may send before it is known who they are


class Gone(Exception):
    """Whoever called has hung up."""


class Turned(Exception):
    """The call is not taken: what it is answered."""

    def __init__(self, status: int, sentence: str) -> None:
        super().__init__(sentence)
        self.status, self.sentence = status, sentence


class Reader:
    """Of this process: it knows how much is being read."""

    def __init__(self) -> None:
        self._held = 0

    async def body(self, scope: dict[str, Any], receive: Callable[[], Awaitable[Mapping[str, Any]]]) -> bytes:
        """Raises Gone, Turned."""
        if _announced(scope) > MOST:
            raise _too_large()
        pieces: list[bytes] = []
        try:
            async with asyncio.timeout(SECONDS):
                await self._read(receive, pieces)
        except TimeoutError:
            raise Turned(408, f"The body did not come within {SECONDS:.0f} seconds.\n") from None
        finally:
            self._held -= sum(map(len, pieces))
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)

    async def _read(self, receive: Callable[[], Awaitable[Mapping[str, Any]]], pieces: list[bytes]) -> None:
        size, more = 0, True
        while more:
            message = await receive()
            if message["type"] == "http.disconnect":
                raise Gone
            piece, more = message.get("body", b""), message.get("more_body", False)
            if piece:
                pieces.append(piece)
                size, self._held = size + len(piece), self._held + len(piece)
            if size > MOST:
                raise _too_large()
            if self._held > FULL:
                raise Turned(503, "Too much is being sent at once. Send it again later.\n")


def first_header(scope: dict[str, Any], name: bytes) -> bytes:
    return next((bytes(value).strip() for found, value in scope["headers"] if found == name), b"")


def _announced(scope: dict[str, Any]) -> int:
    said = first_header(scope, b"content-length")
    return int(said) if said.isdigit() and len(said) < 20 else 0


def _too_large() -> Turned:
    return Turned(413, f"Hark takes {MOST // 1024 // 1024} MB at most.\n")
