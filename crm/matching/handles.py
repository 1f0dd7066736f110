"""Reading a handle: how much likelier is this text from this person than from somebody else?

A handle is taken apart into pieces in the likeliest way, twice: as this person would have made it (of their own names,
initials and place, with what people put before or after a name), and as anybody would have (of any name, as common as
it is). The difference of the two log-probabilities is the evidence. So a rare family name alone says much, "smith" says
little, "rep" says nothing, and a piece that is no name of theirs speaks against them.
"""

from __future__ import annotations

import string
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from math import log
from operator import attrgetter

from crm.matching.commonness import LONGEST_READ, World
from crm.matching.names import short_forms
from crm.matching.records import Alias, Record

# natural logarithms of probabilities
LETTER = -2.8  # one letter nobody's name explains: between even chances (ln 1/26 = -3.3) and English (-2.9 to -2.3)
PLACE = -3.0  # one handle in twenty names a place
ANOTHER_NAME = -4.0  # somebody's handle holding a name that is not theirs ("teamkelly"): two in a hundred
ANOTHER_PLACE = -1.0
UNEXPLAINED = {1: -1.5, 2: -3.0}  # letters in a handle its owner's name does not explain; more than two:
MORE_UNEXPLAINED = -4.5  # one handle in a hundred
NUMBER = -1.0  # figures are added where the name is taken: one in three
HOW_NAMED = {  # how often people use what they have
    "family": 0.0, "given": 0.0, "also": 0.0, "part": -0.7, "short": -1.0, "second": -1.5,
    "initials": -1.6,  # "mcantwell": one in five
    "initial after": LETTER,  # "mariac": says no more than any letter would, as "jacobs" is no Jacob S.
}  # fmt: skip
SHORTEST_NAME, LONGEST_RUN = 3, 16
NEVER = float("-inf")
_START = attrgetter("start")


@dataclass(frozen=True, slots=True)
class Piece:
    """Letters `start` to `end` of a handle and what explains them. `gain` is the log-ratio of theirs to anybody's."""

    text: str
    kind: str
    start: int
    end: int
    gain: float = 0.0


@dataclass(frozen=True, slots=True)
class Told:
    """What a handle tells about a person. `weight` is the whole log-ratio, `pieces` how it comes about."""

    alias: Alias
    pieces: tuple[Piece, ...]
    weight: float

    @property
    def core(self) -> str:
        """The handle less what says nothing: titles and the like."""
        return "".join(piece.text for piece in self.pieces if piece.kind not in ("affix", "place", "number"))

    def of(self, *kinds: str) -> list[Piece]:
        return [piece for piece in self.pieces if piece.kind in kinds]


@dataclass(frozen=True, slots=True)
class Edge:
    """A way to explain letters `start` to `end`: its log-probability if it is `theirs`, and if it is `anybody`'s."""

    start: int
    end: int
    kind: str
    theirs: float
    anybody: float


def reading(alias: Alias, world: World) -> Reading:
    """The handle as it is read in this world; taken apart once, however many it is held against."""
    found = world.readings.get(alias)
    if not isinstance(found, Reading):
        found = world.readings[alias] = Reading(alias, world)
    return found


