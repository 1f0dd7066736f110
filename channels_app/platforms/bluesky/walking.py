"""Reading on where we stopped, though the network tells the newest first.

Notifications come newest first, and their cursor leads back in time. So we go back to where we have been (`mark`),
note the places we passed (`stops`), and give what is there from the lowest up, oldest first. The page on top is not
among the stops, since it moves while we read: it is looked at again last, down to where it ended at first (`top`).

Two things come late or twice. A post is dated by the program that wrote it if that is earlier, so a new one may stand
below the mark: the last minutes are read again (`OVERLAP`), and once an hour the last day (`DEEP`), for who was cut
off. What was given already is left out (`seen`), and so is what lies below all that is remembered (`forgot`). And
several may have the same millisecond, of which a cursor skips those it did not show: it is put one millisecond on, and
pages are as large as they can be, however few are wanted.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import islice

from channels_app.platforms.base import Json
from channels_app.platforms.bluesky.names import key_at, moment_of, place

BACKFILL = timedelta(days=7)  # read when an account is connected
OVERLAP = timedelta(minutes=15)
DEEP, DEEP_EVERY = timedelta(days=1), timedelta(hours=1)
STEPS = 20  # pages asked for in one call
MOST_SEEN = 1000
TICK = timedelta(milliseconds=1)
EARLIEST, LATEST = datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)
MOMENTS, IF_ANY = ("mark", "own", "late", "forgot", "deep"), ("floor", "top", "begun")  # of `Progress`
Dated = tuple[datetime, Json]


@dataclass(frozen=True, slots=True)
class Layer:
    """One page of the network; `below` leads to the next, empty at the end."""

    items: Sequence[Dated]
    below: str


Ask = Callable[[str], Layer]


@dataclass
class Progress:
    """Where the reading is. `own` is the moment up to which our own posts are read; `floor` how far to go down now, and
    `top` from where up it is done next, after the stops; None: from a while before the mark. Of what is older than
    `late` nothing is given, nor than `forgot`: of that it is not known any more whether it was. `deep` is when the
    whole last day was read last, `begun` when that was begun which is not through.
    """

    mark: datetime
    own: datetime
    seen: dict[str, int] = field(default_factory=dict)  # seconds since 1970
    stops: list[str] = field(default_factory=list)
    floor: datetime | None = None
    top: datetime | None = None
    late: datetime = EARLIEST
    forgot: datetime = EARLIEST
    deep: datetime = EARLIEST
    begun: datetime | None = None

    @classmethod
    def at(cls, cursor: Json, now: datetime) -> Progress:
        """{} is a new account: the last days are read, no more."""
        if not cursor:
            start = now - BACKFILL
            return cls(start, start, forgot=start - OVERLAP, deep=now)
        at = {name: datetime.fromisoformat(cursor[name]) for name in (*MOMENTS, *IF_ANY) if cursor[name]}
        return cls(**at, seen=dict(cursor["seen"]), stops=list(cursor["stops"]))

    def cursor(self) -> Json:
        self._forget()
        at = {name: getattr(self, name) for name in (*MOMENTS, *IF_ANY)}
        said = {name: moment.isoformat() if moment else "" for name, moment in at.items()}
        return {**said, "seen": self.seen, "stops": self.stops}

    def _forget(self) -> None:
        still_read = (min(self.mark, self.own) - DEEP).timestamp() - 1
        newest = sorted(((at, what) for what, at in self.seen.items()), reverse=True)
        kept = [(at, what) for at, what in newest[:MOST_SEEN] if at >= still_read]
        if dropped := newest[len(kept) :]:
            self.forgot = max(self.forgot, datetime.fromtimestamp(dropped[0][0] + 1, UTC))
        self.seen = {what: at for at, what in kept}

    def begin(self, now: datetime) -> None:
        """From the top again. A clock of ours that was set back does not put off the whole day."""
        whole_day = not self.deep <= now < self.deep + DEEP_EVERY
        self.late = self.mark - (DEEP if whole_day else OVERLAP)
        self.begun = now if whole_day else None

    def end(self) -> None:
        """Nothing is left."""
        self.deep, self.begun = self.begun or self.deep, None

    @property
    def depth(self) -> datetime:
        """How far down anything is given. The last minutes before the mark are, whatever was forgotten."""
        return max(self.late, min(self.forgot, self.mark - OVERLAP))

    def new(self, items: Iterable[Dated], late: datetime, limit: int | None = None) -> list[Dated]:
        """The first `limit` of those since `late` that were not given before; from now on they were."""
        unseen = {digest(item): (at, item) for at, item in items if at >= late and digest(item) not in self.seen}
        given = dict(islice(unseen.items(), limit))
        self.seen |= {what: int(at.timestamp()) for what, (at, _) in given.items()}
        return list(given.values())


def digest(item: Json) -> str:
    """Another cid is another post: an edit is told anew."""
    return hashlib.sha256(f"{item.get('uri')} {item.get('cid')}".encode("utf-8", "replace")).hexdigest()[:12]


def notified(progress: Progress, ask: Ask, *, limit: int, now: datetime) -> tuple[list[Dated], bool]:
    """The next of what we were told, oldest first, and whether there is more. Pages with nothing new are passed."""
    for _step in range(STEPS):
        going_down = progress.floor is not None or not progress.stops
        at, layer = _lowest(progress, ask, now) if going_down else (progress.stops[-1], ask(progress.stops[-1]))
        if layer is None:
            return [], True
        found = _given(progress, at, layer, limit)
        more = bool(progress.stops) or progress.top is not None or len(found) >= limit
        if not more:
            progress.end()
        if found or not more:
            return found, more
    return [], True


def _given(progress: Progress, at: str, layer: Layer, limit: int) -> list[Dated]:
    found = progress.new(layer.items[::-1], progress.depth, limit)
    progress.mark = max([progress.mark, *(at for at, _ in found)])
    if at and len(found) < limit:  # nothing of this page is left
        progress.stops.remove(at)
    return found


def _lowest(progress: Progress, ask: Ask, now: datetime) -> tuple[str, Layer | None]:
    """The page that reaches the floor, and where it is; the way there becomes stops. None: it lies further down."""
    if progress.floor is None:
        if progress.top is None:
            progress.begin(now)
        progress.floor, progress.top = progress.top or progress.depth, None
    at = progress.stops[-1] if progress.stops else ""
    for _step in range(STEPS):
        layer = ask(at)
        if not layer.below or layer.below == at or _end(layer) <= progress.floor:
            progress.floor = None
            return at, layer
        progress.top = progress.top if at else _end(layer)
        at = _overlapping(layer.below, at)
        progress.stops.append(at)
    return at, None


def _end(layer: Layer) -> datetime:
    """How far back a page goes. One of which nothing was for us says it by its cursor, if at all."""
    told = [at for at, _ in layer.items[-1:]] + [at for at in [_moment(layer.below)] if at]
    return min(told, default=LATEST)


def _overlapping(below: str, at: str) -> str:
    """So that what has the same millisecond as the last of a page is on the next; unless that leads nowhere."""
    moment = _moment(below)
    if moment is None:
        return below
    again = (moment + TICK).astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return below if at and again >= at else again


def _moment(cursor: str) -> datetime | None:
    try:
        found = datetime.fromisoformat(cursor)
    except ValueError:
        return None
    return found if found.tzinfo else None


def own(progress: Progress, ask: Ask, *, limit: int, now: datetime) -> tuple[list[Dated], bool]:
    """Our own posts that Hark did not send, oldest first. Here `ask` goes on in time, by their keys (`names`)."""
    since, at = progress.own, key_at(progress.own - OVERLAP)
    found: list[Dated] = []
    for _step in range(STEPS):
        layer = ask(at)
        found += progress.new(layer.items, since - OVERLAP, limit - len(found))
        all_read = not layer.below or layer.below == at
        if all_read or len(found) >= limit:
            break
        at = layer.below
    more = len(found) >= limit or not all_read
    progress.own = _reached(found, since if more else max(since, progress.mark), now)
    return found, more


def _reached(found: Iterable[Dated], since: datetime, now: datetime) -> datetime:
    """By the network's clocks: neither a key from one ahead, nor ours, may lead past what others write meanwhile."""
    return max([min(since, now), *(at for at, _ in found if at <= now)])


def hits(progress: Progress, ask: Ask, *, limit: int) -> tuple[list[Dated], bool]:
    """What a search finds, oldest first. Its cursor counts hits, so it cannot be kept: each time it begins on top, and
    what lies deeper than `STEPS` pages is passed over.
    """
    found: list[Dated] = []
    at = ""
    for _step in range(STEPS):
        layer = ask(at)
        found += layer.items
        if not layer.below or layer.below == at or _end(Layer(layer.items, "")) < progress.mark - OVERLAP:
            break
        at = layer.below
    found.sort(key=lambda dated: dated[0])
    given = progress.new(found, progress.mark - OVERLAP, limit)
    progress.mark = progress.own = max([progress.mark, *(at for at, _ in given)])
    return given, len(given) >= limit


def by_key(record: Json) -> Dated | None:
    """A record of ours with the moment of its key; None where it is no key that tells one."""
    where = place(record.get("uri"))
    at = moment_of(where.key) if where else None
    return (at, record) if at else None
