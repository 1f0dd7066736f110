"""Customers: the list, the page, the panel beside a case, and the finder."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods
from django.views.decorators.vary import vary_on_headers

from crm.forms import CustomerForm, CustomersForm
from crm.models import Activity, Customer, IdentityLink
from crm.models.activity import log
from crm.models.staff import CARE_ROLES, CUSTOMER_ROLES, Role
from crm.web import Request, keyset_page, roles

PAGE = 50


def _links(customer: Customer) -> list[IdentityLink]:
    shown = (IdentityLink.State.CONFIRMED, IdentityLink.State.PROPOSED)
    return list(customer.links.filter(state__in=shown).select_related("identity", "by").order_by("created_at"))


@require_GET
@roles(*CUSTOMER_ROLES)
@vary_on_headers("HX-Request", "HX-Target")
def customers(request: Request) -> HttpResponse:
    form = CustomersForm(request.GET)
    found = form.narrow(Customer.objects.visible_to(request.user)).with_handles()
    page = keyset_page(found, request.GET, key=("created_at", "id"), size=PAGE, newest_first=True)
    partial = {"rows": "crm/_customers.html", "more": "crm/_more_customers.html"}.get(request.htmx.target or "")
    return render(request, partial or "crm/customers.html", {"form": form, "page": page})


@require_GET
@roles(*CUSTOMER_ROLES)
def customer(request: Request, pk: int) -> HttpResponse:
    found = get_object_or_404(Customer.objects.visible_to(request.user), pk=pk)
    activity = Activity.objects.about(found).order_by("-id")[:20]
    return render(request, "crm/customer.html", {"customer": found, "links": _links(found), "activity": activity})


@require_GET
@roles(*CUSTOMER_ROLES)
def customer_panel(request: Request, pk: int) -> HttpResponse:
    found = get_object_or_404(Customer.objects.visible_to(request.user), pk=pk)
    return render(request, "crm/_customer_panel.html", {"customer": found, "links": _links(found)})


@require_http_methods(["GET", "POST"])
@roles(*CARE_ROLES)
def customer_edit(request: Request, pk: int) -> HttpResponse:
    found = get_object_or_404(Customer.objects.visible_to(request.user), pk=pk)
    form = CustomerForm(request.POST or None, instance=found)
    if request.method == "POST" and form.is_valid():
        form.save()
        if form.changed_data:
            log("changed", found, by=request.user, detail=", ".join(form.changed_data))
        messages.success(request, _("Saved."))
        return redirect(found)
    context = {"form": form, "customer": found}
    return render(request, "crm/customer_form.html", context, status=422 if form.errors else 200)


@require_GET
@roles(*Role.values)
def find(request: Request) -> HttpResponse:
    """The finder (Ctrl K): customers by name or handle, a case by its number, and where one may go."""
    words = request.GET.get("q", "").replace("\x00", "").strip()[:100]
    customers = Customer.objects.visible_to(request.user).called(words.lstrip("@#")).with_handles()
    number = words.lstrip("#")
    is_number = number.isascii() and number.isdecimal() and len(number) < 19
    context = {
        "customers": customers[:8] if len(words) > 1 else [],
        "case_number": number if is_number and request.user.answers else "",
        "actions": [place for place in places(request) if words.lower() in place[0].lower()],
        "words": words,
    }
    return render(request, "crm/_found.html", context)


def places(request: Request) -> list[tuple[str, str]]:
    """Where this person may go, by name."""
    user, go = request.user, []
    if user.answers:
        go.append((_("Queue"), "cases:queue"))
        go.append((_("Log a contact"), "channels_app:log_contact"))
        go.append((_("Channels"), "channels_app:channels"))
    if user.knows_customers:
        go.append((_("Customers"), "crm:customers"))
    if user.leads:
        go += [(_("Rules"), "cases:rules"), (_("Causes"), "cases:causes"), (_("Teams"), "crm:teams")]
    go.append((_("My profile"), "crm:profile"))
    return [(label, reverse(name)) for label, name in go]
