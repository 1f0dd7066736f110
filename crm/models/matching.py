"""What matching goes by: how common a thing is, and what an administrator allows Hark to decide by itself."""

from django.contrib.postgres.indexes import GinIndex, OpClass
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _


class MatchRule(models.Model):
    """Off until an administrator turns it on. Only exact, verified evidence can be named here."""

    class Evidence(models.TextChoices):
        SAME_VERIFIED_EMAIL = "same_verified_email", _("Same verified e-mail address")
        SAME_VERIFIED_PHONE = "same_verified_phone", _("Same verified phone number")
        DECLARED_BOTH_WAYS = "declared_both_ways", _("Each profile links to the other")

    evidence = models.CharField(_("evidence"), max_length=24, choices=Evidence.choices, unique=True)
    enabled_at = models.DateTimeField(_("on since"), null=True, blank=True)
    enabled_by = models.ForeignKey(
        "crm.User", on_delete=models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("turned on by")
    )

    class Meta:
        ordering = ["evidence"]
        verbose_name = _("rule of matching")
        verbose_name_plural = _("rules of matching")

    def __str__(self) -> str:
        return self.get_evidence_display()

    @property
    def says(self) -> str:
        """What it decides, for whoever turns it on."""
        return str(EXPLAINED[self.Evidence(self.evidence)])


EXPLAINED = {
    MatchRule.Evidence.SAME_VERIFIED_EMAIL: _(
        "Both records have the same address, one of them proved to hold it, and no third customer has it."
    ),
    MatchRule.Evidence.SAME_VERIFIED_PHONE: _(
        "Both records have the same number, one of them proved to hold it, and no third customer has it."
    ),
    MatchRule.Evidence.DECLARED_BOTH_WAYS: _("The page of each is linked from the profile of the other."),
}


class Commonness(models.Model):
    """How many records share a piece, counted anew by crm.matching.learning: what many share proves little."""

    class Kind(models.TextChoices):
        NAME = "name", _("Word of a customer's name")
        CITY = "city", _("City of a customer")
        LANGUAGE = "language", _("Language of a customer")
        BEFORE = "before", _("Beginning of handles that is no name")
        AFTER = "after", _("Ending of handles that is no name")
        TOTAL = "total", _("Records counted")

    kind = models.CharField(_("kind"), max_length=8, choices=Kind.choices)
    piece = models.CharField(_("piece"), max_length=200)
    count = models.PositiveIntegerField(_("records"))
    counted_at = models.DateTimeField(_("counted"), default=timezone.now)

    class Meta:
        verbose_name = _("commonness")
        verbose_name_plural = _("commonness")
        constraints = [
            models.UniqueConstraint(fields=["kind", "piece"], name="a_piece_is_counted_once_per_kind"),
        ]
        indexes = [
            GinIndex(
                OpClass("piece", name="gin_trgm_ops"), condition=models.Q(kind="name"), name="commonness_name_trigrams"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.piece}: {self.count}"
