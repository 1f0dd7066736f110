"""Lists taken away as files, as they stand under their filter.

Who reads a list page by page does not for that need all of it in a file: customers, matches and cases are exported by
leads and administrators, who answer for where such a file goes; accounts and what they ordered by sales too, whose own
lists they are.
"""

from __future__ import annotations

from django.http import QueryDict
from django.shortcuts import get_object_or_404
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET

from crm import exporting, lists
from crm.exporting import Streamed
from crm.forms import AccountsForm, CustomersForm
from crm.models import Account, Customer, Order
from crm.models.orders import OrderQuerySet
from crm.models.staff import LEADING_ROLES, Role
from crm.views import matches
from crm.web import Request, roles


def filter_of(request: Request) -> QueryDict:
    """The list's own querystring: whole in `query`, where a form sends it along, else as it stands."""
    return QueryDict(request.GET["query"]) if "query" in request.GET else request.GET


@require_GET
@roles(*LEADING_ROLES)
def customers_export(request: Request) -> Streamed:
    query = filter_of(request)
    found = CustomersForm(query).narrow(Customer.objects.visible_to(request.user)).with_handles()
    rows = lists.customer_rows(exporting.every(found, key=("created_at", "id"), newest_first=True))
    return exporting.response(request, _("customers"), lists.CUSTOMER_COLUMNS, rows, query=query)


@require_GET
@roles(*LEADING_ROLES, Role.SALES)
def accounts_export(request: Request) -> Streamed:
    query = filter_of(request)
    found = AccountsForm(query, user=request.user).narrow(Account.objects.visible_to(request.user))
    rows = lists.account_rows(exporting.every(found.select_related("owner"), key=("name", "id")))
    return exporting.response(request, _("accounts"), lists.ACCOUNT_COLUMNS, rows, query=query)


@require_GET
@roles(*LEADING_ROLES)
def matches_export(request: Request) -> Streamed:
    query = filter_of(request)
    links, key = matches.chosen(request, query)
    rows = lists.link_rows(exporting.every(links, key=(key, "id"), newest_first=True))
    return exporting.response(request, _("matches"), lists.LINK_COLUMNS, rows, query=query)


@require_GET
@roles(*LEADING_ROLES)
def orders_export(request: Request, pk: int) -> Streamed:
    """What one customer ordered."""
    customer = get_object_or_404(Customer.objects.visible_to(request.user), pk=pk)
    return _orders(request, Order.objects.of_customer(customer), _("orders of customer {pk}").format(pk=pk))


@require_GET
@roles(*LEADING_ROLES, Role.SALES)
def account_orders_export(request: Request, pk: int) -> Streamed:
    """What was ordered for one account."""
    account = get_object_or_404(Account.objects.visible_to(request.user), pk=pk)
    return _orders(request, Order.objects.of_account(account), _("orders of account {pk}").format(pk=pk))


def _orders(request: Request, orders: OrderQuerySet, name: str) -> Streamed:
    found = exporting.every(orders.select_related("customer", "account"), key=("placed_at", "id"), newest_first=True)
    return exporting.response(request, name, lists.ORDER_COLUMNS, lists.order_rows(found), query=QueryDict())
