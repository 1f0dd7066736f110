"""What is said of a customer in single values: which of two stands after a merge.

Most are chosen, field by field. Some are not a choice: the earlier date we knew them, and the stricter consent. Those
are worked out anew when one of several merges into a record is undone, from what the others brought.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.db import models

from crm.merging import values
from crm.models import Consent, ConsentChange, Customer, Purpose, Tier

SURVIVOR, ABSORBED = "survivor", "absorbed"
EARLIEST = ("created_at", "known_at", "do_not_contact_at")
CONSENT = "consent:"
STRICTNESS = {Consent.State.GIVEN: 1, Consent.State.REFUSED: 2}
TIERS = list(Tier)


@dataclass(frozen=True)
class Choice:
    """A field in which two records differ. `default` is the side to take where nobody says: survivor or absorbed."""

    field: models.Field[Any, Any]
    default: str

    @property
    def name(self) -> str:
        return self.field.name


def choices(survivor: Customer, absorbed: Customer) -> list[Choice]:
    """The fields in which they differ, in the order of the record."""
    differing = (f for f in chosen() if getattr(survivor, f.attname) != getattr(absorbed, f.attname))
    return [Choice(field, _default(field, survivor, absorbed)) for field in differing]


def chosen() -> list[models.Field[Any, Any]]:
    """The fields a person may choose between: all that people fill in."""
    fields = Customer._meta.concrete_fields
    return [f for f in fields if f.editable and not f.primary_key and f.name not in EARLIEST]


def _default(field: models.Field[Any, Any], survivor: Customer, absorbed: Customer) -> str:
    """What is there beats what is not, the higher tier the lower, whom we know whom we do not, and then who stays."""
    ours, theirs = getattr(survivor, field.attname), getattr(absorbed, field.attname)
    if field.name == "tier":
        return ABSORBED if TIERS.index(theirs) > TIERS.index(ours) else SURVIVOR
    if not ours or not theirs:
        return SURVIVOR if ours else ABSORBED
    return ABSORBED if survivor.is_provisional and not absorbed.is_provisional else SURVIVOR


def outcome(survivor: Customer, absorbed: Customer, wishes: Mapping[str, str]) -> dict[str, Any]:
    """Attribute of the survivor → the value taken from the absorbed record."""
    taken = (c.field for c in choices(survivor, absorbed) if wishes.get(c.name, c.default) == ABSORBED)
    return {field.attname: getattr(absorbed, field.attname) for field in taken}


# --- what is not a choice


def ruled() -> tuple[str, ...]:
    """The names under which the values stand that are not a choice."""
    return (*EARLIEST, *(CONSENT + purpose for purpose in Purpose.values))


def is_ruled(column: str) -> bool:
    return column in EARLIEST or column.startswith(CONSENT)


def stricter(column: str, ours: Any, theirs: Any) -> Any:
    """Of two values as JSON keeps them the one that holds for both: the earlier date, the stricter consent."""
    if theirs is None or ours is None:
        return ours if theirs is None else theirs
    if column.startswith(CONSENT):
        return theirs if STRICTNESS[theirs["state"]] > STRICTNESS[ours["state"]] else ours
    return min(ours, theirs)


def value(customer: Customer, column: str) -> Any:
    """A value of the record as JSON keeps it; of a consent its state and since when, None where nobody asked."""
    if not column.startswith(CONSENT):
        return values.written(customer._meta.get_field(column), getattr(customer, column))
    held = Consent.objects.filter(customer=customer, purpose=column.removeprefix(CONSENT)).first()
    return _consent(held) if held else None


def consents(customer: Customer) -> dict[str, Any]:
    """The same for all consents at once: column → value."""
    return {CONSENT + held.purpose: _consent(held) for held in Consent.objects.filter(customer=customer)}


def _consent(held: Consent) -> dict[str, str]:
    return {"state": held.state, "since": values.written(Consent._meta.get_field("since"), held.since)}


def put(customer: Customer, column: str, kept: Any) -> None:
    """Make the value what it is kept as."""
    if not column.startswith(CONSENT):
        held = values.read(customer._meta.get_field(column), kept)
        Customer.objects.filter(pk=customer.pk).update(**{column: held})
        setattr(customer, column, held)
        return
    purpose = column.removeprefix(CONSENT)
    if kept is None:
        Consent.objects.filter(customer=customer, purpose=purpose).delete()
    else:
        since = values.read(Consent._meta.get_field("since"), kept["since"])
        new = {"state": kept["state"], "since": since}
        Consent.objects.update_or_create(customer=customer, purpose=purpose, defaults=new)


def change_to(column: str, kept: Any) -> tuple[str, str]:
    """(purpose, what it became) as the history of consent names it."""
    if column.startswith(CONSENT):
        return column.removeprefix(CONSENT), kept["state"]
    return "", ConsentChange.To.SET
