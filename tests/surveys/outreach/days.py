"""Calendar time: the clock stands, is moved day by day, and whatever runs by the clock runs on each of these days.

`with days.happens(): …` is a deed: it commits, and the jobs it nudges run. `days.to(7)` is ten o'clock on the seventh
day; on each day on the way the sweeps have run.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

from django.utils import timezone
from django.utils.module_loading import import_string

from config import cron

CALLS = {
    "crm.jobs.bring_along", "surveys.jobs.keep_calls", "surveys.jobs.sweep_follow_ups", "surveys.jobs.write_instead",
    "surveys.jobs.watch_requests", "surveys.jobs.settle_loops", "surveys.jobs.tell_improvements",
}  # fmt: skip
BY_THE_CLOCK = [job for job in cron.EVERY if job in CALLS]  # what nobody hooked in does not run here either
OURS = ("surveys.", "cases.")
WEDNESDAY = datetime(2026, 3, 4, 10, tzinfo=UTC)


class _Kind(type):
    def __instancecheck__(cls, value: object) -> bool:
        return isinstance(value, datetime)


def stop_clock(monkeypatch: Any, now: Any) -> None:
    """Django's clock says what `now()` says, to models' defaults as well. The database's own goes on."""

    class Stopped(datetime, metaclass=_Kind):
        @classmethod
        def now(cls, tz: Any = None) -> datetime:
            return now().astimezone(tz)

    monkeypatch.setattr(timezone, "datetime", Stopped)


class Days:
    """Day 0 is a Wednesday. `lost`: no nudge arrives, so that all is left to the sweeps."""

    def __init__(self, monkeypatch: Any, nudges: list[tuple[Any, ...]], commit: Any, lost: bool = False) -> None:
        self.now, self.nudges, self.commit, self.lost = WEDNESDAY, nudges, commit, lost
        stop_clock(monkeypatch, lambda: self.now)

    @property
    def day(self) -> int:
        return (self.now.date() - WEDNESDAY.date()).days

    def on(self, day: int, hour: int = 10) -> datetime:
        return (WEDNESDAY + timedelta(days=day)).replace(hour=hour)

    @contextmanager
    def happens(self) -> Iterator[None]:
        with self.commit(execute=True):
            yield
        while self.nudges:
            job, *facts = self.nudges.pop(0)
            if job.startswith(OURS) and not self.lost:
                self._run(job, *facts)

    def to(self, day: int, hour: int = 10) -> None:
        assert self.on(day, hour) > self.now, "It goes forward only"
        while self.day < day - 1:
            self.now = self.on(self.day + 1, hour)
            self.sweep()
        self.leap(day, hour)

    def leap(self, day: int, hour: int = 10) -> None:
        """With nothing run on the way, as after days without current."""
        self.now = self.on(day, hour)
        self.sweep()

    def sweep(self) -> None:
        for job in BY_THE_CLOCK:
            with self.happens():
                self._run(job)

    def _run(self, job: str, *facts: Any) -> None:
        with self.commit(execute=True):
            import_string(job)(*facts)
