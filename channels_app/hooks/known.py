"""Whose address it is: all apps with their secrets and accounts, remembered in this process for some seconds.

What does not fit (a signature, an address, an account) may be newer than what is remembered: then it is read anew, at
most once a second whoever calls how often.
"""

from __future__ import annotations

import asyncio
import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import cast

import structlog
from django.db import DatabaseError

from channels_app.hooks.desk import Desk, once_more
from channels_app.models import App, Credential
from channels_app.platforms import registry
from channels_app.platforms.abilities import Called

log = structlog.get_logger(__name__)

SECONDS, DOUBT_SECONDS = 5.0, 1.0  # how old what is remembered may be: as a rule, and where something does not fit
SPEAKER = {App.Network.META: "facebook", App.Network.X: "x", App.Network.OWN: "own_channel"}  # of several kinds one


class Unknown(Exception):
    """Whose address it is cannot be said just now: the database does not answer."""


@dataclass(frozen=True, slots=True)
class Home:
    """A channel, and whether it takes anything: it may be paused, or disconnected."""

    channel_id: int
    takes: bool


@dataclass
class Caller:
    """An app, and where its accounts are at home, by kind of platform and the network's id of the account."""

    app: App
    homes: Mapping[tuple[str, str], Home] = field(default_factory=dict)

    @cached_property
    def platform(self) -> Called:
        """Raises sealing.CannotOpen."""
        return cast(Called, registry.connect(SPEAKER[App.Network(self.app.network)], self.app.access()))


class Directory:
    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._callers: dict[uuid.UUID, Caller] = {}
        self._read_at = float("-inf")
        self._reading: asyncio.Task[None] | None = None

    async def find(self, hook: uuid.UUID) -> Caller | None:
        """None where the address is nobody's. Raises Unknown."""
        await self._be_no_older_than(SECONDS)
        return self._callers.get(hook) or await self.find_anew(hook)

    async def find_anew(self, hook: uuid.UUID) -> Caller | None:
        """As it stands now, to the second. Raises Unknown where there is nothing to answer by."""
        await self._be_no_older_than(DOUBT_SECONDS)
        found = self._callers.get(hook)
        if found is None and self._age() > DOUBT_SECONDS:
            raise Unknown
        return found

    def forget(self) -> None:
        self._read_at = float("-inf")

    def _age(self) -> float:
        return time.monotonic() - self._read_at

    async def _be_no_older_than(self, seconds: float) -> None:
        """Where the database does not answer, what is remembered goes on being believed."""
        if self._age() <= seconds:
            return
        if self._reading is None or self._reading.done():
            self._reading = asyncio.create_task(self._read())
        await asyncio.shield(self._reading)

    async def _read(self) -> None:
        began = time.monotonic()
        try:
            self._callers = await self._desk.do(lambda: once_more(callers))
        except DatabaseError as error:
            log.warning("the apps of our webhooks cannot be read", error=type(error).__name__)
        else:
            self._read_at = began


def callers() -> dict[uuid.UUID, Caller]:
    """By the end of the webhook's address. Two queries."""
    homes: dict[int, dict[tuple[str, str], Home]] = {}
    held = Credential.objects.filter(app__isnull=False).order_by("channel_id").select_related("channel")
    for one in held.only("app_id", "account", "sealed", "channel__platform", "channel__paused_at"):
        channel = one.channel
        home = Home(channel.pk, takes=channel.paused_at is None and bool(one.sealed))
        homes.setdefault(one.app_id or 0, {})[channel.platform, one.account] = home
    return {app.hook: Caller(app, homes.get(app.pk, {})) for app in App.objects.order_by()}
