"""The list of customers: a search for anything, a filter, and a page of rows that say why they were found."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse, QueryDict
from django.shortcuts import render
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_GET
from django.views.decorators.vary import vary_on_headers

from crm import finding
from crm.forms import CustomersForm
from crm.models import Customer, SavedView
from crm.models.customers import CustomerQuerySet
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
    context = listed(Customer.objects.visible_to(request.user), form, request.GET, counted=target != "more")
    context |= {"form": form, "query": without(request.GET, "after"), "in_force": _in_force(request, form)}
    if partial := PARTIALS.get(target):
        return render(request, partial, context)
    views = views_of(request.user, SavedView.Page.CUSTOMERS, STANDING, context["query"], _("Customers found"))
    return render(request, "crm/customers.html", context | {"views": views})


def listed(customers: CustomerQuerySet, form: CustomersForm, query: QueryDict, *, counted: bool) -> dict[str, Any]:
    """The page of the list that `query` asks for, and what was found or counted."""
    if form.words:
        return _searched(customers, form, query)
    return _filtered(customers, form, query, counted and not query.get("after"))


def _searched(customers: CustomerQuerySet, form: CustomersForm, query: QueryDict) -> dict[str, Any]:
    """The closest first, from the place in the address on."""
    found = finding.closest(form.filtered(customers), form.words, narrowed=bool(form.in_force))
    hits, after = finding.on_page(found, query.get("after", ""), PAGE)
    following = query.copy()
    following["after"] = after
    page = Page(finding.rows(hits), following.urlencode() if after else "")
    return {"page": page, "found": found, "count": len(found.hits)}


def _filtered(customers: CustomerQuerySet, form: CustomersForm, query: QueryDict, counted: bool) -> dict[str, Any]:
    """The newest first. They are counted where a filter stands before them, up to a limit."""
    if not form.in_force:
        return {"page": _page(form.filtered(customers), query)}
    within = form.filtered(customers)
    try:
        page, at_once = finding.walked(within, lambda some: _page(some, query))
    except finding.TookTooLong:
        return {"page": Page([], ""), "found": finding.Found(gave_up=True)}
    return {"page": page, **(_count(within, page, at_once) if counted else {})}


def _page(customers: CustomerQuerySet, query: QueryDict) -> Page:
    return keyset_page(customers.with_handles(), query, key=("created_at", "id"), size=PAGE, newest_first=True)


def _count(within: CustomerQuerySet, page: Page, at_once: bool) -> dict[str, Any]:
    """How many a page shows where it is the only one, else up to a limit; they are not counted where the page alone
    took long.
    """
    count = len(page.rows) if not page.next_query else finding.counted(within, COUNTED) if at_once else None
    shown = PAGE if count is None else min(count, COUNTED)
    return {"count": shown, "more_than_counted": count is None or count > COUNTED}


def _in_force(request: Request, form: CustomersForm) -> list[dict[str, Any]]:
    """The filters in force in words, each with the address of the list without it."""
    return [
        {"label": field.label, "value": value, "without": without(request.GET, "after", field.name)}
        for field, value in form.in_force
    ]
