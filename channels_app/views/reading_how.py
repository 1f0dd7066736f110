"""How well Hark reads, by those who looked; and where it does not."""

from __future__ import annotations

from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET
from django.views.decorators.vary import vary_on_headers

from channels_app import reading_figures as figures
from channels_app.learning import agreement, in_use
from channels_app.reading_forms import HowForm
from crm import exporting
from crm.models.staff import LEADING_ROLES
from crm.web import Request, roles, without

WORST = 12  # mistakes shown; all are in the table


@require_GET
@roles(*LEADING_ROLES)
@vary_on_headers("HX-Request")
def how(request: Request) -> HttpResponse:
    form = HowForm(request.GET)
    every = agreement.agreements(weeks=form.weeks)
    found = figures.of_aspect(every, form.chosen)
    context = {
        "form": form, "every": every, "found": found, "trend": figures.trend(found), "bars": figures.bars(found),
        "worst": found.mistakes[:WORST], "least": figures.LEAST, "trouble": in_use.trouble(),
        "query": without(request.GET), "tables": figures.tables(found),
    }  # fmt: skip
    return render(request, "reading/_how.html" if request.htmx else "reading/how.html", context)


@require_GET
@roles(*LEADING_ROLES)
def how_csv(request: Request, figure: str) -> exporting.Streamed:
    """One figure as its table shows it, under the filter of the page."""
    if figure not in figures.TABLES:
        raise Http404
    form = HowForm(request.GET)
    found = figures.of_aspect(agreement.agreements(weeks=form.weeks), form.chosen)
    table = figures.table(found, figure)
    name = f"reading {form.chosen.value} {figure}"
    return exporting.response(request, name, table.columns, table.rows, query=request.GET)
