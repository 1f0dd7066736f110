"""`bin/manage measure_drivers --people 30000 --messages 300000`: what drives a wave so many people answered."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from datetime import datetime, timedelta
from random import Random
from statistics import median
from typing import Any
from uuid import uuid4

from django.core.management.base import CommandParser
from django.db import connection, transaction
from django.utils import timezone
from rich.console import Console

from channels_app import naming
from channels_app.models import Channel, Message, Thread
from channels_app.simulation.stories import facts, fill, in_language
from config.filling import FIRST, LAST, MOODS
from crm import copying
from crm.measuring import MeasuringCommand
from crm.models import Customer, Identity, IdentityLink, Team
from surveys import drivers
from surveys.models import Answer, Invitation, Question, Response, Survey, Theme, Topic, Version, Wave
from surveys.segments import Cut

CHUNK = 10_000
TIMES = 5  # each figure is counted so often
UNNAMED = 10_000  # messages on which it is measured how fast they are named
DAY = timedelta(days=1)
CUSTOMER, LINK = "id name created_at known_at", "identity_id customer_id state method"
IDENTITY = "id kind place value handle matched_at"
MESSAGE = (
    "id channel_id external_id thread_id direction identity_id occurred_at read_at routed_at language text sentiment"
    " named_by topics"
)
INVITATION = "id number customer_id version_id wave_id state weight sent_at ended_at expires_at"
RESPONSE, ANSWER = "id invitation_id score started_at finished_at", "id response_id question_id text themed_at"
THEME = "answer_id topic tone suggested"


class Command(MeasuringCommand):
    help = "Measure the page of drivers with so many people and messages of its own; all is rolled back, unless kept."

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("--people", type=int, default=30_000, help="who answered; every third with a comment")
        parser.add_argument("--messages", type=int, default=300_000, help="what they wrote in the months before")
        parser.add_argument("--keep", action="store_true", help="leave it there, in a database kept for measuring")

    def handle(self, *args: Any, **options: Any) -> None:
        people, messages, keep = max(1, options["people"]), options["messages"], options["keep"]
        with nullcontext() if keep else transaction.atomic():
            with Console(stderr=True).status("Writing people and messages …"):
                wave = Crowd(people, messages).write()
            named = _name_the_rest()
            copying.settle()
            self._report(people, messages, wave, named)
            if not keep:
                transaction.set_rollback(True)

    def _report(self, people: int, messages: int, wave: Wave, named: float) -> None:
        rows: list[tuple[str, ...]] = [("", "milliseconds", "queries")]
        figures: dict[str, object] = {"people": people, "messages": messages}
        for source in drivers.Source:
            asked = drivers.Asked(Cut(wave), source)
            took, queries = measured(lambda asked=asked: drivers.drivers(asked))  # type: ignore[misc]
            rows.append((str(source.label), f"{took:,.0f}", str(queries)))
            figures |= {f"{source.name.lower()}_milliseconds": round(took), f"{source.name.lower()}_queries": queries}
        figures["heard"] = drivers.drivers(drivers.Asked(Cut(wave))).heard
        rows.append(("people heard on a topic", f"{figures['heard']:,}", ""))
        figures["named_per_second"] = round(named)
        rows.append(("messages named a second", f"{named:,.0f}", ""))
        self.report(f"What drives {people:,} people, who wrote {messages:,} messages", rows, figures)


def _name_the_rest() -> float:
    """How many a second."""
    there, begin = naming.waiting(), time.perf_counter()
    while naming.catch_up():
        pass
    return there / (time.perf_counter() - begin)


def measured(work: Callable[[], object]) -> tuple[float, int]:
    """The median of its milliseconds, and its statements."""
    asked, took = [0], []

    def count(execute: Any, *rest: Any) -> Any:
        asked[0] += 1
        return execute(*rest)

    with connection.execute_wrapper(count):
        for _each in range(TIMES):
            begin = time.perf_counter()
            work()
            took.append(1000 * (time.perf_counter() - begin))
    return median(took), asked[0] // TIMES


class Crowd:
    """So many people who answered one wave, and wrote so many messages in the half year before."""

    def __init__(self, people: int, messages: int) -> None:
        self.people, self.messages = people, messages
        self.chance, self.now, self.name = Random(7), timezone.now(), f"Measured {uuid4().hex[:8]}"
        self.stories = [story for story in in_language("en") if story.openings]

    def write(self) -> Wave:
        """They answered yesterday, a channel of their own carried what they wrote."""
        wave = self._wave()
        firsts = [copying.reserve(model, self.people) for model in (Customer, Identity, Thread, Invitation, Response)]
        for start in range(0, self.people, CHUNK):
            self._people(range(start, min(start + CHUNK, self.people)), wave, *firsts)
        self._comments(firsts[-1])
        self._messages(firsts[1], firsts[2])
        copying.settle()
        return wave

    def _wave(self) -> Wave:
        team = Team.objects.in_use().first() or Team.objects.create(name="Care")
        self.channel = Channel.objects.create(
            key=self.name.lower().replace(" ", "-"), name=self.name, platform="archive", place=self.name, team=team
        )
        return Wave.objects.create(
            name=self.name, version=self._version(), seed="seven",
            opens_at=self.now - 9 * DAY, closes_at=self.now + 12 * DAY, next_on=(self.now + 180 * DAY).date(),
            state=Wave.State.RUNNING, planned_at=self.now - 9 * DAY,
        )  # fmt: skip

    def _version(self) -> Version:
        survey = Survey.objects.create(name=self.name, kind=Survey.Kind.NPS)
        version = Version.objects.create(survey=survey, number=1, languages=["en"])
        self.why = Question.objects.create(version=version, kind=Question.Kind.TEXT, key="why", position=1)
        return version

    def _people(self, some: range, wave: Wave, *firsts: int) -> None:
        """Each with one address, one conversation, and one answer."""
        who, where, thread, asked, response = firsts
        now, sent, answered = self.now, self.now - 8 * DAY, self.now - DAY
        of, place, chance = (wave.version_id, wave.pk), self.name, self.chance
        names = [f"{chance.choice(FIRST)} {chance.choice(LAST)}" for _n in some]
        copying.write(Customer, CUSTOMER, ((who + n, names[n - some.start], now, now) for n in some))
        handles = ((where + n, "handle", place, f"h{where + n}", f"h{where + n}", now) for n in some)
        copying.write(Identity, IDENTITY, handles)
        copying.write(IdentityLink, LINK, ((where + n, who + n, "confirmed", "import") for n in some))
        copying.write(Thread, "id channel_id external_id", ((thread + n, self.channel.pk, str(n)) for n in some))
        weights = ((asked + n, uuid4(), who + n, *of, "answered", chance.choice((1, 2, 3.5))) for n in some)
        copying.write(Invitation, INVITATION, ((*each, sent, answered, now + DAY) for each in weights))
        scores = ((response + n, asked + n, chance.randint(0, 10), answered, answered) for n in some)
        copying.write(Response, RESPONSE, scores)

    def _comments(self, response: int) -> None:
        """Of every third, about one topic."""
        first, some = copying.reserve(Answer, self.people), range(0, self.people, 3)
        answers = ((first + n, response + n, self.why.pk, "A comment.", self.now) for n in some)
        copying.write(Answer, ANSWER, answers)
        themes = ((first + n, self.chance.choice(Topic.values), self._tone(), True) for n in some)
        copying.write(Theme, THEME, themes)

    def _tone(self) -> str:
        return self.chance.choice(("praise", "criticism", "neutral"))

    def _messages(self, identity: int, thread: int) -> None:
        """Named as they would have been on their way in, but for the first UNNAMED."""
        first, by = copying.reserve(Message, self.messages), naming.namer()
        for start in range(0, self.messages, CHUNK):
            some = range(start, min(start + CHUNK, self.messages))
            rows = [self._message(first + n, identity, thread) for n in some]
            named = naming.topics(by, [(text, "en", mood) for *_, text, mood in rows])
            topics = [("", "") if n < UNNAMED else (by.version, each) for n, each in zip(some, named, strict=True)]
            copying.write(Message, MESSAGE, (row + about for row, about in zip(rows, topics, strict=True)))

    def _message(self, pk: int, identity: int, thread: int) -> tuple[Any, ...]:
        who, at = self.chance.randrange(self.people), self.now - DAY * (1 + 200 * self.chance.random())
        mood, text = self._said(at)
        of = (pk, self.channel.pk, str(pk), thread + who, "in", identity + who)
        return (*of, at, at, at, "en", text, mood)

    def _said(self, at: datetime) -> tuple[str, str]:
        """One or two sentences of a story."""
        story = self.chance.choice(self.stories)
        moods = MOODS[story.kind]
        mood = self.chance.choices([each[0] for each in moods], [each[1] for each in moods])[0]
        said = " ".join([self.chance.choice(story.openings), *self._more(story.details)])
        return mood, fill(said, facts(self.chance, "en", at))

    def _more(self, details: tuple[str, ...]) -> Iterator[str]:
        if details and self.chance.random() < 0.5:
            yield self.chance.choice(details)
