"""A believable bulk: cases of the last year, their customers and what was said, written with COPY.

For measuring pages at size. The rows are consistent with one another (each constraint holds), seeded, and go to a
channel of their own; they did not come through the inbox, which would take minutes instead of seconds.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from random import Random
from typing import Any

from django.contrib.auth.hashers import make_password
from django.db import models, transaction
from django.utils import timezone

from cases.models import Case, CaseMessage, Cause, Clock, Priority
from channels_app.models import Channel, ChannelPromise, Message, Thread
from channels_app.simulation.stories import Kind, Story, in_language
from config import filling_clocks
from config.filling_clocks import Turns
from config.filling_talk import Said, exchange
from crm import copying
from crm.models import Customer, Identity, IdentityLink, Team, Tier, User

CHUNK = 5_000
DAYS = 365
FIRST = (
    "Aisha Bram Carmen Dmitri Elif Femi Greta Hiro Ines Jamal Kirsten Leon Maja Nadia Oskar Priya Quentin Rosa Sven "
    "Tamar Ulrich Vera Wanjiru Xenia Yusuf Zofia Anneliese Bartholomew Chiara Dolores"
).split()
LAST = (
    "Abara Bergström Castellanos Dubois Eriksen Fitzgerald Giordano Haddad Ibrahim Jankowski Kovalenko Lindqvist "
    "Montgomery Nakamura O'Sullivan Papadopoulos Quintana Rosenberg Sørensen Thistlethwaite Ueda Van-der-Berg Whitlock "
    "Ximenes Yıldız Zimmermann"
).split()
STATES = (("resolved", 88), ("waiting", 6), ("open", 2), ("new", 4))
NEEDS_US = timedelta(hours=5)  # how far back what still needs us was opened
MESSAGES = 2.0  # of a case, on average
MOODS = {  # mood, weight, score; by what the story is
    Kind.PROBLEM: (("negative", 80, -0.6), ("neutral", 16, 0.0), ("unknown", 4, 0.0)),
    Kind.QUESTION: (("neutral", 80, 0.0), ("negative", 12, -0.3), ("positive", 8, 0.3)),
    Kind.PURCHASE: (("neutral", 70, 0.0), ("positive", 30, 0.4)),
    Kind.PRAISE: (("positive", 94, 0.7), ("unknown", 6, 0.0)),
}
WANTS = {  # wish, topic, urgency; by what the story is
    Kind.PROBLEM: ("complaint", "product", "medium"), Kind.QUESTION: ("question", "none", "low"),
    Kind.PURCHASE: ("purchase", "price", "low"), Kind.PRAISE: ("compliment", "support", "low"),
}  # fmt: skip
TIERS = ((Tier.STANDARD, 84), (Tier.VALUED, 12), (Tier.KEY, 4))
PRIORITIES = ((Priority.URGENT, 4), (Priority.HIGH, 30), (Priority.NORMAL, 56), (Priority.LOW, 10))


@dataclass
class House:
    """What the bulk hangs on: made where it is missing."""

    channel: Channel
    teams: list[Team]
    agents: list[User]
    causes: list[Cause]


@dataclass
class Bulk:
    """One chunk of rows, by table, in the order in which they may be written."""

    customers: list[tuple[Any, ...]] = field(default_factory=list)
    identities: list[tuple[Any, ...]] = field(default_factory=list)
    links: list[tuple[Any, ...]] = field(default_factory=list)
    threads: list[tuple[Any, ...]] = field(default_factory=list)
    messages: list[tuple[Any, ...]] = field(default_factory=list)
    cases: list[tuple[Any, ...]] = field(default_factory=list)
    entries: list[tuple[Any, ...]] = field(default_factory=list)
    clocks: list[tuple[Any, ...]] = field(default_factory=list)


COLUMNS: dict[str, tuple[type[models.Model], str]] = {
    "customers": (Customer, "id name tier language country city time_zone about created_at known_at"),
    "identities": (Identity, "id kind place value handle display_name profile_url reach first_seen_at matched_at"),
    "links": (IdentityLink, "identity_id customer_id state method evidence created_at"),
    "threads": (Thread, "id channel_id external_id"),
    "messages": (
        Message,
        "id channel_id external_id thread_id direction private identity_id sent_by_id text url occurred_at stored_at"
        " parent_external_id quoted_external_id language sentiment score confidence reasons reader read_at routed_at",
    ),
    "cases": (
        Case,
        "id customer_id identity_id channel_id thread_id team_id owner_id state priority subject sentiment language"
        " opened_at waiting_since last_message_at first_answered_at resolved_at resolved_by_id cause_id reopenings"
        " due_at due_kind risk_at mood_at_start mood_at_end outcome intent topic urgency",
    ),
    "entries": (CaseMessage, "case_id message_id"),
    "clocks": (
        Clock,
        'case_id kind promised warned started_at running_since spent due_at risk_at broken_at ended_at "end"',
    ),
}


def fill_cases(
    count: int, *, messages: int | None = None, seed: int = 1, tick: Callable[[int], object] = lambda _: None
) -> House:
    """Add `count` cases, with about so many `messages` in all. `tick` is told how many were written since."""
    house, chance = _house(), Random(seed)
    for start in range(0, count, CHUNK):
        size = min(CHUNK, count - start)
        with transaction.atomic():
            chunk = Chunk(house, chance, size, mean=messages / count if messages else MESSAGES)
            chunk.people()
            chunk.cases()
            _write(chunk.rows)
        tick(size)
    copying.settle()
    return house


def _house() -> House:
    teams = list(Team.objects.in_use()) or [Team.objects.create(name="Care")]
    agents = list(User.objects.who_answer().filter(role="agent"))
    agents = agents or [User.objects.create(username="filler", password=make_password(None), role="agent")]
    causes = list(Cause.objects.in_use()) or [Cause.objects.create(name="Other")]
    channel, _ = Channel.objects.get_or_create(
        key="bulk", defaults={"name": "Bulk", "platform": "archive", "place": "bulk", "team": teams[0]}
    )
    return House(channel, teams, agents, causes)


@dataclass(frozen=True)
class Plan:
    """One case before it is written: who, what, in which state, since when."""

    case: int
    thread: int
    who: int  # the nth person of the chunk
    story: Story
    state: str
    agent: int
    mood: tuple[str, int, float]
    opened: datetime


class Chunk:
    """Some thousand cases with their people, written together. Primary keys are reserved first."""

    def __init__(self, house: House, chance: Random, size: int, *, mean: float) -> None:
        self.house, self.chance, self.size, self.now = house, chance, size, timezone.now()
        self.mean, self.promise = mean, ChannelPromise(channel=house.channel)
        self.rows = Bulk()
        self.crowd = max(1, int(size * 0.7))
        self.customer, self.identity = copying.reserve(Customer, self.crowd), copying.reserve(Identity, self.crowd)
        self.thread, self.case = copying.reserve(Thread, size), copying.reserve(Case, size)
        self.stories = [story for story in in_language("en") if story.openings]

    def people(self) -> None:
        for n in range(self.crowd):
            customer, identity = self.customer + n, self.identity + n
            name = f"{self.chance.choice(FIRST)} {self.chance.choice(LAST)}"
            handle = "".join(c for c in name.lower().replace(" ", "_") if c not in "'-") + str(identity)
            since = self.now - timedelta(days=self.chance.randrange(DAYS, 3 * DAYS))
            tier, reach = self._weighted(TIERS), self.chance.randrange(5000)
            known = since if tier != Tier.STANDARD else None
            self.rows.customers.append((customer, name, tier, "en", "GB", "", "", "", since, known))
            self.rows.identities.append((identity, "handle", "bulk", handle, handle, name, "", reach, since, since))
            self.rows.links.append((identity, customer, "confirmed", "first_contact", "First seen on Bulk", since))

    def cases(self) -> None:
        told = [(plan, self._said(plan)) for plan in map(self._plan, range(self.size))]
        pk = copying.reserve(Message, sum(len(said) for _, said in told))
        for plan, said in told:
            self.rows.threads.append((plan.thread, self.house.channel.pk, f"bulk-{plan.thread}"))
            for n, each in enumerate(said):
                self._message(plan, pk + n, each, f"bulk-{pk + n - 1}" if n else "")
            pk += len(said)
            self._case(plan, said)

    def _plan(self, n: int) -> Plan:
        story, state = self.chance.choice(self.stories), self._weighted(STATES)
        age = {"resolved": timedelta(days=DAYS), "waiting": timedelta(days=2)}.get(state, NEEDS_US)
        moods = MOODS[story.kind]
        return Plan(
            case=self.case + n, thread=self.thread + n, who=self.chance.randrange(self.crowd), story=story, state=state,
            agent=self.chance.choice(self.house.agents).pk, mood=self.chance.choices(moods, [m[1] for m in moods])[0],
            opened=self.now - age * self.chance.random(),
        )  # fmt: skip

    def _said(self, plan: Plan) -> list[Said]:
        return exchange(self.chance, plan.story, plan.state, mean=self.mean, began=plan.opened, now=self.now)

    def _message(self, plan: Plan, pk: int, said: Said, parent: str) -> None:
        direction, sender = ("out", plan.agent) if said.ours else ("in", None)
        read = ("unknown", 0, 0) if said.ours else (plan.mood[0], plan.mood[2], 0.8)
        identity, here = self.identity + plan.who, self.house.channel.pk
        self.rows.messages.append(
            (pk, here, f"bulk-{pk}", plan.thread, direction, False, identity, sender, said.text, "", said.at, said.at,
             parent, "", "en", *read, "", "filled", said.at, said.at)
        )  # fmt: skip
        self.rows.entries.append((plan.case, pk))

    def _case(self, plan: Plan, said: list[Said]) -> None:
        last, answered = said[-1].at, next((each.at for each in said if each.ours), None)
        team, cause = self.chance.choice(self.house.teams).pk, self.chance.choice(self.house.causes).pk
        is_done, owner = plan.state == "resolved", None if plan.state == "new" else plan.agent
        turn = _turn_began(said) if plan.state in ("new", "open") else None
        end = (last, plan.agent, cause) if is_done else (None, None, None)
        turns = Turns(plan.opened, turn, answered, end[0], self.now)
        clocks, due = filling_clocks.clocks(plan.case, turns, self.promise)
        self.rows.clocks += clocks
        self.rows.cases.append(
            (plan.case, self.customer + plan.who, self.identity + plan.who, self.house.channel.pk, plan.thread, team,
             owner, plan.state, self._weighted(PRIORITIES), said[0].text[:200], plan.mood[0], "en", plan.opened,
             turn or last, last, answered, *end, 0, *((due.at, due.kind, due.risk) if due else (None, "", None)),
             plan.mood[0], *(("neutral", "solved") if is_done else ("unknown", "")), *WANTS[plan.story.kind])
        )  # fmt: skip

    def _weighted(self, table: tuple[tuple[Any, int], ...]) -> Any:
        return self.chance.choices([value for value, _ in table], [weight for _, weight in table])[0]


def _turn_began(said: list[Said]) -> datetime:
    """When the oldest message came that we have not answered."""
    ours = max((n for n, each in enumerate(said) if each.ours), default=-1)
    return said[ours + 1].at


def _write(bulk: Bulk) -> None:
    for name, (model, columns) in COLUMNS.items():
        copying.write(model, columns, getattr(bulk, name))
