"""Accounts, orders and products by their ids in another system: read at once for a batch, then known."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Generic, TypeVar

from django.utils.translation import gettext_lazy as _

from crm.errors import Refused
from crm.importing.people import HARK, number
from crm.models import Account, Order, Product

T = TypeVar("T", Account, Order, Product)


class NotThere(Refused):
    sentence = _("There is no {what} {id} in {source}. Import it first, or look at the id.")


class Outside(Generic[T]):
    """Records of one kind from one system; of Hark itself, by our own numbers. Locked until the transaction ends."""

    def __init__(self, model: type[T], source: str) -> None:
        self.model: type[T] = model
        self.source = source
        self._known: dict[str, T | None] = {}

    def meet(self, ids: Iterable[str]) -> None:
        new = set(ids) - set(self._known)
        if not new:
            return
        rows = self.model._base_manager.select_for_update(no_key=True).order_by("pk")
        if self.source == HARK:
            numbers = {id: number(id) for id in new}
            by_pk = {row.pk: row for row in rows.filter(pk__in=numbers.values())}
            self._known |= {id: by_pk.get(pk) for id, pk in numbers.items()}
        else:
            found = {row.external_id: row for row in rows.filter(source=self.source, external_id__in=new)}
            self._known |= {id: found.get(id) for id in new}

    def get(self, id: str) -> T | None:
        self.meet([id])
        return self._known[id]

    def must(self, id: str) -> T:
        """Raises NotThere."""
        found = self.get(id)
        if found is None:
            source = "Hark" if self.source == HARK else self.source
            raise NotThere(what=self.model._meta.verbose_name, id=id, source=source)
        return found

    def add(self, row: T) -> None:
        self._known[row.external_id] = row
