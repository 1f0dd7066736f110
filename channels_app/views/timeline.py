"""The timeline of a customer: a part of their page, and of the panel beside a case."""

from __future__ import annotations

from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_GET
from django.views.decorators.vary import vary_on_headers

from channels_app.forms import TimelineForm
from channels_app.timeline import page_of
from crm.models import Customer
from crm.models.staff import CUSTOMER_ROLES
from crm.web import Request, part_of, roles, without

LINES = {"timeline-list": "channels/_timeline_list.html", "timeline-older": "channels/_timeline_entries.html"}


@require_GET
@roles(*CUSTOMER_ROLES)
@vary_on_headers("HX-Request", "HX-Target")
def timeline(request: Request, pk: int) -> HttpResponse:
    """All this customer said and heard, on every channel, and what happened meanwhile, newest first."""
    customer = get_object_or_404(Customer.objects.visible_to(request.user), pk=pk)
    form = TimelineForm(request.GET, customer=customer)
    page = page_of(customer, form.wanted(), user=request.user, after=request.GET.get("after", ""))
    context = {"customer": customer, "form": form, "page": page, "query": without(request.GET, "after")}
    if lines := LINES.get(request.htmx.target or ""):
        return render(request, lines, context)
    return part_of(request, customer, "channels/_timeline.html", context)
