"""The queue: a search form that filters, a page of rows, and the chosen case beside them."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_GET, require_POST
from django.views.decorators.vary import vary_on_headers

from cases import assignment, resolution
from cases.forms import BulkForm, Offered, QueueForm, SavedViewForm
from cases.models import Case, SavedView
from cases.views.case import pane, visible
from crm.models.staff import CARE_ROLES
from crm.web import Request, came_from, keyset_page, roles, without

PAGE = 50
KEY = ("priority", "waiting_since", "id")
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
        "views": list(SavedView.objects.visible_to(request.user)),
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


@require_POST
@roles(*CARE_ROLES)
def save_view(request: Request) -> HttpResponse:
    """Keep the current filter under a name; the same name again replaces it."""
    form = SavedViewForm(request.POST)
    if not form.is_valid():
        messages.error(request, _("Give the view a name of at most 60 letters."))
        return redirect(came_from(request, reverse("cases:queue")))
    kept = {"query": form.cleaned_data["query"], "shared_at": timezone.now() if form.cleaned_data["shared"] else None}
    view, _made = SavedView.objects.update_or_create(owner=request.user, name=form.cleaned_data["name"], defaults=kept)
    messages.success(request, _("Saved as “%(name)s”.") % {"name": view.name})
    return redirect(f"{reverse('cases:queue')}?{view.query}")


@require_POST
@roles(*CARE_ROLES)
def delete_view(request: Request, pk: int) -> HttpResponse:
    """Remove a view of one's own."""
    view = get_object_or_404(SavedView, pk=pk, owner=request.user)
    view.delete()
    messages.success(request, _("“%(name)s” is no longer among the views.") % {"name": view.name})
    return redirect("cases:queue")
