"""Hours: the calendars that channels, shifts and groups go by. Leads set them."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods

from crm import calendars, hours
from crm.forms.calendars import CalendarForm, holidays_of, without_hours
from crm.models import Calendar
from crm.models.staff import LEADING_ROLES
from crm.web import Request, roles


@require_GET
@roles(*LEADING_ROLES)
def hours_list(request: Request) -> HttpResponse:
    every, now = list(Calendar.objects.all()), timezone.now()
    found = hours.load(calendar.pk for calendar in every)
    lines = [
        {
            "calendar": calendar, "week": calendars.week_in_words(found[calendar.pk]),
            "now": calendars.now_of(found[calendar.pk], now),
        }
        for calendar in every
    ]  # fmt: skip
    return render(request, "crm/calendars.html", {"lines": lines})


@require_http_methods(["GET", "POST"])
@roles(*LEADING_ROLES)
def hours_edit(request: Request, pk: int | None = None) -> HttpResponse:
    """Make a calendar, or change one. `look` shows how it would stand now, without saving."""
    found = get_object_or_404(Calendar, pk=pk) if pk is not None else None
    data = request.POST if request.method == "POST" else None
    form, off = CalendarForm(data, instance=found, zone=request.user.time_zone), holidays_of(data, found)
    sound = form.is_valid() & off.is_valid() and not without_hours(form, off)
    if sound and "look" not in request.POST:
        calendars.save(calendar=form.instance, week=form.week, off=off.off(), by=request.user)
        messages.success(request, _("Saved. What was promised by these hours is reckoned again."))
        return redirect("crm:hours")
    shown = calendars.hours_of(form.instance, form.week, off.off()) if sound else None
    if data is None and found:
        shown = hours.load([found.pk])[found.pk]
    context: dict[str, Any] = {"form": form, "off": off, "calendar": found, "shown": shown}
    context["now"] = calendars.now_of(shown, timezone.now()) if shown else None
    return render(request, "crm/calendar.html", context, status=200 if sound or data is None else 422)
