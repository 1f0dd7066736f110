"""Changing the key that seals: what lies sealed is opened, and sealed again with the first of settings.SEALING_KEYS.

It may run while Hark is at work, and again after it was stopped.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from django.apps import apps
from django.db import models, transaction

from crm import sealing

BATCH = 200
_held: list[tuple[str, str]] = []


@dataclass
class Resealed:
    """Of one kind of record: how many were sealed anew, how many had been before, and who no key opens."""

    kind: str
    done: int = 0
    already: int = 0
    lost: list[str] = field(default_factory=list)


def sealed_in(model: str, column: str) -> None:
    """`model` ("crm.Webhook") holds something sealed in `column`, or nothing: from the ready() of its app."""
    if (model, column) not in _held:
        _held.append((model, column))


def held() -> list[tuple[type[models.Model], str]]:
    return [(apps.get_model(model), column) for model, column in _held]


def reseal() -> Iterator[Resealed]:
    """One after the other, so that a person sees how far it has come."""
    for model, column in held():
        yield _all_of(model, column)


def _all_of(model: type[models.Model], column: str) -> Resealed:
    found = Resealed(str(model._meta.verbose_name_plural))
    rows, last = model._base_manager.exclude(**{column: ""}).order_by("pk"), 0
    while pks := list(rows.filter(pk__gt=last).values_list("pk", flat=True)[:BATCH]):
        _some(model, column, pks, found)
        last = pks[-1]
    return found


@transaction.atomic
def _some(model: type[models.Model], column: str, pks: list[int], found: Resealed) -> None:
    """The rows are locked, so that nothing that is renewed meanwhile is undone."""
    locked = model._base_manager.select_for_update(of=("self",)).filter(pk__in=pks).order_by("pk")
    changed = []
    for row in locked:
        text = getattr(row, column)
        if not text or sealing.is_newest(text):
            found.already += 1
            continue
        try:
            setattr(row, column, sealing.seal(sealing.unseal(text)))
        except sealing.CannotOpen:
            found.lost.append(f"{row} (#{row.pk})")
        else:
            changed.append(row)
    model._base_manager.bulk_update(changed, [column])
    found.done += len(changed)
