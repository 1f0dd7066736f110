"""The queue: a search form that filters, a page of rows, and the chosen case beside them."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_GET, require_POST
from django.views.decorators.vary import vary_on_headers

from cases import assignment, resolution
from cases.forms import BulkForm, Offered, QueueForm
from cases.models import Case
from cases.views.case import pane, visible
from crm.models.staff import CARE_ROLES
from crm.views.saved import Standing, views_of
from crm.web import Request, came_from, keyset_page, roles, without

PAGE = 50
KEY = ("priority", "waiting_since", "id")
STANDING = (
    Standing(_("Queue"), "", "inbox-stack"),
    Standing(_("Mine"), "owner=me&state=unresolved", "user"),
    Standing(_("Nobody has taken"), "owner=nobody", "hand-raised"),
)
PARTIALS = {"rows": "cases/_rows.html", "more": "cases/_more.html"}


@require_GET
@roles(*CARE_ROLES)
@vary_on_headers("HX-Request", "HX-Target")
def queue(request: Request) -> HttpResponse:
    offered = Offered()
    form = QueueForm(request.GET, user=request.user, offered=offered)
    cases = form.narrow(Case.objects.visible_to(request.user).with_row())
    page = keyset_page(cases, request.GET, key=KEY, size=PAGE)
    context: dict[str, Any] = {"form": form, "page": page, "query": without(request.GET, "after", "case")}
    context["streams"] = form.queues.streams
    if partial := PARTIALS.get(request.htmx.target or ""):
        return render(request, partial, context)
    return render(request, "cases/queue.html", context | _surroundings(request, form, offered))


def _surroundings(request: Request, form: QueueForm, offered: Offered) -> dict[str, Any]:
    """What stands around the list. With the list: 8 queries, and those of the case beside it."""
    chosen = request.GET.get("case", "")
    case = visible(request, int(chosen)) if chosen.isdecimal() and len(chosen) < 19 else None
    return {
        "views": views_of(request.user, "queue", STANDING, without(request.GET, "after", "case")),
        "bulk_form": BulkForm(offered=offered),
        "pane": pane(request, case, offered=offered) if case else None,
    }


@require_POST
@roles(*CARE_ROLES)
def bulk(request: Request) -> HttpResponse:
    """Take, assign or resolve the ticked cases; says how many of them it could."""
    form = BulkForm(request.POST)
    if not form.is_valid():
        messages.error(request, " ".join(str(error) for errors in form.errors.values() for error in errors))
    else:
        done, n = _act(request, form.cleaned_data), len(form.cleaned_data["ids"])
        text = ngettext("%(done)d of %(n)d case changed.", "%(done)d of %(n)d cases changed.", n)
        messages.success(request, text % {"done": done, "n": n})
    return redirect(came_from(request, reverse("cases:queue")))


def _act(request: Request, chosen: dict[str, Any]) -> int:
    match chosen["action"]:
        case "take":
            return assignment.take_many(cases=chosen["ids"], by=request.user)
        case "assign":
            return assignment.assign_many(cases=chosen["ids"], to=chosen["owner"], by=request.user)
        case _:
            return resolution.resolve_many(cases=chosen["ids"], cause=chosen["cause"], by=request.user)
