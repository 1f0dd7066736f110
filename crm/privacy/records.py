"""What this app holds on a person itself: who they are, what they go by, what they allow, what they own."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any
from uuid import uuid4

from django.db.models import F, Model, Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from crm.models import (
    Consent,
    ConsentChange,
    Customer,
    Identity,
    IdentityLink,
    IdentityRequest,
    Order,
    Product,
    Stakeholder,
    Tier,
)
from crm.privacy.holders import Holder, Row, Words, columns, deleting, in_batches, register, rows_of
from crm.privacy.people import Person

NOBODY = "erased:"  # what an erased identity's key begins with; the rest is chance and says nothing


# --- who they are

WHO = (
    "id", "name", "given_name", "family_name", "nickname", "born_on", "tier", "language", "country", "city",
    "time_zone", "about", "created_at", "known_at", "do_not_contact_at", "merged_into",
)  # fmt: skip


def _records(person: Person) -> QuerySet[Customer]:
    return Customer.objects.filter(pk__in=person.records).order_by("pk")


def _erase_records(person: Person) -> Iterator[int]:
    """A nameless record stays, for the cases that lead to it."""
    gone: dict[str, Any] = dict.fromkeys(
        ["given_name", "family_name", "nickname", "language", "country", "city", "time_zone", "about"], ""
    ) | {"name": gettext("Erased customer"), "born_on": None, "tier": Tier.STANDARD}
    yield from in_batches(_records(person).exclude(**gone), lambda rows: rows.update(**gone))


# --- what they go by

KNOWN_BY = (
    "kind", "place", "value", "handle", "display_name", "profile_url", "reach", "location", "profile_links",
    "first_seen_at", "verified_at", "unreachable_at", "unreachable_why",
)  # fmt: skip
LINKED = {"method": F("links__method"), "evidence": F("links__evidence"), "linked_at": F("links__created_at")}


def _identities(person: Person) -> QuerySet[Identity]:
    return Identity.objects.filter(pk__in=person.identities).order_by("pk")


def _identity_rows(person: Person) -> Iterator[Row]:
    confirmed = Q(links__state=IdentityLink.State.CONFIRMED) | Q(links=None)
    return rows_of(_identities(person).filter(confirmed), *KNOWN_BY, **LINKED)


def _erase_identities(person: Person) -> Iterator[int]:
    yield from in_batches(_identities(person).filter(erased_at=None), _make_nameless)


def _make_nameless(identities: QuerySet[Identity]) -> None:
    found = list(identities)
    now = timezone.now()
    for identity in found:
        identity.value, identity.handle, identity.display_name = f"{NOBODY}{uuid4()}", "", ""
        identity.profile_url, identity.reach, identity.location, identity.profile_links = "", None, "", []
        identity.unreachable_why = ""  # a mail server quotes the address
        identity.erased_at = identity.matched_at = now
    Identity.objects.bulk_update(found, [*KNOWN_BY[2:9], "unreachable_why", "erased_at", "matched_at"])


# --- what says that these are theirs, or might be


def _guesses(person: Person) -> QuerySet[IdentityLink]:
    """Links that are not confirmed: of their records to others' names, and of their names to others' records."""
    touching = Q(customer__in=person.records) | Q(identity__in=person.identities)
    return IdentityLink.objects.filter(touching).exclude(state=IdentityLink.State.CONFIRMED).order_by("pk")


def _evidence(person: Person) -> QuerySet[IdentityLink]:
    """Confirmed links that still tell why."""
    theirs = IdentityLink.objects.confirmed().filter(identity__in=person.identities)
    return theirs.exclude(evidence="", points=[], score=None)


def _guess_rows(person: Person) -> Iterator[Row]:
    """Without whom else it is about: that is not theirs to know."""
    ours = _guesses(person).filter(customer__in=person.records)
    return rows_of(ours, "state", "method", "score", "created_at", "decided_at")


def _count_links(person: Person) -> int:
    return _guesses(person).count() + _evidence(person).count()


def _erase_links(person: Person) -> Iterator[int]:
    yield from in_batches(_guesses(person), lambda rows: rows.delete())
    silent: dict[str, Any] = {"evidence": "", "points": [], "score": None}
    yield from in_batches(_evidence(person), lambda rows: rows.update(**silent))


def _asked(person: Person) -> QuerySet[IdentityRequest]:
    """What we asked them, and what somebody else claimed of them."""
    touching = Q(identity__in=person.identities) | Q(claim__in=person.identities)
    return IdentityRequest.objects.filter(touching).order_by("pk")


def _asked_rows(person: Person) -> Iterator[Row]:
    ours = _asked(person).filter(identity__in=person.identities)
    return rows_of(ours, "state", "asked_at", "claimed", "answered_at")


# --- what they allow, what they own, for whom they decide


def _consents(person: Person) -> QuerySet[Consent]:
    return Consent.objects.filter(customer__in=person.records).order_by("pk")


def _consent_changes(person: Person) -> QuerySet[ConsentChange]:
    return ConsentChange.objects.filter(customer__in=person.records).order_by("pk")


def _orders(person: Person) -> QuerySet[Order]:
    return Order.objects.filter(customer__in=person.records).order_by("pk")


def _products(person: Person) -> QuerySet[Product]:
    return Product.objects.filter(customer__in=person.records).order_by("pk")


def _stakes(person: Person) -> QuerySet[Stakeholder]:
    return Stakeholder.objects.filter(customer__in=person.records).order_by("pk")


ORDERED = (
    "number", "state", "what", "amount", "currency", "placed_at", "promised_on", "delivered_on", "tracking_url",
    "source", "external_id",
)  # fmt: skip
OWNED = ("name", "serial", "state", "since_on", "until_on", "source", "external_id")


def _gone(name: str, label: Words, model: type[Model], found: Callable[[Person], QuerySet[Any]], *shown: str,
          becomes: Words, at_the_end: bool = False, **renamed: Any) -> Holder:  # fmt: skip
    """A holder of rows that go altogether."""
    count, erase = deleting(found)
    labels = columns(model, *shown, **{key: label for key, (_path, label) in renamed.items()})
    paths = {key: F(path) for key, (path, _label) in renamed.items()}
    return Holder(
        name, label, (model._meta.label_lower,), becomes, count, erase,
        lambda person: rows_of(found(person), *shown, **paths), labels, at_the_end=at_the_end,
    )  # fmt: skip


def register_records() -> None:
    deleted = _("Deleted.")
    register(
        Holder(
            "customer", _("Who they are"), ("crm.customer",), _("A record without a name stays: “Erased customer”."),
            lambda person: len(person.records), _erase_records,
            lambda person: rows_of(_records(person), *WHO), columns(Customer, *WHO),
            keeps=_("Its number, since when we knew them, and to which record it was merged: cases lead there."),
            at_the_end=True,
        ),
        Holder(
            "identities", _("Handles, addresses and numbers"), ("crm.identity",),
            _("Made nameless; what stands there instead is chance and leads nowhere."),
            lambda person: _identities(person).filter(erased_at=None).count(), _erase_identities, _identity_rows,
            columns(Identity, *KNOWN_BY) | columns(IdentityLink, "method", "evidence", linked_at=_("linked")),
            keeps=_("That there was one, of which kind, on which network: messages lead there."), at_the_end=True,
        ),
        Holder(
            "links", _("Evidence of whose they are"), ("crm.identitylink",),
            _("Deleted; of the confirmed ones only that they were."), _count_links, _erase_links, _guess_rows,
            columns(IdentityLink, "state", "method", "score", "created_at", "decided_at"),
        ),
        _gone("identity_requests", _("Requests to identify themselves"), IdentityRequest, _asked,
              "state", "asked_at", "claimed", "answered_at", becomes=deleted, at_the_end=True),
        _gone("consents", _("What they allow"), Consent, _consents, "purpose", "state", "since",
              becomes=_("Deleted, “do not contact” with it: we no longer know whom it would be about.")),
        _gone("consent_history", _("How we know what they allow"), ConsentChange, _consent_changes,
              "purpose", "to", "how", "at", becomes=deleted),
        _gone("orders", _("Orders"), Order, _orders, *ORDERED, becomes=_("Deleted; the shop has its own."),
              account_name=("account__name", _("account"))),
        _gone("products", _("Products owned"), Product, _products, *OWNED, becomes=deleted,
              account_name=("account__name", _("account"))),
        _gone("stakes", _("What they are to accounts"), Stakeholder, _stakes,
              "role", "influence", "title", "since_on", "left_on", becomes=deleted,
              account_name=("account__name", _("account")), persona_name=("persona__name", _("persona"))),
    )  # fmt: skip
