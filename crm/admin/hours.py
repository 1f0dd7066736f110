"""The admin's page about hours, to look at: leads set them under Team settings, where no calendar loses all of them."""

from __future__ import annotations

from django.contrib import admin

from crm.administration import ReadOnlyAdmin, ReadOnlyInline
from crm.models import Calendar, Holiday, Period


class PeriodInline(ReadOnlyInline):
    model = Period
    fields = ["weekday", "__str__"]
    readonly_fields = ["__str__"]


class HolidayInline(ReadOnlyInline):
    model = Holiday
    fields = ["on", "name", "opens", "closes"]


@admin.register(Calendar)
class CalendarAdmin(ReadOnlyAdmin[Calendar]):
    list_display = ["name", "time_zone", "around_the_clock"]
    search_fields = ["name"]
    fields = ["name", "time_zone", "around_the_clock"]
    inlines = [PeriodInline, HolidayInline]
