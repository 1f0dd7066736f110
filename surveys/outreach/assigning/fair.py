"""A fair split, on values: who has the fewest names this week for what they take on, then who has waited longest."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from surveys.models import Call

NEVER = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Need:
    """What one call asks for. `owner`: of a call for sales, the sales person of their account; None where none has one.

    `counts`: a first call takes a place in somebody's week. A second goes on with what they began, so it takes none.
    """

    call: int
    to: str
    country: str = ""
    language: str = ""
    owner: int | None = None
    counts: bool = True


@dataclass
class Person:
    """Who may call, as of now: here, and with `given` of `cap` names this week."""

    user: int
    to: str
    cap: int
    given: int = 0
    last: datetime = NEVER  # when they were given one before
    countries: frozenset[str] = frozenset()  # none: all
    languages: frozenset[str] = frozenset()

    @property
    def has_room(self) -> bool:
        return self.given < self.cap

    @property
    def turn(self) -> tuple[float, datetime, int]:
        return self.given / max(self.cap, 1), self.last, self.user

    def can(self, need: Need) -> bool:
        return (
            need.to == self.to
            and (not self.countries or need.country in self.countries)
            and (not need.language or need.language in self.languages)
        )


def split(needs: Iterable[Need], people: Iterable[Person]) -> dict[int, int]:
    """Call → user, of those that somebody can have; the others stand in the pool. Nobody comes above their cap."""
    here = list(people)
    found: dict[int, int] = {}
    for need in needs:
        if person := _next(need, here):
            found[need.call] = person.user
            person.given += need.counts
    return found


def _next(need: Need, people: Sequence[Person]) -> Person | None:
    """Of a sales call nobody but the account's own: whoever they know calls, or somebody takes it by hand."""
    able = (person for person in people if person.has_room or not need.counts)
    if need.to == Call.To.SALES:
        return next((person for person in able if person.user == need.owner), None)
    return min((person for person in able if person.can(need)), key=lambda person: person.turn, default=None)
