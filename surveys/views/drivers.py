"""The page of what drives praise and criticism, and the same as a file."""

from __future__ import annotations

from django.http import HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_GET
from django.views.decorators.vary import vary_on_headers

from crm import exporting
from crm.models.staff import RESULT_ROLES
from crm.web import Request, roles, without
from surveys import beside, drivers
from surveys.forms.drivers import DriversForm
from surveys.models import SurveySettings, Wave
from surveys.segments import waves_asked


def _asked(request: Request) -> tuple[DriversForm, drivers.Asked]:
    waves = waves_asked(Wave.objects.visible_to(request.user))
    form = DriversForm(request.GET, waves=waves, least=SurveySettings.current().least)
    return form, form.asked(form.cut(timezone.now()))


@require_GET
@roles(*RESULT_ROLES)
@vary_on_headers("HX-Request")
def page(request: Request) -> HttpResponse:
    """Four queries for the figures, however many people said whatever."""
    form, asked = _asked(request)
    found, reference = drivers.drivers(asked), bool(form.cleaned_data.get("reference"))
    pictures = [
        {"tone": tone, "lines": lines, "picture": beside.ratios(lines, reference=reference)}
        for tone, lines in (("praise", found.praise), ("criticism", found.criticism))
    ]
    context = {
        "form": form, "found": found, "pictures": pictures, "reference": reference, "query": without(form.query),
        "table": found.table(),
    }  # fmt: skip
    return render(request, "surveys/drivers/_found.html" if request.htmx else "surveys/drivers/drivers.html", context)


@require_GET
@roles(*RESULT_ROLES)
def export(request: Request) -> exporting.Streamed:
    _form, asked = _asked(request)
    table = drivers.drivers(asked).table()
    return exporting.response(request, table.title.lower(), table.columns, table.rows, query=request.GET)
