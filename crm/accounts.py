"""Accounts: who decides in them, and how they are.

How an account is, and how many cases its people have open, the case desk tells: it stands further up the order of the
house, and gives itself a name here when it starts (`told_by`).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Protocol

from django.db import models, transaction
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext_lazy as _

from crm import handoff
from crm.errors import Refused
from crm.models import Account, Customer, Stakeholder, User
from crm.models.activity import log

MOST = 200  # stakeholders drawn at once; in a larger account one searches by name


class AlreadyThere(Refused):
    sentence = _("{who} is {role} of {account} already.")


class NotYetThen(Refused):
    sentence = _("{who} cannot have left before they came, on {since}.")


class Condition(models.TextChoices):
    AT_RISK = "at_risk", _("At risk")
    WATCH = "watch", _("Watch")
    GOOD = "good", _("Good")
    UNKNOWN = "unknown", _("Nothing to go by")


@dataclass(frozen=True)
class Health:
    """How an account is, why as finished sentences (the worst first), and how many people of theirs we know."""

    condition: Condition
    reasons: tuple[str, ...]
    people: int = 0


class CareDesk(Protocol):
    """What the case desk tells. Each answers for a list at once, in a fixed number of queries, by primary key."""

    def health(self, accounts: Sequence[Account], now: datetime) -> dict[int, Health]: ...

    def open_cases(self, customers: Iterable[int]) -> dict[int, int]: ...


_desks: list[CareDesk] = []


def told_by(desk: CareDesk) -> None:
    """From now on this desk tells how accounts are."""
    _desks[:] = [desk]


def health(accounts: Sequence[Account], now: datetime) -> dict[int, Health]:
    return _desks[0].health(accounts, now) if _desks else {}


def open_cases(customers: Iterable[int]) -> dict[int, int]:
    """How many cases of each are not resolved, the same figure for whoever reads it. Who has none is left out."""
    return _desks[0].open_cases(customers) if _desks else {}


@dataclass(frozen=True)
class Seat:
    """One stakeholder of an account, as its page lists them."""

    stakeholder: Stakeholder
    open_cases: int


def seats(account: Account, words: str = "") -> list[Seat]:
    """Who is there now, the weightiest first: at most `MOST`, and one more where there are more. Two queries."""
    there = Stakeholder.objects.of_account(account).present()
    found = there.select_related("customer", "persona").weightiest_first()
    if words:
        found = found.filter(customer__name__icontains=words)
    people = list(found[: MOST + 1])
    opened = open_cases({s.customer_id for s in people})
    return [Seat(s, opened.get(s.customer_id, 0)) for s in people]


@transaction.atomic
def join(*, stakeholder: Stakeholder, by: User) -> Stakeholder:
    """Write a new stakeholder down; one who left in this role comes back with what is said of them now."""
    held = _held(stakeholder)
    if held and held.left_on is None:
        raise _already(held)
    if held:
        stakeholder.pk, stakeholder.created_at, stakeholder.left_on = held.pk, held.created_at, None
    stakeholder.save(force_update=held is not None)
    _tell("came back" if held else "joined", stakeholder, by)
    return stakeholder


@transaction.atomic
def change(*, stakeholder: Stakeholder, by: User) -> Stakeholder:
    """Keep what is said of a stakeholder now. Refused where the role it names is held by them already."""
    held = _held(stakeholder)
    if held and held.pk != stakeholder.pk:
        raise _already(held)
    stakeholder.save()
    _tell("changed", stakeholder, by)
    return stakeholder


@transaction.atomic
def leave(*, stakeholder: Stakeholder, on: date | None = None, by: User) -> Stakeholder:
    """They are no longer there; the record of it stays."""
    on = on or timezone.localdate()
    if stakeholder.since_on and on < stakeholder.since_on:
        raise NotYetThen(who=stakeholder.customer, since=date_format(stakeholder.since_on, "j M Y"))
    if Stakeholder.objects.filter(pk=stakeholder.pk, left_on=None).update(left_on=on):
        stakeholder.left_on = on
        _tell("left", stakeholder, by)
    return stakeholder


@transaction.atomic
def come_back(*, stakeholder: Stakeholder, by: User) -> Stakeholder:
    if Stakeholder.objects.filter(pk=stakeholder.pk, left_on__isnull=False).update(left_on=None):
        stakeholder.left_on = None
        _tell("came back", stakeholder, by)
    return stakeholder


def _held(stakeholder: Stakeholder) -> Stakeholder | None:
    """The row that holds this customer's role in this account, locked."""
    same = {"account": stakeholder.account, "customer": stakeholder.customer, "role": stakeholder.role}
    Account.objects.select_for_update().get(pk=stakeholder.account_id)
    return Stakeholder.objects.filter(**same).select_related("customer", "account").first()


def _already(held: Stakeholder) -> AlreadyThere:
    return AlreadyThere(who=held.customer, role=held.get_role_display(), account=held.account)


def _tell(verb: str, stakeholder: Stakeholder, by: User) -> None:
    """A line on both records, and on the pages of the customer's open cases."""
    customer: Customer = stakeholder.customer
    role = stakeholder.get_role_display()
    log(verb, stakeholder.account, by=by, detail=f"{customer} ({role})")
    log(verb, customer, by=by, detail=f"{stakeholder.account} ({role})")
    handoff.pass_on("customer_changed", customer.pk)
