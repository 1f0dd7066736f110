"""Files of believable posts: the simulated customers' past, with the blemishes files have."""

from __future__ import annotations

import csv
from collections import defaultdict
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from typing import Any

from channels_app.simulation.history import history

COLUMNS = ("tweet_id", "author", "name", "text", "created_at", "in_reply_to", "to", "inbound", "dump")
MAP = "id=tweet_id,author=author,name=name,text=text,at=created_at,reply_to=in_reply_to,to=to"
OURS = "inbound=False"
LATE, REPEATED, UNREADABLE = 0.05, 0.03, 0.01  # shares of the posts
LATER_BY = 700  # rows: more than a batch, so that answers arrive before what they answer

Event = dict[str, Any]


@dataclass(frozen=True)
class Posts:
    """What was said, and what must become of it: each id one message, each conversation one case."""

    events: list[Event]

    @property
    def ids(self) -> list[str]:
        return sorted(event["id"] for event in self.events)

    @property
    def conversations(self) -> set[frozenset[str]]:
        threads = defaultdict(set)
        for event in self.events:
            threads[event["thread"]].add(event["id"])
        return {frozenset(ids) for ids in threads.values()}


@dataclass(frozen=True)
class PostsFile(Posts):
    """The same as a file, with rows that stand there twice and rows nobody can read."""

    path: Path
    rows: int
    repeated: int
    unreadable: int


def said(count: int, *, seed: int = 1) -> Posts:
    """That many posts of a month: customers' and ours, in conversations of one to seven."""
    told = history(seed, datetime(2026, 10, 31, 18, tzinfo=UTC), 30, count * 2)
    return Posts([event for event in told if event["kind"] == "message"][:count])


def write(path: Path, count: int, *, seed: int = 1, dump: int = 0) -> PostsFile:
    """`dump`: characters of a column nobody asked for, as exports have them; it makes the file slow to read."""
    posts, chance = said(count, seed=seed), Random(seed)
    rows = [{**_row(event), "dump": '{"retweets": 0} ' * (dump // 16)} for event in _out_of_order(posts.events, chance)]
    repeated = chance.sample(rows, int(count * REPEATED))
    unreadable = [
        {**row, "tweet_id": f"x{n}", "created_at": "some day"} for n, row in enumerate(rows[: int(count * UNREADABLE)])
    ]
    for row in [*repeated, *unreadable]:
        rows.insert(chance.randrange(len(rows)), row)
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, COLUMNS)
        writer.writeheader()
        writer.writerows(rows)
    return PostsFile(posts.events, path, len(rows), len(repeated), len(unreadable))


def _out_of_order(events: list[Event], chance: Random) -> list[Event]:
    places = [index + (LATER_BY if chance.random() < LATE else 0) for index in range(len(events))]
    return [event for _, event in sorted(zip(places, events, strict=True), key=lambda pair: pair[0])]


def _row(event: Event) -> dict[str, str]:
    ours = event["ours"]
    return {
        "tweet_id": event["id"], "author": "" if ours else event["author"]["key"],
        "name": "" if ours else event["author"]["name"], "text": event["text"], "created_at": event["at"],
        "in_reply_to": event["parent"], "to": event["to"], "inbound": str(not ours),
    }  # fmt: skip
