"""Promise clocks: what was promised of a case, until when, and whether it was kept."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _


class ClockQuerySet(models.QuerySet["Clock"]):
    def open(self) -> ClockQuerySet:
        return self.filter(ended_at=None)

    def running(self) -> ClockQuerySet:
        return self.open().filter(running_since__isnull=False)


class Clock(models.Model):
    """One promise of one turn. It runs while it is our turn; `spent` seconds of working time had gone before that.

    `due_at` and `risk_at` are stored while it runs. `broken_at` is when it was broken.
    """

    class Kind(models.TextChoices):
        ACKNOWLEDGE = "acknowledge", _("Acknowledge")
        ANSWER = "answer", _("Answer")
        RESOLVE = "resolve", _("Resolve")

    class End(models.TextChoices):
        KEPT = "kept", _("Kept")
        BROKEN = "broken", _("Broken")
        DROPPED = "dropped", _("Dropped")

    case = models.ForeignKey("cases.Case", on_delete=models.CASCADE, related_name="clocks", verbose_name=_("case"))
    kind = models.CharField(_("promise"), max_length=12, choices=Kind.choices)
    promised = models.PositiveIntegerField(_("promised"), help_text=_("seconds of the channel's hours"))
    warned = models.PositiveIntegerField(_("at risk before"), help_text=_("seconds of the channel's hours"))
    started_at = models.DateTimeField(_("started"))
    running_since = models.DateTimeField(_("running since"), null=True, blank=True)
    spent = models.PositiveIntegerField(_("spent before"), default=0, help_text=_("seconds of the channel's hours"))
    due_at = models.DateTimeField(_("due"), null=True, blank=True)
    risk_at = models.DateTimeField(_("at risk from"), null=True, blank=True)
    risk_told_at = models.DateTimeField(null=True, blank=True, editable=False)
    broken_at = models.DateTimeField(_("broken"), null=True, blank=True)
    ended_at = models.DateTimeField(_("ended"), null=True, blank=True)
    end = models.CharField(_("how it ended"), max_length=8, choices=End.choices, blank=True)

    objects = ClockQuerySet.as_manager()

    class Meta:
        ordering = ["started_at", "id"]
        verbose_name = _("promise clock")
        verbose_name_plural = _("promise clocks")
        constraints = [
            models.UniqueConstraint(
                fields=["case", "kind"], condition=Q(ended_at=None), name="one_clock_of_a_kind_is_open_per_case"
            ),
            models.CheckConstraint(
                condition=Q(running_since=None, due_at=None, risk_at=None)
                | Q(running_since__isnull=False, due_at__isnull=False, risk_at__isnull=False, ended_at=None),
                name="a_running_clock_knows_its_end_and_has_none_yet",
            ),
            models.CheckConstraint(
                condition=Q(ended_at=None, end="") | Q(ended_at__isnull=False) & ~Q(end=""),
                name="a_clock_that_ended_says_how",
            ),
        ]
        indexes = [
            models.Index(
                fields=["risk_at"], condition=Q(running_since__isnull=False, risk_told_at=None), name="clock_to_warn"
            ),
            models.Index(
                fields=["due_at"], condition=Q(running_since__isnull=False, broken_at=None), name="clock_to_break"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} #{self.case_id}"
