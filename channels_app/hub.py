"""One hub per web process: it listens on one layer channel and fans out to its own sockets.

A socket has a bounded queue; a page too slow to empty it is told to ask again, and holds up nobody.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from typing import Any

import structlog
from channels.layers import get_channel_layer

from channels_app.live import HUBS

log = structlog.get_logger(__name__)

QUEUE = 256
Told = dict[str, Any]


class Socket:
    """What the hub knows of one open page."""

    def __init__(self) -> None:
        self.queue: asyncio.Queue[Told] = asyncio.Queue(QUEUE)
        self.streams: set[str] = set()

    def put(self, told: Told) -> None:
        try:
            self.queue.put_nowait(told)
        except asyncio.QueueFull:  # drop what waits: numbers tell the page that it missed something
            while not self.queue.empty():
                self.queue.get_nowait()
            for stream in self.streams:
                self.queue.put_nowait({"do": "resync", "stream": stream, "number": told.get("number", 0)})


class Hub:
    def __init__(self) -> None:
        self._sockets: dict[str, set[Socket]] = defaultdict(set)
        self._task: asyncio.Task[None] | None = None
        self._ready = asyncio.Event()

    async def listen(self) -> None:
        """Start listening, once per process and event loop; returns when news would be heard."""
        if self._task is None or self._task.done():
            self._ready.clear()
            self._task = asyncio.create_task(self._run())
        await asyncio.wait_for(self._ready.wait(), 10)

    def follow(self, socket: Socket, stream: str) -> None:
        socket.streams.add(stream)
        self._sockets[stream].add(socket)

    def leave(self, socket: Socket, stream: str) -> None:
        socket.streams.discard(stream)
        self._sockets[stream].discard(socket)
        if not self._sockets[stream]:
            del self._sockets[stream]

    def leave_all(self, socket: Socket) -> None:
        for stream in list(socket.streams):
            self.leave(socket, stream)

    async def send_all(self, streams: list[str], told: Told) -> None:
        """Tell the followers of `streams`, in every process, something that is not kept."""
        await get_channel_layer().group_send(HUBS, {"type": "passing", "streams": streams, "told": told})

    async def _run(self) -> None:
        layer, name = get_channel_layer(), None
        while True:
            try:
                if name is None:
                    name = await layer.new_channel()
                    renewed = asyncio.get_running_loop().time()
                    await layer.group_add(HUBS, name)
                    self._ready.set()
                message = await asyncio.wait_for(layer.receive(name), 5)
            except TimeoutError:
                # the group is forgotten after a FLUSHALL, and after a day: say again that we are here
                if asyncio.get_running_loop().time() - renewed > 4:
                    name = await self._renew(layer, name)
                continue
            except Exception as error:
                log.warning("live: lost the wire", error=type(error).__name__)
                self._resync_all()
                name = None
                await asyncio.sleep(1)
                continue
            self._fan_out(message)

    async def _renew(self, layer: Any, name: str) -> str | None:
        try:
            await layer.group_add(HUBS, name)
        except Exception:
            return None
        return name

    def _resync_all(self) -> None:
        for stream, sockets in self._sockets.items():
            for socket in sockets:
                socket.put({"do": "resync", "stream": stream, "number": 0})

    def _fan_out(self, message: Told) -> None:
        if message["type"] == "news":
            for event in message["events"]:
                for socket in self._sockets.get(event["stream"], ()):
                    socket.put(event)
        else:
            for socket in {s for stream in message["streams"] for s in self._sockets.get(stream, ())}:
                socket.put(message["told"])


_hubs: dict[asyncio.AbstractEventLoop, Hub] = {}


def hub() -> Hub:
    """The hub of the running event loop."""
    return _hubs.setdefault(asyncio.get_running_loop(), Hub())
