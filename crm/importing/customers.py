"""Customers on their way in, known by their outside id; what they go by comes with them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from crm.errors import Refused
from crm.importing import links
from crm.importing.batch import Batch, Outcome, Saved, must_have
from crm.importing.fields import What
from crm.importing.ledger import COLUMNS
from crm.importing.people import HARK, NobodyThere, outside
from crm.importing.rules import Values
from crm.models import Customer

TAKEN = [name for name in COLUMNS[Customer] if name != "known_at"]


class NoNameToMakeOne(Refused):
    sentence = _("There is no customer {id} in {source}, and there is no name to make one.")


def look_up(batch: Batch, rows: Sequence[Values]) -> None:
    ids = [values["id"] for values in rows if "id" in values]
    batch.people.meet(ids=ids, addresses=[a for values in rows for a in values["addresses"]])


def save(batch: Batch, values: Values) -> Saved:
    must_have(What.CUSTOMERS, values)
    found = batch.people.customer(values["id"])
    customer = found or _make(batch, values)
    changed = bool(found) and batch.change(customer, _wanted(batch, values, customer))
    named = [outside(batch.source, values["id"])] if batch.source != HARK else []
    linked = links.link(batch, customer, [*named, *values["addresses"]])
    if not found:
        return Saved(customer, Outcome.MADE, linked.parked)
    return Saved(customer, Outcome.CHANGED if changed or linked.touched else Outcome.SAME, linked.parked)


def _wanted(batch: Batch, values: Values, customer: Customer) -> dict[str, Any]:
    """Whom another system keeps under an id, we know."""
    wanted = {name: values[name] for name in TAKEN if name in values}
    if customer.known_at is None and batch.source != HARK:
        wanted["known_at"] = timezone.now()
    return wanted


def _make(batch: Batch, values: Values) -> Customer:
    if batch.source == HARK:
        raise NobodyThere(id=values["id"], source="Hark")
    full = " ".join(filter(None, (values.get("given_name"), values.get("family_name"))))
    if not values["may_make"]:
        raise NoNameToMakeOne(id=values["id"], source=batch.source)
    goes_by = next((address.handle for address in values["addresses"]), f"{batch.source} {values['id']}")
    name = values.get("name") or full or goes_by
    known = {name: values[name] for name in TAKEN if name in values}
    customer = Customer(**known | {"name": name[:200]}, known_at=timezone.now())
    batch.make(customer)
    return customer
