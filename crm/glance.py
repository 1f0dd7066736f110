"""What one has to know of a customer in the thirty seconds before one answers them. A fixed number of queries."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from crm.consent import Held, held
from crm.models import Customer, IdentityLink, Order, Product, Stakeholder

PRODUCTS, ORDERS = 5, 5  # shown at once; the rest stands behind a link


@dataclass(frozen=True)
class Glance:
    """`orders` and `products` are one longer than is shown where there are more."""

    customer: Customer
    links: Sequence[IdentityLink]
    stakes: Sequence[Stakeholder]
    orders: Sequence[Order]
    products: Sequence[Product]
    consents: Sequence[Held]

    @property
    def reach(self) -> int | None:
        """The largest public following among their identities, as `IdentityLinkQuerySet.reach_of` has it."""
        confirmed = (link.identity for link in self.links if link.state == IdentityLink.State.CONFIRMED)
        return max((identity.reach for identity in confirmed if identity.reach is not None), default=None)

    @property
    def late(self) -> list[Order]:
        return [order for order in self.orders if order.is_late]


def of(customer: Customer) -> Glance:
    """Five queries."""
    return Glance(
        customer=customer,
        links=links(customer),
        stakes=stakes(customer),
        orders=list(Order.objects.of_customer(customer).soonest_first().select_related("account")[: ORDERS + 1]),
        products=list(Product.objects.of_customer(customer).owned().select_related("account")[: PRODUCTS + 1]),
        consents=held(customer, []),
    )


def links(customer: Customer) -> list[IdentityLink]:
    """Every name they go by or may go by, oldest first."""
    shown = (IdentityLink.State.CONFIRMED, IdentityLink.State.PROPOSED)
    found = customer.links.filter(state__in=shown).select_related("identity", "by", "decided_by")
    return list(found.order_by("created_at", "id"))


def stakes(customer: Customer) -> list[Stakeholder]:
    """What they are to accounts now, where they decide first."""
    found = Stakeholder.objects.of_customer(customer).weightiest_first()
    return list(found.select_related("account", "persona"))
