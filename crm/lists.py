"""What each list of customers and accounts says in a file. The columns an import knows are called as it calls them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from crm.importing.fields import ACCOUNT, CUSTOMER, ORDER
from crm.models import Account, Customer, Identity, IdentityLink, Order

CUSTOMER_COLUMNS = (*(field.name for field in CUSTOMER), "outside ids", "first seen", "known since", "no contact since")
ACCOUNT_COLUMNS = (*(field.name for field in ACCOUNT), "outside id", "with us since")
ORDER_COLUMNS = (*(field.name for field in ORDER), "customer name", "account name", "outside id")

LINK_COLUMNS = (
    "identity", "kind", "network", "customer", "customer id", "state", "method", "score", "evidence", "for and against",
    "by", "since", "decided by", "decided",
)  # fmt: skip


def customer_rows(customers: Iterable[Customer]) -> Iterator[list[object]]:
    """Of customers that came `with_handles()`. The id is Hark's own number, under which they come in again."""
    for customer in customers:
        links: list[IdentityLink] = customer.confirmed_links  # type: ignore[attr-defined]
        goes_by = {kind: [link.identity for link in links if link.identity.kind == kind] for kind in Identity.Kind}
        yield [
            customer.pk, customer.name, customer.given_name, customer.family_name, customer.nickname, customer.born_on,
            customer.tier, customer.language, customer.country, customer.city, customer.time_zone, customer.about,
            [identity.handle or identity.value for identity in goes_by[Identity.Kind.EMAIL]],
            [_number(identity) for identity in goes_by[Identity.Kind.PHONE]],
            [f"{identity.place}:{identity.handle or identity.value}" for identity in goes_by[Identity.Kind.HANDLE]],
            [f"{identity.place}:{identity.value}" for identity in goes_by[Identity.Kind.EXTERNAL]],
            customer.created_at, customer.known_at, customer.do_not_contact_at,
        ]  # fmt: skip


def _number(identity: Identity) -> str:
    """As people write it: the key's mark of an extension would part two numbers in a cell."""
    return (identity.handle or identity.value).replace(";ext=", " ext. ")


def account_rows(accounts: Iterable[Account]) -> Iterator[list[object]]:
    """Of accounts that came with their owner."""
    for account in accounts:
        yield [
            account.pk, account.name, account.kind, account.industry, account.country, account.city, account.website,
            account.runs, account.about, account.owner.username if account.owner else "",
            account.closed_at.date() if account.closed_at else None,
            f"{account.source}:{account.external_id}" if account.external_id else "", account.created_at,
        ]  # fmt: skip


def order_rows(orders: Iterable[Order]) -> Iterator[list[object]]:
    """Of orders that came with their customer and account. All ids are Hark's own numbers."""
    for order in orders:
        yield [
            order.pk, order.customer_id, order.account_id, order.number, order.state, order.what, order.amount,
            order.currency, order.placed_at, order.promised_on, order.delivered_on, order.tracking_url,
            order.customer.name, order.account.name if order.account else "",
            f"{order.source}:{order.external_id}" if order.external_id else "",
        ]  # fmt: skip


def link_rows(links: Iterable[IdentityLink]) -> Iterator[list[object]]:
    """Of links that came with their identity, customer and people."""
    for link in links:
        points = [point["says"] for point in link.points]
        yield [
            link.identity.handle or link.identity.value, link.identity.kind, link.identity.place, link.customer.name,
            link.customer_id, link.state, link.method, link.score, link.evidence, points, str(link.by or "Hark"),
            link.created_at, str(link.decided_by or ""), link.decided_at,
        ]  # fmt: skip
