"""The figures: how we are, how sure that is, whether it changes, where, and why."""

from __future__ import annotations

from typing import Any

from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_GET
from django.views.decorators.vary import vary_on_headers

from crm import exporting
from crm.models.staff import RESULT_ROLES
from crm.web import Request, roles, without
from surveys import charts
from surveys.figures import TABLES, Figures
from surveys.forms.results import ResultsForm
from surveys.models import SurveySettings, Wave
from surveys.segments import waves_asked

DRAWN = 12  # parts of one dimension in a picture; all are in the table
PARTIALS = {"figures": "surveys/results/_figures.html", "glance": "surveys/results/_glance.html"}


def _asked(request: Request) -> tuple[ResultsForm, Figures]:
    waves, now = waves_asked(Wave.objects.visible_to(request.user)), timezone.now()
    form = ResultsForm(request.GET, waves=waves, least=SurveySettings.current().least)
    return form, Figures(form.cut(now), user=request.user, waves=waves, now=now)


@require_GET
@roles(*RESULT_ROLES)
@vary_on_headers("HX-Request", "HX-Target")
def results(request: Request) -> HttpResponse:
    """Figures are asked for as they are drawn: what a part of the page does not show costs nothing."""
    form, figures = _asked(request)
    target = request.htmx.target or ""
    context = {
        "form": form, "figures": figures, "query": without(form.query), "counted": "yes" if figures.cut.trusted else "",
        "stack": charts.stack(figures.score), **({} if target == "glance" else _pictures(figures)),
    }  # fmt: skip
    return render(request, PARTIALS.get(target, "surveys/results.html"), context)


def _pictures(figures: Figures) -> dict[str, Any]:
    """Each chart beside the table of the same objects."""
    return {
        "trend": charts.trend(figures.points), "columns": charts.columns(figures.distribution.bins),
        "stays": charts.stays(figures.steps), "tables": {key.replace("-", "_"): figures.table(key) for key in TABLES},
        "parts": [
            {
                "found": found, "picture": charts.rows(found.shown[:DRAWN], figures.score),
                "table": figures.table(found.dimension.key),
            }
            for found in figures.every_segment
        ],
    }  # fmt: skip


@require_GET
@roles(*RESULT_ROLES)
def results_csv(request: Request, figure: str) -> exporting.Streamed:
    """One figure as its table shows it, under the filter of the page."""
    if figure not in TABLES:
        raise Http404
    _form, figures = _asked(request)
    table = figures.table(figure)
    return exporting.response(request, table.title.lower(), table.columns, table.rows, query=request.GET)
