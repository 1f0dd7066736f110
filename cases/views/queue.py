"""The queue: a search form that filters, a page of rows, and the chosen case beside them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from django.http import HttpResponse, QueryDict
from django.shortcuts import render
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_GET
from django.views.decorators.vary import vary_on_headers

from cases.forms import BulkForm, Offered, QueueForm
from cases.models import Case
from cases.models.asked import CaseQuerySet
from cases.views.pane import pane, visible
from channels_app import health
from crm.models.staff import CARE_ROLES
from crm.views.saved import Standing, views_of
from crm.web import Page, Request, keyset_page, roles, without

PAGE = 30  # rows drawn at once: two screens of them
KEY = ("rank", "turn_at", "id")
STANDING = (
    Standing(_("Queue"), "", "inbox-stack"),
    Standing(_("Mine"), "owner=me&state=unresolved", "user"),
    Standing(_("Nobody has taken"), "owner=nobody", "hand-raised"),
    Standing(_("Turned around"), "state=resolved&turned=yes", "face-smile"),
    Standing(_("Handed to me"), "handed=me&state=unresolved", "inbox-arrow-down"),
    Standing(_("At risk"), "promise=at_risk", "exclamation-triangle"),
    Standing(_("Broken"), "promise=broken", "x-circle"),
    Standing(_("Snoozed"), "state=snoozed", "moon"),
    Standing(_("Set aside"), "state=aside", "eye-slash"),
)
PARTIALS = {"rows": "cases/_rows.html", "more": "cases/_more.html"}


@require_GET
@roles(*CARE_ROLES)
@vary_on_headers("HX-Request", "HX-Target")
def queue(request: Request) -> HttpResponse:
    offered = Offered()
    form = QueueForm(request.GET, user=request.user, offered=offered)
    page = _listed(form.fold(form.narrow(Case.objects.visible_to(request.user))), request.GET)
    context: dict[str, Any] = {"form": form, "page": page, "query": without(request.GET, "after", "case")}
    context["streams"] = form.queues.streams
    if partial := PARTIALS.get(request.htmx.target or ""):
        return render(request, partial, context)
    return render(request, "cases/queue.html", context | _surroundings(request, form, offered))


def _listed(cases: CaseQuerySet, query: QueryDict) -> Page:
    """A page of rows: found by the index alone, which holds all that a filter asks, and then read."""
    page = keyset_page(cases.only(*KEY), query, key=KEY, size=PAGE)
    rows = Case.objects.with_row().in_bulk([case.pk for case in page.rows])
    return replace(page, rows=[rows[case.pk] for case in page.rows if case.pk in rows])


def _surroundings(request: Request, form: QueueForm, offered: Offered) -> dict[str, Any]:
    """What stands around the list. With the list: 12 queries, and those of the case beside it."""
    chosen = request.GET.get("case", "")
    case = visible(request, int(chosen)) if chosen.isdecimal() and len(chosen) < 19 else None
    return {
        "views": views_of(request.user, "queue", STANDING, without(request.GET, "after", "case")),
        "bulk_form": BulkForm(offered=offered),
        **health.troubled(),
        **(pane(request, case, offered=offered) if case else {}),
    }
