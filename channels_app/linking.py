"""Who wrote it: a known identity leads to its customer; a new one gets a provisional customer.

Two processes may meet the same new handle at once. The database lets one of them link it; the other takes over that
link and drops the customer it had prepared.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from channels_app.models import Channel, Message
from channels_app.platforms.base import Author, Event, web_address
from crm import addresses, webhooks
from crm.models import Customer, Identity, IdentityLink

Key = tuple[str, str, str]  # kind, network, value
People = dict[Key, int]  # → pk of the identity


def key_of(channel: Channel, author: Author) -> Key:
    """Handles belong to a network; addresses and numbers are the same everywhere, in their one form.

    An address that cannot be read is kept as it came.
    """
    if author.kind in (Identity.Kind.EMAIL, Identity.Kind.PHONE):
        return (author.kind, "", addresses.as_it_came(author.kind, author.key).value)
    return (author.kind, author.place or channel.place, author.key)


def persons(events: Sequence[Event], stored: Mapping[str, Message]) -> dict[str, Author | int]:
    """For each event's id who wrote it or, of our own posts, whom it answers: an author, or the pk of a known identity.

    The author of the post it answers, where we have that post; else whom the network or the first word names; else,
    where we go on after a post of our own, whom that one answers.
    """
    batch = {event.external_id: event for event in events}
    found: dict[str, Author | int] = {}
    for event in events:
        parent, known = batch.get(event.parent_id), stored.get(event.parent_id)
        if event.author:
            found[event.external_id] = event.author
        elif parent and parent.author:
            found[event.external_id] = parent.author
        elif known and not known.is_ours and known.identity_id:
            found[event.external_id] = known.identity_id
        elif event.addressed_to:
            found[event.external_id] = Author(key=event.addressed_to)
        elif known and known.identity_id:
            found[event.external_id] = known.identity_id
        elif event.parent_id in found:
            found[event.external_id] = found[event.parent_id]
    return found


def link(channel: Channel, people: Mapping[str, Author | int]) -> dict[str, int]:
    """The pk of the identity for each event's id; everybody new gets a customer. At most 7 queries."""
    authors: dict[Key, Author] = {}
    for who in people.values():
        if isinstance(who, Author):
            key = key_of(channel, who)
            authors[key] = authors[key] if key in authors and authors[key].handle else who
    known = _known(channel, authors)
    return {
        event: who if isinstance(who, int) else known[key_of(channel, who)] for event, who in people.items()
    }  # fmt: skip


def _known(channel: Channel, authors: Mapping[Key, Author]) -> People:
    """Each author's identity, made where there was none, and each with an owner."""
    found = _identities(authors)
    missing = sorted(set(authors) - set(found))  # sorted, so that two processes never wait for each other
    if missing:
        Identity.objects.bulk_create([_identity(key, authors[key]) for key in missing], ignore_conflicts=True)
        found |= _identities(missing)
    _provide_customers({found[key]: author for key, author in authors.items()}, channel)
    return found


def _identities(keys: Iterable[Key]) -> People:
    keys = set(keys)
    kinds, places, values = ({key[n] for key in keys} for n in range(3))  # the whole key, so that its index is walked
    found = Identity.objects.filter(kind__in=kinds, place__in=places, value__in=values)
    rows = found.values_list("kind", "place", "value", "pk")
    return {(kind, place, value): pk for kind, place, value, pk in rows if (kind, place, value) in keys}


def _identity(key: Key, author: Author) -> Identity:
    kind, place, value = key
    shown = author.handle or author.key
    if kind in (Identity.Kind.EMAIL, Identity.Kind.PHONE):
        shown = addresses.as_it_came(kind, shown).handle
    return Identity(
        kind=kind, place=place, value=value, handle=shown, display_name=author.name,
        profile_url=web_address(author.profile_url), reach=author.reach,
        location=author.location[:120], profile_links=[link for link in map(web_address, author.links) if link][:20],
    )  # fmt: skip


def _provide_customers(authors: dict[int, Author], channel: Channel) -> None:
    """A provisional customer for each identity that has no owner: it is new, or what linked it was taken back."""
    owned = set(
        IdentityLink.objects.filter(identity__in=authors, state="confirmed").values_list("identity_id", flat=True)
    )
    lonely = sorted(set(authors) - owned)
    customers = Customer.objects.bulk_create([Customer(name=_name(authors[pk])) for pk in lonely])
    IdentityLink.objects.bulk_create(
        [
            IdentityLink(
                identity_id=pk, customer=customer, method=IdentityLink.Method.FIRST_CONTACT,
                evidence=f"First seen on {channel.name}",
            )
            for pk, customer in zip(lonely, customers, strict=True)
        ],
        ignore_conflicts=True,
    )  # fmt: skip
    Customer.objects.filter(pk__in=[c.pk for c in customers], links=None).delete()  # lost the race
    webhooks.tell("customer.created", *customers)  # those that are left: they are read again


def _name(author: Author) -> str:
    return (author.name or author.handle or author.key)[:200]
