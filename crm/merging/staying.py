"""What an undone merge could not put back, and what came later, as sentences for the page."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from django.db import models
from django.utils.formats import number_format
from django.utils.text import get_text_list
from django.utils.translation import gettext as _

from crm.merging.facts import CONSENT
from crm.merging.relations import LINKS, relations
from crm.models import Consent, Customer, Identity, IdentityLink, Merge, Move, Purpose

Model = type[models.Model]
MOST = 20  # handles named one by one


def counted(model: Model, number: int) -> str:
    """ "1 order", "12 orders", "4,000 orders"."""
    meta = model._meta
    return (
        f"{number_format(number, force_grouping=True)} {meta.verbose_name if number == 1 else meta.verbose_name_plural}"
    )


def listed(counts: Mapping[Model, int]) -> str:
    return joined([counted(model, number) for model, number in counts.items() if number])


def joined(parts: Sequence[str]) -> str:
    return get_text_list(list(parts), _("and"))


def labelled(column: str) -> str:
    """A column of the customer, or a consent, as people call it."""
    if column.startswith(CONSENT):
        return str(Purpose(column.removeprefix(CONSENT)).label)
    label = str(getattr(Customer._meta.get_field(column), "verbose_name", column))
    return label[:1].upper() + label[1:]


class Stayed:
    """Gathers what there is to say."""

    def __init__(self) -> None:
        self._kept: Counter[Model] = Counter()
        self._elsewhere: Counter[Model] = Counter()
        self._gone: Counter[Model] = Counter()
        self._changed: list[str] = []
        self._rows: list[str] = []
        self._decided: list[int] = []

    def gone(self, model: Model, number: int) -> None:
        if model is not IdentityLink:  # proposals come and go by themselves
            self._gone[model] += number

    def kept(self, model: Model, number: int) -> None:
        self._kept[model] += number

    def elsewhere(self, model: Model, number: int) -> None:
        self._elsewhere[model] += number

    def changed(self, column: str) -> None:
        self._changed.append(labelled(column))

    def row_changed(self, row: models.Model) -> None:
        self._rows.append(row.identity.label if isinstance(row, IdentityLink) else str(row._meta.verbose_name))

    def decided_since(self, identity: int) -> None:
        self._decided.append(identity)

    def sentences(self) -> list[str]:
        decided = [identity.label for identity in Identity.objects.filter(pk__in=self._decided).order_by("pk")]
        found = (
            (_("Changed by somebody since, so left as it is: {what}."), joined(self._changed)),
            (_("Stayed, since they have changed or the other record has the same: {what}."), listed(self._kept)),
            (_("Gone on to another record since, and left there: {what}."), listed(self._elsewhere)),
            (_("No longer there: {what}."), listed(self._gone)),
            (_("Decided otherwise since, and left so: {what}."), joined(self._rows)),
            (_("Decided on again since: {what}. Undo that, and they go back too."), joined(decided)),
        )
        return [sentence.format(what=what) for sentence, what in found if what]


def came_later(merge: Merge) -> list[str]:
    """What came in for the survivor since the merge, and not by another: it stays."""
    counts: Counter[Model] = Counter()
    for relation in relations():
        rows = relation.rows_of(merge.survivor_id)
        counts[relation.model] += _newer(merge, relation.kind, relation.column, rows).count()
    confirmed = LINKS.rows_of(merge.survivor_id).filter(state=IdentityLink.State.CONFIRMED)
    newer = _newer(merge, LINKS.kind, LINKS.column, confirmed).select_related("identity").order_by("pk")
    found = (
        (_("Came in since, and stays with the record it came to: {what}."), listed(counts)),
        (_("Linked since, and stays: {what}."), joined([link.identity.label for link in newer[:MOST]])),
    )
    return [*(sentence.format(what=what) for sentence, what in found if what), *_refused_since(merge)]


def _refused_since(merge: Merge) -> list[str]:
    """A no that was said to both and stays with one: nobody but a person knows whose it was."""
    if not merge.is_whole:
        return []
    refused = Consent.objects.filter(state=Consent.State.REFUSED)
    theirs = refused.filter(customer=merge.absorbed_id).values("purpose")
    since = refused.filter(customer=merge.survivor_id, since__gt=merge.at).exclude(purpose__in=theirs)
    what = [labelled(CONSENT + purpose) for purpose in since.order_by("purpose").values_list("purpose", flat=True)]
    forbidden = Customer.objects.filter(pk=merge.survivor_id, do_not_contact_at__gt=merge.at)
    if merge.absorbed.do_not_contact_at is None and forbidden.exists():
        what.insert(0, _("any contact"))
    said = _("Refused since, and holds for {survivor} alone: {what}. If {absorbed} said so, record it there as well.")
    names = {"survivor": merge.survivor, "absorbed": merge.absorbed}
    return [said.format(what=joined(what), **names)] if what else []


def _newer(merge: Merge, kind: str, column: str, rows: models.QuerySet[Any]) -> models.QuerySet[Any]:
    brought = Move.objects.filter(
        merge__undone_at=None, kind=kind, column=column, became=merge.survivor_id
    ).exclude(merge=merge)  # fmt: skip
    return rows.filter(pk__gt=merge.marks.get(kind, 0)).exclude(pk__in=brought.values("row"))
