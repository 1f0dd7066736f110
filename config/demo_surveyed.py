"""Whom Skylark asks: customers of several years in four countries, and what they lived through between two waves.

Written in bulk, seeded, and consistent with one another; the same people and the same troubles each time.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path
from random import Random
from typing import Any

from cases.models import Case, CaseMessage, Cause, Clock, HandOver, Priority
from channels_app.models import Channel, Message, Thread
from config.demo_customers import BOOKS
from config.filling_names import ENGLISH, GERMAN, SPANISH, Tongue, ascii_letters
from config.filling_names import FRENCH as FRENCH_NAMES
from config.filling_places import COUNTRIES
from crm.models import Account, Customer, Identity, IdentityLink, Stakeholder, Tier, User

DATA = Path(__file__).with_name("demo_surveys.toml")
COUNT = 520
KNOWN_DAYS = (800, 2200)  # since when they are customers: all of them longer than we ask
FROM = (  # language, country, how many of a hundred, how they like us beside the average
    ("en", "GB", ENGLISH, 34, -0.3), ("de", "DE", GERMAN, 26, 0.0), ("es", "ES", SPANISH, 24, 0.4),
    ("fr", "FR", FRENCH_NAMES, 16, 0.1),
)  # fmt: skip
TIERS = ((Tier.STANDARD, 62), (Tier.VALUED, 26), (Tier.KEY, 12))
# how many have a bad experience between a wave and the next: the second winter was hard
TROUBLES = (0.28, 0.36, 0.24, 0.20)
# what went wrong most until it was mended, so long after the last wave opened, and not any more since
MENDED, MENDED_AFTER, LIKE_IT = "Charged wrongly", timedelta(days=22), ("Refund late", "App or website")
WORST = timedelta(days=56)  # so long before
AGAIN, HANDED, BROKEN = 0.34, 0.35, 0.4
CALLS = ("phone", "letter")
HOUR = timedelta(hours=1)


@cache
def told() -> dict[str, Any]:
    """All words of the demo's surveys."""
    return tomllib.loads(DATA.read_text("utf-8"))


