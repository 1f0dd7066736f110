"""Many agents with their queues open, and how long a change takes to reach them: the clients, and who makes changes.

The clients speak to a real web process over real sockets. A change is an agent taking a case; its moment is that of its
commit. What is drawn in a browser after that is the browser's own.
"""

from __future__ import annotations

import asyncio
import functools
import itertools
import json
import random
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import websockets
from django.conf import settings
from django.contrib.auth.hashers import make_password
from django.db import transaction

from cases import assignment
from cases.models import Case
from channels_app import live
from config.serving import session
from crm.models import Membership, Team, User

AT_ONCE = 25  # lines that are opened together


@dataclass
class Heard:
    """What one client got. `numbers` are those of each stream, in the order they came."""

    numbers: dict[str, list[int]] = field(default_factory=lambda: defaultdict(list))
    at: dict[int, float] = field(default_factory=dict)  # case → when its event came
    resyncs: int = 0

    def gaps(self) -> int:
        """How often a page would have to ask for what it missed: a number came before the one that precedes it."""
        return sum(1 for _stream, last, number in self._steps() if number > last + 1)

    def twice(self) -> int:
        """How many events came that a page had already, and drops: the hub makes up for what is still on the wire."""
        return sum(1 for _stream, last, number in self._steps() if number <= last)

    def _steps(self) -> Iterator[tuple[str, int, int]]:
        """Each number, with the highest that came before it on its stream."""
        for stream, got in self.numbers.items():
            yield from zip(itertools.repeat(stream), itertools.accumulate(got, max), got[1:], strict=False)


def crowd(agents: int, teams: int, changes: int) -> tuple[list[User], list[int]]:
    """So many agents in so many teams, and as many cases of theirs that nobody has. Made, or made ready."""
    groups = [Team.objects.get_or_create(name=f"Live {n}")[0] for n in range(1, teams + 1)]
    password = make_password(None)
    names = [f"live-{n}" for n in range(agents)]
    known = set(User.objects.filter(username__in=names).values_list("username", flat=True))
    User.objects.bulk_create([User(username=name, password=password) for name in names if name not in known])
    users = list(User.objects.filter(username__in=names).order_by("pk"))
    Membership.objects.filter(user__in=users).delete()
    Membership.objects.bulk_create([Membership(user=user, team=groups[n % teams]) for n, user in enumerate(users)])
    cases = list(Case.objects.filter(state=Case.State.NEW).order_by("-pk").values_list("pk", flat=True)[:changes])
    for n, team in enumerate(groups):
        Case.objects.filter(pk__in=cases[n::teams]).update(team=team)
    return users, cases


def make_changes(cases: Sequence[int], rate: float, told: Path) -> None:
    """Take each case, `rate` a second, and write down when each was committed: {case: seconds since 1970}."""
    moments: dict[int, float] = {}
    people = defaultdict(list)
    for membership in Membership.objects.filter(team__name__startswith="Live ").select_related("user"):
        people[membership.team_id].append(membership.user)
    chance, began = random.Random(1), time.monotonic()
    for n, case in enumerate(Case.objects.filter(pk__in=cases)):
        time.sleep(max(0.0, began + n / rate - time.monotonic()))
        with transaction.atomic():
            transaction.on_commit(functools.partial(_note, moments, case.pk))
            assignment.take(case=case, by=chance.choice(people[case.team_id]))
    told.write_text(json.dumps(moments))


def _note(moments: dict[int, float], case: int) -> None:
    moments[case] = time.time()


async def listen(url: str, users: Sequence[User], ready: asyncio.Event, done: asyncio.Event) -> list[Heard]:
    """Open every agent's queue; `ready` is set when all follow. Ends when `done` is set."""
    cookies = await asyncio.to_thread(lambda: [session(user) for user in users])
    streams = await asyncio.to_thread(_streams, users)
    gate, following = asyncio.Semaphore(AT_ONCE), asyncio.Semaphore(0)
    clients = [
        asyncio.create_task(_client(url, cookie, followed, gate, following, done))
        for cookie, followed in zip(cookies, streams, strict=True)
    ]
    for _ in clients:
        await following.acquire()
    ready.set()
    return await asyncio.gather(*clients)


def _streams(users: Sequence[User]) -> list[dict[str, int]]:
    teams = dict(Membership.objects.filter(user__in=users).values_list("user", "team"))
    names = {user.pk: [f"team:{teams[user.pk]}", f"user:{user.pk}"] for user in users}
    numbers = live.numbers({name for each in names.values() for name in each})
    return [{name: numbers[name] for name in names[user.pk]} for user in users]


async def _client(
    url: str, cookie: str, streams: dict[str, int], gate: asyncio.Semaphore, following: asyncio.Semaphore,
    done: asyncio.Event,
) -> Heard:  # fmt: skip
    heard = Heard()
    headers = {"Cookie": f"{settings.SESSION_COOKIE_NAME}={cookie}", "Origin": url}
    async with gate:
        line = await websockets.connect(
            url.replace("http", "ws") + "/ws/live/", additional_headers=headers, compression=None, max_queue=None
        )
        await line.send(json.dumps({"do": "follow", "streams": streams}))
    waiting = set(streams)
    ended = asyncio.create_task(done.wait())
    while not done.is_set():
        coming = asyncio.create_task(line.recv())
        await asyncio.wait({coming, ended}, return_when=asyncio.FIRST_COMPLETED)
        if not coming.done():
            coming.cancel()
            break
        _take(heard, json.loads(coming.result()), time.time(), waiting)
        if not waiting and following:
            following.release()
            waiting = {""}  # said once
    await line.close()
    return heard


def _take(heard: Heard, message: dict, at: float, waiting: set[str]) -> None:
    match message["do"]:
        case "event":
            heard.numbers[message["stream"]].append(message["number"])
            if message["kind"] == "case" and message["stream"].startswith("team:"):
                heard.at[message["data"]["id"]] = at
        case "followed":
            waiting -= set(message["streams"])
        case "resync":
            heard.resyncs += 1


def memory(pid: int) -> float:
    """MB of a process that are in RAM."""
    status = Path(f"/proc/{pid}/status").read_text()
    return int(next(line for line in status.splitlines() if line.startswith("VmRSS")).split()[1]) / 1024
