"""A kind of record that an app above saves: the app names it when it starts, and files, columns, undo and all take it.

The word for it is one of `Import.What`; everything else about it stands above.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from django.db import models

from crm.importing import batch, fields, ledger, mapping, records, rules, undoing
from crm.importing.batch import Batch, Saved
from crm.importing.fields import Field
from crm.importing.rules import Check, Values


@dataclass(frozen=True)
class KindOfRecord:
    """`known_by` are the fields a file must have; `also` is what other systems head columns with, by field.

    `tables` are the models it writes, in an order in which they may be written, each with the columns that an import
    may set: those are compared and put back by an undo. `proposed` is what Hark makes of such rows by itself, and what
    therefore goes with them.
    """

    what: str
    fields: tuple[Field, ...]
    known_by: frozenset[str]
    also: Mapping[str, str]
    check: Check
    look_up: Callable[[Batch, Sequence[Values]], None]
    save: Callable[[Batch, Values], Saved]
    tables: Mapping[type[models.Model], tuple[str, ...]]
    proposed: Mapping[type[models.Model], models.Q] = field(default_factory=dict)


def register(kind: KindOfRecord) -> None:
    """Safe to be called again."""
    fields.FIELDS[kind.what] = kind.fields
    mapping.KEYS[kind.what], mapping.ALSO_OF[kind.what] = set(kind.known_by), dict(kind.also)
    rules.CHECKS[kind.what] = kind.check
    records.KINDS[kind.what] = records.Kind(kind.look_up, kind.save)
    for model, columns in kind.tables.items():
        ledger.COLUMNS[model] = columns
        if model not in batch.WRITTEN:
            batch.WRITTEN.append(model)
            undoing.GOING.insert(0, model)
    undoing.PROPOSED.update(kind.proposed)
