"""Handing a case to sales; the list of leads, and what is done with one."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from cases import leads
from cases.forms.leads import EndForm, GiveForm, LeadForm, LeadsForm
from cases.models import Case, Lead
from cases.models.leads import LeadQuerySet
from cases.views.pane import move
from channels_app.models import Message
from crm import consent, exporting
from crm.errors import Refused
from crm.models import Activity, Purpose
from crm.models.staff import ACCOUNT_ROLES, CARE_ROLES, LEADING_ROLES, Role
from crm.views.exports import filter_of
from crm.web import Request, keyset_page, roles, without

PAGE, LINES = 50, 20
SELLING_ROLES = (*LEADING_ROLES, Role.SALES)
DUE_FIRST, NEWEST_FIRST = ("due_at", "id"), ("handed_at", "id")
COLUMNS = (
    "id", "state", "what they want", "what became of it", "customer", "customer id", "account", "case", "post",
    "owner", "handed by", "handed over", "due", "ended",
)  # fmt: skip


@require_POST
@roles(*CARE_ROLES)
def to_sales(request: Request, pk: int) -> HttpResponse:
    """From the pane of a case: what they want, and the post that says so."""

    def act(case: Case) -> None:
        said = Message.objects.filter(case_entry__case=case)
        form = LeadForm(request.POST, posts=list(said.filter(direction=Message.Direction.IN)))
        form.is_valid()
        chosen, post = form.cleaned_data, None
        if "message" not in chosen:
            raise leads.NotTheirPost
        if form.has_error("what", "max_length"):
            raise leads.TooLong
        if chosen["message"]:
            post = said.get(pk=chosen["message"])
        leads.hand(case=case, message=post, what=chosen.get("what", ""), by=request.user)

    return move(request, pk, act, _("Handed to sales. The case stays here."))


# --- the list


@require_GET
@roles(*ACCOUNT_ROLES)
def listed(request: Request) -> HttpResponse:
    """Open ones, due first, unless the filter says otherwise. Agents see what they handed over themselves."""
    form = LeadsForm(request.GET)
    found = form.narrow(_visible(request), request.user)
    page = keyset_page(found, request.GET, size=PAGE, **_order(form))
    context = {"form": form, "page": page, "query": without(request.GET, "after")}
    return render(request, "cases/leads/leads.html", context)


def _visible(request: Request) -> LeadQuerySet:
    return Lead.objects.visible_to(request.user).with_people()


def _order(form: LeadsForm) -> dict[str, Any]:
    return {"key": DUE_FIRST} if form.only_open else {"key": NEWEST_FIRST, "newest_first": True}


@require_GET
@roles(*SELLING_ROLES)
def export(request: Request) -> exporting.Streamed:
    query = filter_of(request)
    form = LeadsForm(query)
    found = exporting.every(form.narrow(_visible(request), request.user), **_order(form))
    return exporting.response(request, _("leads"), COLUMNS, _rows(found), query=query)


def _rows(found: Iterable[Lead]) -> Iterator[list[object]]:
    for lead in found:
        yield [
            lead.pk, lead.state, lead.what, lead.outcome, lead.customer.name, lead.customer_id,
            lead.account.name if lead.account else "", lead.case_id, lead.message.text if lead.message else "",
            lead.owner.username if lead.owner else "", lead.handed_by.username, lead.handed_at, lead.due_at,
            lead.ended_at,
        ]  # fmt: skip


# --- one


@require_GET
@roles(*ACCOUNT_ROLES)
def one(request: Request, pk: int) -> HttpResponse:
    return _page(request, _theirs(request, pk))


def _theirs(request: Request, pk: int) -> Lead:
    return get_object_or_404(_visible(request).select_related("case__owner", "message__channel"), pk=pk)


def _page(request: Request, lead: Lead, status: int = 200, **forms: Any) -> HttpResponse:
    user = request.user
    moves = user.leads or (lead.owner_id is not None and lead.owner_id == user.pk)
    context = {
        "lead": lead, "lines": Activity.objects.about(lead).order_by("-pk")[:LINES],
        "may_call": consent.may_contact(lead.customer, Purpose.CALL), "refusal": "",
        "may_take": leads.sells(user) and lead.state == Lead.State.NEW and lead.owner_id in (None, user.pk),
        "may_move": moves, "may_end": moves or (lead.owner_id is None and lead.is_open),
        "end_form": EndForm(), "give_form": GiveForm(), **forms,
    }  # fmt: skip
    return render(request, "cases/leads/lead.html", context, status=status)


@require_POST
@roles(*SELLING_ROLES)
def take(request: Request, pk: int) -> HttpResponse:
    return _done(request, pk, lambda lead: leads.take(lead=lead, by=request.user), _("It is yours."))


@require_POST
@roles(*SELLING_ROLES)
def give(request: Request, pk: int) -> HttpResponse:
    lead, form = _theirs(request, pk), GiveForm(request.POST)
    if not form.is_valid():
        return _page(request, lead, 422, give_form=form)
    to = form.cleaned_data["to"]
    done = _("%(who)s has it now.") % {"who": to}
    return _done(request, pk, lambda lead: leads.give(lead=lead, to=to, by=request.user), done)


@require_POST
@roles(*ACCOUNT_ROLES)
def end(request: Request, pk: int) -> HttpResponse:
    """Won, lost, or back to care: each with words, and each can be undone."""
    lead, form = _theirs(request, pk), EndForm(request.POST)
    if not form.is_valid():
        return _page(request, lead, 422, end_form=form)
    how, said = form.cleaned_data["how"], form.cleaned_data["outcome"]
    return _done(request, pk, lambda lead: _ended(request, lead, how, said), _("Kept."), undo=True, end_form=form)


def _ended(request: Request, lead: Lead, how: str, said: str) -> Lead:
    if how == Lead.State.RETURNED:
        return leads.give_back(lead=lead, why=said, by=request.user)
    act = leads.win if how == Lead.State.WON else leads.lose
    return act(lead=lead, outcome=said, by=request.user)


@require_POST
@roles(*ACCOUNT_ROLES)
def reopen(request: Request, pk: int) -> HttpResponse:
    return _done(request, pk, lambda lead: leads.reopen(lead=lead, by=request.user), _("It is open again."))


def _done(
    request: Request, pk: int, act: Callable[[Lead], object], done: str, *, undo: bool = False, **forms: Any
) -> HttpResponse:
    """Back to the lead, or to the list where it is no longer theirs to see. A refusal keeps what was typed."""
    lead = _theirs(request, pk)
    try:
        act(lead)
    except Refused as refusal:
        return _page(request, _theirs(request, pk), 422, refusal=str(refusal), **forms)
    tags = f"undo:{reverse('cases:lead_reopen', args=[pk])}" if undo else ""
    messages.success(request, done, extra_tags=tags)
    return redirect("cases:lead", pk) if _visible(request).filter(pk=pk).exists() else redirect("cases:leads")
