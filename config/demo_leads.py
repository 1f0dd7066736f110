"""The demo's sales leads: one that waits, one being talked about, one won, and one that was nothing for sales."""

from __future__ import annotations

from cases import leads
from cases.models import Case, Lead
from crm import consent
from crm.models import Purpose, Stakeholder, User

WANTED = (
    "A travel account for their 40 consultants, Lisbon to Madrid each week",
    "Ten yearly passes for the new office in Porto",
    "Group tickets for a school, 62 children and 6 teachers",
    "A refund in vouchers, to be used for business class",
)


def load() -> None:
    """On open cases of people who belong to accounts first; as many of the lines as there are cases for."""
    agent = User.objects.get(username="agent")
    seller = User.objects.filter(is_active=True, role="sales").order_by("pk").first()
    made = [_handed(case, what, agent) for case, what in zip(_cases(), WANTED, strict=False)]
    if seller is None:
        return
    for lead, end in zip(made[1:], (None, _won, _returned), strict=False):
        taken = leads.take(lead=lead, by=lead.owner or seller)
        if end:
            end(taken)


def _cases() -> list[Case]:
    at_work = Stakeholder.objects.present().values("customer")
    free = Case.objects.unresolved().filter(
        leads=None, customer__do_not_contact_at=None, customer__erased_at=None, entries__isnull=False
    )
    found = list(free.filter(customer__in=at_work).order_by("-opened_at").distinct()[: len(WANTED)])
    others = free.exclude(customer__in=at_work).order_by("-opened_at").distinct()
    chosen = found + list(others[: len(WANTED)])
    return [case for case in chosen if consent.may_contact(case.customer, Purpose.CARE_REPLY)][: len(WANTED)]


def _handed(case: Case, what: str, by: User) -> Lead:
    said = case.entries.filter(message__direction="in", message__erased_at=None).select_related("message").last()
    return leads.hand(case=case, message=said.message if said else None, what=what, by=by)


def _won(lead: Lead) -> None:
    leads.win(lead=lead, outcome="Booked for 14 May, paid by the school's account.", by=_whose(lead))


def _returned(lead: Lead) -> None:
    leads.give_back(lead=lead, why="They ask for their money back, they do not want to buy.", by=_whose(lead))


def _whose(lead: Lead) -> User:
    assert lead.owner is not None  # it was taken a moment ago
    return lead.owner