@dataclass
class Face:
    """One of those who are asked. `delight` is what they would answer if nothing went wrong; `hurt`, how many bad
    experiences they had before each wave, by its number."""

    customer: Customer
    address: Identity
    delight: float
    hurt: dict[int, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Trouble:
    """One bad experience: whose, when, why, and in what words."""

    face: Face
    at: datetime
    cause: str
    text: str


def people(chance: Random, now: datetime) -> list[Face]:
    faces = [_face(chance, now) for _ in range(COUNT)]
    Customer.objects.bulk_create([face.customer for face in faces])
    Identity.objects.bulk_create([face.address for face in faces])
    IdentityLink.objects.bulk_create(
        [
            IdentityLink(
                identity=face.address, customer=face.customer, method=IdentityLink.Method.IMPORT,
                evidence="In Skylark's books.", created_at=face.customer.created_at,
            )
            for face in faces
        ]
    )  # fmt: skip
    _accounts(chance, faces)
    return faces


def _face(chance: Random, now: datetime) -> Face:
    language, country, tongue, _share, liking = chance.choices(FROM, [row[3] for row in FROM])[0]
    given, family = _name(chance, tongue)
    place = COUNTRIES[country]
    since = now - timedelta(days=chance.randint(*KNOWN_DAYS))
    customer = Customer(
        name=f"{given} {family}", given_name=given, family_name=family, language=language, country=country,
        city=chance.choice(place.cities), time_zone=place.zone, created_at=since, known_at=since,
        tier=chance.choices([tier for tier, _ in TIERS], [share for _, share in TIERS])[0],
    )  # fmt: skip
    written = f"{ascii_letters(given)}.{ascii_letters(family)}{chance.randint(10, 99)}{chance.randint(10, 99)}"
    address = f"{written.replace(' ', '').lower()}@post.example"
    facts = {"first_seen_at": since, "verified_at": since, "matched_at": now}
    mail = Identity(kind=Identity.Kind.EMAIL, place="", value=address, handle=address, **facts)
    return Face(customer, mail, chance.gauss(8.5 + liking, 1.5))


def _name(chance: Random, tongue: Tongue) -> tuple[str, str]:
    return tongue.given.draw(chance).latin, tongue.family.draw(chance).latin


def _accounts(chance: Random, faces: Sequence[Face]) -> None:
    """One in five decides in an account of their country, or of another."""
    seller = User.objects.filter(role="sales").first()
    accounts = Account.objects.bulk_create(
        [Account(source=BOOKS, external_id=row["id"], owner=seller, **{k: row[k] for k in ("name", "kind", "country")})
         for row in told()["account"]]
    )  # fmt: skip
    seats = []
    for face in chance.sample(faces, len(faces) // 5):
        near = [account for account in accounts if account.country == face.customer.country] or accounts
        role = chance.choice([Stakeholder.Role.USER, Stakeholder.Role.BUYER, Stakeholder.Role.MANAGER])
        since = (face.customer.created_at + timedelta(days=200)).date()
        seats.append(Stakeholder(account=chance.choice(near), customer=face.customer, role=role, since_on=since))
    Stakeholder.objects.bulk_create(seats)


# --- what went wrong


def _by_then(cause: str, since: timedelta) -> str:
    """`since` it was mended; negative before that."""
    if since > timedelta():
        return "Delay" if cause == MENDED else cause
    return MENDED if cause in LIKE_IT and since > -WORST else cause


def troubles(chance: Random, faces: Sequence[Face], opened: Sequence[datetime]) -> None:
    """Bad experiences between each two waves that opened then, as cases that are resolved."""
    found = list(_troubles(chance, faces, opened))
    House().write(chance, found)


def _troubles(chance: Random, faces: Sequence[Face], opened: Sequence[datetime]) -> Iterator[Trouble]:
    causes = list(told()["wrong"])
    for wave, share in enumerate(TROUBLES, start=1):
        # not in the first days of a wave: they may not have answered it yet
        begun, days = opened[wave - 1] + timedelta(days=15), (opened[wave] - opened[wave - 1]).days - 18
        for face in faces:
            number = 0
            while number < 3 and chance.random() < (AGAIN if number else share):
                number, cause = number + 1, chance.choice(causes)
                at = begun + timedelta(days=chance.random() * days)
                cause = _by_then(cause, at - opened[len(TROUBLES) - 1] - MENDED_AFTER)
                yield Trouble(face, at, cause, chance.choice(told()["wrong"][cause]))
            face.hurt[wave] = number


class House:
    """Who works on cases there, and through which channels they come."""

    def __init__(self) -> None:
        self.channels = list(Channel.objects.filter(key__in=CALLS).select_related("team").order_by("pk"))
        self.agents = list(User.objects.filter(role="agent").order_by("pk"))
        self.causes = {cause.name: cause for cause in Cause.objects.exclude(parent=None)}

    def write(self, chance: Random, found: Sequence[Trouble]) -> None:
        threads, messages, cases = [], [], []
        for number, trouble in enumerate(found):
            channel = self.channels[chance.random() < 0.25]
            thread = Thread(channel=channel, external_id=f"past-{number}")
            threads.append(thread)
            messages.append(_message(trouble, thread, number))
            cases.append(self._case(trouble, thread, chance))
        Thread.objects.bulk_create(threads)
        Message.objects.bulk_create(messages)
        Case.objects.bulk_create(cases)
        CaseMessage.objects.bulk_create(
            [CaseMessage(case=case, message=said) for case, said in zip(cases, messages, strict=True)]
        )
        HandOver.objects.bulk_create([self._handed(case, chance) for case in cases if case.hand_overs])
        Clock.objects.bulk_create([_broken(case) for case in cases if chance.random() < BROKEN])

    def _case(self, trouble: Trouble, thread: Thread, chance: Random) -> Case:
        agent, at = chance.choice(self.agents), trouble.at
        answered = at + HOUR * (1 + 20 * chance.random())
        ended = answered + HOUR * (2 + 60 * chance.random())
        return Case(
            customer=trouble.face.customer, identity=trouble.face.address, channel=thread.channel, thread=thread,
            team=thread.channel.team, owner=agent, state=Case.State.RESOLVED, priority=Priority.NORMAL,
            subject=trouble.text[:200], sentiment="negative", opened_at=at,
            language=trouble.face.customer.language, waiting_since=at, last_message_at=at, first_answered_at=answered,
            resolved_at=ended, resolved_by=agent, cause=self.causes[trouble.cause], mood_at_start="negative",
            mood_at_end="neutral", outcome="solved", hand_overs=int(chance.random() < HANDED),
        )  # fmt: skip

    def _handed(self, case: Case, chance: Random) -> HandOver:
        first = chance.choice([agent for agent in self.agents if agent != case.owner])
        at = case.opened_at + HOUR
        return HandOver(
            case=case, by=first, to=case.owner, story=case.subject, next_step="Call them back", at=at,
            state=HandOver.State.ACCEPTED, decided_by=case.owner, decided_at=at + HOUR / 2,
        )  # fmt: skip


def _message(trouble: Trouble, thread: Thread, number: int) -> Message:
    """Written down by an agent, who writes English; the mood was read then."""
    at = trouble.at
    return Message(
        channel=thread.channel, external_id=f"past-{number}", thread=thread, direction=Message.Direction.IN,
        identity=trouble.face.address, text=trouble.text, occurred_at=at, stored_at=at,
        language="en", sentiment="negative", score=-0.6, confidence=0.8, reader="demo", read_at=at, routed_at=at,
    )  # fmt: skip


def _broken(case: Case) -> Clock:
    due = case.opened_at + HOUR / 2
    return Clock(
        case=case, kind=Clock.Kind.ANSWER, promised=1800, warned=600, started_at=case.opened_at, broken_at=due,
        ended_at=case.first_answered_at, end=Clock.End.BROKEN,
    )  # fmt: skip
