"""The months of scorecards: whole ones, on the clock of the house."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from django.utils import formats, timezone


@dataclass(frozen=True, order=True)
class Month:
    """From midnight of its first day until midnight of the next month's, on the clock of the house."""

    first: date

    @property
    def start(self) -> datetime:
        return timezone.make_aware(datetime.combine(self.first, time.min), timezone.get_default_timezone())

    @property
    def end(self) -> datetime:
        """The first moment that is no longer in it."""
        return self.after.start

    @property
    def after(self) -> Month:
        return Month((self.first + timedelta(days=31)).replace(day=1))

    @property
    def before(self) -> Month:
        return Month((self.first - timedelta(days=1)).replace(day=1))

    @property
    def key(self) -> str:
        """As it stands in a URL."""
        return f"{self.first:%Y-%m}"

    def __str__(self) -> str:
        return formats.date_format(self.first, "F Y")


def month_of(at: datetime) -> Month:
    return Month(at.astimezone(timezone.get_default_timezone()).date().replace(day=1))


def read(key: str, now: datetime) -> Month:
    """The month of that name; this one where it is none, or none yet."""
    this = month_of(now)
    try:
        asked = Month(datetime.strptime(key, "%Y-%m").date())
    except ValueError:
        return this
    return asked if asked.first.year >= 2000 and asked <= this else this
