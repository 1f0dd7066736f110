"""How surveys are run here: one row, changed by leads."""

from __future__ import annotations

from datetime import date

from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _


def _today() -> date:
    return timezone.localdate()


class SurveySettings(models.Model):
    begins_on = models.DateField(
        _("we ask since"), default=_today,
        help_text=_("Nobody counts as unasked for longer than this: the year in which everybody is asked begins here."),
    )  # fmt: skip
    rest_days = models.PositiveSmallIntegerField(
        _("rest"), default=90, help_text=_("Days between two surveys of one person, whichever they are.")
    )
    least = models.PositiveSmallIntegerField(
        _("smallest base"), default=10, help_text=_("Nothing is shown of fewer answers than this.")
    )
    valid_days = models.PositiveSmallIntegerField(_("a link works for"), default=30, help_text=_("Days."))
    case_hours = models.PositiveSmallIntegerField(
        _("we ask after a case"), default=24, help_text=_("Hours after it was resolved; 0: at once.")
    )

    class Meta:
        verbose_name = _("settings of surveys")
        verbose_name_plural = _("settings of surveys")
        constraints = [
            models.CheckConstraint(condition=Q(id=1), name="surveys_have_one_row_of_settings"),
            models.CheckConstraint(
                condition=Q(rest_days__lte=180, least__gte=2, valid_days__gte=1, valid_days__lte=365),
                name="the_settings_of_surveys_are_within_bounds",
            ),
        ]

    def __str__(self) -> str:
        return str(_("Settings of surveys"))

    @classmethod
    def current(cls) -> SurveySettings:
        """As they are; the defaults where nobody has changed any. One query."""
        return cls.objects.first() or cls(pk=1)
