"""How the whole desk works: one row, changed by leads."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _


class DeskSettings(models.Model):
    guard_likeness = models.PositiveSmallIntegerField(
        _("replies count as the same from"), default=80, help_text=_("Percent of their words that are alike.")
    )
    guard_people = models.PositiveSmallIntegerField(
        _("warn when as many people got it"), default=3, help_text=_("Others, before this one.")
    )
    guard_hours = models.PositiveSmallIntegerField(_("within"), default=24, help_text=_("Hours."))
    undo_seconds = models.PositiveSmallIntegerField(
        _("time to undo a reply"), default=5, help_text=_("Seconds before it leaves. 0: none.")
    )
    offer_minutes = models.PositiveSmallIntegerField(
        _("an offer lapses after"), default=3, help_text=_("Minutes; then the next person is offered the case.")
    )
    alike_days = models.PositiveSmallIntegerField(
        _("put alike posts together for"), default=3, help_text=_("Days from the first of them. 0: never.")
    )

    class Meta:
        verbose_name = _("settings of the desk")
        verbose_name_plural = _("settings of the desk")
        constraints = [
            models.CheckConstraint(condition=Q(id=1), name="the_desk_has_one_row_of_settings"),
            models.CheckConstraint(
                condition=Q(guard_likeness__gte=30, guard_likeness__lte=100, guard_people__gte=1, guard_hours__gte=1)
                & Q(undo_seconds__lte=120, offer_minutes__gte=1),
                name="the_settings_of_the_desk_are_within_bounds",
            ),
        ]

    def __str__(self) -> str:
        return str(_("Settings of the desk"))

    @classmethod
    def current(cls) -> DeskSettings:
        """As they are; the defaults where nobody has changed any. One query."""
        return cls.objects.first() or cls(pk=1, undo_seconds=settings.UNDO_SECONDS)
