"""Accounts: the list, the page, and who decides there."""

from __future__ import annotations

from collections.abc import Callable

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST
from django.views.decorators.vary import vary_on_headers

from crm import accounts as capability
from crm import finding, glance
from crm.finding.reading import clean
from crm.forms import AccountForm, AccountsForm, LeaveForm, StakeholderForm
from crm.models import Account, Activity, Customer, Stakeholder
from crm.models.activity import log
from crm.models.staff import ACCOUNT_ROLES, CUSTOMER_ROLES
from crm.web import Request, keyset_page, part_of, roles

PAGE, FOUND = 50, 20


def _account(request: Request, pk: int) -> Account:
    return get_object_or_404(Account.objects.visible_to(request.user).select_related("owner"), pk=pk)


def _stakeholder(request: Request, pk: int) -> Stakeholder:
    seen = Account.objects.visible_to(request.user)
    return get_object_or_404(Stakeholder.objects.select_related("account", "customer"), pk=pk, account__in=seen)


@require_GET
@roles(*CUSTOMER_ROLES)
@vary_on_headers("HX-Request", "HX-Target")
def accounts(request: Request) -> HttpResponse:
    form = AccountsForm(request.GET, user=request.user)
    found = form.narrow(Account.objects.visible_to(request.user)).select_related("owner")
    page = keyset_page(found, request.GET, key=("name", "id"), size=PAGE)
    known = capability.health(page.rows, timezone.now())
    context = {"form": form, "page": page, "rows": [(account, known.get(account.pk)) for account in page.rows]}
    partial = {"rows": "crm/_accounts.html", "more": "crm/_more_accounts.html"}.get(request.htmx.target or "")
    return render(request, partial or "crm/accounts.html", context)


@require_GET
@roles(*CUSTOMER_ROLES)
def account(request: Request, pk: int) -> HttpResponse:
    found, words = _account(request, pk), clean(request.GET.get("q", ""))
    people = capability.seats(found, words)
    context = {
        "account": found,
        "health": capability.health([found], timezone.now()).get(found.pk),
        "seats": people[: capability.MOST],
        "more_seats": len(people) > capability.MOST,
        "left": Stakeholder.objects.of_account(found).left().select_related("customer")[:FOUND],
        "words": words,
        "activity": Activity.objects.about(found).order_by("-id")[:FOUND],
    }
    return render(request, "crm/account.html", context)


@require_http_methods(["GET", "POST"])
@roles(*ACCOUNT_ROLES)
def account_edit(request: Request, pk: int | None = None) -> HttpResponse:
    """Make an account, or change one."""
    found = None if pk is None else _account(request, pk)
    form = AccountForm(request.POST or None, instance=found, initial={} if found else {"owner": request.user.pk})
    if request.method == "POST" and form.is_valid():
        saved = form.save()
        if found is None or form.changed_data:
            log("changed" if found else "made", saved, by=request.user, detail=", ".join(form.changed_data))
        messages.success(request, _("Saved."))
        return redirect(saved)
    context = {"form": form, "account": found}
    return render(request, "crm/account_form.html", context, status=422 if form.errors else 200)


@require_http_methods(["GET", "POST"])
@roles(*ACCOUNT_ROLES)
def stakeholder_new(request: Request, pk: int) -> HttpResponse:
    """First the customer, found by name or handle, then what they are to the account."""
    found, customer = _account(request, pk), _chosen(request)
    if customer is None:
        return _choose(request, found)
    form = StakeholderForm(request.POST or None, instance=Stakeholder(account=found, customer=customer))
    if request.method == "POST" and _kept(request, form, capability.join):
        said = _("%(name)s is now among the stakeholders.") % {"name": customer}
        messages.success(request, said)
        return redirect(found)
    context = {"form": form, "account": found, "customer": customer}
    return render(request, "crm/stakeholder_form.html", context, status=422 if form.errors else 200)


def _chosen(request: Request) -> Customer | None:
    pk = (request.POST if request.method == "POST" else request.GET).get("customer", "")
    known = Customer.objects.visible_to(request.user).standing()
    return known.filter(pk=int(pk)).first() if pk.isascii() and pk.isdecimal() and len(pk) < 19 else None


def _choose(request: Request, account: Account) -> HttpResponse:
    words = clean(request.GET.get("q", ""))
    known = Customer.objects.visible_to(request.user).standing()
    found = finding.rows(finding.closest(known, words, most=FOUND).hits) if words else []
    context = {"account": account, "words": words, "found": found}
    return render(request, "crm/stakeholder_choose.html", context, status=422 if request.method == "POST" else 200)


def _kept(request: Request, form: StakeholderForm, act: Callable[..., object]) -> bool:
    """Whether it could be kept; where not, the form says why."""
    if not form.is_valid():
        return False
    try:
        act(stakeholder=form.save(commit=False), by=request.user)
    except capability.AlreadyThere as refusal:
        form.add_error("role", str(refusal))
        return False
    return True


@require_http_methods(["GET", "POST"])
@roles(*ACCOUNT_ROLES)
def stakeholder(request: Request, pk: int) -> HttpResponse:
    found = _stakeholder(request, pk)
    form = StakeholderForm(request.POST or None, instance=found)
    if request.method == "POST" and _kept(request, form, capability.change):
        messages.success(request, _("Saved."))
        return redirect(found.account)
    return _seat(request, found, form, LeaveForm())


def _seat(request: Request, found: Stakeholder, form: StakeholderForm, leave_form: LeaveForm) -> HttpResponse:
    context = {"form": form, "leave_form": leave_form, "stakeholder": found}
    context |= {"account": found.account, "customer": found.customer}
    wrong = form.errors or leave_form.errors
    return render(request, "crm/stakeholder_form.html", context, status=422 if wrong else 200)


@require_POST
@roles(*ACCOUNT_ROLES)
def stakeholder_leave(request: Request, pk: int) -> HttpResponse:
    found, form = _stakeholder(request, pk), LeaveForm(request.POST)
    if not form.is_valid() or not _left(request, found, form):
        return _seat(request, found, StakeholderForm(instance=found), form)
    undo = reverse("crm:stakeholder_back", args=[found.pk])
    said = _("%(name)s is no longer at %(account)s.") % {"name": found.customer, "account": found.account}
    messages.success(request, said, extra_tags=f"undo:{undo}")
    return redirect(found.account)


def _left(request: Request, found: Stakeholder, form: LeaveForm) -> bool:
    """Whether that day can be; where not, the form says why."""
    try:
        capability.leave(stakeholder=found, on=form.cleaned_data["left_on"], by=request.user)
    except capability.NotYetThen as refusal:
        form.add_error("left_on", str(refusal))
        return False
    return True


@require_POST
@roles(*ACCOUNT_ROLES)
def stakeholder_back(request: Request, pk: int) -> HttpResponse:
    found = capability.come_back(stakeholder=_stakeholder(request, pk), by=request.user)
    messages.success(request, _("%(name)s is back.") % {"name": found.customer})
    return redirect(found.account)


@require_GET
@roles(*CUSTOMER_ROLES)
@vary_on_headers("HX-Request")
def stakes(request: Request, pk: int) -> HttpResponse:
    """What a customer is to accounts: a part of their page."""
    found = get_object_or_404(Customer.objects.visible_to(request.user), pk=pk)
    return part_of(request, found, "crm/_stakes.html", {"customer": found, "stakes": glance.stakes(found)})
