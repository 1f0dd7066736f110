"""What a batch of records made and changed: told to the undo, to the log, to other systems and to open pages."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from django.db.models import Model
from django.utils import timezone

from crm import copying, handoff, webhooks
from crm.models import (
    Account,
    Activity,
    ConsentChange,
    Customer,
    Identity,
    IdentityLink,
    Import,
    ImportChange,
    Merge,
    Order,
    Product,
    Stakeholder,
    User,
)

# What an import may set in a row of ours, and so all that is compared and put back by its undo
COLUMNS: dict[type[Model], tuple[str, ...]] = {
    Customer: (
        "name", "given_name", "family_name", "nickname", "born_on", "tier", "language", "country", "city", "time_zone",
        "about", "known_at",
    ),
    Identity: ("kind", "place", "value", "handle"),
    IdentityLink: (
        "identity_id", "customer_id", "state", "method", "evidence", "score", "by_id", "created_at", "decided_by_id",
        "decided_at",
    ),
    Merge: ("survivor_id", "absorbed_id"),
    Account: (
        "source", "external_id", "name", "kind", "industry", "country", "city", "website", "runs", "about", "owner_id",
        "closed_at",
    ),
    Stakeholder: (
        "account_id", "customer_id", "role", "influence", "persona_id", "title", "since_on", "left_on",
    ),
    Order: (
        "source", "external_id", "customer_id", "account_id", "number", "state", "what", "amount", "currency",
        "placed_at", "promised_on", "delivered_on", "tracking_url",
    ),
    Product: (
        "source", "external_id", "customer_id", "account_id", "order_id", "name", "serial", "state", "since_on",
        "until_on",
    ),
    ConsentChange: ("customer_id", "purpose", "to"),
}  # fmt: skip


def as_json(value: Any) -> Any:
    """A column's value as JSON; `Field.to_python` reads it back."""
    if isinstance(value, datetime | date):
        return value.isoformat()
    return str(value) if isinstance(value, Decimal) else value


def columns_of(row: Model) -> dict[str, Any]:
    return {name: as_json(getattr(row, name)) for name in COLUMNS[type(row)]}


def differences(row: Model, wanted: Mapping[str, Any]) -> dict[str, Any]:
    """The columns that would change, as they are. Spaces around a text are no difference: a file never has them."""
    found = {name: getattr(row, name) for name in wanted}
    bare = {name: value.strip() if isinstance(value, str) else value for name, value in found.items()}
    return {name: found[name] for name, value in wanted.items() if bare[name] != value}


Row = tuple[Any, ...]


@dataclass
class _Entry:
    row: Model
    number: int
    before: dict[str, Any] | None  # None: it was made
    told: bool  # by whoever did it, and so not by us


@dataclass
class Ledger:
    """Entries stand here until `write`: rows that are made in bulk have no key before. Each `number` is a row's."""

    by: User
    run: Import | None
    origin: str
    _entries: dict[int, _Entry] = field(default_factory=dict)

    def says(self, number: int) -> str:
        """Where a record came from: "Import crm.csv, row 17", or what the caller said."""
        return f"Import {self.origin}, row {number}" if self.run else self.origin

    def made(self, row: Model, number: int, *, told: bool = False) -> None:
        self._entries[id(row)] = _Entry(row, number, None, told)

    def changed(self, row: Model, before: Mapping[str, Any], number: int, *, told: bool = False) -> None:
        """`before` holds the columns that changed, as they were. What was made in this batch stays made."""
        known = self._entries.setdefault(id(row), _Entry(row, number, {}, told))
        if known.before is not None:
            known.before = {**{name: as_json(value) for name, value in before.items()}, **known.before}

    def write(self) -> None:
        """Everything here has its key by now."""
        entries, self._entries = list(self._entries.values()), {}
        if self.run:
            # several of these come with each record, and would cost more than the record itself
            copying.write(ImportChange, "run_id kind row before after", (self._change(entry) for entry in entries))
        news = [entry for entry in entries if not entry.told]
        new = {entry.row.pk for entry in news if isinstance(entry.row, Customer) and entry.before is None}
        lines = (line for entry in news for line in self._lines(entry, new))
        copying.write(Activity, "at by_id verb subject_kind subject_id detail", lines)
        self._tell(news)

    def _change(self, entry: _Entry) -> Row:
        row, before = entry.row, entry.before
        after = columns_of(row) if before is None else {name: as_json(getattr(row, name)) for name in before}
        was = None if before is None else json.dumps(before)
        return self.run.pk if self.run else None, row._meta.label_lower, row.pk, was, json.dumps(after)

    def _lines(self, entry: _Entry, new: set[int]) -> list[Row]:
        """Lines of the log on the records people look at; what comes with a new customer needs none of its own."""
        said = self.says(entry.number)
        match entry.row:
            case Customer() | Account() as row:
                detail = said if entry.before is None else f"{', '.join(entry.before)} ({said})"
                return [self._line("imported" if entry.before is None else "changed", row, detail)]
            case Stakeholder() as stake:
                detail = f"{stake.customer} · {stake.account} ({said})"
                verb = "imported" if entry.before is None else "changed"
                return [self._line(verb, stake.account, detail), self._line(verb, stake.customer, detail)]
            case IdentityLink() as link if link.customer_id not in new:
                return [self._line("linked", link.customer, f"{link.identity} ({said})")]
        return []

    def _line(self, verb: str, about: Model, detail: str) -> Row:
        return timezone.now(), self.by.pk, verb, about._meta.label_lower, about.pk, detail[:500]

    def _tell(self, entries: list[_Entry]) -> None:
        customers = [entry for entry in entries if isinstance(entry.row, Customer)]
        webhooks.tell("customer.created", *(entry.row for entry in customers if entry.before is None))
        webhooks.tell("customer.changed", *(entry.row for entry in customers if entry.before is not None))
        links = [entry.row for entry in entries if isinstance(entry.row, IdentityLink)]
        webhooks.tell("link.confirmed", *links)
        if changed := [entry.row.pk for entry in customers if entry.before is not None]:
            handoff.pass_on("customer_changed", *changed)
