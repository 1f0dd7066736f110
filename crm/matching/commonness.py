"""How common a piece is among the records themselves: what many share proves little.

Shares are probabilities that some *other* person has the piece. A name seen once among n customers is not one in n:
Good and Turing's estimate says how often a thing seen once is met again, from how many were seen once and twice
(I. J. Good, The population frequencies of species, Biometrika 40, 1953).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from math import log

from crm.matching.affixes import Affixes
from crm.matching.names import name_key, short_forms
from crm.matching.records import Record

MET_AGAIN = 0.25  # of a name seen once, where the records cannot say: between what 300 and 1,000 records said
FEWEST, MOST = 0.1, 0.5  # a register full of typos, or one of a single family, must not carry the estimate away
LONGEST_READ = 40  # letters of a handle
ENOUGH = 20  # names seen twice, before the estimate is believed


@dataclass(frozen=True)
class World:
    """What is known of all records, or as much of it as the records at hand need.

    `names` counts customers by word of their names; `cities` and `languages` likewise.
    """

    customers: int = 1
    names: Mapping[str, int] = field(default_factory=dict)
    cities: Mapping[str, int] = field(default_factory=dict)
    languages: Mapping[str, int] = field(default_factory=dict)
    affixes: Affixes = field(default_factory=Affixes)
    met_again: float = MET_AGAIN
    readings: dict[object, object] = field(default_factory=dict, compare=False, repr=False)  # handles read once

    @property
    def odds_against(self) -> float:
        """Log-odds, before any evidence, that one given customer of all is the person."""
        return log(max(self.customers, 2))

    def share(self, seen: int) -> float:
        """The probability that another person has what `seen` customers have."""
        return min((max(seen - 1, 0) + self.met_again) / max(self.customers, 1), 1.0)

    def bearers(self, word: str) -> int:
        """Customers called by this word, or by a name it is short for."""
        return self.names.get(word, 0) + sum(self.names.get(form, 0) for form in short_forms(word))

    def name_share(self, word: str) -> float:
        return self.share(self.bearers(word))

    def city_share(self, city: str) -> float:
        return self.share(self.cities.get(city, 0))


def met_again(counts: Iterable[int]) -> float:
    """How often a name seen once is expected in as many records again (Good and Turing: 2·n₂/n₁)."""
    seen = Counter(count for count in counts if count < 3)
    return met_again_of(seen[1], seen[2])


def met_again_of(once: int, twice: int) -> float:
    if twice < ENOUGH or not once:
        return MET_AGAIN
    return min(max(2 * twice / once, FEWEST), MOST)


def world_of(records: Iterable[Record], handles: Iterable[str] = ()) -> World:
    """The world made of these records alone: for tests, and for a file without a database."""
    from crm.matching.affixes import learn

    known = [record for record in records if record.is_known]
    names = Counter(word for record in known for word in {*record.given, *record.family, *record.also})
    return World(
        customers=len(known), names=names, cities=Counter(record.city for record in known if record.city),
        languages=Counter(record.language for record in known if record.language),
        affixes=learn(handles, names, len(known)), met_again=met_again(names.values()),
    )  # fmt: skip


def pieces(text: str) -> set[str]:
    """All stretches of a handle that may be a word: 2 letters or more of what is read of it."""
    key = name_key(text)[:LONGEST_READ]
    return {key[start:end] for start in range(len(key)) for end in range(start + 2, len(key) + 1)}
