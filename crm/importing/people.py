"""The customers a batch of records speaks of, and whom their addresses belong to: read at once, then known."""

from __future__ import annotations

from collections.abc import Iterable

from django.utils.translation import gettext_lazy as _

from crm.errors import Refused
from crm.importing.rules import Address, Key
from crm.models import Customer, Identity, IdentityLink

HARK = "hark"  # the source whose ids are our own numbers: what was exported here comes back in by them
EXTERNAL = Identity.Kind.EXTERNAL


class NobodyThere(Refused):
    sentence = _("There is no customer {id} in {source}. Import the customers first, or look at the id.")


class WasErased(Refused):
    sentence = _("Customer {id} was erased, as they asked; nothing is kept about them any more.")


def outside(source: str, id: str) -> Address:
    """The identity a customer has by being a record of another system."""
    return Address(EXTERNAL, source, id, id)


def number(id: str) -> int:
    """One of our own numbers as somebody wrote it; 0, which no record has, for what is none."""
    return int(id) if id.isascii() and id.isdecimal() and len(id) < 19 else 0


class People:
    """Customers found here are locked until the end of the transaction, and stand: the survivors of those merged."""

    def __init__(self, source: str) -> None:
        self.source = source
        self.forget()

    def forget(self) -> None:
        """Somebody was merged: ask anew."""
        self._asked: set[Key] = set()
        self._identities: dict[Key, Identity] = {}
        self._rows: dict[int, Identity] = {}  # one object for one identity,
        self._met: dict[int, Customer] = {}  # and for one customer, with what the batch has changed in it
        self._owners: dict[int, Customer] = {}  # by id() of the identity, since a new one has no key yet
        self._numbered: dict[str, Customer | None] = {}

    # --- asking

    def meet(self, *, ids: Iterable[str] = (), addresses: Iterable[Address] = ()) -> None:
        """Read all of these at once: who is in our books under these ids, and whose these addresses are."""
        if self.source == HARK:
            self._meet_numbers(set(ids))
            ids = ()
        wanted = {address.key: address for address in (*(outside(self.source, i) for i in ids), *addresses)}
        new = {key: address for key, address in wanted.items() if key not in self._asked}
        if new:
            self._meet_addresses(new)

    def customer(self, id: str) -> Customer | None:
        """Who that is, None for nobody. Raises WasErased."""
        self.meet(ids=[id])
        if self.source == HARK:
            found = self._numbered.get(id)
        else:
            identity = self.identity(outside(self.source, id))
            found = self.owner(identity) if identity else None
        if found and found.erased_at:
            raise WasErased(id=id)
        return found

    def known_customer(self, id: str) -> Customer:
        """The same, where there must be somebody. Raises NobodyThere."""
        found = self.customer(id)
        if found is None:
            raise NobodyThere(id=id, source=self.source if self.source != HARK else "Hark")
        return found

    def identity(self, address: Address) -> Identity | None:
        self.meet(addresses=[address])
        return self._identities.get(address.key)

    def owner(self, identity: Identity) -> Customer | None:
        """Whose it is, confirmed; of one that is merged, the survivor."""
        return self._owners.get(id(identity))

    # --- keeping up with what the batch does

    def add(self, identity: Identity, address: Address, owner: Customer) -> None:
        self._asked.add(address.key)
        self._identities[address.key] = identity
        self._owners[id(identity)] = owner

    def belongs(self, identity: Identity, owner: Customer) -> None:
        self._owners[id(identity)] = owner

    def written(self, customers: Iterable[Customer], identities: Iterable[Identity]) -> None:
        """These are new, and have their keys now."""
        self._met |= {customer.pk: customer for customer in customers}
        self._rows |= {identity.pk: identity for identity in identities}

    # --- the queries

    def _meet_addresses(self, new: dict[Key, Address]) -> None:
        self._asked |= set(new)
        rows = Identity.objects.filter(value__in={value for *_rest, value in new}).order_by("pk")
        here = {(row.kind, row.place, row.value): row for row in rows}
        found = {key: here[key] for key in new if key in here}
        for key, address in new.items():
            # a network that keeps numbers for its people: the handle is only how it is written
            may_be_numbered = key not in found and address.kind == Identity.Kind.HANDLE
            if may_be_numbered and (written := Identity.objects.written(address.place, address.handle)):
                found[key] = written
        self._identities |= {key: self._rows.setdefault(row.pk, row) for key, row in found.items()}
        self._meet_owners([self._identities[key] for key in found])

    def _meet_owners(self, identities: list[Identity]) -> None:
        unknown = {identity.pk: identity for identity in identities if id(identity) not in self._owners}
        confirmed = IdentityLink.objects.confirmed().filter(identity__in=unknown)
        owned = dict(confirmed.values_list("identity_id", "customer_id"))
        standing = self._standing(set(owned.values()))
        self._owners |= {id(unknown[pk]): standing[owner] for pk, owner in owned.items()}

    def _meet_numbers(self, ids: set[str]) -> None:
        new = ids - set(self._numbered)
        standing = self._standing({number(id) for id in new})
        self._numbered |= {id: standing.get(number(id)) for id in new}

    def _standing(self, pks: set[int]) -> dict[int, Customer]:
        """Who stands for each of these now: one query, and one more a step of the longest chain of merges."""
        asked, absent = set(pks), set[int]()
        while missing := asked - set(self._met) - absent:
            rows = Customer.objects.select_for_update(no_key=True).filter(pk__in=missing).order_by("pk")
            found = {row.pk: row for row in rows}
            self._met |= found
            absent |= missing - set(found)
            asked |= {row.merged_into_id for row in found.values() if row.merged_into_id}
        return {pk: self._survivor(self._met[pk]) for pk in pks if pk in self._met}

    def _survivor(self, customer: Customer) -> Customer:
        while customer.merged_into_id:
            customer = self._met[customer.merged_into_id]
        return customer
