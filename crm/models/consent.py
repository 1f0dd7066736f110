"""What a customer allows us to do, and who recorded it, when and how."""

from __future__ import annotations

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

# The name under which the database refuses what leaves against a customer's will (channels_app/models/guard.py).
GUARD = "nobody_is_contacted_against_their_will"


class Purpose(models.TextChoices):
    CARE_REPLY = "care_reply", _("Answer in care")
    SURVEY = "survey", _("Surveys")
    CALL = "call", _("Calls")
    MARKETING = "marketing", _("Marketing")


class Consent(models.Model):
    """What holds now for one purpose. No row: nobody asked yet, and `crm.consent.UNASKED` says what that means."""

    class State(models.TextChoices):
        GIVEN = "given", _("Given")
        REFUSED = "refused", _("Refused")

    customer = models.ForeignKey(
        "crm.Customer", on_delete=models.CASCADE, related_name="consents", verbose_name=_("customer")
    )
    purpose = models.CharField(_("purpose"), max_length=12, choices=Purpose.choices)
    state = models.CharField(_("state"), max_length=10, choices=State.choices)
    since = models.DateTimeField(_("since"), default=timezone.now)

    class Meta:
        verbose_name = _("consent")
        verbose_name_plural = _("consents")
        constraints = [
            models.UniqueConstraint(fields=["customer", "purpose"], name="a_customer_has_one_consent_per_purpose"),
            models.CheckConstraint(condition=models.Q(purpose__in=Purpose.values), name="a_consent_has_a_purpose"),
        ]
        indexes = [models.Index(fields=["purpose", "state", "customer"], name="consent_by_purpose")]

    def __str__(self) -> str:
        return f"{self.customer} · {self.get_purpose_display()}: {self.get_state_display()}"


class ConsentChange(models.Model):
    """One line of the history. An empty purpose is the absolute "do not contact me under any circumstances"."""

    class To(models.TextChoices):
        GIVEN = "given", _("Given")
        REFUSED = "refused", _("Refused")
        CLEARED = "cleared", _("No longer known")
        SET = "set", _("Do not contact under any circumstances")
        LIFTED = "lifted", _("May be contacted again")

    customer = models.ForeignKey(
        "crm.Customer", on_delete=models.CASCADE, related_name="consent_changes", verbose_name=_("customer")
    )
    purpose = models.CharField(_("purpose"), max_length=12, choices=Purpose.choices, blank=True)
    to = models.CharField(_("became"), max_length=10, choices=To.choices)
    how = models.CharField(_("how we know"), max_length=300)
    by = models.ForeignKey(
        "crm.User", on_delete=models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("by")
    )
    at = models.DateTimeField(_("at"), default=timezone.now)

    class Meta:
        ordering = ["-at", "-id"]
        verbose_name = _("change of consent")
        verbose_name_plural = _("changes of consent")
        constraints = [
            models.CheckConstraint(
                condition=models.Q(purpose="", to__in=["set", "lifted"])
                | (~models.Q(purpose="") & models.Q(to__in=["given", "refused", "cleared"])),
                name="a_change_of_consent_is_for_a_purpose_or_for_all",
            ),
            models.CheckConstraint(condition=~models.Q(how=""), name="a_change_of_consent_says_how_we_know"),
        ]

    def __str__(self) -> str:
        return f"{self.customer} · {self.purpose or 'all'}: {self.to}"
