"""Who fits a case best. Pure: facts in, an order with its reasons out.

Only those count who are here, of the case's team, below their load cap, and have every skill it needs; of them those
who speak its language, or all where none does. Then by points, each of which stands as a reason:

    certified for the channel                                       1000
    spoke with the customer before           30, and 10 for each further case, 50 at most
    free places                              100 · (1 - cases they have / cases at once)

Among equals who has fewer cases comes first, then who has been here longer (the lower number).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from cases.offers import reasons
from cases.offers.reasons import Reason
from crm.models import User

CERTIFIED, FREE = 1000, 100
MET, MET_AGAIN, MET_AT_MOST = 30, 10, 50


@dataclass(frozen=True)
class Need:
    """What one case asks for. `place`: the network one must be certified for; None where nobody need be."""

    case: int
    team: int
    customer: int
    language: str = ""
    place: str | None = None
    skills: Mapping[int, str] = field(default_factory=dict)
    owner: int | None = None


@dataclass
class Answerer:
    """One person, as of now. `load` counts their open cases and what they are offered; `lacks`: see Certificates."""

    user: User
    teams: frozenset[int]
    languages: frozenset[str]
    skills: frozenset[int] = frozenset()
    load: int = 0
    offered: int = 0
    is_here: bool = True  # on shift, and not away
    uncertified: frozenset[str] = frozenset()  # networks
    met: Mapping[int, int] = field(default_factory=dict)  # customer → in how many cases they answered them

    @property
    def cap(self) -> int:
        return self.user.load_cap

    @property
    def has_room(self) -> bool:
        return self.load < self.cap

    def can_do(self, need: Need) -> bool:
        return need.team in self.teams and self.user.pk != need.owner and need.skills.keys() <= self.skills

    def speaks(self, need: Need) -> bool:
        return not need.language or need.language in self.languages


@dataclass(frozen=True)
class Fit:
    user: User
    score: int
    why: list[Reason]
    load: int = 0

    @property
    def reasons(self) -> list[str]:
        return reasons.phrases(self.why)


def best(need: Need, people: Iterable[Answerer]) -> list[Fit]:
    """Those who fit, the best first."""
    able = [person for person in people if person.is_here and person.has_room and person.can_do(need)]
    speaking = [person for person in able if person.speaks(need)]
    return sorted((fit(need, person) for person in speaking or able), key=_order)


def _order(fit: Fit) -> tuple[int, int, int]:
    return -fit.score, fit.load, fit.user.pk


def fit(need: Need, person: Answerer) -> Fit:
    """How well this one fits, whoever else there is."""
    certified = need.place is None or need.place not in person.uncertified
    met = person.met.get(need.customer, 0)
    score = CERTIFIED * certified + _met(met) + round(FREE * max(0, person.cap - person.load) / max(person.cap, 1))
    why: list[Reason] = []
    if need.language:
        why.append(
            {"kind": reasons.SPEAKS if person.speaks(need) else reasons.NOBODY_SPEAKS, "language": need.language}
        )
    if need.skills:
        why.append({"kind": reasons.KNOWS, "skills": sorted(need.skills.values())})
    why.append({"kind": reasons.LOAD, "load": person.load, "cap": person.cap})
    if met:
        why.append({"kind": reasons.MET, "cases": met})
    if not certified:
        why.append({"kind": reasons.DRAFTS})
    return Fit(person.user, score, why, person.load)


def _met(cases: int) -> int:
    return min(MET + MET_AGAIN * (cases - 1), MET_AT_MOST) if cases else 0
