"""What is learned of causes: which words go with them, and whether anybody takes what Hark suggests."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _


class CauseSign(models.Model):
    """In how many resolved cases of a cause something stood: a word, or what the case was about.

    The empty sign counts all of them. Every word was said by several customers.
    """

    sign = models.CharField(_("sign"), max_length=30, blank=True)
    cause = models.ForeignKey("cases.Cause", on_delete=models.CASCADE, related_name="signs", verbose_name=_("cause"))
    cases = models.PositiveIntegerField(_("cases"))

    class Meta:
        verbose_name = _("sign of a cause")
        verbose_name_plural = _("signs of causes")
        constraints = [
            models.UniqueConstraint(fields=["sign", "cause"], name="a_sign_stands_once_per_cause"),
            models.CheckConstraint(condition=Q(cases__gte=1), name="a_sign_was_seen"),
        ]

    def __str__(self) -> str:
        return f"{self.sign or _('all')} · {self.cause_id}: {self.cases}"


class CauseSuggestionQuerySet(models.QuerySet["CauseSuggestion"]):
    def counted(self) -> models.QuerySet[CauseSuggestion, tuple[int, int, int]]:
        """As (the cause that stood first, the place of the one that was chosen, how often)."""
        return self.order_by().values_list("first", "place").annotate(n=models.Count("pk"))


class CauseSuggestion(models.Model):
    """A case was resolved by somebody to whom likely causes were shown. `place` is that of the one they chose."""

    NOT_AMONG_THEM = 0

    case = models.ForeignKey(
        "cases.Case", on_delete=models.CASCADE, related_name="cause_suggestions", verbose_name=_("case")
    )
    first = models.ForeignKey(
        "cases.Cause", on_delete=models.PROTECT, related_name="+", verbose_name=_("the likeliest")
    )
    chosen = models.ForeignKey("cases.Cause", on_delete=models.PROTECT, related_name="+", verbose_name=_("chosen"))
    place = models.PositiveSmallIntegerField(
        _("its place"), help_text=_("1 to 3 among those shown; 0: it was not among them.")
    )
    at = models.DateTimeField(_("at"), default=timezone.now)

    objects = CauseSuggestionQuerySet.as_manager()

    class Meta:
        verbose_name = _("suggested cause")
        verbose_name_plural = _("suggested causes")
        constraints = [
            models.CheckConstraint(condition=Q(place__lte=3), name="three_causes_are_suggested_at_most"),
            models.CheckConstraint(
                condition=Q(place=1, first=F("chosen")) | ~Q(place=1) & ~Q(first=F("chosen")),
                name="the_likeliest_cause_stands_first",
            ),
        ]
        indexes = [models.Index(fields=["at"], include=["first", "place"], name="cause_suggestion_by_time")]

    def __str__(self) -> str:
        return f"#{self.case_id}: {self.place}"
