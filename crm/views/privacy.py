"""What we hold on a customer: a copy of it, its erasure, and how far that has come. For leads and administrators."""

from __future__ import annotations

from typing import Any, cast

from django.conf import settings
from django.http import FileResponse, Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_GET, require_http_methods, require_POST
from django.views.decorators.vary import vary_on_headers

from crm.errors import Refused
from crm.forms.privacy import CopyForm, EraseForm
from crm.models import Customer, PrivacyRequest
from crm.models.activity import log
from crm.models.staff import LEADING_ROLES
from crm.privacy import asking, erasing, holders, people
from crm.web import Request, roles


def _theirs(request: Request, pk: int) -> Customer:
    return get_object_or_404(Customer.objects.visible_to(request.user), pk=pk).survivor


def _shown(request: Request, customer: Customer, *, status: int = 200, **facts: Any) -> HttpResponse:
    """The part alone for HTMX; on a page of its own for a plain link."""
    requests = list(asking.requests_of(customer)[:20])
    context = {
        "customer": customer,
        "requests": requests,
        "under_way": next((found for found in requests if found.is_under_way), None),
        "keeping": [holder for holder in holders.all_holders() if holder.keeps],
        "form": CopyForm(auto_id=f"copy_{customer.pk}_%s"),
        **facts,
    }
    return render(request, "crm/_privacy.html" if request.htmx else "crm/privacy.html", context, status=status)


@require_GET
@roles(*LEADING_ROLES)
@vary_on_headers("HX-Request")
def privacy(request: Request, pk: int) -> HttpResponse:
    return _shown(request, _theirs(request, pk))


@require_POST
@roles(*LEADING_ROLES)
@vary_on_headers("HX-Request")
def privacy_export(request: Request, pk: int) -> HttpResponse:
    """Have a copy made of all we hold on them."""
    customer, form = _theirs(request, pk), CopyForm(request.POST)
    reason = form.cleaned_data["reason"] if form.is_valid() else PrivacyRequest.Asker.PERSON
    try:
        asking.ask_for_copy(customer=customer, reason=reason, by=request.user)
    except Refused as refusal:
        return _shown(request, customer, status=422, refusal=str(refusal))
    return _shown(request, customer) if request.htmx else redirect("crm:privacy", customer.pk)


@require_http_methods(["GET", "POST"])
@roles(*LEADING_ROLES)
def privacy_erase(request: Request, pk: int) -> HttpResponse:
    """What an erasure would take, and the form that does it."""
    customer, form = _theirs(request, pk), EraseForm(request.POST or None)
    refusal = ""
    if request.method == "POST" and form.is_valid():
        try:
            asking.ask_for_erasure(customer=customer, by=request.user, **form.cleaned_data)
        except asking.ConfirmFirst as sentence:
            form.add_error("confirmed", str(sentence))
        except Refused as sentence:
            refusal = str(sentence)
        else:
            return redirect("crm:privacy", customer.pk)
    status = 422 if form.errors or refusal else 200
    return render(request, "crm/privacy_erase.html", _preview(customer, form, refusal), status=status)


def _preview(customer: Customer, form: EraseForm, refusal: str) -> dict[str, Any]:
    person = people.person(customer)
    foreseen = erasing.preview(person)
    return {
        "customer": customer,
        "form": form,
        "refusal": refusal,
        "person": person,
        "held": [line for line in foreseen if line.count != 0],
        "empty": [line for line in foreseen if line.count == 0],
        "hindrances": holders.hindrances(person),
        "broken_off": asking.broken_off(customer),
        "backup_days": settings.BACKUPS_KEPT_DAYS,
    }


@require_GET
@roles(*LEADING_ROLES)
def privacy_file(request: Request, pk: int) -> HttpResponse:
    """The copy itself, for whoever may ask for one; each fetching of it is in the log."""
    found = get_object_or_404(PrivacyRequest.objects.select_related("customer"), pk=pk)
    if not found.is_kept:
        raise Http404
    log("copy fetched", found.customer, by=request.user)
    name = f"customer-{found.customer_id}.zip"
    response = FileResponse(found.file.open("rb"), as_attachment=True, filename=name, content_type="application/zip")
    response["Cache-Control"] = "no-store"
    return cast(HttpResponse, response)  # it is one in all but name
