"""A whole import is taken back, or none of it: what it made goes, what it changed is as it was.

It is refused where people or other records build on it by now. The rows are locked first, so that nothing can begin to
refer to them between the look and the removal.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.db import models, transaction
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from crm import consent, handoff, merging
from crm.errors import Refused
from crm.importing.ledger import as_json
from crm.merging import staying
from crm.models import (
    Account,
    Consent,
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
from crm.models.activity import log

Built = Counter[tuple[type[models.Model], bool]]  # how many of what; whether these were changed, or refer to it

CHUNK = 500
State = Import.State
PROPOSED_BY_US = models.Q(state=IdentityLink.State.PROPOSED, by=None)
# in the order in which they may go: what refers to others comes first
GOING: tuple[type[models.Model], ...] = (Product, Order, Stakeholder, IdentityLink, Identity, Customer, Account)


class BuiltOn(Refused):
    sentence = gettext_lazy("Nothing was undone, since more builds on this import by now: {what}.")


class NothingToUndo(Refused):
    sentence = gettext_lazy("There is nothing to undo: this import is “{state}”.")


class Forgotten(Refused):
    sentence = gettext_lazy("What this import changed is no longer kept, so it cannot be undone.")


@transaction.atomic
def undo(*, run: Import, by: User) -> Import:
    """Ask for it; the job does it. Raises NothingToUndo, Forgotten."""
    locked = Import.objects.select_for_update().get(pk=run.pk)
    if not locked.can_be_undone:
        raise NothingToUndo(state=locked.get_state_display())
    if locked.made + locked.changed and not locked.changes.exists():
        raise Forgotten
    locked.state, locked.undone_by, locked.trouble = State.UNDOING, by, ""
    locked.save(update_fields=["state", "undone_by", "trouble"])
    handoff.nudge("crm.jobs.importing", locked.pk, queue="default")
    return locked


def work(run: Import) -> None:
    """Undo it in one transaction. Where that is refused, the import stands as before, with the sentence why."""
    try:
        with transaction.atomic():
            locked = Import.objects.select_for_update(skip_locked=True).filter(pk=run.pk, state=State.UNDOING).first()
            if locked:
                _undo(locked)
    except Refused as refusal:
        back = {"state": State.DONE if run.finished_at else State.BROKEN, "undone_by": None}
        Import.objects.filter(pk=run.pk, state=State.UNDOING).update(trouble=str(refusal)[:300], **back)


def _undo(run: Import) -> None:
    by = run.undone_by
    _undo_merges(run, by)
    built: Built = Counter()
    for model in GOING:
        for rows in _chunks(run, model):
            built += _built_on(run, model, rows)
    built += _consents_since(run)
    if built:
        raise BuiltOn(what=_listed(built))
    _undo_consents(run, by)
    for model in GOING:
        _remove(run, model)
        for rows in _chunks(run, model):
            _put_back(model, rows)
    _close(run)


def _close(run: Import) -> None:
    run.state, run.undone_at = State.UNDONE, timezone.now()
    run.save(update_fields=["state", "undone_at"])
    run.changes.all().delete()
    log("undone", run, by=run.undone_by, detail=run.get_what_display())


# --- what it did


@dataclass
class _Touched:
    """All that the import did to one row: `made`, or the columns as they were before the first change."""

    row: models.Model
    made: bool
    before: dict[str, Any]
    after: dict[str, Any]

    @property
    def is_as_we_left_it(self) -> bool:
        return all(as_json(getattr(self.row, name)) == value for name, value in self.after.items())


def _chunks(run: Import, model: type[models.Model]) -> Iterator[dict[int, _Touched]]:
    """The rows it touched that are still there, locked, some hundred at a time, by their keys."""
    changes = run.changes.filter(kind=model._meta.label_lower)
    last = 0
    while pks := list(changes.filter(row__gt=last).order_by("row").values_list("row", flat=True).distinct()[:CHUNK]):
        last = pks[-1]
        rows = model._base_manager.select_for_update().filter(pk__in=pks).order_by("pk")
        there = {row.pk: row for row in rows}
        found: dict[int, _Touched] = {}
        told = changes.filter(row__in=there).order_by("pk").values_list("row", "before", "after")
        for pk, before, after in told.iterator():
            known = found.setdefault(pk, _Touched(there[pk], before is None, {}, {}))
            known.before = {**(before or {}), **known.before}
            known.after |= after or {}
        yield found


def _made(run: Import, model: type[models.Model]) -> models.QuerySet[ImportChange, int]:
    return run.changes.filter(kind=model._meta.label_lower, before__isnull=True).values_list("row", flat=True)


# --- what builds on it


def _built_on(run: Import, model: type[models.Model], rows: dict[int, _Touched]) -> Built:
    """Rows somebody changed since, and rows that refer to what the import made."""
    found: Built = Counter({(model, True): sum(not touched.is_as_we_left_it for touched in rows.values())})
    made = [pk for pk, touched in rows.items() if touched.made]
    for key in _keys_to(model):
        others = _referring(run, key, made)
        found[key.model, False] += others.count() if made else 0
    return +found


def _keys_to(model: type[models.Model]) -> list[Any]:
    """The foreign keys of all models that name this one, also where it does not know of them."""
    fields = model._meta.get_fields(include_hidden=True)
    return [field.field for field in fields if field.one_to_many or (field.one_to_one and field.auto_created)]  # type: ignore[union-attr]


def _referring(run: Import, key: Any, made: list[int]) -> models.QuerySet[Any]:
    """Rows that refer to these and did not come with the import. What only Hark itself proposes binds nobody."""
    others = key.model._base_manager.filter(**{f"{key.attname}__in": made})
    if key.model is IdentityLink:
        others = others.exclude(PROPOSED_BY_US)
    came_along = _made(run, key.model).filter(row=models.OuterRef("pk"))
    return others.exclude(models.Exists(came_along))


def _consents_since(run: Import) -> Built:
    """Of consents it recorded, those about which more was said since."""
    since = 0
    for change in _recorded(run):
        later = ConsentChange.objects.filter(customer=change.customer_id, purpose=change.purpose, pk__gt=change.pk)
        since += later.exclude(pk__in=_made(run, ConsentChange)).exists()
    found: Built = Counter({(Consent, True): since})
    return +found


def _recorded(run: Import) -> models.QuerySet[ConsentChange]:
    return ConsentChange.objects.filter(pk__in=_made(run, ConsentChange)).select_related("customer").order_by("-pk")


def _listed(built: Built) -> str:
    """ "3 cases and 1 customer changed since"."""
    parts = []
    for (model, changed), number in built.most_common(8):
        what = staying.counted(model, number)
        parts.append(_("{what} changed since").format(what=what) if changed else what)
    return staying.joined(parts)


# --- taking it back


def _undo_merges(run: Import, by: User | None) -> None:
    """Provisional records that were merged in stand again; the last first."""
    for merge in Merge.objects.filter(pk__in=_made(run, Merge), undone_at=None).order_by("-pk"):
        merging.undo(merge=merge, by=by)


def _undo_consents(run: Import, by: User | None) -> None:
    """What held before each holds again. The history keeps both: it was recorded, and it was taken back."""
    how = _("The import {name} was undone.").format(name=run.name)
    for change in _recorded(run):
        if not change.purpose:
            consent.lift(customer=change.customer, how=how, by=by)
            continue
        earlier = ConsentChange.objects.filter(customer=change.customer_id, purpose=change.purpose, pk__lt=change.pk)
        held = earlier.order_by("-pk").values_list("to", flat=True).first()
        state = held if held in (ConsentChange.To.GIVEN, ConsentChange.To.REFUSED) else None
        consent.record(customer=change.customer, purpose=change.purpose, state=state, how=how, by=by)


def _remove(run: Import, model: type[models.Model]) -> None:
    """What it made goes. Nothing refers to it, as we saw; the database sees to it that nothing does."""
    made = _made(run, model)
    if model in (Customer, Identity):
        IdentityLink.objects.filter(PROPOSED_BY_US, **{f"{model._meta.model_name}__in": made}).delete()
    if model is Customer:
        Merge.objects.filter(survivor__in=made).exclude(undone_at=None).delete()
    model._base_manager.filter(pk__in=made)._raw_delete("default")


def _put_back(model: type[models.Model], rows: dict[int, _Touched]) -> None:
    """What is left of what it touched is what it changed: that is as it was before."""
    for touched in rows.values():
        for name, value in touched.before.items():
            field = model._meta.get_field(name)
            setattr(touched.row, name, field.to_python(value))  # type: ignore[union-attr]
        touched.row.save(update_fields=touched.before.keys())
    if model is Customer and rows:
        handoff.pass_on("customer_changed", *rows)
