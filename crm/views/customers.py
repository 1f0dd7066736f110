"""A customer: the page, the panel beside a case, and the record."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.db import transaction
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods

from crm import accounts, glance, webhooks
from crm.forms import CustomerForm
from crm.models import Customer
from crm.models.activity import log
from crm.models.staff import CARE_ROLES, CUSTOMER_ROLES
from crm.web import Request, roles


def _at_a_glance(customer: Customer) -> dict[str, Any]:
    opened = accounts.open_cases([customer.pk]).get(customer.pk, 0)
    return {"customer": customer, "glance": glance.of(customer), "opened": opened}


@require_GET
@roles(*CUSTOMER_ROLES)
def customer(request: Request, pk: int) -> HttpResponse:
    """One customer; a record that was merged leads to the one that stands for it."""
    found = get_object_or_404(Customer.objects.visible_to(request.user), pk=pk)
    if found.merged_into_id:
        stands = found.survivor
        said = _("%(name)s was merged into %(survivor)s: this is the record that stands for both.")
        messages.info(request, said % {"name": found, "survivor": stands})
        return redirect(stands)
    return render(request, "crm/customer.html", _at_a_glance(found))


@require_GET
@roles(*CUSTOMER_ROLES)
def customer_panel(request: Request, pk: int) -> HttpResponse:
    """The same beside a case, of whoever stands for this record now."""
    found = get_object_or_404(Customer.objects.visible_to(request.user), pk=pk)
    return render(request, "crm/_customer_panel.html", _at_a_glance(found.survivor))


@require_http_methods(["GET", "POST"])
@roles(*CARE_ROLES)
def customer_edit(request: Request, pk: int) -> HttpResponse:
    found = get_object_or_404(Customer.objects.visible_to(request.user), pk=pk)
    if found.merged_into_id or found.erased_at:  # what was typed was about another record, or about nobody any more
        return redirect(found)
    form = CustomerForm(request.POST or None, instance=found)
    if request.method == "POST" and form.is_valid():
        with transaction.atomic():
            form.save()
            if form.changed_data:
                log("changed", found, by=request.user, detail=", ".join(form.changed_data))
                webhooks.tell("customer.changed", found)
        messages.success(request, _("Saved."))
        return redirect(found)
    context = {"form": form, "customer": found}
    return render(request, "crm/customer_form.html", context, status=422 if form.errors else 200)
