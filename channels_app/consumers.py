"""The socket to the browser. docs/architecture.md lists what travels on it."""

from __future__ import annotations

import asyncio
import contextlib
from typing import Any

import redis
import structlog
from channels.db import database_sync_to_async
from channels.generic.websocket import AsyncJsonWebsocketConsumer
from django.urls import path

from channels_app import live, presence
from channels_app.hub import Socket, hub
from crm.models import User

log = structlog.get_logger(__name__)

SIGNED_OUT = 4401
MOST_STREAMS = 60


class LiveConsumer(AsyncJsonWebsocketConsumer):
    """Queries the database only when a page begins to follow something; what is told is rendered by who changed it."""

    channel_layer_alias = ""  # no channel of its own: the hub listens for all, and a line outlives a Redis that is away

    async def connect(self) -> None:
        self.user: User = self.scope["user"]
        self.socket, self.pump, self.at_case = Socket(), None, 0
        await self.accept()
        if not self.user.is_authenticated or not self.user.is_active:
            await self.close(SIGNED_OUT)
            return
        await hub().listen()
        self.pump = asyncio.create_task(self._pump())

    async def disconnect(self, code: int) -> None:
        if self.pump:
            self.pump.cancel()
            with contextlib.suppress(asyncio.CancelledError, Exception):  # it may have ended on a broken line already
                await self.pump
            if self.at_case:
                await self._say(self.at_case, "gone")
            hub().leave_all(self.socket)

    async def _pump(self) -> None:
        while True:
            line = await self.socket.queue.get()
            await (self.send(text_data=line) if isinstance(line, str) else self.send_json(line))

    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None, **kwargs: Any) -> None:
        await super().receive(text_data=text_data or "null", **kwargs)  # bytes are nothing we know

    async def receive_json(self, content: Any, **kwargs: Any) -> None:
        match content:
            case {"do": "follow", "streams": dict(streams)} if len(streams) <= MOST_STREAMS:
                for stream, since in streams.items():
                    await self._follow(str(stream), since if isinstance(since, int) else -1)
            case {"do": "leave", "streams": list(streams)}:
                for stream in self.socket.streams & {str(s) for s in streams}:
                    hub().leave(self.socket, stream)
            case {"do": "here", "case": int(case), "doing": "viewing" | "typing" | "gone" as doing}:
                if f"case:{case}" in self.socket.streams:
                    await self._here(case, doing)
            case {"do": "on"}:
                with contextlib.suppress(redis.RedisError, OSError):  # said again in some seconds
                    await asyncio.to_thread(presence.on, self.user)
            case _:
                await self.send_json({"do": "unknown"})

    @classmethod
    async def decode_json(cls, text_data: str) -> Any:
        with contextlib.suppress(ValueError, RecursionError):
            return await super().decode_json(text_data)
        return None

    async def _follow(self, stream: str, since: int) -> None:
        full = len(self.socket.streams) >= MOST_STREAMS and stream not in self.socket.streams
        if full or not await database_sync_to_async(live.may_follow)(self.user, stream):
            self.socket.put({"do": "refused", "stream": stream})
            return
        hub().follow(self.socket, stream)  # first, so that nothing falls between; the page drops what it has already
        newest, missed = await database_sync_to_async(live.follow)(stream, since)
        hub().stands_at(stream, newest)
        if missed is None:
            self.socket.put({"do": "resync", "stream": stream, "number": newest})
        for told in missed or []:
            self.socket.put(told)
        self.socket.put({"do": "followed", "streams": {stream: newest}})

    async def _here(self, case: int, doing: str) -> None:
        if self.at_case not in (0, case):
            await self._say(self.at_case, "gone")
        self.at_case = 0 if doing == "gone" else case
        await self._say(case, doing)

    async def _say(self, case: int, doing: str) -> None:
        teams = [stream for stream in self.socket.streams if stream.startswith("team:")]
        try:
            people = await asyncio.to_thread(presence.note, case, self.user, doing)
            await hub().send_all([f"case:{case}", *teams], {"do": "presence", "case": case, "people": people})
        except (redis.RedisError, OSError) as error:
            log.warning("nobody was told who is here", error=type(error).__name__)


websocket_urlpatterns = [path("ws/live/", LiveConsumer.as_asgi())]
