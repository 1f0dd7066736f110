"""What the case desk shows on an account's page."""

from __future__ import annotations

from django.http import HttpResponse
from django.shortcuts import get_object_or_404
from django.views.decorators.http import require_GET
from django.views.decorators.vary import vary_on_headers

from cases.models import Case
from crm.models import Account
from crm.models.staff import CUSTOMER_ROLES
from crm.web import Request, part_of, roles

MOST = 20


@require_GET
@roles(*CUSTOMER_ROLES)
@vary_on_headers("HX-Request")
def for_account(request: Request, pk: int) -> HttpResponse:
    """Open cases of the account's stakeholders, the most urgent first, as far as this person may see them."""
    account = get_object_or_404(Account.objects.visible_to(request.user), pk=pk)
    cases = Case.objects.visible_to(request.user).of_account(account).unresolved().with_row()
    found = list(cases.order_by("rank", "turn_at", "id")[: MOST + 1])
    context = {"account": account, "cases": found[:MOST], "more": len(found) > MOST}
    return part_of(request, account, "cases/_for_account.html", context)
