"""What a person needs to see to decide on a proposal: both sides, what speaks for and against, who else it may be.

For a list of proposals at once, in a fixed number of queries.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from django.db.models import Count
from django.utils.translation import gettext_lazy as _

from crm.merging.relations import uses
from crm.merging.staying import counted
from crm.models import Customer, IdentityLink, Stakeholder

MOST_WAITING = 99  # counted; beyond, one says so
# from this score on: how sure we are, in a word
CERTAINTY = (
    (0.98, _("Almost certain")), (0.9, _("Very likely")), (0.75, _("Likely")), (0.5, _("Possible")), (0, _("Weak")),
)  # fmt: skip
CLOSE = 0.15  # within so much of each other, two candidates are hard to tell apart


@dataclass(frozen=True)
class Point:
    says: str
    is_for: bool


@dataclass
class Card:
    """One proposal. `owner` has the identity now, `holds` counts what stands under it, `rival` is the next best."""

    link: IdentityLink
    owner: IdentityLink | None = None
    holds: list[str] = field(default_factory=list)
    rival: IdentityLink | None = None

    @property
    def is_conflict(self) -> bool:
        """We know somebody already who has it."""
        return self.owner is not None and not self.owner.customer.is_provisional

    @property
    def is_open(self) -> bool:
        return self.link.state == IdentityLink.State.PROPOSED

    @property
    def is_match(self) -> bool:
        """Found by likeness; else somebody claims it, and no score says how likely that is."""
        return self.link.method == IdentityLink.Method.MATCHED

    @property
    def certainty(self) -> str:
        score = self.link.score or 0
        return str(next(word for least, word in CERTAINTY if score >= least))

    @property
    def share(self) -> str:
        """The score as people read it. Nothing is certain by likeness alone."""
        return "> 99 %" if (self.link.score or 0) > 0.995 else f"{round(100 * (self.link.score or 0))} %"

    @property
    def points(self) -> list[Point]:
        """What speaks for it before what speaks against, the weightiest first."""
        ordered = sorted(self.link.points, key=lambda point: (point["weight"] <= 0, -abs(point["weight"])))
        return [Point(point["says"], point["weight"] > 0) for point in ordered]

    @property
    def is_close(self) -> bool:
        return self.rival is not None and (self.link.score or 0) - (self.rival.score or 0) < CLOSE


def cards(links: Iterable[IdentityLink]) -> list[Card]:
    """The proposals with all that a card shows. At most 12 queries."""
    links = list(links)
    identities = {link.identity_id for link in links}
    owners, rivals, holds = _owners(identities), _rivals(identities), _holds(identities)
    found = [Card(link, owners.get(link.identity_id), holds[link.identity_id]) for link in links]
    for card in found:
        others = (rival for rival in rivals[card.link.identity_id] if rival.pk != card.link.pk)
        card.rival = next(others, None) if card.is_open else None
    # in a list: the same customer may stand on several cards, each time as an object of its own
    _describe([card.link.customer for card in found] + [card.owner.customer for card in found if card.owner])
    return found


def _owners(identities: Iterable[int]) -> dict[int, IdentityLink]:
    links = IdentityLink.objects.confirmed().filter(identity__in=identities).select_related("customer")
    return {link.identity_id: link for link in links}


def _rivals(identities: Iterable[int]) -> dict[int, list[IdentityLink]]:
    found: dict[int, list[IdentityLink]] = defaultdict(list)
    links = IdentityLink.objects.proposed().filter(identity__in=identities).select_related("customer")
    for link in links.order_by("-score", "-pk"):
        found[link.identity_id].append(link)
    return found


def _holds(identities: Iterable[int]) -> dict[int, list[str]]:
    found: dict[int, list[str]] = defaultdict(list)
    for use in uses():
        rows = use.model._base_manager.filter(**{f"{use.column}__in": identities}).order_by(use.column)
        for identity, number in rows.values_list(use.column).annotate(Count("pk")):
            found[identity].append(counted(use.model, number))
    return found


def _describe(customers: Iterable[Customer]) -> None:
    """Give each customer what a card says of them: `known_as`, their confirmed links, and `places`, their accounts."""
    by_pk: dict[int, list[Any]] = defaultdict(list)
    for customer in customers:
        customer.known_as, customer.places = [], []  # type: ignore[attr-defined]
        by_pk[customer.pk].append(customer)
    for link in IdentityLink.objects.confirmed().filter(customer__in=by_pk).select_related("identity").order_by("pk"):
        for customer in by_pk[link.customer_id]:
            customer.known_as.append(link)
    for stake in Stakeholder.objects.present().filter(customer__in=by_pk).select_related("account").order_by("pk"):
        for customer in by_pk[stake.customer_id]:
            customer.places.append(stake)


def waiting() -> int:
    """How many proposals wait for a decision, up to one more than `MOST_WAITING`."""
    return len(IdentityLink.objects.proposed().values_list("pk")[: MOST_WAITING + 1])
