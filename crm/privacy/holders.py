"""Who holds what on a person: each app says so when it starts, and export, preview and erasure go through the list.

A model that is named neither by a holder nor with `spare` fails tests/test_nothing_is_left.py, so that a later one
cannot be forgotten.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from django.db.models import Model, QuerySet
from django.utils.functional import Promise

from crm.privacy.people import Person

BATCH = 1_000  # rows fetched at once, and changed in one transaction

Words = str | Promise
Row = dict[str, Any]  # what JSON can hold, moments and amounts
Counting = Callable[[Person], int | None]
Erasing = Callable[[Person], Iterator[int]]


@dataclass(frozen=True)
class Column:
    """One fact of a row: what it is called, and what its values mean where they are codes."""

    label: Words
    choices: Mapping[Any, Words] = field(default_factory=dict)


@dataclass(frozen=True)
class Holder:
    """One kind of data. `holds` are the models it answers for, as in "crm.customer".

    `count(person)` is what the preview says; None where it takes a search that only the erasure itself makes.
    `rows(person)` is what the export says, one by one, with the keys of `columns`; None where another kind says it.
    `reads` is the column of what somebody wrote, which a page shows as such.
    `erase(person)` does a batch at a time, in the transaction it is called in, and yields how many; it may be stopped
    between two batches and called again, and then goes on. With `at_the_end` it waits until nothing new can come in;
    the others are erased once more then, by `erase_late` where looking at everything again would take too long.
    """

    name: str
    label: Words
    holds: tuple[str, ...]
    becomes: Words
    count: Counting
    erase: Erasing
    rows: Callable[[Person], Iterator[Row]] | None = None
    columns: Mapping[str, Column] = field(default_factory=dict)
    reads: str = ""
    keeps: Words = ""
    at_the_end: bool = False
    erase_late: Erasing | None = None


_holders: dict[str, Holder] = {}
_spared: dict[str, Words] = {}
_stills: list[Callable[[Person], None]] = []
_hindrances: list[Callable[[Person], str]] = []


def register(*holders: Holder) -> None:
    """Erased in the opposite order: what was registered last builds on the rest, and goes first."""
    for holder in holders:
        _holders[holder.name] = holder


def spare(reasons: Mapping[str, Words]) -> None:
    """Models that hold text but nothing on a customer, or that stay: model → why."""
    _spared.update(reasons)


def hold_still(take: Callable[[Person], None]) -> None:
    """`take(person)` stops what comes in on its own, until the transaction ends, and takes in what waits."""
    _stills.append(take)


def hindrance(why: Callable[[Person], str]) -> None:
    """`why(person)` is the sentence that says why they cannot be erased just now; empty when they can."""
    _hindrances.append(why)


def all_holders() -> list[Holder]:
    """In the order in which a person reads them."""
    return list(_holders.values())


def in_order_of_erasure() -> list[Holder]:
    last_first = list(_holders.values())[::-1]
    return sorted(last_first, key=lambda holder: holder.at_the_end)


def columns(model: type[Model], *names: str, **others: Words) -> dict[str, Column]:
    """The columns of an export, called as the model calls them; `others` are called as given."""
    fields: dict[str, Any] = {name: model._meta.get_field(name) for name in names}
    found = {name: Column(field.verbose_name, dict(field.flatchoices)) for name, field in fields.items()}
    return found | {name: Column(label) for name, label in others.items()}


def rows_of(found: QuerySet[Any], *names: str, **renamed: Any) -> Iterator[Row]:
    """These columns of each row as plain values, fetched bit by bit so that any number needs little memory."""
    yield from found.values(*names, **renamed).iterator(chunk_size=BATCH)


def deleting(found: Callable[[Person], QuerySet[Any]]) -> tuple[Counting, Erasing]:
    """(count, erase) for what goes altogether."""
    return lambda person: found(person).count(), lambda person: in_batches(found(person), lambda rows: rows.delete())


def in_batches(rows: QuerySet[Any], change: Callable[[QuerySet[Any]], object]) -> Iterator[int]:
    """`change` some of `rows` at a time until none is left; what is changed must no longer be among them."""
    while pks := list(rows.order_by("pk").values_list("pk", flat=True)[:BATCH]):
        change(rows.model._base_manager.filter(pk__in=pks))
        yield len(pks)


def named(name: str) -> Holder | None:
    return _holders.get(name)


def spared() -> dict[str, Words]:
    return dict(_spared)


def stand_still(person: Person) -> None:
    for take in _stills:
        take(person)


def hindrances(person: Person) -> list[str]:
    return [sentence for why in _hindrances if (sentence := why(person))]
