"""Orders and products owned on their way in, each for a customer we know."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeVar

from django.utils import timezone

from crm.importing.batch import Batch, Outcome, Saved, must_have
from crm.importing.fields import What
from crm.importing.ledger import COLUMNS
from crm.importing.outside import Outside
from crm.importing.people import HARK
from crm.importing.rules import Values
from crm.models import Order, Product

T = TypeVar("T", Order, Product)


def look_up(batch: Batch, rows: Sequence[Values]) -> None:
    batch.orders.meet(values["id"] for values in rows if "id" in values)
    _look_up_owners(batch, rows)


def look_up_products(batch: Batch, rows: Sequence[Values]) -> None:
    batch.products.meet(values["id"] for values in rows if "id" in values)
    batch.orders.meet(values["order"] for values in rows if values.get("order"))
    _look_up_owners(batch, rows)


def _look_up_owners(batch: Batch, rows: Sequence[Values]) -> None:
    batch.people.meet(ids=[values["customer"] for values in rows if "customer" in values])
    batch.accounts.meet(values["account"] for values in rows if values.get("account"))


def save(batch: Batch, values: Values) -> Saved:
    return _save(batch, What.ORDERS, batch.orders, values)


def save_product(batch: Batch, values: Values) -> Saved:
    return _save(batch, What.PRODUCTS, batch.products, values)


def _save(batch: Batch, what: str, known: Outside[T], values: Values) -> Saved:
    if "id" not in values:
        must_have(what, values)
    row = known.get(values["id"])
    if row is None and batch.source == HARK:
        known.must(values["id"])
    wanted = _wanted(batch, known.model, values)
    if row:
        changed = batch.change(row, wanted)
        if changed and isinstance(row, Order):
            batch.touch(row, changed_at=timezone.now())
        return Saved(row, Outcome.CHANGED if changed else Outcome.SAME)
    must_have(what, values)
    row = known.model(source=batch.source, external_id=values["id"], **wanted)
    batch.make(row)
    known.add(row)
    return Saved(row, Outcome.MADE)


def _wanted(batch: Batch, model: type[T], values: Values) -> dict[str, Any]:
    """The columns, with whom and what the record names looked up."""
    wanted = {name: values[name] for name in COLUMNS[model] if name in values}
    if "customer" in values:
        wanted["customer_id"] = batch.people.known_customer(values["customer"]).pk
    for name, known in (("account", batch.accounts), ("order", batch.orders)):
        if name in values:
            wanted[f"{name}_id"] = known.must(values[name]).pk if values[name] else None  # type: ignore[attr-defined]
    return wanted
