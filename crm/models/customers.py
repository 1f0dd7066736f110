"""The customer: one record, whatever handles they use."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.contrib.postgres.indexes import GinIndex, OpClass
from django.db import models
from django.db.models.functions import Upper
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

if TYPE_CHECKING:
    from crm.models.staff import User


class Tier(models.TextChoices):
    STANDARD = "standard", _("Standard")
    VALUED = "valued", _("Valued")
    KEY = "key", _("Key")


class CustomerQuerySet(models.QuerySet["Customer"]):
    def visible_to(self, user: User) -> CustomerQuerySet:
        return self if user.knows_customers else self.none()

    def with_handles(self) -> CustomerQuerySet:
        """With `confirmed_links` (and their identities) on each, in two more queries."""
        from crm.models.identities import IdentityLink

        confirmed = IdentityLink.objects.filter(state=IdentityLink.State.CONFIRMED)
        links = confirmed.select_related("identity").order_by("id")
        return self.prefetch_related(models.Prefetch("links", links, to_attr="confirmed_links"))

    def called(self, words: str) -> CustomerQuerySet:
        """Whose name or one of whose handles contains `words`."""
        from crm.models.identities import IdentityLink

        by_name = Customer.objects.filter(name__icontains=words).order_by().values("pk")
        links = IdentityLink.objects.filter(state=IdentityLink.State.CONFIRMED, identity__handle__icontains=words)
        # a union, since an OR across tables would keep PostgreSQL from both trigram indexes
        return self.filter(pk__in=by_name.union(links.order_by().values("customer"), all=True))


class Customer(models.Model):
    """A person. Provisional while only a handle is known: `known_at` says since when we know who it is."""

    name = models.CharField(_("name"), max_length=200)
    tier = models.CharField(_("tier"), max_length=10, choices=Tier.choices, default=Tier.STANDARD)
    language = models.CharField(_("language"), max_length=8, blank=True)
    country = models.CharField(_("country"), max_length=2, blank=True, help_text=_("Two letters, as in ISO 3166."))
    city = models.CharField(_("city"), max_length=120, blank=True)
    time_zone = models.CharField(_("time zone"), max_length=64, blank=True)
    about = models.TextField(_("what to know"), blank=True, help_text=_("Facts the customer gave us."))
    created_at = models.DateTimeField(_("first seen"), default=timezone.now)
    known_at = models.DateTimeField(_("known since"), null=True, blank=True)

    objects = CustomerQuerySet.as_manager()

    class Meta:
        verbose_name = _("customer")
        verbose_name_plural = _("customers")
        constraints = [
            models.CheckConstraint(condition=models.Q(tier__in=Tier.values), name="a_customer_has_a_known_tier"),
        ]
        indexes = [
            GinIndex(OpClass(Upper("name"), name="gin_trgm_ops"), name="customer_name_trigrams"),
            models.Index(models.F("created_at").desc(), models.F("id").desc(), name="customer_newest"),
        ]

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        return reverse("crm:customer", args=[self.pk])

    @property
    def is_provisional(self) -> bool:
        return self.known_at is None
