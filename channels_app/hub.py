"""One hub per web process: it listens on one layer channel and fans out to its own sockets.

The wire may forget us (FLUSHALL), go away, or lose what its sender had numbered: every few seconds the hub compares the
numbers it has heard with the database's, and tells its pages what it missed.

A socket has a bounded queue; a page too slow to empty it is told to ask again, and holds up nobody.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections import defaultdict
from typing import Any

import structlog
from channels.db import database_sync_to_async
from channels.layers import get_channel_layer

from channels_app import live

log = structlog.get_logger(__name__)

QUEUE = 256
RENEW_SECONDS = 5  # how long a wire that has forgotten us stays unnoticed
Told = dict[str, Any]
Line = Told | str  # what goes to one page; as text where many get the same, so that it is written out once


class Socket:
    """What the hub knows of one open page."""

    def __init__(self) -> None:
        self.queue: asyncio.Queue[Line] = asyncio.Queue(QUEUE)
        self.streams: set[str] = set()

    def put(self, line: Line, number: int = 0) -> None:
        """`number` is that of the event, where it is one."""
        try:
            self.queue.put_nowait(line)
        except asyncio.QueueFull:  # drop what waits: numbers tell the page that it missed something
            while not self.queue.empty():
                self.queue.get_nowait()
            for stream in self.streams:
                self.queue.put_nowait({"do": "resync", "stream": stream, "number": number})


class Hub:
    def __init__(self) -> None:
        self._sockets: dict[str, set[Socket]] = defaultdict(set)
        self._heard: dict[str, int] = {}  # of each stream with sockets: its newest number they were told
        self._task: asyncio.Task[None] | None = None
        self._ready = asyncio.Event()

    async def listen(self) -> None:
        """Start listening, once per process and event loop; returns when news would be heard, or the wire is down."""
        if self._task is None or self._task.done():
            self._ready.clear()
            self._task = asyncio.create_task(self._run())
        await asyncio.wait_for(self._ready.wait(), 10)

    def follow(self, socket: Socket, stream: str) -> None:
        socket.streams.add(stream)
        self._sockets[stream].add(socket)

    def stands_at(self, stream: str, newest: int) -> None:
        """The number from which on the stream's first page wants to hear; that of later pages changes nothing."""
        if stream in self._sockets:
            self._heard.setdefault(stream, newest)

    def leave(self, socket: Socket, stream: str) -> None:
        socket.streams.discard(stream)
        self._sockets[stream].discard(socket)
        if not self._sockets[stream]:
            del self._sockets[stream]
            self._heard.pop(stream, None)

    def leave_all(self, socket: Socket) -> None:
        for stream in list(socket.streams):
            self.leave(socket, stream)

    async def send_all(self, streams: list[str], told: Told) -> None:
        """Tell the followers of `streams`, in every process, something that is not kept."""
        await get_channel_layer().group_send(live.HUBS, {"type": "passing", "streams": streams, "told": told})

    async def _run(self) -> None:
        layer = get_channel_layer()
        name = await layer.new_channel()
        while True:
            try:
                await self._hear(layer, name)
            except Exception as error:
                log.warning("live: the wire is down", error=type(error).__name__)
                self._ready.set()  # without it pages hear what the database has, a second later
                await asyncio.sleep(1)
            await self._make_up()

    async def _hear(self, layer: Any, name: str) -> None:
        """For a while. Says each time that we are here: a group is forgotten after a FLUSHALL, and after a day."""
        await layer.group_add(live.HUBS, name)
        self._ready.set()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(RENEW_SECONDS):
                while True:
                    self._fan_out(await layer.receive(name))

    async def _make_up(self) -> None:
        """Tell what has a number and did not come. What is on the wire just now is told twice; pages drop it."""
        try:
            heard = dict(self._heard)
            newest = await database_sync_to_async(live.numbers)(heard) if heard else {}
            for stream in [stream for stream, number in newest.items() if number > heard[stream]]:
                await self._tell_missed(stream, heard[stream])
        except Exception as error:
            log.warning("live: nothing to compare with", error=type(error).__name__)

    async def _tell_missed(self, stream: str, since: int) -> None:
        newest, missed = await database_sync_to_async(live.follow)(stream, since)
        for told in [{"do": "resync", "stream": stream, "number": newest}] if missed is None else missed:
            self._tell(told)

    def _tell(self, event: Told) -> None:
        stream = event["stream"]
        if sockets := self._sockets.get(stream):
            text = json.dumps(event, ensure_ascii=False)
            for socket in sockets:
                socket.put(text, event["number"])
        if stream in self._heard:
            self._heard[stream] = max(self._heard[stream], event["number"])

    def _fan_out(self, message: Told) -> None:
        if message["type"] == "news":
            for event in message["events"]:
                self._tell(event)
        else:
            for socket in {s for stream in message["streams"] for s in self._sockets.get(stream, ())}:
                socket.put(message["told"])


_hubs: dict[asyncio.AbstractEventLoop, Hub] = {}


def hub() -> Hub:
    """The hub of the running event loop."""
    return _hubs.setdefault(asyncio.get_running_loop(), Hub())
