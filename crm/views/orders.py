"""What a customer or an account ordered and owns: a part of their page."""

from __future__ import annotations

from typing import Any

from django.db.models import Model
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_GET
from django.views.decorators.vary import vary_on_headers

from crm.models import Account, Customer, Order, Product
from crm.models.orders import OrderQuerySet, ProductQuerySet
from crm.models.staff import CUSTOMER_ROLES
from crm.web import Request, keyset_page, part_of, roles

PAGE, OWNED = 10, 20


@require_GET
@roles(*CUSTOMER_ROLES)
@vary_on_headers("HX-Request", "HX-Target")
def orders(request: Request, pk: int) -> HttpResponse:
    customer = get_object_or_404(Customer.objects.visible_to(request.user), pk=pk)
    ordered = Order.objects.of_customer(customer).select_related("account")
    owned = Product.objects.of_customer(customer).select_related("account")
    return _shown(request, customer, ordered, owned, {"customer": customer})


@require_GET
@roles(*CUSTOMER_ROLES)
@vary_on_headers("HX-Request", "HX-Target")
def account_orders(request: Request, pk: int) -> HttpResponse:
    account = get_object_or_404(Account.objects.visible_to(request.user), pk=pk)
    ordered = Order.objects.of_account(account).select_related("customer")
    owned = Product.objects.of_account(account).select_related("customer")
    return _shown(request, account, ordered, owned, {"account": account})


def _shown(
    request: Request, whose: Model, ordered: OrderQuerySet, owned: ProductQuerySet, known: dict[str, Any]
) -> HttpResponse:
    """Orders newest first, a page at a time, and what is owned now; or, for HTMX, the next page alone."""
    page = keyset_page(ordered, request.GET, key=("placed_at", "id"), size=PAGE, newest_first=True)
    if request.htmx.target == "more-orders":
        return render(request, "crm/_more_orders.html", known | {"page": page})
    products = list(owned.owned()[: OWNED + 1])
    context = {"page": page, "products": products[:OWNED], "more_products": len(products) > OWNED}
    return part_of(request, whose, "crm/_orders.html", known | context)
