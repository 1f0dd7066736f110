"""The finder (Ctrl K): customers by anything, accounts by name, a case by its number, and where one may go."""

from __future__ import annotations

from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET

from crm import finding
from crm.finding.reading import clean
from crm.models import Account, Customer
from crm.models.staff import Role
from crm.web import Request, roles

CUSTOMERS, ACCOUNTS = 8, 4


@require_GET
@roles(*Role.values)
def find(request: Request) -> HttpResponse:
    words = clean(request.GET.get("q", ""))
    asked = words.lstrip("#") if len(words) > 1 else ""
    known = Customer.objects.visible_to(request.user)
    hits = finding.closest(known, asked, most=CUSTOMERS).hits if asked else []
    accounts = Account.objects.visible_to(request.user).in_use().called(asked)[:ACCOUNTS] if asked else []
    context = {
        "customers": finding.rows(hits),
        "accounts": accounts,
        "case_number": _number(words) if request.user.answers else "",
        "actions": [place for place in places(request) if words.lower() in place[0].lower()],
        "words": words,
    }
    return render(request, "crm/_found.html", context)


def _number(words: str) -> str:
    number = words.lstrip("#")
    return number if number.isascii() and number.isdecimal() and len(number) < 19 else ""


def places(request: Request) -> list[tuple[str, str]]:
    """Where this person may go, by name."""
    user, go = request.user, []
    if user.answers:
        go.append((_("Queue"), "cases:queue"))
        go.append((_("Log a contact"), "channels_app:log_contact"))
        go.append((_("Channels"), "channels_app:channels"))
    if user.knows_customers:
        go += [(_("Customers"), "crm:customers"), (_("Accounts"), "crm:accounts")]
    if user.leads:
        go += [(_("Rules"), "cases:rules"), (_("Causes"), "cases:causes"), (_("Teams"), "crm:teams")]
        go += [(_("Personas"), "crm:personas"), (_("Imports"), "crm:imports")]
        go.append((_("API"), "api_docs"))
    if user.role == Role.ADMIN:
        go += [(_("API tokens"), "crm:api_tokens"), (_("Webhooks"), "crm:webhooks")]
    go.append((_("My profile"), "crm:profile"))
    return [(label, reverse(name)) for label, name in go]
