"""Hours: when somebody is there. A calendar belongs to whoever names it: a channel, a person's shift, a group."""

from __future__ import annotations

from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import IntegerRangeField, RangeOperators
from django.db import models
from django.db.models import F, Func, Q
from django.utils.translation import gettext_lazy as _

from crm.models.staff import valid_time_zone

DAY = 24 * 60  # minutes


class Weekday(models.IntegerChoices):
    MONDAY = 0, _("Monday")
    TUESDAY = 1, _("Tuesday")
    WEDNESDAY = 2, _("Wednesday")
    THURSDAY = 3, _("Thursday")
    FRIDAY = 4, _("Friday")
    SATURDAY = 5, _("Saturday")
    SUNDAY = 6, _("Sunday")


class Calendar(models.Model):
    """Weekly periods on the clocks of one time zone, less holidays. `around_the_clock` needs no periods."""

    name = models.CharField(_("name"), max_length=80, unique=True)
    time_zone = models.CharField(_("time zone"), max_length=64, default="UTC", validators=[valid_time_zone])
    around_the_clock = models.BooleanField(_("day and night, all year"), default=False)

    class Meta:
        ordering = ["name"]
        verbose_name = _("calendar")
        verbose_name_plural = _("calendars")

    def __str__(self) -> str:
        return self.name


class Period(models.Model):
    """Open from minute `opens` of the local day to minute `closes`, which is not part of it; 1440 is midnight."""

    calendar = models.ForeignKey(Calendar, on_delete=models.CASCADE, related_name="periods")
    weekday = models.PositiveSmallIntegerField(_("weekday"), choices=Weekday.choices)
    opens = models.PositiveSmallIntegerField(_("opens"))
    closes = models.PositiveSmallIntegerField(_("closes"))

    class Meta:
        ordering = ["weekday", "opens"]
        verbose_name = _("period")
        verbose_name_plural = _("periods")
        constraints = [
            models.CheckConstraint(condition=Q(weekday__lte=6), name="a_period_is_on_a_day_of_the_week"),
            models.CheckConstraint(
                condition=Q(opens__lt=F("closes"), closes__lte=DAY), name="a_period_ends_after_it_begins"
            ),
            # one number line for all calendars, a week of minutes each, so that no operator class for pairs is needed
            ExclusionConstraint(
                name="periods_of_a_calendar_do_not_overlap",
                expressions=[
                    (
                        Func(
                            F("calendar_id") * (7 * DAY) + F("weekday") * DAY + F("opens"),
                            F("calendar_id") * (7 * DAY) + F("weekday") * DAY + F("closes"),
                            function="int8range", output_field=IntegerRangeField(),
                        ),
                        RangeOperators.OVERLAPS,
                    )
                ],
            ),
        ]  # fmt: skip

    def __str__(self) -> str:
        opens, closes = (f"{minute // 60:02}:{minute % 60:02}" for minute in (self.opens, self.closes))
        return f"{self.get_weekday_display()} {opens}–{closes}"


class Holiday(models.Model):
    """A day on which the week does not hold: closed, or open from `opens` to `closes` only."""

    calendar = models.ForeignKey(Calendar, on_delete=models.CASCADE, related_name="holidays")
    on = models.DateField(_("on"))
    name = models.CharField(_("name"), max_length=80, blank=True)
    opens = models.PositiveSmallIntegerField(_("opens"), null=True, blank=True)
    closes = models.PositiveSmallIntegerField(_("closes"), null=True, blank=True)

    class Meta:
        ordering = ["on"]
        verbose_name = _("holiday")
        verbose_name_plural = _("holidays")
        constraints = [
            models.UniqueConstraint(fields=["calendar", "on"], name="a_calendar_names_a_holiday_once"),
            models.CheckConstraint(
                condition=Q(opens=None, closes=None) | Q(opens__isnull=False, opens__lt=F("closes"), closes__lte=DAY),
                name="a_holiday_is_closed_or_ends_after_it_begins",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.on} {self.name}".strip()
