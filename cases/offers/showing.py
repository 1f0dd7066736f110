"""Offers as pages show them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from cases.models import Case, Offer
from cases.offers import reasons
from crm.models import User
from crm.web import Request

State = Offer.State
SHOWN = 20


@dataclass(frozen=True)
class Card:
    """An offer with its reasons, said to whom it is for."""

    offer: Offer
    because: str


def cards_of(user: User) -> list[Card]:
    """What is offered to `user` just now, the oldest first. One query."""
    standing = Offer.objects.standing().filter(user=user).select_related("case__customer", "case__channel")
    return [Card(offer, reasons.because(offer.reasons)) for offer in standing.order_by("pk")[:SHOWN]]


def part(case: Case, request: Request) -> dict[str, Any]:
    """For the pane: to whom a new case is offered and why, or how many did not take it. One query, none once taken."""
    if case.state != Case.State.NEW:
        return {}
    asked = list(Offer.objects.asked().filter(case=case).select_related("user").order_by("-pk")[:SHOWN])
    standing = next((offer for offer in asked if offer.is_standing), None)
    shown = {"offers_over": len({offer.user_id for offer in asked if offer is not standing})}
    if standing is None:
        return shown
    mine = standing.user_id == request.user.pk
    why = reasons.because(standing.reasons) if mine else ", ".join(reasons.phrases(standing.reasons))
    return {**shown, "offer": standing, "offer_why": why}
