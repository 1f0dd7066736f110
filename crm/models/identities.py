"""Handles, addresses and numbers, and the proof that they belong to somebody."""

from __future__ import annotations

from django.contrib.postgres.indexes import GinIndex, OpClass
from django.db import models
from django.db.models.functions import Upper
from django.utils import timezone
from django.utils.translation import gettext_lazy as _


class Identity(models.Model):
    """One name somebody goes by in one place. Unique per kind, place and value."""

    class Kind(models.TextChoices):
        HANDLE = "handle", _("Handle")
        EMAIL = "email", _("E-mail")
        PHONE = "phone", _("Phone")
        EXTERNAL = "external", _("Record in another system")

    kind = models.CharField(_("kind"), max_length=10, choices=Kind.choices, default=Kind.HANDLE)
    place = models.CharField(_("network"), max_length=40, blank=True, help_text=_("Empty for e-mail and phone."))
    value = models.CharField(_("key"), max_length=255, help_text=_("What never changes there: an id, else the handle."))
    handle = models.CharField(_("as written"), max_length=255, blank=True)
    display_name = models.CharField(_("display name"), max_length=255, blank=True)
    profile_url = models.URLField(_("profile"), max_length=500, blank=True)
    reach = models.PositiveIntegerField(_("reach"), null=True, blank=True, help_text=_("Followers, where public."))
    first_seen_at = models.DateTimeField(_("first seen"), default=timezone.now)

    class Meta:
        verbose_name = _("identity")
        verbose_name_plural = _("identities")
        constraints = [
            models.UniqueConstraint(fields=["kind", "place", "value"], name="an_identity_stands_once_per_place"),
            models.CheckConstraint(condition=~models.Q(value=""), name="an_identity_has_a_value"),
        ]
        indexes = [GinIndex(OpClass(Upper("handle"), name="gin_trgm_ops"), name="identity_handle_trigrams")]

    def __str__(self) -> str:
        return self.label

    @property
    def label(self) -> str:
        """As people write it: @handle on a network, else the address or number itself."""
        shown = self.handle or self.value
        return f"@{shown}" if self.kind == self.Kind.HANDLE else shown


class IdentityLink(models.Model):
    """Says that an identity belongs to a customer: in what state, on what evidence, by whom."""

    class State(models.TextChoices):
        PROPOSED = "proposed", _("Proposed")
        CONFIRMED = "confirmed", _("Confirmed")
        REJECTED = "rejected", _("Rejected")
        WITHDRAWN = "withdrawn", _("Withdrawn")

    class Method(models.TextChoices):
        FIRST_CONTACT = "first_contact", _("First contact: the record was opened for this identity")
        BY_HAND = "by_hand", _("Linked by hand")
        IMPORT = "import", _("Imported")

    identity = models.ForeignKey(Identity, on_delete=models.CASCADE, related_name="links", verbose_name=_("identity"))
    customer = models.ForeignKey(
        "crm.Customer", on_delete=models.CASCADE, related_name="links", verbose_name=_("customer")
    )
    state = models.CharField(_("state"), max_length=10, choices=State.choices, default=State.CONFIRMED)
    method = models.CharField(_("how"), max_length=16, choices=Method.choices)
    evidence = models.CharField(_("evidence"), max_length=500, blank=True)
    by = models.ForeignKey(
        "crm.User", on_delete=models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("by")
    )
    created_at = models.DateTimeField(_("since"), default=timezone.now)

    class Meta:
        verbose_name = _("link of an identity")
        verbose_name_plural = _("links of identities")
        constraints = [
            models.UniqueConstraint(
                fields=["identity"], condition=models.Q(state="confirmed"), name="an_identity_has_one_confirmed_owner"
            ),
            models.UniqueConstraint(fields=["identity", "customer"], name="an_identity_and_customer_meet_once"),
        ]

    def __str__(self) -> str:
        return f"{self.identity} → {self.customer}"
