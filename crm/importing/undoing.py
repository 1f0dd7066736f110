"""A whole import is taken back, or none of it: what it made goes, what it changed is as it was.

It is refused where people or other records build on it by now. The rows are locked first, so that nothing can begin to
refer to them between the look and the removal. What refers to them is asked once for each foreign key, of all rows
together: an undo takes less time than its import did.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import groupby, islice
from operator import itemgetter
from typing import Any

from django.db import models, transaction
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from crm import consent, handoff, merging
from crm.errors import Refused
from crm.importing.ledger import COLUMNS, as_json
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

CHUNK = 2_000  # rows of ours that are read at once
State = Import.State
# what only Hark itself proposes binds nobody, and goes with what it is about
PROPOSED: dict[type[models.Model], models.Q] = {
    IdentityLink: models.Q(state=IdentityLink.State.PROPOSED, by=None),
}
# in the order in which they may go: what refers to others comes first
GOING: list[type[models.Model]] = [Product, Order, Stakeholder, IdentityLink, Identity, Customer, Account]


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
        built[model, True] += _lock_and_count_changed(run, model)
    for model in GOING:
        built += _referring_to(run, model)
    built += _consents_since(run)
    if built := +built:
        raise BuiltOn(what=_listed(built))
    _undo_consents(run, by)
    for model in GOING:
        _remove(run, model)
        _put_back(run, model)
    _close(run)


def _close(run: Import) -> None:
    run.state, run.undone_at = State.UNDONE, timezone.now()
    run.save(update_fields=["state", "undone_at"])
    run.changes.all().delete()
    log("undone", run, by=run.undone_by, detail=run.get_what_display())


# --- what it did


@dataclass
class _Touched:
    """All that the import did to one row: the columns as they were before its first change, and after its last."""

    before: dict[str, Any] = field(default_factory=dict)
    after: dict[str, Any] = field(default_factory=dict)

    def is_left_in(self, row: dict[str, Any]) -> bool:
        return all(as_json(row[name]) == value for name, value in self.after.items())


def _touched(changes: models.QuerySet[ImportChange], model: type[models.Model]) -> Iterator[dict[int, _Touched]]:
    """What was done to rows of this kind, by their keys and in their order, some thousand rows at a time."""
    found = changes.filter(kind=model._meta.label_lower).order_by("row", "pk").values_list("row", "before", "after")
    by_row = groupby(found.iterator(chunk_size=CHUNK), key=itemgetter(0))
    rows = ((pk, _summed_up(changes)) for pk, changes in by_row)
    while some := dict(islice(rows, CHUNK)):
        yield some


def _summed_up(changes: Iterable[tuple[int, dict[str, Any] | None, dict[str, Any] | None]]) -> _Touched:
    found = _Touched()
    for _row, before, after in changes:
        found.before = {**(before or {}), **found.before}
        found.after |= after or {}
    return found


def _made(run: Import, model: type[models.Model]) -> models.QuerySet[ImportChange, int]:
    return run.changes.filter(kind=model._meta.label_lower, before__isnull=True).values_list("row", flat=True)


# --- what builds on it


def _lock_and_count_changed(run: Import, model: type[models.Model]) -> int:
    """How many of the rows that are still there are no longer as the import left them."""
    changed = 0
    for touched in _touched(run.changes.all(), model):
        rows = model._base_manager.select_for_update().filter(pk__in=touched.keys()).order_by("pk")
        now = rows.values("pk", *COLUMNS[model])
        changed += sum(not touched[row["pk"]].is_left_in(row) for row in now)
    return changed


def _referring_to(run: Import, model: type[models.Model]) -> Built:
    """Rows that refer to what the import made."""
    found: Built = Counter()
    for key in _keys_to(model):
        found[key.model, False] += _referring(run, key, model).count()
    return found


def _keys_to(model: type[models.Model]) -> list[Any]:
    """The foreign keys of all models that name this one, also where it does not know of them."""
    fields = model._meta.get_fields(include_hidden=True)
    return [field.field for field in fields if field.one_to_many or (field.one_to_one and field.auto_created)]  # type: ignore[union-attr]


def _referring(run: Import, key: Any, model: type[models.Model]) -> models.QuerySet[Any]:
    """Rows that did not come with the import, without what only Hark itself proposes."""
    others = key.model._base_manager.filter(**{f"{key.attname}__in": _made(run, model)})
    if key.model in PROPOSED:
        others = others.exclude(PROPOSED[key.model])
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
    for key in _keys_to(model):
        if key.model in PROPOSED:
            key.model._base_manager.filter(PROPOSED[key.model], **{f"{key.attname}__in": made}).delete()
    if model is Customer:
        Merge.objects.filter(survivor__in=made).exclude(undone_at=None).delete()
    model._base_manager.filter(pk__in=made)._raw_delete("default")


def _put_back(run: Import, model: type[models.Model]) -> None:
    """What is left of what it touched is what it changed: that is as it was before."""
    for touched in _touched(run.changes.filter(before__isnull=False), model):
        rows = list(model._base_manager.filter(pk__in=touched.keys()).order_by("pk"))
        for row in rows:
            _as_before(row, touched[row.pk].before)
        if model is Customer and rows:
            handoff.pass_on("customer_changed", *(row.pk for row in rows))


def _as_before(row: models.Model, before: dict[str, Any]) -> None:
    for name, value in before.items():
        column = row._meta.get_field(name)
        setattr(row, name, column.to_python(value))  # type: ignore[union-attr]
    row.save(update_fields=before.keys())
