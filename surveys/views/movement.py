"""Who moved between two waves: the picture, the people behind each part of it, and both as files."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.http import HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET
from django.views.decorators.vary import vary_on_headers

from crm import exporting
from crm.drawing import Table
from crm.models import Customer
from crm.models.customers import CustomerQuerySet
from crm.models.staff import LEADING_ROLES, RESULT_ROLES
from crm.views.exports import filter_of
from crm.web import Request, keyset_page, roles, without
from surveys import beside, charts, movement
from surveys.between import GROUPS, Place, Why
from surveys.forms.drivers import MovementForm
from surveys.models import SurveySettings, Wave
from surveys.movement import Movement
from surveys.segments import waves_asked

PAGE = 50
COLUMNS = (
    "customer id", "customer", "from", "to", "score before", "score after", "from when", "until when",
    "bad experiences", "hand-overs", "broken promises",
)  # fmt: skip


def _form(request: Request, query: Any) -> MovementForm:
    waves = waves_asked(Wave.objects.visible_to(request.user))
    return MovementForm(query, waves=waves, least=SurveySettings.current().least)


@require_GET
@roles(*RESULT_ROLES)
@vary_on_headers("HX-Request")
def page(request: Request) -> HttpResponse:
    form = _form(request, request.GET)
    context: dict[str, Any] = {"form": form, "query": without(form.query)}
    if form.asked:
        context |= _drawn(movement.movement(form.asked))
    return render(
        request, "surveys/movement/_found.html" if request.htmx else "surveys/movement/movement.html", context
    )


def _drawn(found: Movement) -> dict[str, Any]:
    """The figures, and both pictures of them."""
    people = {(cell.was.value, cell.became.value): cell.people for cell in found.same}
    flow = charts.flow(people, [place.value for place in GROUPS])
    return {
        "found": found, "flow": flow, "picture": beside.experiences(found.moves), "places": list(Place),
        "left": [(node, Place(node.name)) for node in flow.left],
        "right": [(node, Place(node.name)) for node in flow.right],
        "bands": [(band, found.cell(Place(band.source), Place(band.target))) for band in flow.bands],
    }  # fmt: skip


@require_GET
@roles(*RESULT_ROLES)
def export(request: Request) -> exporting.Streamed:
    form = _form(request, request.GET)
    table = movement.movement(form.asked).table() if form.asked else Table(_("Movement"), [], [])
    return exporting.response(request, table.title.lower(), table.columns, table.rows, query=request.GET)


# --- the people of a cell


def _chosen(request: Request, form: MovementForm) -> CustomerQuerySet:
    """Nobody where there are no two waves to compare."""
    found = movement.people(form.asked, *form.cell) if form.asked else Customer.objects.none()
    return found & Customer.objects.visible_to(request.user)


@require_GET
@roles(*RESULT_ROLES)
@vary_on_headers("HX-Request")
def people(request: Request) -> HttpResponse:
    """Who went from one place to another, and what each lived through in between."""
    form = _form(request, request.GET)
    page = keyset_page(_chosen(request, form), request.GET, key=("id",), size=PAGE)
    facts = movement.lived(form.asked, [each.pk for each in page.rows]) if form.asked else {}
    was, became, why = form.cell
    context = {
        "form": form, "page": page, "rows": [(each, facts[each.pk]) for each in page.rows], "was": was,
        "became": became, "why": why and Why(why).label, "query": without(request.GET, "after"),
        "back": without(request.GET, "after", "was", "became", "why"),
    }  # fmt: skip
    return render(request, "surveys/movement/_more.html" if request.htmx else "surveys/movement/people.html", context)


@require_GET
@roles(*LEADING_ROLES)
def people_export(request: Request) -> exporting.Streamed:
    query = filter_of(request)
    form = _form(request, query)
    rows = _lines(form, _chosen(request, form))
    return exporting.response(request, _("people who moved"), COLUMNS, rows, query=query)


def _lines(form: MovementForm, found: CustomerQuerySet) -> Iterator[list[object]]:
    """What all of them lived through is asked for at once: some numbers a person."""
    was, became, _why = form.cell
    facts = movement.lived(form.asked, found.order_by().values_list("pk", flat=True)) if form.asked else {}
    for each in exporting.every(found, key=("id",)):
        if lived := facts.get(each.pk):
            yield [
                each.pk, each.name, was.label, became.label, lived.scored, lived.scores, lived.since, lived.until,
                lived.bad, lived.handed, lived.broken,
            ]  # fmt: skip
