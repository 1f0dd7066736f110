"""Records of other systems, saved: the one way in for files and for the API.

`save_customer(source="crm", record={"id": "C-17", "name": "Ann Mercer", "email": ["ann@example.com"]}, by=user)`

A record is known by its id in the other system; with source "hark" the ids are our own numbers, and nothing is made.
Saving it again changes nothing. Only what it names is changed, and an empty value leaves a field as it is; the word
CLEAR empties it. The fields of each kind are in crm.importing.fields. Texts are taken without the spaces around them.
Raises CannotSave, whose `problems` hold a sentence for each field that is wrong, or another Refused.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.db import DataError, IntegrityError, transaction
from django.utils.translation import gettext_lazy as _
from psycopg import errors

from crm.errors import Refused
from crm.importing import accounts, consents, customers, links, orders
from crm.importing.batch import Batch, Outcome, Saved
from crm.importing.fields import CLEAR, FIELDS, What
from crm.importing.rules import CannotSave, Values, read
from crm.models import Import, User

__all__ = ["CLEAR", "FIELDS", "CannotSave", "Outcome", "Saved", "What", "save"]


class SomebodyWasFaster(Refused):
    sentence = _("Somebody else is writing the same record; try it again.")


class CannotBeKept(Refused):
    sentence = _("The database does not take it: {why}.")


@dataclass(frozen=True)
class Kind:
    look_up: Callable[[Batch, Sequence[Values]], None]
    save: Callable[[Batch, Values], Saved]


KINDS: dict[str, Kind] = {
    What.CUSTOMERS: Kind(customers.look_up, customers.save),
    What.ACCOUNTS: Kind(accounts.look_up, accounts.save),
    What.LINKS: Kind(links.look_up, links.save),
    What.STAKEHOLDERS: Kind(accounts.look_up_stakes, accounts.save_stake),
    What.ORDERS: Kind(orders.look_up, orders.save),
    What.PRODUCTS: Kind(orders.look_up_products, orders.save_product),
    What.CONSENTS: Kind(consents.look_up, consents.save),
}


@dataclass(frozen=True)
class Row:
    """A record of a file that could be read, and its number there."""

    number: int
    values: Values


def save(
    what: str, *, source: str, record: Mapping[str, Any], by: User, run: Import | None = None, origin: str = ""
) -> Saved:
    """One record. `origin` says where it comes from ("API: Shop"), for the evidence of links and the log."""
    batch = functools.partial(Batch, source, by, run, origin or (run.name if run else source))
    row = Row(0, read(what, record))
    for _attempt in range(2):  # two who make the same record at once: the second finds it made
        try:
            with transaction.atomic():
                found = _save_all(what, batch(), [row])[0]
        except IntegrityError:
            continue
        if isinstance(found, Refused):
            raise found
        return found
    raise SomebodyWasFaster


save_customer = functools.partial(save, What.CUSTOMERS)
save_account = functools.partial(save, What.ACCOUNTS)
save_link = functools.partial(save, What.LINKS)
save_stakeholder = functools.partial(save, What.STAKEHOLDERS)
save_order = functools.partial(save, What.ORDERS)
save_product = functools.partial(save, What.PRODUCTS)
save_consent = functools.partial(save, What.CONSENTS)


def save_rows(*, run: Import, rows: Sequence[Row]) -> dict[int, Saved | Refused]:
    """Many records of a file, inside the caller's transaction: together, and one by one where that fails."""
    new_batch = functools.partial(Batch, run.source, run.by, run, run.name)
    try:
        with transaction.atomic():
            found = _save_all(run.what, new_batch(), rows)
    except (Refused, IntegrityError, DataError):
        found = [_alone(run.what, new_batch(), row) for row in rows]
    return {row.number: what for row, what in zip(rows, found, strict=True)}


def _save_all(what: str, batch: Batch, rows: Sequence[Row]) -> list[Saved | Refused]:
    """Raises what a record raises that had done something already."""
    kind = KINDS[what]
    kind.look_up(batch, [row.values for row in rows])
    found: list[Saved | Refused] = []
    for row in rows:
        batch.number, before = row.number, batch.moves
        try:
            found.append(kind.save(batch, row.values))
        except Refused as refusal:
            if batch.moves > before:
                raise
            found.append(refusal)
    batch.write()
    return found


def _alone(what: str, batch: Batch, row: Row) -> Saved | Refused:
    try:
        with transaction.atomic():
            return _save_all(what, batch, [row])[0]
    except Refused as refusal:
        return refusal
    except (IntegrityError, DataError) as error:
        return _in_words(error)


def _in_words(error: Exception) -> Refused:
    if isinstance(error.__cause__, errors.UniqueViolation):
        return SomebodyWasFaster()
    named = getattr(getattr(error.__cause__, "diag", None), "constraint_name", None)
    return CannotBeKept(why=named.replace("_", " ") if named else str(error).partition("\n")[0])
