"""The head of care's screen."""

from __future__ import annotations

from django.http import HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET
from django.views.decorators.vary import vary_on_headers

from cases import care as desk
from cases import live
from crm import exporting
from crm.models.staff import LEADING_ROLES
from crm.web import Request, roles


@require_GET
@roles(*LEADING_ROLES)
@vary_on_headers("HX-Request")
def care(request: Request) -> HttpResponse:
    """What waits, where, on whom; fetched again by itself when something changes. A fixed number of queries."""
    now = timezone.now()
    streams = live.queues_of(request.user).streams  # before the figures: what changes meanwhile is told
    drawn, most = desk.bars(desk.hours(now))
    context = {
        "streams": streams, "now": now, "standing": desk.standing(now), "people": desk.people(now), "bars": drawn,
        "most": most,
    }  # fmt: skip
    return render(request, "cases/care/_now.html" if request.htmx else "cases/care.html", context)


@require_GET
@roles(*LEADING_ROLES)
def hours_export(request: Request) -> exporting.Streamed:
    rows = ([hour.at, hour.arrived, hour.answered] for hour in desk.hours(timezone.now()))
    columns = [_("hour"), _("customers wrote"), _("we answered")]
    return exporting.response(request, _("arrivals and answers"), columns, rows, query=request.GET)
