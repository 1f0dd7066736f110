"""What a channel promises, as plain values, and how a clock runs under it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

import structlog

from cases.models import Clock
from channels_app.models import ChannelPromise
from channels_app.platforms import registry
from crm import hours
from crm.hours import ALWAYS, Hours, NeverOpen

log = structlog.get_logger(__name__)
MINUTE = 60


@dataclass(frozen=True)
class Terms:
    """By kind of clock: (promised, warned before its end), in seconds of `hours`."""

    hours: Hours
    spans: dict[str, tuple[int, int]]

    def new(self, case: int, kind: str, at: datetime) -> Clock:
        """A clock that has not run yet."""
        promised, warned = self.spans[kind]
        return Clock(case_id=case, kind=kind, promised=promised, warned=warned, started_at=at)

    def run(self, clock: Clock, since: datetime) -> None:
        """It runs from `since` on. One that is broken stays due when it was broken."""
        left = clock.promised - clock.spent
        clock.running_since = since
        clock.due_at = clock.broken_at or self.after(since, max(left, 0))
        clock.risk_at = min(self.after(since, max(left - clock.warned, 0)), clock.due_at)

    def pause(self, clock: Clock, at: datetime) -> None:
        """It has run until `at`; past its end it is broken."""
        if clock.running_since is None or clock.due_at is None:
            return
        at = max(at, clock.running_since)
        clock.spent += self.between(clock.running_since, at)
        if at > clock.due_at:
            clock.broken_at = clock.broken_at or clock.due_at
        clock.running_since = clock.due_at = clock.risk_at = None

    def end(self, clock: Clock, at: datetime, *, kept: bool) -> None:
        """It is over: broken where it was past its end, kept where we did what was promised, else dropped."""
        self.pause(clock, at)
        clock.ended_at = max(at, clock.started_at)
        how = Clock.End.KEPT if kept else Clock.End.DROPPED
        clock.end = Clock.End.BROKEN if clock.broken_at else how

    def after(self, start: datetime, seconds: int) -> datetime:
        """A calendar that lost its hours must not stop the desk: then every second counts, and the log says so."""
        try:
            return hours.after(self.hours, start, seconds)
        except NeverOpen:
            log.warning("a promise has no hours: reckoned day and night", calendar=self.hours.name)
            return hours.after(ALWAYS, start, seconds)

    def between(self, start: datetime, end: datetime) -> int:
        return hours.between(self.hours, start, end)


def of_channels(channels: Mapping[int, str]) -> dict[int, Terms]:
    """By channel, of channels with their platforms; two queries.

    A channel without a row promises what the defaults say where we can reply, and else nothing.
    """
    promises = {promise.channel_id: promise for promise in ChannelPromise.objects.filter(channel__in=channels)}
    for channel, platform in channels.items():
        if channel not in promises and registry.capabilities(platform).can_reply:
            promises[channel] = ChannelPromise(channel_id=channel)
    calendars = hours.load(promise.calendar_id for promise in promises.values() if promise.calendar_id)
    return {channel: _terms(promise, calendars) for channel, promise in promises.items()}


def _terms(promise: ChannelPromise, calendars: dict[int, Hours]) -> Terms:
    spans = {
        Clock.Kind.ACKNOWLEDGE: (promise.acknowledge_minutes, promise.acknowledge_warn),
        Clock.Kind.ANSWER: (promise.answer_minutes, promise.answer_warn),
        Clock.Kind.RESOLVE: (promise.resolve_minutes, promise.resolve_warn),
    }
    found = calendars.get(promise.calendar_id or 0, ALWAYS)
    return Terms(found, {kind: (last * MINUTE, warn * MINUTE) for kind, (last, warn) in spans.items()})
