"""A believable crowd: customers with the handles, addresses and numbers they go by, written with COPY.

For measuring search and matching at size. Half of them we know; of the others we have a handle. The addresses lie in
domains that are kept for examples, so that nothing can ever reach a person.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import accumulate
from random import Random
from typing import Any, NamedTuple

from django.db import connection, transaction
from django.utils import timezone

from config.filling_names import Tongue, Word, ascii_letters
from config.filling_names_far import SPOKEN
from config.filling_places import COUNTRIES, as_written, phone
from crm import copying
from crm.models import Consent, Customer, Identity, IdentityLink, Purpose, Tier

CHUNK = 10_000
DAYS = 5 * 365
NETWORKS = ("twitter", "instagram", "mastodon")
DOMAINS = "mail.example post.example letterbox.example inbox.example webmail.example".split()
TONGUES, SHARES = [tongue for tongue, _ in SPOKEN], list(accumulate(share for _, share in SPOKEN))
CUSTOMER = "id name given_name family_name nickname tier language country city time_zone created_at known_at"
CUSTOMER += " do_not_contact_at"
IDENTITY = "id kind place value handle display_name location reach first_seen_at verified_at matched_at"
LINK = "identity_id customer_id state method evidence created_at"
CONSENT = "customer_id purpose state since"
ASKED = 0.15  # of those we know
TAKEN = (
    "SELECT kind, place, value FROM crm_identity JOIN unnest(%s::text[], %s::text[], %s::text[])"
    " AS wanted(kind, place, value) USING (kind, place, value)"
)

Key = tuple[str, str, str]  # kind, place, value


class Face(NamedTuple):
    """One identity before it has its primary key: where, its key and as it is written there."""

    kind: str
    place: str
    value: str
    written: str
    shown: str = ""


@dataclass(frozen=True)
class Person:
    pk: int
    tongue: Tongue
    country: str
    city: str
    given: Word
    family: Word
    name: str
    nickname: str
    since: datetime
    known: bool
    born: int


def fill_customers(count: int, *, seed: int = 1, tick: Callable[[int], object] = lambda _: None) -> None:
    """Add `count` customers. `tick` is told how many were written since."""
    chance = Random(seed)
    for start in range(0, count, CHUNK):
        size = min(CHUNK, count - start)
        with transaction.atomic():
            Crowd(chance, size, came=(start / count, (start + size) / count)).write()
        tick(size)
    copying.settle()


class Crowd:
    """Some thousand customers with their identities, written together.

    `came` is the part of the last DAYS in which we met them, from 0 to 1: later ones have higher numbers, as in life.
    """

    def __init__(self, chance: Random, size: int, came: tuple[float, float] = (0, 1)) -> None:
        self.chance, self.now = chance, timezone.now()
        self.since = [self.now - timedelta(days=DAYS * (1 - share)) for share in came]
        first = copying.reserve(Customer, size)
        self.people = [self._person(first + n) for n in range(size)]

    def write(self) -> None:
        copying.write(Customer, CUSTOMER, map(self._customer, self.people))
        faces = self._distinct([(person, face) for person in self.people for face in self._faces(person)])
        first = copying.reserve(Identity, len(faces))
        copying.write(Identity, IDENTITY, (self._identity(first + n, *face) for n, face in enumerate(faces)))
        copying.write(IdentityLink, LINK, (self._link(first + n, *face) for n, face in enumerate(faces)))
        asked = [person for person in self.people if person.known and self.chance.random() < ASKED]
        copying.write(Consent, CONSENT, map(self._consent, asked))

    # --- who

    def _person(self, pk: int) -> Person:
        chance = self.chance
        tongue = chance.choices(TONGUES, cum_weights=SHARES)[0]
        country = chance.choice(tongue.places.split())
        given, family = self._given(tongue), self._family(tongue)
        return Person(
            pk=pk, tongue=tongue, country=country, city=chance.choice(COUNTRIES[country].cities), given=given,
            family=family, name=self._called(tongue, given, family), nickname=self._nickname(given),
            since=self.since[0] + (self.since[1] - self.since[0]) * chance.random(), known=chance.random() < 0.5,
            born=chance.randrange(1950, 2008),
        )  # fmt: skip

    def _given(self, tongue: Tongue) -> Word:
        word = tongue.given.draw(self.chance)
        if self.chance.random() >= tongue.paired:
            return word
        second = tongue.given.draw(self.chance)
        return Word(f"{word.latin}-{second.latin}", f"{word.native}-{second.native}")

    def _family(self, tongue: Tongue) -> Word:
        word = tongue.family.draw(self.chance)
        if self.chance.random() >= tongue.doubled:
            return word
        second = tongue.family.draw(self.chance)
        return Word(f"{word.latin}{tongue.joint}{second.latin}", f"{word.native}{tongue.joint}{second.native}")

    def _called(self, tongue: Tongue, given: Word, family: Word) -> str:
        if self.chance.random() >= tongue.native:
            return f"{given.latin} {family.latin}"
        return f"{family.native}{given.native}" if tongue.family_first else f"{given.native} {family.native}"

    def _nickname(self, given: Word) -> str:
        return given.latin[: self.chance.randrange(3, 5)] if self.chance.random() < 0.04 else ""

    def _customer(self, person: Person) -> tuple[Any, ...]:
        chance, place = self.chance, COUNTRIES[person.country]
        tier = chance.choices(Tier.values, (88, 9, 3))[0] if person.known else Tier.STANDARD
        silent = person.since if person.known and chance.random() < 0.01 else None
        where = (person.country, person.city, place.zone) if person.known or chance.random() < 0.4 else ("", "", "")
        named = (person.given.latin, person.family.latin) if person.known else ("", "")
        name = person.name if person.known or chance.random() < 0.6 else self._handle(person)
        known_at = person.since if person.known else None
        return (
            person.pk, name, *named, person.nickname if person.known else "", tier, person.tongue.language, *where,
            person.since, known_at, silent,
        )  # fmt: skip

    def _consent(self, person: Person) -> tuple[Any, ...]:
        purpose = self.chance.choice((Purpose.SURVEY, Purpose.CALL, Purpose.MARKETING))
        state = self.chance.choice((Consent.State.GIVEN, Consent.State.REFUSED))
        return (person.pk, purpose, state, person.since)

    # --- what they go by

    def _faces(self, person: Person) -> list[Face]:
        chance = self.chance
        networks = chance.sample(NETWORKS, chance.choices((1, 2, 3), (65, 30, 5))[0] if person.known else 1)
        faces = []
        for network in networks:
            written = self._handle(person)
            faces.append(Face(Identity.Kind.HANDLE, network, written.lower(), written, person.name))
        if person.known:
            faces += self._records(person)
        return faces

    def _records(self, person: Person) -> list[Face]:
        """The addresses, numbers and outside ids of somebody we know: one at least."""
        chance, found = self.chance, []
        if chance.random() < 0.85:
            address = f"{self._mailbox(person)}@{chance.choice(DOMAINS)}"
            found.append(Face(Identity.Kind.EMAIL, "", address, address))
        if chance.random() < 0.6:
            number = phone(person.country, person.pk)
            found.append(Face(Identity.Kind.PHONE, "", number, as_written(number, person.country, chance.randrange(5))))
        if chance.random() < 0.4 or not found:
            found.append(Face(Identity.Kind.EXTERNAL, "shop", f"K-{person.pk:08d}", f"K-{person.pk:08d}"))
        if chance.random() < 0.1:
            found.append(Face(Identity.Kind.EXTERNAL, "billing", f"{10**9 + person.pk}", f"{10**9 + person.pk}"))
        return found

    def _handle(self, person: Person) -> str:
        """One of the usual ways to make a handle of a name."""
        given, family = ascii_letters(person.given.latin), ascii_letters(person.family.latin)
        year, number = person.born % 100, self.chance.randrange(1, 1000)
        ways = (
            f"{given}{family}", f"{given}_{family}", f"{given[:1]}{family}", f"{given}{family}{year:02}",
            f"{family}{given}", f"{given}.{family}{number}", f"{given.capitalize()}{family.capitalize()}",
            f"{given}{number}", f"{family}_{given[:1]}{year:02}", f"the_{given}_{family[:1]}",
            f"{given}{family[:1]}{number}", f"{given[:1]}_{family}{number}", f"{given[:3]}{family[:4]}{year:02}",
            f"real{given.capitalize()}{number}",
        )  # fmt: skip
        return self.chance.choice(ways)[:30]

    def _mailbox(self, person: Person) -> str:
        given, family = ascii_letters(person.given.latin), ascii_letters(person.family.latin)
        number = self.chance.randrange(1, 1000)
        ways = (
            f"{given}.{family}", f"{given[:1]}.{family}{number}", f"{family}.{given}", f"{given}{family}{person.born}",
            f"{given}_{family}{number}",
        )  # fmt: skip
        return self.chance.choice(ways)

    # --- as rows

    def _distinct(self, faces: list[tuple[Person, Face]]) -> list[tuple[Person, Face]]:
        """Whose handle or address is taken gets one with the customer's number in it, as networks do."""
        seen, found = self._taken({face[:3] for _, face in faces}), []
        for person, face in faces:
            if face[:3] in seen:
                face = _numbered(face, person.pk)
            seen.add(face[:3])
            found.append((person, face))
        return found

    def _taken(self, keys: set[Key]) -> set[Key]:
        with connection.cursor() as cursor:
            cursor.execute(TAKEN, [list(column) for column in zip(*keys, strict=True)])
            return set(cursor.fetchall())

    def _identity(self, pk: int, person: Person, face: Face) -> tuple[Any, ...]:
        on_network = face.kind == Identity.Kind.HANDLE
        reach = int(self.chance.paretovariate(0.6) * 20) % 4_000_000 if on_network else None
        location = person.city if on_network and self.chance.random() < 0.4 else ""
        return (
            pk, face.kind, face.place, face.value, face.written, face.shown, location, reach, person.since,
            person.since if person.known and not on_network else None, self.now,
        )  # fmt: skip

    def _link(self, pk: int, person: Person, face: Face) -> tuple[Any, ...]:
        if person.known and face.kind != Identity.Kind.HANDLE:
            how = (IdentityLink.Method.IMPORT, "From the customer file")
        else:
            how = (IdentityLink.Method.FIRST_CONTACT, f"First seen on {face.place.capitalize()}")
        return (pk, person.pk, IdentityLink.State.CONFIRMED, *how, person.since)


def _numbered(face: Face, number: int) -> Face:
    name, at, domain = face.written.partition("@")
    written = f"{name}{number:09d}{at}{domain}"
    return face._replace(value=written.lower(), written=written)
