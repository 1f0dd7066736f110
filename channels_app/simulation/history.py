"""What happened before the demo begins: past threads, most of them answered, at believable times of day."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from random import Random
from typing import Any

from .chance import chance
from .conversation import Act, Conversation, after_act, particulars, seconds_until, words
from .people import Person, cast
from .stories import BRAND, Kind, Story, fill, in_language, phrases_in
from .world import as_event, iso

Json = dict[str, Any]

HOURS = (2, 1, 1, 1, 2, 6, 12, 18, 17, 12, 10, 10, 11, 10, 10, 12, 16, 19, 18, 14, 11, 9, 6, 4)  # how busy each is, UTC
LATELY = timedelta(hours=6)  # what began within it is mostly still open

# Which turns a thread may take after the first post: customers' acts and Skylark's replies, with how often.
ASK, FIX, PHRASE = "ask", "fix", "phrase"
Plans = tuple[tuple[int, tuple[str, ...]], ...]
SOLVED: Plans = (
    (30, (ASK, Act.EXPLAINS, FIX, Act.THANKS)),
    (20, (FIX, Act.THANKS)),
    (14, (Act.INSISTS, ASK, Act.EXPLAINS, FIX, Act.THANKS)),
    (9, (PHRASE, Act.PROTESTS, FIX, Act.THANKS)),
    (7, (PHRASE, Act.PROTESTS, Act.INSISTS, ASK, Act.EXPLAINS, FIX, Act.THANKS)),
    (6, (ASK,)),
    (3, (Act.INSISTS, Act.INSISTS)),
)
OPEN: Plans = (
    (8, ()),
    (4, (ASK, Act.EXPLAINS)),
    (4, (Act.INSISTS,)),
    (2, (Act.INSISTS, Act.INSISTS)),
    (2, (PHRASE, Act.PROTESTS)),
    (1, (ASK,)),
)
PRAISED: Plans = ((5, (FIX, Act.CHEERS)), (4, (FIX,)), (1, ()))
SIGNED = ("Jo", "Amir", "Lena", "Priya", "Tom", "Sol")


def history(seed: int, until: datetime, days: int, posts: int) -> list[Json]:
    """Exactly `posts` events of the `days` before `until` (aware), oldest first, in the shape of GET /events.

    Ids begin with "h" and the seed and never meet those of the living world. Threads that reach `until` stop there,
    so the newest ones still wait for an answer. The same arguments give the same posts.
    """
    rows: list[Json] = []
    number = 0
    while len(rows) < posts:
        number += 1
        rows += _thread(seed, number, until, days)[: posts - len(rows)]
    rows.sort(key=lambda row: (row["at"], row["id"]))
    return [as_event({**row, "seq": seq}) for seq, row in enumerate(rows, start=1)]


def _thread(seed: int, number: int, until: datetime, days: int) -> list[Json]:
    rng = chance(seed, "history", number)
    person = rng.choice(cast())
    choice = in_language(person.language)
    story = rng.choices(choice, [story.weight for story in choice])[0]
    at = _moment(rng, until, days)
    teller = _Teller(seed, f"h{seed}-{number:05d}", person, story, at)
    for step in (Act.OPENS, *_plan(story, until - at, rng)):
        teller.tell(step)
    return [row for row in teller.rows if row["at"] <= iso(until)]


def _plan(story: Story, age: timedelta, rng: Random) -> tuple[str, ...]:
    plans = PRAISED if story.kind is Kind.PRAISE else SOLVED
    if plans is SOLVED and age < LATELY and rng.random() < 0.7:
        plans = OPEN
    return rng.choices([steps for _, steps in plans], [weight for weight, _ in plans])[0]


def _moment(rng: Random, until: datetime, days: int) -> datetime:
    """A time in the last `days` days before `until`: people write when they travel."""
    if rng.random() < 0.25:
        return until - LATELY * rng.random()  # enough for today's queue, however long the past is
    start = until - timedelta(days=days)
    day = start + timedelta(days=rng.randrange(days + 1))
    hour = rng.choices(range(24), HOURS)[0]
    at = day.replace(hour=hour, minute=rng.randrange(60), second=rng.randrange(60), microsecond=0)
    return at if start <= at <= until else _moment(rng, until, days)


class _Teller:
    """Writes one thread down, step by step."""

    def __init__(self, seed: int, thread: str, person: Person, story: Story, at: datetime) -> None:
        self.seed = seed
        self.person = person
        self.story = story
        self.at = at
        self.talk = Conversation(f"{thread}-00", person.handle, story.key, "", at.timestamp())
        self.rows: list[Json] = []

    def tell(self, step: str) -> None:
        rng = chance(self.seed, self.talk.thread, len(self.rows))
        if step in (ASK, FIX, PHRASE):
            self._reply(step, rng)
        elif step != Act.INSISTS or self.talk.insisted < len(self.story.ignored):
            self._act(Act(step), rng)

    def _act(self, act: Act, rng: Random) -> None:
        if self.rows:
            self.at += timedelta(seconds=seconds_until(act, self.talk, self.person, rng) * rng.uniform(2, 12))
        text = words(self.talk, act, self.story, self.person, self.seed, rng)
        self._add(act, text, self.person.handle)
        self.talk = after_act(self.talk, act, self.story, self.person, rng)

    def _reply(self, step: str, rng: Random) -> None:
        self.at += timedelta(minutes=rng.lognormvariate(2.6, 0.8))
        choice = {ASK: self.story.asks, FIX: self.story.fixes, PHRASE: phrases_in(self.story.language).phrases}[step]
        sentence = rng.choice(choice)
        self.talk = replace(self.talk, heard=sentence)
        self._add(
            Act.REPLY, f"{fill(sentence, particulars(self.talk, self.story, self.seed))} ^{rng.choice(SIGNED)}", BRAND
        )

    def _add(self, act: Act, text: str, author: str) -> None:
        post_id = f"{self.talk.thread[:-3]}-{len(self.rows):02d}"
        common = {"thread": self.talk.thread, "parent": self.talk.last_id, "story": self.story.key, "kind": "message"}
        ours = author == BRAND
        who = {"author": author, "ours": int(ours), "recipient": self.person.handle if ours else "", "key": ""}
        who["language"] = self.person.language
        self.rows.append({"id": post_id, "act": act, "text": text, "at": iso(self.at), **common, **who})
        self.talk = replace(self.talk, last_id=post_id)
