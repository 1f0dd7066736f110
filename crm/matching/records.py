"""What matching knows of a person: only what they made public or gave us. Plain values, no database."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from crm.matching.names import name_key, words

Words = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Alias:
    """What somebody calls themselves in one place: a handle, or the display name beside it. `text` as written."""

    text: str
    place: str = ""
    is_handle: bool = True

    @property
    def key(self) -> str:
        return name_key(self.text)

    @property
    def says_nothing(self) -> bool:
        """A bare number, or hardly a letter: an id, not a name."""
        return sum(letter.isalpha() for letter in self.key) < 3

    @property
    def label(self) -> str:
        return f"@{self.text.removeprefix('@')}" if self.is_handle else f"“{self.text}”"


@dataclass(frozen=True, slots=True)
class Record:
    """One person's record, or a handle that stands alone. Names are lower-case words, addresses their keys.

    `also` holds nicknames and whatever else their name is written with; `pages` the addresses that are theirs
    (profiles, websites), `links` those their profiles lead to. Both as host/path, see `links.address`.
    """

    pk: int = 0
    given: Words = ()
    family: Words = ()
    also: Words = ()
    aliases: tuple[Alias, ...] = ()
    emails: frozenset[str] = frozenset()
    phones: frozenset[str] = frozenset()
    verified: frozenset[str] = frozenset()
    pages: frozenset[str] = frozenset()
    links: frozenset[str] = frozenset()
    born_on: date | None = None
    city: str = ""
    places: Words = ()
    country: str = ""
    language: str = ""
    is_known: bool = True

    @property
    def has_name(self) -> bool:
        return bool(self.given or self.family)

    @property
    def family_key(self) -> str:
        return "".join(self.family)


@dataclass(frozen=True, slots=True)
class Names:
    given: Words = ()
    family: Words = ()
    also: Words = ()


def names(name: str, given: str = "", family: str = "", nickname: str = "") -> Names:
    """The parts of a name. Where only the whole is known, its first word is given and its last the family's."""
    whole, first, last, nick = words(name), words(given), words(family), words(nickname)
    if not first and not last:
        first, last = whole[:1], whole[1:][-1:]
    known = {*first, *last, *nick}
    return Names(first, last, tuple(dict.fromkeys((*nick, *(word for word in whole if word not in known)))))


@dataclass(frozen=True, slots=True)
class Point:
    """One point of evidence: a sentence for a person, and its weight in log-odds (natural), against where below 0."""

    kind: str
    says: str
    weight: float


@dataclass(frozen=True, slots=True)
class Match:
    """How likely two records are one person: `odds` is the log-odds, `score` the probability."""

    points: tuple[Point, ...]
    odds: float
    score: float
