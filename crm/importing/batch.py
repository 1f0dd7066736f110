"""A batch of records on its way into the database: what is made goes in together, what is changed, one by one.

Records see what those before them in the batch did, whether it is written yet or not.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from django.db import models
from django.utils.translation import gettext_lazy as _

from crm.importing.fields import FIELDS
from crm.importing.ledger import Ledger, differences
from crm.importing.outside import Outside
from crm.importing.people import People
from crm.importing.rules import CannotSave, Needed, Values
from crm.models import (
    Account,
    Customer,
    Identity,
    IdentityLink,
    Import,
    Order,
    Product,
    Stakeholder,
    User,
)

# in the order in which they may be written: what others refer to comes first
WRITTEN: list[type[models.Model]] = [Customer, Account, Identity, IdentityLink, Stakeholder, Order, Product]


class Outcome(models.TextChoices):
    MADE = "made", _("new")
    CHANGED = "changed", _("changed")
    SAME = "same", _("as it was")


@dataclass(frozen=True)
class Saved:
    """What came of a record. `parked` are claims that wait for a person, since somebody else we know has the same."""

    object: models.Model
    outcome: Outcome
    parked: tuple[IdentityLink, ...] = ()


@dataclass
class Batch:
    """`origin` names the file, or says where else the records come from; `number` is the row being worked on.

    `moves` counts what was made or changed: a record that is refused before it moved anything spoils no other.
    """

    source: str
    by: User
    run: Import | None = None
    origin: str = ""
    number: int = 0
    moves: int = 0
    people: People = field(init=False)
    ledger: Ledger = field(init=False)

    def __post_init__(self) -> None:
        self.people = People(self.source)
        self.ledger = Ledger(self.by, self.run, self.origin)
        self.accounts = Outside(Account, self.source)
        self.orders = Outside(Order, self.source)
        self.products = Outside(Product, self.source)
        self._new: dict[type[models.Model], list[models.Model]] = {model: [] for model in WRITTEN}
        self._changed: dict[models.Model, set[str]] = {}
        self._answers: dict[tuple[Any, ...], Any] = {}

    @property
    def evidence(self) -> str:
        return self.ledger.says(self.number)

    def make(self, row: models.Model) -> None:
        self.moves += 1
        self._new[type(row)].append(row)
        self.ledger.made(row, self.number)

    def change(self, row: models.Model, wanted: Mapping[str, Any]) -> bool:
        """Set these columns; whether one of them was different."""
        before = differences(row, wanted)
        for name in before:
            setattr(row, name, wanted[name])
        if before:
            self.moves += 1
            self.ledger.changed(row, before, self.number)
            if row.pk is not None:
                self._changed.setdefault(row, set()).update(before)
        return bool(before)

    def touch(self, row: models.Model, **columns: Any) -> None:
        """Set what follows from a change and is none itself: it is not put back by an undo."""
        for name, value in columns.items():
            setattr(row, name, value)
        if row.pk is not None:
            self._changed.setdefault(row, set()).update(columns)

    def asked(self, key: tuple[Any, ...], ask: Callable[[], Any]) -> Any:
        """The answer to a question that many rows ask, asked once a batch."""
        if key not in self._answers:
            self._answers[key] = ask()
        return self._answers[key]

    def know(self, key: tuple[Any, ...], answer: Any) -> None:
        self._answers[key] = answer

    def write(self) -> None:
        for model, rows in self._new.items():
            model._base_manager.bulk_create(rows)
        self.people.written(self._new[Customer], self._new[Identity])  # type: ignore[arg-type]
        for row, names in self._changed.items():
            row.save(update_fields=names)
        self.ledger.write()
        self._new, self._changed = {model: [] for model in WRITTEN}, {}


def must_have(what: str, values: Values) -> None:
    """For a new record, all that is needed. Raises CannotSave."""
    absent = [each for each in FIELDS[what] if each.needed and each.name not in values]
    if absent:
        raise CannotSave({each.name: str(Needed(label=each.label)) for each in absent})
