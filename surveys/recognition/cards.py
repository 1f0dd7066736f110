"""Scorecards: what one of us, or all of a team, are recognised for in a month. People stand in the order of names.

A customer whom two people saved together stands on both cards, and counts once for the team; so does an improvement.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from django.db.models import QuerySet

from crm.models import Team, User
from surveys.models import Recognition
from surveys.recognition import kept, prevented, saved
from surveys.recognition.kept import Promise, Share
from surveys.recognition.months import Month
from surveys.recognition.prevented import Prevented
from surveys.recognition.saved import Saved


@dataclass
class Card:
    """One person in one month. `improvements` are all that came, `prevented` of these those that helped."""

    person: User
    month: Month
    saved: list[Saved] = field(default_factory=list)
    share: Share = field(default_factory=Share)
    improvements: list[Prevented] = field(default_factory=list)
    thanks: list[Recognition] = field(default_factory=list)

    @property
    def prevented(self) -> list[Prevented]:
        return [each for each in self.improvements if each.fell]

    @property
    def to_be_seen(self) -> list[Prevented]:
        return [each for each in self.improvements if each.to_be_seen]

    @property
    def is_empty(self) -> bool:
        return not (self.saved or self.share.of or self.improvements or self.thanks)


@dataclass(frozen=True)
class Together:
    """What several people did in one month, each thing once."""

    customers: int
    share: Share
    causes: int
    thanks: int


def people_of(user: User, team: Team | None = None) -> QuerySet[User]:
    """Whose cards `user` may see: leads everybody's, others their own. Of a team: of its members."""
    seen = User.objects.filter(is_active=True) if user.leads else User.objects.filter(pk=user.pk)
    return seen.filter(pk__in=team.memberships.values("user")) if team else seen


def cards(people: Sequence[User], month: Month, now: datetime) -> list[Card]:
    """In their order. Eleven queries, however many people."""
    pks = [person.pk for person in people]
    saves, shares = saved.by_person(pks, month), kept.shares(pks, month, now)
    improvements, thanks = prevented.by_person(pks, month), thanks_of(pks, month)
    return [
        Card(person, month, saves.get(person.pk, []), shares.get(person.pk, Share()),
             improvements.get(person.pk, []), thanks.get(person.pk, []))
        for person in people
    ]  # fmt: skip


def together(cards: Iterable[Card]) -> Together:
    every = list(cards)
    return Together(
        len({each.turn.customer for card in every for each in card.saved}),
        sum((card.share for card in every), Share()),
        len({each.plan.pk for card in every for each in card.prevented}),
        sum(len(card.thanks) for card in every),
    )


def thanks_of(people: Collection[int], month: Month) -> dict[int, list[Recognition]]:
    """What each was thanked for, the latest first. One query."""
    found = Recognition.objects.standing().with_subject().filter(
        person__in=people, at__gte=month.start, at__lt=month.end
    )  # fmt: skip
    said: dict[int, list[Recognition]] = {}
    for each in found.order_by("-at", "-pk"):
        said.setdefault(each.person_id, []).append(each)
    return said


def promises(card: Card, now: datetime) -> list[Promise]:
    """One by one what its share of kept promises counts. Four queries."""
    return kept.listed(card.person.pk, card.month, now)
