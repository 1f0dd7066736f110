"""What a customer ordered and owns, as other systems tell us."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from crm.models.outside import FromOutside, outside_id_stands_once

if TYPE_CHECKING:
    from crm.models.accounts import Account
    from crm.models.customers import Customer
    from crm.models.staff import User


class State(models.TextChoices):
    PLACED = "placed", _("Placed")
    PAID = "paid", _("Paid")
    SHIPPED = "shipped", _("Shipped")
    DELIVERED = "delivered", _("Delivered")
    RETURNED = "returned", _("Returned")
    CANCELLED = "cancelled", _("Cancelled")


UNDER_WAY = (State.PLACED, State.PAID, State.SHIPPED)


class OrderQuerySet(models.QuerySet["Order"]):
    def visible_to(self, user: User) -> OrderQuerySet:
        return self if user.knows_customers else self.none()

    def of_customer(self, customer: Customer) -> OrderQuerySet:
        """Their private orders, and those they placed for accounts."""
        return self.filter(customer=customer)

    def of_account(self, account: Account) -> OrderQuerySet:
        return self.filter(account=account)

    def newest_first(self) -> OrderQuerySet:
        return self.order_by("-placed_at", "-id")

    def under_way(self) -> OrderQuerySet:
        return self.filter(state__in=UNDER_WAY)

    def soonest_first(self) -> OrderQuerySet:
        """Under way, the one promised first on top: what is late cannot be overlooked."""
        return self.under_way().order_by(models.F("promised_on").asc(nulls_last=True), "placed_at", "id")

    def late(self, today: date) -> OrderQuerySet:
        """Promised for a day before `today`, and still under way."""
        return self.under_way().filter(promised_on__lt=today)


class Order(FromOutside):
    State = State

    customer = models.ForeignKey(
        "crm.Customer", on_delete=models.CASCADE, related_name="orders", verbose_name=_("customer")
    )
    account = models.ForeignKey(
        "crm.Account",
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="orders",
        verbose_name=_("account"),
    )
    number = models.CharField(_("number"), max_length=60, help_text=_("As the customer knows it."))
    state = models.CharField(_("state"), max_length=10, choices=State.choices, default=State.PLACED)
    what = models.CharField(_("what"), max_length=300, blank=True, help_text=_("2 × Trail jacket, 1 × Boots"))
    amount = models.DecimalField(_("amount"), max_digits=12, decimal_places=2, null=True, blank=True)
    currency = models.CharField(_("currency"), max_length=3, blank=True, help_text=_("Three letters, as in ISO 4217."))
    placed_at = models.DateTimeField(_("placed"), default=timezone.now)
    promised_on = models.DateField(_("promised for"), null=True, blank=True)
    delivered_on = models.DateField(_("delivered"), null=True, blank=True)
    tracking_url = models.URLField(_("where it is"), max_length=500, blank=True)
    changed_at = models.DateTimeField(_("told us last"), default=timezone.now)

    objects = OrderQuerySet.as_manager()

    class Meta:
        verbose_name = _("order")
        verbose_name_plural = _("orders")
        constraints = [
            outside_id_stands_once("an_order_has_its_outside_id_once"),
            models.CheckConstraint(
                condition=models.Q(amount=None) | ~models.Q(currency=""), name="an_amount_has_a_currency"
            ),
        ]
        indexes = [
            models.Index(fields=["customer", "-placed_at"], name="order_of_a_customer"),
            models.Index(fields=["number"], name="order_by_number"),
        ]

    def __str__(self) -> str:
        return self.number

    @property
    def is_late(self) -> bool:
        """Promised for a day that has passed, and still under way."""
        return bool(self.is_under_way and self.promised_on and self.promised_on < timezone.localdate())

    @property
    def days_late(self) -> int:
        """Whole days since the promised one; 0 where it is not late."""
        return (timezone.localdate() - self.promised_on).days if self.is_late and self.promised_on else 0

    @property
    def is_under_way(self) -> bool:
        return self.state in UNDER_WAY


class ProductQuerySet(models.QuerySet["Product"]):
    def visible_to(self, user: User) -> ProductQuerySet:
        return self if user.knows_customers else self.none()

    def of_customer(self, customer: Customer) -> ProductQuerySet:
        return self.filter(customer=customer)

    def of_account(self, account: Account) -> ProductQuerySet:
        return self.filter(account=account)

    def owned(self) -> ProductQuerySet:
        """What they have now, newest first."""
        return self.filter(state=Product.State.ACTIVE).order_by(models.F("since_on").desc(nulls_last=True), "-id")


class Product(FromOutside):
    """A thing a customer owns or subscribes to."""

    class State(models.TextChoices):
        ACTIVE = "active", _("In use")
        ENDED = "ended", _("Ended")
        RETURNED = "returned", _("Returned")

    customer = models.ForeignKey(
        "crm.Customer", on_delete=models.CASCADE, related_name="products", verbose_name=_("customer")
    )
    account = models.ForeignKey(
        "crm.Account", on_delete=models.SET_NULL, null=True, blank=True, related_name="products",
        verbose_name=_("account"),
    )  # fmt: skip
    order = models.ForeignKey(
        Order, on_delete=models.SET_NULL, null=True, blank=True, related_name="products", verbose_name=_("order")
    )
    name = models.CharField(_("name"), max_length=200)
    serial = models.CharField(_("serial number"), max_length=120, blank=True)
    state = models.CharField(_("state"), max_length=10, choices=State.choices, default=State.ACTIVE)
    since_on = models.DateField(_("since"), null=True, blank=True)
    until_on = models.DateField(_("until"), null=True, blank=True, help_text=_("End of the contract or the warranty."))

    objects = ProductQuerySet.as_manager()

    class Meta:
        verbose_name = _("product owned")
        verbose_name_plural = _("products owned")
        constraints = [outside_id_stands_once("a_product_owned_has_its_outside_id_once")]
        indexes = [models.Index(fields=["customer", "-since_on"], name="product_of_a_customer")]

    def __str__(self) -> str:
        return self.name
