"""The events of the ground floor, and what each says. The apps above name theirs when they start."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from django.utils.translation import gettext_lazy as _

from crm.api.schemas import ConsentChangeOut, CustomerOut, ErasedOut, LinkOut, MergeOut
from crm.models import ConsentChange, Customer, IdentityLink, Merge
from crm.webhooks.topics import Built, Topic, register


def _customers(customers: Sequence[Customer]) -> Iterable[Built]:
    """As they are now: whoever changed them may hold an older copy."""
    for customer in Customer.objects.with_handles().filter(pk__in=[c.pk for c in customers]).order_by("pk"):
        yield customer.pk, CustomerOut.of(customer)


def _links(links: Sequence[IdentityLink]) -> Iterable[Built]:
    """As they are now. One that was undone before anybody used it is gone: then it was withdrawn."""
    now = IdentityLink.objects.select_related("identity").in_bulk([link.pk for link in links])
    for link in links:
        current = now.get(link.pk)
        state = current.state if current else IdentityLink.State.WITHDRAWN.value
        yield link.customer_id, LinkOut.of(current or link).model_copy(update={"state": state})


def _merges(merges: Sequence[Merge]) -> Iterable[Built]:
    return [(merge.survivor_id, MergeOut.of(merge)) for merge in merges]


def _erased(customers: Sequence[Customer]) -> Iterable[Built]:
    return [(customer.pk, ErasedOut.of(customer)) for customer in customers]


def _consents(changes: Sequence[ConsentChange]) -> Iterable[Built]:
    return [(change.customer_id, ConsentChangeOut.of(change)) for change in changes]


TOPICS = (
    Topic("customer.created", _("A customer was seen first, or came from elsewhere"), Customer, _customers),
    Topic("customer.changed", _("A customer’s data changed"), Customer, _customers),
    Topic("customer.merged", _("Two records became one"), Merge, _merges),
    Topic("customer.unmerged", _("A merge was undone"), Merge, _merges),
    Topic("customer.erased", _("A customer was erased"), Customer, _erased),
    Topic("link.proposed", _("An identity was proposed for a customer"), IdentityLink, _links),
    Topic("link.confirmed", _("An identity was confirmed as a customer’s"), IdentityLink, _links),
    Topic("link.withdrawn", _("A link was taken back"), IdentityLink, _links),
    Topic("consent.changed", _("A customer’s consent changed"), ConsentChange, _consents),
)  # fmt: skip


def register_all() -> None:
    for topic in TOPICS:
        register(topic)
