"""What hangs on a case, and its way to another and back."""

from __future__ import annotations

from typing import Any

from django.db.models import Exists, Model, OuterRef, QuerySet

from cases.models import (
    Approval,
    Case,
    CaseMessage,
    CaseThread,
    CheckedItem,
    Commitment,
    Draft,
    GroupQuestion,
    HandOver,
    Lead,
    Note,
    Override,
)

Moved = dict[str, Any]  # model → pks of the rows that were moved; "links" and "thread" beside them

# Clocks stay: they count what was promised of that case, and cases.promises settles those that run. Offers are
# withdrawn, what rules did and what was lent is the story of the case it happened to.
MOVED: tuple[type[Model], ...] = (
    CaseMessage, Note, Commitment, GroupQuestion, Approval, Override, CaseThread, HandOver, Lead,
)  # fmt: skip
# of these the survivor may have one already, by the fields named; then it stays where it is
ONE_OF: dict[type[Model], tuple[str, ...]] = {CheckedItem: ("item",), Draft: ("user", "kind")}
MODELS = {model._meta.label_lower: model for model in (*MOVED, *ONE_OF)}


def move(case: Case, into: Case) -> Moved:
    """Everything that may, to `into`, in a fixed number of queries. Words of a draft that cannot are added there."""
    _keep_words(case, into)
    moved = {model._meta.label_lower: _move(_going(model, case, into), into) for model in (*MOVED, *ONE_OF)}
    into.skills.add(*case.skills.values_list("pk", flat=True))
    return {label: pks for label, pks in moved.items() if pks}


def _going(model: Any, case: Case, into: Case) -> QuerySet[Any]:
    rows: QuerySet[Any] = model._base_manager.filter(case=case)
    if model is HandOver:
        return rows.exclude(state=HandOver.State.PENDING)
    if model is Lead and Lead.objects.open().filter(case=into).exists():  # sales goes on with each by itself
        return rows.exclude(state__in=Lead.OPEN)
    if fields := ONE_OF.get(model):
        same = {name: OuterRef(name) for name in fields}
        return rows.exclude(Exists(model._base_manager.filter(case=into, **same)))
    return rows


def _move(rows: QuerySet[Any], into: Case) -> list[int]:
    pks = list(rows.order_by("pk").values_list("pk", flat=True))
    if pks:
        rows.model._base_manager.filter(pk__in=pks).update(case=into)
    return pks


def _keep_words(case: Case, into: Case) -> None:
    theirs = {(draft.user_id, draft.kind): draft for draft in Draft.objects.filter(case=into)}
    both = [draft for draft in Draft.objects.filter(case=case) if (draft.user_id, draft.kind) in theirs]
    for draft in both:
        kept = theirs[draft.user_id, draft.kind]
        kept.text = f"{kept.text}\n\n{draft.text}".strip()
    Draft.objects.bulk_update([theirs[draft.user_id, draft.kind] for draft in both], ["text"])


def move_back(moved: Moved, survivor: Case, loser: Case) -> None:
    """What was moved and is still there, unless something of the kind has come up where it came from."""
    for label, model in MODELS.items():
        if pks := moved.get(label):
            rows = _back(model, loser, survivor).filter(pk__in=pks)
            rows.model._base_manager.filter(pk__in=list(rows.values_list("pk", flat=True))).update(case=loser)


def _back(model: Any, loser: Case, survivor: Case) -> QuerySet[Any]:
    return _going(model, survivor, loser)
