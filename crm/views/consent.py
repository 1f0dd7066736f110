"""What a customer allows: a part of their page, and of the panel beside a case."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST
from django.views.decorators.vary import vary_on_headers

from crm import consent as allowing
from crm.forms.consent import ANYTHING, UNKNOWN, AbsoluteForm, PurposeForm
from crm.models import ConsentChange, Customer, User
from crm.models.staff import CARE_ROLES, CUSTOMER_ROLES
from crm.web import Request, came_from, roles

SHOWN = 100  # of the history


@require_http_methods(["GET", "POST"])
@roles(*CUSTOMER_ROLES)
@vary_on_headers("HX-Request")
def consent(request: Request, pk: int) -> HttpResponse:
    """Who may see a customer sees what they allow; who answers them records it."""
    customer = get_object_or_404(Customer.objects.visible_to(request.user), pk=pk).survivor
    if request.method != "POST":
        return _shown(request, customer)
    if not request.user.answers:
        raise PermissionDenied
    absolute = request.POST.get("what") == ANYTHING
    form = AbsoluteForm(request.POST) if absolute else PurposeForm(request.POST)
    if not form.is_valid():
        return _shown(request, customer, status=422, **{"absolute_form" if absolute else "purpose_form": form})
    change = _record(customer, by=request.user, **form.cleaned_data)
    if change:
        undo = reverse("crm:consent_undo", args=[change.pk])
        messages.success(request, _("Recorded: {what}.").format(what=told(change)), extra_tags=f"undo:{undo}")
    else:
        messages.info(request, _("That held already: nothing was changed."))
    return _shown(request, customer) if request.htmx else redirect(customer)


@require_POST
@roles(*CARE_ROLES)
def consent_undo(request: Request, pk: int) -> HttpResponse:
    change = get_object_or_404(
        ConsentChange.objects.filter(customer__in=Customer.objects.visible_to(request.user)), pk=pk
    )  # fmt: skip
    allowing.take_back(change=change, by=request.user)
    messages.success(request, _("Taken back: it is as it was before."))
    return redirect(came_from(request, change.customer.get_absolute_url()))


def told(change: ConsentChange) -> str:
    """A change in a few words: "Surveys: Refused"."""
    what = change.get_purpose_display() if change.purpose else _("Any contact")
    return f"{what}: {change.get_to_display()}"


def _record(customer: Customer, *, what: str, state: str, how: str, by: User) -> ConsentChange | None:
    if what == ANYTHING:
        act = allowing.forbid if state == "refused" else allowing.lift
        return act(customer=customer, how=how, by=by)
    return allowing.record(
        customer=customer, purpose=what, state=None if state == UNKNOWN else state, how=how, by=by
    )  # fmt: skip


def _shown(request: Request, customer: Customer, *, status: int = 200, **facts: Any) -> HttpResponse:
    """The part alone for HTMX; on a page of its own for a plain link."""
    absolute = {"what": ANYTHING, "state": "given" if customer.do_not_contact_at else "refused"}
    history = list(customer.consent_changes.select_related("by")[:SHOWN])
    context = {
        "customer": customer,
        "history": history,
        "held": allowing.held(customer, history),
        "purpose_form": PurposeForm(auto_id=f"consent_{customer.pk}_%s"),
        "absolute_form": AbsoluteForm(initial=absolute, auto_id=f"contact_{customer.pk}_%s"),
        **facts,
    }
    return render(request, "crm/_consent.html" if request.htmx else "crm/consent.html", context, status=status)
