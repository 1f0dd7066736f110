"""Customers and lone handles as records: what they made public or gave us, read in a fixed number of queries."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

from crm.matching import links
from crm.matching.names import name_key, words
from crm.matching.records import Alias, Record, names
from crm.models import Customer, Identity, IdentityLink

Kind = Identity.Kind
BETWEEN_PLACES = re.compile(r"[,/|·•]")


def of_customers(pks: Collection[int]) -> dict[int, Record]:
    """The record of each of these customers who stands for somebody. Two queries."""
    held = identities_of(pks)
    return {found.pk: record(found, held.get(found.pk, [])) for found in Customer.objects.standing().filter(pk__in=pks)}


def identities_of(pks: Collection[int]) -> Mapping[int, list[Identity]]:
    """What belongs to each customer, or is said to by whoever brought the customer in: two may claim one address."""
    held: dict[int, list[Identity]] = defaultdict(list)
    links = IdentityLink.objects.of_record().filter(customer__in=pks, identity__erased_at=None)
    for link in links.select_related("identity").order_by("id"):
        held[link.customer_id].append(link.identity)
    return held


def bearers(identities: Collection[int]) -> dict[int, int]:
    """The customer each identity belongs to, where it does."""
    links = IdentityLink.objects.confirmed().filter(identity__in=identities)
    return dict(links.values_list("identity", "customer"))


def record(customer: Customer | None, identities: Sequence[Identity]) -> Record:
    """`customer` with what belongs to them; None for an identity without one."""
    found = _of_identities(identities)
    if customer is None:
        return found
    found = replace(
        found, pk=customer.pk, born_on=customer.born_on, city=name_key(customer.city), language=customer.language,
        is_known=bool(customer.known_at or customer.given_name or customer.family_name),
    )  # fmt: skip
    return _named(found, customer) if found.is_known else _shown(found, customer.name)


def _of_identities(identities: Sequence[Identity]) -> Record:
    found = Record(
        aliases=tuple(Alias(one.handle or one.value, one.place) for one in identities if one.kind == Kind.HANDLE),
        emails=frozenset(one.value for one in identities if one.kind == Kind.EMAIL),
        phones=frozenset(one.value for one in identities if one.kind == Kind.PHONE),
        verified=frozenset(one.value for one in identities if one.verified_at),
        pages=frozenset(links.address(one.profile_url) for one in identities) - {""},
        links=frozenset(links.address(link) for one in identities for link in one.profile_links) - {""},
        places=tuple(dict.fromkeys(place for one in identities for place in _places(one.location))),
        is_known=False,
    )  # fmt: skip
    for one in identities:
        found = _shown(found, one.display_name, one.place)
    return found


def _named(found: Record, customer: Customer) -> Record:
    parts = names(customer.name, customer.given_name, customer.family_name, customer.nickname)
    return replace(found, given=parts.given, family=parts.family, also=parts.also)


def _shown(found: Record, name: str, place: str = "") -> Record:
    """With a name they show beside a handle: as one more thing they call themselves, where it says more than that."""
    new = len(words(name)) > 1 and name_key(name) not in {alias.key for alias in found.aliases}
    return replace(found, aliases=(*found.aliases, Alias(name, place, is_handle=False))) if new else found


def _places(location: str) -> Iterator[str]:
    """ "Hull, UK" → "hull", "uk"."""
    return (key for key in map(name_key, BETWEEN_PLACES.split(location)) if len(key) > 1)


def lone(identities: Iterable[Identity]) -> dict[int, Record]:
    """A record for each identity that belongs to nobody, by the identity's pk."""
    return {one.pk: record(None, [one]) for one in identities}
