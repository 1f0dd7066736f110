"""One record read by its fields: what it says, or all that is wrong with it. Nothing here asks the database.

So whether a record is taken hangs on the record alone, as far as it can: a file read twice, or half and then whole,
comes out the same.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from django.utils.translation import gettext_lazy as _

from crm import addresses
from crm.errors import Refused
from crm.importing.fields import ANY_CONTACT, CALLED_BY, CLEAR, FIELDS, Field, What
from crm.models import Identity

Values = dict[str, Any]
Key = tuple[str, str, str]  # kind, place, value


class CannotSave(Refused):
    """A record with something wrong in it. `problems` is field → sentence; the sentence is all of them."""

    sentence = _("{said}")

    def __init__(self, problems: Mapping[str, str]) -> None:
        self.problems = dict(problems)
        super().__init__(said=" ".join(self.problems.values()))


class Needed(Refused):
    sentence = _("{label} is missing.")


class CannotBeEmptied(Refused):
    sentence = _("{label} cannot be emptied.")


class OneValue(Refused):
    sentence = _("One value is wanted, not a list or an object.")


class WhichNetwork(Refused):
    sentence = _("“{text}” does not say of which network it is; write twitter:annie_m.")


class WhichPlace(Refused):
    sentence = _("Say of which network or system it is.")


class AmountInWhat(Refused):
    sentence = _("An amount needs a currency: EUR, GBP, USD.")


class GoneBeforeTheyCame(Refused):
    sentence = _("They cannot have left before they came.")


class CannotLift(Refused):
    sentence = _("“Do not contact” is lifted on the customer’s page, by a person who says why; never by an import.")


class ForbidsAnyContact(Refused):
    sentence = _("“forbidden” is said of any contact; for one purpose write “refused”.")


class SayHowTheyAgreed(Refused):
    sentence = _("Say how we know that they agreed: what they said, signed or ticked, and when.")


@dataclass(frozen=True)
class Address:
    """A handle, address, number or outside id on its way to being an identity: the key, and how people write it."""

    kind: str
    place: str
    value: str
    handle: str

    @property
    def key(self) -> Key:
        return self.kind, self.place, self.value

    @classmethod
    def read(cls, kind: str, text: str, *, place: str = "", country: str = "") -> Address:
        """Raises NotAnAddress."""
        form = addresses.written(kind, text, country)
        return cls(kind, place, form.value, form.handle)


def read(what: str, record: Mapping[str, Any]) -> Values:
    """What a record gives, by field. One it does not name, or leaves empty, is not there.

    A needed field may go unnamed, where records that are there are only to be changed; named, it must hold something.
    Of customers and links `addresses` is a list of what they go by. Raises CannotSave.
    """
    found: Values = {}
    problems: dict[str, str] = {}
    for each in FIELDS[what]:
        try:
            if each.name in record and (value := _value(each, record[each.name])):
                found[each.name] = value[0]
        except Refused as error:
            named = isinstance(error, Needed | CannotBeEmptied)
            problems[each.name] = str(error) if named else f"{each.label}: {error}"
    CHECKS[what](found, problems, record)
    if problems:
        raise CannotSave(problems)
    return found


def _value(each: Field, given: Any) -> tuple[Any] | None:
    """(value,), or None where the record leaves it as it is."""
    cells = _cells(each, given)
    if not cells:
        if each.needed:
            raise Needed(label=each.label)
        return None
    if cells == [CLEAR]:
        if each.needed or each.many or each.empty is ...:
            raise CannotBeEmptied(label=each.label)
        return (each.empty,)
    found = [each.read(cell) for cell in cells]
    return (found if each.many else found[0],)


def _cells(each: Field, given: Any) -> list[str]:
    if each.many and isinstance(given, list | tuple):
        return [cell for one in given for cell in _cells_of_one(one)]
    if each.many and isinstance(given, str):
        return [cell.strip() for cell in given.split(";") if cell.strip()]
    return _cells_of_one(given)


def _cells_of_one(given: Any) -> list[str]:
    if given is None:
        return []
    if isinstance(given, str):
        return [given.strip()] if given.strip() else []
    if isinstance(given, datetime | date):
        return [given.isoformat()]
    if isinstance(given, bool):
        return ["true" if given else "false"]
    if isinstance(given, int | float | Decimal):
        return [str(given)]
    raise OneValue


# --- what holds between the fields of one record

Problems = dict[str, str]
Check = Callable[[Values, Problems, Mapping[str, Any]], None]


def _customer(found: Values, problems: Problems, record: Mapping[str, Any]) -> None:
    """The addresses, each in its one form, and whether the record is of a kind that may make somebody new."""
    found["may_make"] = any(name in record for name in CALLED_BY)
    written: dict[Key, Address] = {}
    for name, kind in (("email", "email"), ("phone", "phone"), ("handle", "handle")):
        for cell in found.pop(name, []):
            try:
                address = _address(kind, cell, found.get("country") or "")
                written[address.key] = address
            except Refused as error:
                problems[name] = str(error)
    found["addresses"] = list(written.values())


def _address(kind: str, cell: str, country: str) -> Address:
    if kind != Identity.Kind.HANDLE:
        return Address.read(kind, cell, country=country)
    place, colon, handle = cell.partition(":")
    if not colon or not place.strip() or len(place) > 40:
        raise WhichNetwork(text=cell)
    return Address.read(kind, handle, place=place.strip().lower())


def _link(found: Values, problems: Problems, record: Mapping[str, Any]) -> None:
    kind, place = found.get("kind"), (found.get("place") or "").lower()
    if not kind or "value" not in found:
        return
    if kind in (Identity.Kind.HANDLE, Identity.Kind.EXTERNAL):
        if not place:
            problems["place"] = str(WhichPlace())
    else:
        place = ""
    try:
        found["addresses"] = [Address.read(kind, found["value"], place=place)]
    except Refused as error:
        problems["value"] = str(error)


def _stakeholder(found: Values, problems: Problems, record: Mapping[str, Any]) -> None:
    since, left = found.get("since_on"), found.get("left_on")
    if since and left and left < since:
        problems["left_on"] = str(GoneBeforeTheyCame())


def _order(found: Values, problems: Problems, record: Mapping[str, Any]) -> None:
    """An amount brings its currency, beside it or in its own cell."""
    if found.get("amount") is None:
        return
    found["amount"], inside = found["amount"]
    found["currency"] = found.get("currency") or inside
    if not found["currency"] and "currency" not in problems:
        problems["currency"] = str(AmountInWhat())


def _consent(found: Values, problems: Problems, record: Mapping[str, Any]) -> None:
    purpose, state = found.get("purpose"), found.get("state")
    if purpose == ANY_CONTACT and state == "refused":
        found["state"] = "forbidden"
    elif purpose == ANY_CONTACT and state == "given":
        problems["state"] = str(CannotLift())
    elif purpose != ANY_CONTACT and state == "forbidden":
        problems["state"] = str(ForbidsAnyContact())
    elif state == "given" and not found.get("how"):
        problems["how"] = str(SayHowTheyAgreed())


def _nothing(found: Values, problems: Problems, record: Mapping[str, Any]) -> None:
    pass


CHECKS: dict[str, Check] = {
    What.CUSTOMERS: _customer,
    What.ACCOUNTS: _nothing,
    What.LINKS: _link,
    What.STAKEHOLDERS: _stakeholder,
    What.ORDERS: _order,
    What.PRODUCTS: _nothing,
    What.CONSENTS: _consent,
}
