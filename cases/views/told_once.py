"""The page "Told once", and the same as a file."""

from __future__ import annotations

from django.http import HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET

from cases.told_once import WEEKS, Figures
from cases.told_once import told_once as figures
from crm import exporting
from crm.models.staff import LEADING_ROLES
from crm.web import Request, roles

COLUMNS = (
    "week from", "team", "time zone", "cases opened", "hand-overs accepted", "hand-overs returned", "repeats",
    "commitments", "kept", "dropped", "overdue",
)  # fmt: skip


@require_GET
@roles(*LEADING_ROLES)
def told_once(request: Request) -> HttpResponse:
    found = figures(timezone.now())
    context = {"told": found, "weeks": WEEKS, "zone": timezone.get_current_timezone_name()}
    return render(request, "cases/story/told_once.html", context)


@require_GET
@roles(*LEADING_ROLES)
def told_once_export(request: Request) -> HttpResponseBase:
    """Each week and team on a line of its own."""
    found, zone = figures(timezone.now()), timezone.get_current_timezone_name()
    rows = ([week, team, zone, *_cells(cell)] for (week, team), cell in sorted(found.cells.items(), reverse=True))
    return exporting.response(request, _("told once"), COLUMNS, rows, query=request.GET)


def _cells(cell: Figures) -> list[object]:
    return [cell.cases, cell.handed, cell.returned, cell.repeats, cell.promised, cell.kept, cell.dropped, cell.overdue]
