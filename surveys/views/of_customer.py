"""What a customer said in surveys, and what we do about it: a part of their page."""

from __future__ import annotations

from django.db.models import Prefetch
from django.http import HttpResponse
from django.shortcuts import get_object_or_404
from django.views.decorators.http import require_GET
from django.views.decorators.vary import vary_on_headers

from crm.models import Customer
from crm.models.staff import CUSTOMER_ROLES
from crm.web import Request, part_of, roles
from surveys.models import ActionPlan, Answer, Response

LATEST = 5


@require_GET
@roles(*CUSTOMER_ROLES)
@vary_on_headers("HX-Request")
def of_customer(request: Request, pk: int) -> HttpResponse:
    """Their latest answers, for who reads results; and the plans they asked for, of those this person sees."""
    customer = get_object_or_404(Customer.objects.visible_to(request.user), pk=pk)
    comments = Answer.objects.verbatims().prefetch_related("asks__plan").order_by("question__position")
    said = Response.objects.visible_to(request.user).filter(invitation__customer=customer)
    latest = said.select_related("invitation__wave", "invitation__version__survey").prefetch_related(
        Prefetch("answers", comments, to_attr="comments")
    )  # fmt: skip
    plans = ActionPlan.objects.visible_to(request.user).asked_by(customer.pk).select_related("owner")
    context = {
        "customer": customer, "responses": latest.order_by("-started_at", "-pk")[:LATEST],
        "plans": plans.order_by("-made_at", "-pk")[:LATEST],
    }  # fmt: skip
    return part_of(request, customer, "surveys/comments/_of_customer.html", context)
