"""From identities to scored candidates: who else might their bearer be?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from crm.matching import blocking, loading
from crm.matching.commonness import World
from crm.matching.learning import world_for
from crm.matching.records import Match, Record
from crm.matching.scoring import is_double, match, passes, stands_out
from crm.models import Identity


@dataclass(frozen=True, slots=True)
class Candidate:
    """A customer whom a record may belong to, and what speaks for it."""

    record: Record
    match: Match

    @property
    def customer_id(self) -> int:
        return self.record.pk


@dataclass(frozen=True, slots=True)
class Looked:
    """What was found for one record: all candidates, the best first, and the one who stands out, if one does."""

    record: Record
    candidates: tuple[Candidate, ...]
    chosen: Candidate | None


def candidates(identity: Identity) -> list[Candidate]:
    """Whom the bearer of this identity may be, the best first, whatever was decided before."""
    bearer = loading.bearers([identity.pk]).get(identity.pk)
    records = loading.of_customers([bearer]) if bearer else loading.lone([identity])
    return [one for found in look(records).values() for one in found.candidates]


def look(records: Mapping[int, Record], refused: Mapping[int, set[int]] | None = None) -> dict[int, Looked]:
    """Find and score the candidates of each record, by whatever number it has here, without those refused for it.

    At most 14 queries, however many records.
    """
    found = blocking.candidates(records, world_for(records.values()))
    others = loading.of_customers({pk for pks in found.values() for pk in pks})
    world = world_for(records.values(), others.values())
    looked = {}
    for number, record in records.items():
        never = (refused or {}).get(number, set())
        looked[number] = _looked(
            record, [others[pk] for pk in found[number] if pk in others and pk not in never], world
        )
    return looked


def _looked(record: Record, others: Sequence[Record], world: World) -> Looked:
    scored = [Candidate(other, match(record, other, world)) for other in others]
    scored = sorted((one for one in scored if one.match.points), key=lambda one: (-one.match.odds, one.record.pk))
    # whom we only have a handle of is proposed to whom we know, never the other way
    of_rank = [one for one in scored if one.record.is_known or not record.is_known]
    return Looked(record, tuple(scored), choose(of_rank, world))


def choose(scored: Sequence[Candidate], world: World) -> Candidate | None:
    """The one to propose: customers we know before those of whom we have a handle; none, where two are as likely.

    A rival who looks like the same person as the best is none: then our records hold that person twice.
    """
    best = next((one for one in scored if passes(one.match) and one.record.is_known), None)
    best = best or next((one for one in scored if passes(one.match)), None)
    if best is None:
        return None
    rivals = [one for one in scored if one is not best and one.record.is_known == best.record.is_known]
    rivals = [one for one in rivals if not stands_out(best.match, [one.match])]
    rivals = [one for one in rivals if not is_double(match(best.record, one.record, world))]
    return None if rivals else best
