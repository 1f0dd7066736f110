"""A believable bulk: cases of the last year, their customers and what was said, written with COPY.

For measuring pages at size. The rows are consistent with one another (each constraint holds), seeded, and go to a
channel of their own; they did not come through the inbox, which would take minutes instead of seconds.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from random import Random
from typing import Any

from django.contrib.auth.hashers import make_password
from django.db import connection, models, transaction
from django.utils import timezone

from cases.models import Case, CaseMessage, Cause, Priority
from channels_app.models import Channel, Message, Thread
from channels_app.simulation.stories import Kind, Story, facts, fill, in_language
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
STATES = (("resolved", 76), ("waiting", 8), ("open", 6), ("new", 10))
MOODS = {  # mood, weight, score; by what the story is
    Kind.PROBLEM: (("negative", 80, -0.6), ("neutral", 16, 0.0), ("unknown", 4, 0.0)),
    Kind.QUESTION: (("neutral", 80, 0.0), ("negative", 12, -0.3), ("positive", 8, 0.3)),
    Kind.PURCHASE: (("neutral", 70, 0.0), ("positive", 30, 0.4)),
    Kind.PRAISE: (("positive", 94, 0.7), ("unknown", 6, 0.0)),
}
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


COLUMNS: dict[str, tuple[type[models.Model], str]] = {
    "customers": (Customer, "id name tier language country city time_zone about created_at known_at"),
    "identities": (Identity, "id kind place value handle display_name profile_url reach first_seen_at"),
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
        " opened_at waiting_since last_message_at first_answered_at resolved_at resolved_by_id cause_id reopenings",
    ),
    "entries": (CaseMessage, "case_id message_id"),
}


def fill_cases(count: int, *, seed: int = 1, tick: Callable[[int], object] = lambda _: None) -> House:
    """Add `count` cases. `tick` is told how many were written since."""
    house, chance, now = _house(), Random(seed), timezone.now()
    stories = [story for story in in_language("en") if story.openings]
    begun = Case.objects.filter(channel=house.channel).count()
    for start in range(0, count, CHUNK):
        size = min(CHUNK, count - start)
        with transaction.atomic():
            _write(_chunk(house, chance, now, stories, size, begun + start))
        tick(size)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
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


def _chunk(house: House, chance: Random, now: datetime, stories: list[Story], size: int, start: int) -> Bulk:
    bulk = Bulk()
    people = max(1, int(size * 0.7))
    customer0, identity0 = _reserve(Customer, people), _reserve(Identity, people)
    for n in range(people):
        _person(bulk, chance, now, customer0 + n, identity0 + n, start + n)
    thread0, case0, message0 = _reserve(Thread, size), _reserve(Case, size), _reserve(Message, size * 4)
    numbers = iter(range(message0, message0 + size * 4))
    for n in range(size):
        who = chance.randrange(people)
        _case(
            bulk,
            house,
            chance,
            now,
            chance.choice(stories),
            (customer0 + who, identity0 + who),
            (thread0 + n, case0 + n),
            numbers,
        )
    return bulk


def _person(bulk: Bulk, chance: Random, now: datetime, customer: int, identity: int, number: int) -> None:
    first, last = chance.choice(FIRST), chance.choice(LAST)
    since = now - timedelta(days=chance.randrange(DAYS, 3 * DAYS))
    handle = f"{first}_{last}".lower().replace("'", "").replace("-", "") + str(number)
    tier = _weighted(chance, TIERS)
    known = since if tier != Tier.STANDARD else None
    bulk.customers.append((customer, f"{first} {last}", tier, "en", "GB", "", "", "", since, known))
    bulk.identities.append(
        (identity, "handle", "bulk", handle, handle, f"{first} {last}", "", chance.randrange(5000), since)
    )
    bulk.links.append((identity, customer, "confirmed", "first_contact", "First seen on Bulk", since))


def _case(
    bulk: Bulk, house: House, chance: Random, now: datetime, story: Story, who: tuple[int, int], ids: tuple[int, int],
    numbers: Iterator[int],
) -> None:  # fmt: skip
    (customer, identity), (thread, case) = who, ids
    state, agent, mood = (
        _weighted(chance, STATES),
        chance.choice(house.agents),
        chance.choices(MOODS[story.kind], [m[1] for m in MOODS[story.kind]])[0],
    )
    opened = now - (
        timedelta(days=chance.random() * DAYS) if state == "resolved" else timedelta(hours=chance.random() * 48)
    )
    particulars = facts(chance, "en", opened)
    said = [("in", fill(chance.choice(story.openings), particulars))]
    if state in ("waiting", "resolved") and story.fixes:
        said.append(("out", fill(chance.choice(story.fixes), particulars)))
    if state == "resolved" and story.helped and chance.random() < 0.5:
        said.append(("in", chance.choice(story.helped)))
    here = house.channel.pk
    bulk.threads.append((thread, here, f"bulk-{thread}"))
    at, answered, parent = opened, None, ""
    for direction, text in said:
        number, ours = next(numbers), direction == "out"
        answered = answered or (at if ours else None)
        read = ("unknown", 0, 0) if ours else (mood[0], mood[2], 0.8)
        bulk.messages.append(
            (number, here, f"bulk-{number}", thread, direction, False, identity, agent.pk if ours else None, text, "",
             at, at, parent, "", "en", *read, "", "filled", at, at)
        )  # fmt: skip
        bulk.entries.append((case, number))
        last, parent = at, f"bulk-{number}"
        at = min(now, at + timedelta(minutes=chance.randrange(2, 240)))
    done, waits = state == "resolved", state in ("new", "open")
    cause = chance.choice(house.causes).pk
    bulk.cases.append(
        (case, customer, identity, here, thread, chance.choice(house.teams).pk, None if state == "new" else agent.pk,
         state, _weighted(chance, PRIORITIES), said[0][1][:200], mood[0], "en", opened, opened if waits else last, last,
         answered, *((last, agent.pk, cause) if done else (None, None, None)), 0)
    )  # fmt: skip


def _weighted(chance: Random, table: tuple[tuple[Any, int], ...]) -> Any:
    return chance.choices([value for value, _ in table], [weight for _, weight in table])[0]


def _reserve(model: type[models.Model], count: int) -> int:
    """The first of `count` primary keys nobody else will get."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT setval(s, nextval(s) + %s) FROM pg_get_serial_sequence(%s, 'id') AS s",
            [count, model._meta.db_table],
        )
        return int(cursor.fetchone()[0]) - count


def _write(bulk: Bulk) -> None:
    with connection.cursor() as cursor:
        for name, (model, columns) in COLUMNS.items():
            listed = ", ".join(columns.split())
            with cursor.copy(f"COPY {model._meta.db_table} ({listed}) FROM STDIN") as copy:
                for row in getattr(bulk, name):
                    copy.write_row(row)
