"""The whole desk at a glance: what waits, what is at risk, who is on what, and how arrivals and answers go.

Each figure is defined here and nowhere else. "Waiting" are cases that need us; a promise is at risk from its own
threshold on and broken from its end on, by the next promise of each case.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from urllib.parse import urlencode

import redis
from django.db.models import Count, Min, Q
from django.db.models.functions import TruncHour
from django.urls import reverse
from django.utils import timezone

from cases.models import Case
from channels_app import presence
from channels_app.models import Channel, Message
from crm.models import Absence, Team, User

HOURS = 24


@dataclass
class Line:
    """One channel or team; also the sum of all."""

    name: str
    query: dict[str, str | int]
    waiting: int = 0
    untaken: int = 0
    at_risk: int = 0
    broken: int = 0
    oldest: datetime | None = None

    def add(self, waiting: int, untaken: int, at_risk: int, broken: int, oldest: datetime) -> None:
        self.waiting += waiting
        self.untaken += untaken
        self.at_risk += at_risk
        self.broken += broken
        self.oldest = min(self.oldest or oldest, oldest)

    def url(self, **more: str) -> str:
        """The queue under this line's filter and `more`."""
        return f"{reverse('cases:queue')}?{urlencode({**self.query, **more})}"

    @property
    def waiting_url(self) -> str:
        return self.url()

    @property
    def untaken_url(self) -> str:
        return self.url(owner="nobody")

    @property
    def at_risk_url(self) -> str:
        return self.url(promise="at_risk")

    @property
    def broken_url(self) -> str:
        return self.url(promise="broken")


@dataclass
class Standing:
    """How the desk stands: in all, by channel and by team, the most pressing first."""

    total: Line
    channels: list[Line]
    teams: list[Line]


def standing(now: datetime) -> Standing:
    """Three queries: the counts by channel and team, and the names of both."""
    channels = {pk: Line(name, {"channel": pk}) for pk, name in Channel.objects.values_list("pk", "name")}
    teams = {pk: Line(name, {"team": pk}) for pk, name in Team.objects.in_use().values_list("pk", "name")}
    total = Line("", {})
    for channel, team, waiting, untaken, at_risk, broken, oldest in _counts(now):
        for line in (total, channels.get(channel), teams.get(team)):
            if line:
                line.add(waiting, untaken, at_risk, broken, oldest)
    return Standing(total, _pressing(channels.values()), _pressing(teams.values()))


def _counts(now: datetime) -> Iterable[tuple[int, int, int, int, int, int, datetime]]:
    """(channel, team, waiting, untaken, at risk, broken, oldest), for each pair of which something waits."""
    return (
        Case.objects.needing_us()
        .order_by()
        .values_list("channel", "team")
        .annotate(
            waiting=Count("team"),
            untaken=Count("team", filter=Q(owner=None)),
            at_risk=Count("team", filter=Q(risk_at__lte=now, due_at__gt=now)),
            broken=Count("team", filter=Q(due_at__lte=now)),
            oldest=Min("waiting_since"),
        )
    )


def _pressing(lines: Iterable[Line]) -> list[Line]:
    return sorted(lines, key=lambda line: (-line.broken, -line.at_risk, -line.waiting, line.name))


# --- who is on


@dataclass
class Person:
    """`doing` is "typing", "viewing", "here" or "" for who has no page open; `case` is what they look at."""

    user: User
    open: int = 0
    doing: str = ""
    case: int = 0
    away_until: datetime | None = None
    teams: list[str] = field(default_factory=list)


def people(now: datetime) -> list[Person]:
    """Who may answer: those who are on first. Three queries and one question to Redis."""
    users = User.objects.who_answer().prefetch_related("teams").order_by("first_name", "last_name", "username")
    owned = Case.objects.unresolved().exclude(owner=None).order_by().values_list("owner").annotate(n=Count("*"))
    counts = dict(owned)
    away = dict(
        Absence.objects.filter(starts_at__lte=now, ends_at__gt=now, ended_at=None).values_list("user", "ends_at")
    )
    here = _here()
    found = [
        Person(
            user, counts.get(user.pk, 0), here.get(user.pk, {}).get("doing", ""), here.get(user.pk, {}).get("case", 0),
            away.get(user.pk), [team.name for team in user.teams.all()],
        )
        for user in users
    ]  # fmt: skip
    return sorted(found, key=lambda person: (not person.doing, person.away_until is not None))


def _here() -> dict[int, presence.Person]:
    try:
        return presence.who_is_on()
    except (redis.RedisError, OSError):
        return {}  # the page says nothing of who is on rather than nothing at all


# --- arrivals and answers


@dataclass(frozen=True)
class Hour:
    """What customers wrote and what we answered from `at` on for an hour."""

    at: datetime
    arrived: int
    answered: int


def hours(now: datetime) -> list[Hour]:
    """The last HOURS hours, the running one last, in the reader's time zone. One query."""
    last = timezone.localtime(now).replace(minute=0, second=0, microsecond=0)
    every = [last - timedelta(hours=back) for back in reversed(range(HOURS))]
    counted: dict[datetime, dict[str, int]] = defaultdict(dict)
    said = Message.objects.filter(occurred_at__gte=every[0], occurred_at__lt=now).order_by()
    by_hour = said.annotate(hour=TruncHour("occurred_at")).values_list("hour", "direction").annotate(n=Count("*"))
    for at, direction, count in by_hour:
        counted[at][direction] = count
    return [Hour(at, counted[at].get("in", 0), counted[at].get("out", 0)) for at in every]


@dataclass(frozen=True)
class Bar:
    """One hour as it is drawn: a column for arrivals, a dot for answers, in the units of the picture."""

    hour: Hour
    x: float
    height: float
    dot: float
    named: bool


WIDTH, HEIGHT, STEP = 720, 120, 30


def bars(found: Sequence[Hour]) -> tuple[list[Bar], int]:
    """The picture of `found`, and the figure its full height stands for."""
    most = max((max(hour.arrived, hour.answered) for hour in found), default=0) or 1
    drawn = [
        Bar(
            hour, x=n * STEP, height=round(hour.arrived / most * HEIGHT, 1),
            dot=round(HEIGHT - hour.answered / most * HEIGHT, 1), named=n % 3 == 2,
        )
        for n, hour in enumerate(found)
    ]  # fmt: skip
    return drawn, most
