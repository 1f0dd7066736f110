"""The list of customers: a search for anything, a filter, and a page of rows that say why they were found."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_GET
from django.views.decorators.vary import vary_on_headers

from crm import finding
from crm.forms import CustomersForm
from crm.models import Customer, SavedView
from crm.models.staff import CUSTOMER_ROLES
from crm.views.saved import Standing, views_of
from crm.web import Page, Request, keyset_page, roles, without

PAGE = 50
COUNTED = 1_000  # beyond, the list says "1,000+"
STANDING = (
    Standing(_("All customers"), "", "users"),
    Standing(_("People we know"), "known=yes", "check-badge"),
    Standing(_("Only a handle"), "known=no", "at-symbol"),
    Standing(_("Not to be contacted"), "consent=never", "no-symbol"),
)
PARTIALS = {"rows": "crm/_customers.html", "more": "crm/_more_customers.html"}


@require_GET
@roles(*CUSTOMER_ROLES)
@vary_on_headers("HX-Request", "HX-Target")
def customers(request: Request) -> HttpResponse:
    form = CustomersForm(request.GET)
    target = request.htmx.target or ""
    context: dict[str, Any] = _searched(request, form) if form.words else _filtered(request, form, target != "more")
    context |= {"form": form, "query": without(request.GET, "after"), "in_force": _in_force(request, form)}
    if partial := PARTIALS.get(target):
        return render(request, partial, context)
    views = views_of(request.user, SavedView.Page.CUSTOMERS, STANDING, context["query"])
    return render(request, "crm/customers.html", context | {"views": views})


def _searched(request: Request, form: CustomersForm) -> dict[str, Any]:
    """The closest first, from the place in the address on."""
    within = form.filtered(Customer.objects.visible_to(request.user))
    found = finding.closest(within, form.words, narrowed=bool(form.in_force))
    hits, after = finding.on_page(found, request.GET.get("after", ""), PAGE)
    following = request.GET.copy()
    following["after"] = after
    page = Page(finding.rows(hits), following.urlencode() if after else "")
    return {"page": page, "found": found, "count": len(found.hits)}


def _filtered(request: Request, form: CustomersForm, counted: bool) -> dict[str, Any]:
    """The newest first. They are counted where a filter stands before them, up to a limit."""
    within = form.filtered(Customer.objects.visible_to(request.user))
    page = keyset_page(within.with_handles(), request.GET, key=("created_at", "id"), size=PAGE, newest_first=True)
    if not (counted and form.in_force) or request.GET.get("after"):
        return {"page": page}
    count = finding.counted(within, COUNTED) if page.next_query else len(page.rows)
    shown = PAGE if count is None else min(count, COUNTED)
    return {"page": page, "count": shown, "more_than_counted": count is None or count > COUNTED}


def _in_force(request: Request, form: CustomersForm) -> list[dict[str, Any]]:
    """The filters in force in words, each with the address of the list without it."""
    return [
        {"label": field.label, "value": value, "without": without(request.GET, "after", field.name)}
        for field, value in form.in_force
    ]