class Reading:
    """A handle, ready to be held against many records."""

    def __init__(self, alias: Alias, world: World) -> None:
        self.alias, self.world, self.key = alias, world, alias.key[:LONGEST_READ]

    def told_of(self, record: Record) -> Told | None:
        """What it tells about this person; None where it does not hold a word of their name."""
        own = list(self._own(record))
        if not any(edge.kind in NAMING for edge in own):
            return None
        theirs, path = _best(self.key, [*self.common, *own], "theirs")
        if not any(edge.kind in NAMING for edge in path):
            return None
        fresh = [edge for edge in own if edge.anybody > NEVER]
        anybody = _best(self.key, [*self.common, *fresh], "anybody")[0] if fresh else self.anybody
        pieces = tuple(self._piece(edge, fresh) for edge in path)
        return Told(self.alias, pieces, theirs - anybody)

    @cached_property
    def common(self) -> list[Edge]:
        """The ways that do not depend on the person, from the first letter on."""
        return sorted([*self._runs(), *self._affixes(), *self._anybodys_words()], key=_START)

    @cached_property
    def anybody(self) -> float:
        """The log-probability of this handle from a person we know nothing of."""
        return _best(self.key, self.common, "anybody")[0]

    def _runs(self) -> Iterator[Edge]:
        for start in range(len(self.key)):
            for end in range(start + 1, min(len(self.key), start + LONGEST_RUN) + 1):
                length, number = end - start, self.key[start:end].isdecimal()
                odd = NUMBER if number else UNEXPLAINED.get(length, MORE_UNEXPLAINED)
                yield Edge(start, end, "number" if number else "unexplained", LETTER * length + odd, LETTER * length)

    def _affixes(self) -> Iterator[Edge]:
        for cut in range(1, len(self.key)):
            if share := self.world.affixes.before.get(self.key[:cut]):
                yield Edge(0, cut, "affix", log(share), log(share))
            if share := self.world.affixes.after.get(self.key[cut:]):
                yield Edge(cut, len(self.key), "affix", log(share), log(share))

    def _anybodys_words(self) -> Iterator[Edge]:
        for start in range(len(self.key)):
            for end in range(start + 2, len(self.key) + 1):
                word = self.key[start:end]
                if end - start >= SHORTEST_NAME and (bearers := self.world.bearers(word)):
                    chance = log(self.world.share(bearers))
                    yield Edge(start, end, "another name", chance + ANOTHER_NAME, chance)
                if word in self.world.cities and self._may_be_place(start, end):
                    chance = PLACE + log(self.world.city_share(word))
                    yield Edge(start, end, "another place", chance + ANOTHER_PLACE, chance)

    def _own(self, record: Record) -> Iterator[Edge]:
        for word, kind in own_words(record).items():
            fresh = kind not in WITH_INITIALS and not self.world.bearers(word)
            anybody = log(self.world.share(1)) if fresh else NEVER
            for start in _found(self.key, word):
                yield Edge(start, start + len(word), kind, HOW_NAMED[kind], anybody)
        for place in {record.city, *record.places} - {""}:
            for start in _found(self.key, place):
                if self._may_be_place(start, start + len(place)):
                    yield Edge(start, start + len(place), "place", PLACE, NEVER)

    def _may_be_place(self, start: int, end: int) -> bool:
        """Two letters are a state or a country at the end ("…_nl"), and chance elsewhere."""
        return start >= SHORTEST_NAME and (end - start >= SHORTEST_NAME or end == len(self.key.rstrip(string.digits)))

    def _piece(self, edge: Edge, fresh: list[Edge]) -> Piece:
        """With its own share of the evidence: against the likeliest way anybody would come by the same letters."""
        within = [other for other in (*self.common, *fresh) if edge.start <= other.start and other.end <= edge.end]
        text = self.key[edge.start : edge.end]
        anybody = _best(text, within, "anybody", edge.start)[0]
        return Piece(text, edge.kind, edge.start, edge.end, edge.theirs - anybody)


NAMING = frozenset(HOW_NAMED)
WITH_INITIALS = frozenset({"initials", "initial after"})


def own_words(record: Record) -> dict[str, str]:
    """What this person may put into a handle, and what it is to them; the best kind where one word is several."""
    found: dict[str, str] = {}
    for word, kind in _own_words(record):
        if len(word) >= SHORTEST_NAME or kind == "family":
            found.setdefault(word, kind)
    return found


def _own_words(record: Record) -> Iterator[tuple[str, str]]:
    yield record.family_key, "family"
    for word in record.given[:1]:
        yield word, "given"
    yield "".join(record.given), "given"
    for word in record.also:
        yield word, "also"
    for word in record.family:
        yield word, "part"
    for word in record.given[:1]:
        yield from ((form, "short") for form in sorted(short_forms(word)))
    for word in record.given[1:]:
        yield word, "second"
    yield from _with_initials(record)


def _with_initials(record: Record) -> Iterator[tuple[str, str]]:
    """ "mcantwell", "mjcantwell" and "mariac"; "rokhanna" too, whose first name is too short to be told alone."""
    first, last = record.given[:1], record.family_key
    if not first or not last:
        return
    firsts = "".join(word[0] for word in record.given)
    for before in (first[0][0], firsts, first[0] if len(first[0]) < SHORTEST_NAME else ""):
        if before:
            yield before + last, "initials"
    for named in (*first, *record.also):
        if len(named) >= SHORTEST_NAME:
            yield named + last[0], "initial after"
            yield named + "".join(word[0] for word in record.family), "initial after"


def _found(key: str, word: str) -> Iterator[int]:
    start = key.find(word) if word else -1
    while start >= 0:
        yield start
        start = key.find(word, start + 1)


def _best(text: str, edges: list[Edge], whose: str, offset: int = 0) -> tuple[float, list[Edge]]:
    """The likeliest way through the letters, and its log-probability (Viterbi)."""
    ways: list[tuple[float, Edge | None]] = [(0.0, None), *((NEVER, None),) * len(text)]
    for edge in sorted(edges, key=_START):
        chance = ways[edge.start - offset][0] + (edge.theirs if whose == "theirs" else edge.anybody)
        if chance > ways[edge.end - offset][0]:
            ways[edge.end - offset] = (chance, edge)
    path: list[Edge] = []
    while last := ways[path[-1].start - offset if path else len(text)][1]:
        path.append(last)
    return ways[len(text)][0], path[::-1]
