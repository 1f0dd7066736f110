"""The finder (Ctrl K): customers by anything, accounts by name, a case by its number, and where one may go."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_GET
from django_stubs_ext import StrOrPromise

from crm import finding
from crm.finding.reading import clean
from crm.models import Account, Customer, User
from crm.models.accounts import AccountQuerySet
from crm.models.customers import CustomerQuerySet
from crm.models.staff import Role
from crm.web import Request, roles

CUSTOMERS, ACCOUNTS = 8, 4


@require_GET
@roles(*Role.values)
def find(request: Request) -> HttpResponse:
    words = clean(request.GET.get("q", ""))
    user = request.user
    context = {
        **meant_by(words, Customer.objects.visible_to(user), Account.objects.visible_to(user)),
        "case_number": _number(words) if user.answers else "",
        "cases_query": urlencode({"q": words}) if user.answers and len(words) > 1 else "",
        "actions": [place for place in places(user) if words.lower() in place[0].lower()],
        "words": words,
    }
    return render(request, "crm/_found.html", context)


def meant_by(words: str, customers: CustomerQuerySet, accounts: AccountQuerySet) -> dict[str, list[Any]]:
    """The customers and accounts that come closest to what is typed so far; of a single sign nobody."""
    asked = words.lstrip("#") if len(words) > 1 else ""
    if not asked:
        return {"customers": [], "accounts": []}
    hits = finding.closest(customers, asked, most=CUSTOMERS).hits
    called = accounts.in_use().called(asked).shortest_first()[:ACCOUNTS]
    return {"customers": finding.rows(hits), "accounts": list(called)}


def _number(words: str) -> str:
    number = words.lstrip("#")
    return number if number.isascii() and number.isdecimal() and len(number) < 19 else ""


PLACES: tuple[tuple[StrOrPromise, str, Callable[[User], bool]], ...] = (
    (_("Queue"), "cases:queue", lambda user: user.answers),
    (_("Search cases"), "cases:search", lambda user: user.answers),
    (_("Overview"), "cases:care", lambda user: user.leads),
    (_("Log a contact"), "channels_app:log_contact", lambda user: user.answers),
    (_("Channels"), "channels_app:channels", lambda user: user.answers),
    (_("Calls"), "surveys:calls", lambda user: user.knows_customers),
    (_("Sales leads"), "cases:leads", lambda user: user.edits_accounts),
    (_("Customers"), "crm:customers", lambda user: user.knows_customers),
    (_("Accounts"), "crm:accounts", lambda user: user.knows_customers),
    (_("New account"), "crm:account_new", lambda user: user.edits_accounts),
    (_("Matches"), "crm:matches", lambda user: user.answers),
    (_("Imports"), "crm:imports", lambda user: user.leads),
    (_("Rules"), "cases:rules", lambda user: user.leads),
    (_("Causes"), "cases:causes", lambda user: user.leads),
    (_("Teams"), "crm:teams", lambda user: user.leads),
    (_("Who calls whom"), "surveys:outreach_settings", lambda user: user.leads),
    (_("Hashtags"), "surveys:hashtags", lambda user: user.leads),
    (_("Callers"), "surveys:callers", lambda user: user.leads),
    (_("Calling hours"), "surveys:calling_hours", lambda user: user.leads),
    (_("Personas"), "crm:personas", lambda user: user.leads),
    (_("Retention"), "crm:retention", lambda user: user.leads),
    (_("API"), "api_docs", lambda user: user.leads),
    (_("Rules of matching"), "crm:match_rules", lambda user: user.role == Role.ADMIN),
    (_("API tokens"), "crm:api_tokens", lambda user: user.role == Role.ADMIN),
    (_("Webhooks"), "crm:webhooks", lambda user: user.role == Role.ADMIN),
    (_("My profile"), "crm:profile", lambda user: True),
)


def places(user: User) -> list[tuple[str, str]]:
    """Where this person may go, by name."""
    return [(str(label), reverse(name)) for label, name, may_go in PLACES if may_go(user)]
