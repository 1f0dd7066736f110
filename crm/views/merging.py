"""Merging two records on a sheet that shows both, the history of merges, and links made and taken back by hand."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST
from django.views.decorators.vary import vary_on_headers

from crm import merging
from crm.errors import Refused
from crm.forms.merging import LinkForm, MergeForm, PickForm, WithdrawForm
from crm.merging.telling import history
from crm.models import Customer, IdentityLink, Merge
from crm.models.staff import CARE_ROLES, CUSTOMER_ROLES
from crm.web import Request, came_from, keyset_page, roles

MERGES = 20  # on a page


def _customer(request: Request, pk: int) -> Customer:
    """The record that stands for this one, or 404."""
    return get_object_or_404(Customer.objects.visible_to(request.user), pk=pk).survivor


# --- merging


@require_http_methods(["GET", "POST"])
@roles(*CARE_ROLES)
def merge(request: Request, pk: int) -> HttpResponse:
    """Choose the other record (GET without `with`), see what would come of it (GET), and do it (POST)."""
    customer = _customer(request, pk)
    pick = PickForm(request.POST if request.method == "POST" else request.GET)
    other = pick.other(request.user)
    if other is None:
        return _pick(request, customer, pick)
    try:
        sheet = merging.preview(survivor=customer, absorbed=other)
        form = MergeForm(request.POST if request.method == "POST" else None, sheet=sheet)
        if request.method == "POST" and form.is_valid():
            return _merged(request, form.merge(by=request.user))
    except Refused as refusal:
        return _pick(request, customer, pick, str(refusal))
    context = {"customer": customer, "sheet": sheet, "form": form}
    return render(request, "crm/merge.html", context, status=422 if form.errors else 200)


def _pick(request: Request, customer: Customer, pick: PickForm, refusal: str = "") -> HttpResponse:
    if request.method == "POST":
        refusal = refusal or _("Choose the record to merge with first.")
    context = {"customer": customer, "form": pick, "found": pick.found(customer), "refusal": refusal}
    return render(request, "crm/merge_pick.html", context, status=422 if refusal else 200)


def _merged(request: Request, done: Merge) -> HttpResponse:
    said = _("{absorbed} is now part of {survivor}.").format(absorbed=done.absorbed, survivor=done.survivor)
    messages.success(request, said, extra_tags=f"undo:{reverse('crm:merge_undo', args=[done.pk])}")
    return redirect(done.survivor)


@require_POST
@roles(*CARE_ROLES)
def merge_undo(request: Request, pk: int) -> HttpResponse:
    found = get_object_or_404(Merge, pk=pk, survivor__in=Customer.objects.visible_to(request.user))
    done = merging.undo(merge=found, by=request.user)
    messages.success(request, _("Undone: both records are as they were.") if done.is_whole else _("Undone."))
    _say(request, done.stayed)
    return redirect(came_from(request, done.survivor.survivor.get_absolute_url()))


def _say(request: Request, sentences: Sequence[str]) -> None:
    for sentence in sentences:
        messages.info(request, sentence)


@require_GET
@roles(*CUSTOMER_ROLES)
@vary_on_headers("HX-Request")
def merges(request: Request, pk: int) -> HttpResponse:
    """What was merged into this record, or it into another, undone ones too: a part of its page, or its own page."""
    customer = _customer(request, pk)
    found = Merge.objects.concerning(customer).select_related("survivor", "absorbed", "by", "undone_by", "identity")
    page = keyset_page(found, request.GET, key=("at", "id"), size=MERGES, newest_first=True)
    context = {"customer": customer, "history": history(page.rows), "older": page.next_query}
    return render(request, "crm/_merges.html" if request.htmx else "crm/merges.html", context)


# --- links by hand


@require_http_methods(["GET", "POST"])
@roles(*CARE_ROLES)
def link_new(request: Request, pk: int) -> HttpResponse:
    customer = _customer(request, pk)
    form = LinkForm(request.POST if request.method == "POST" else None)
    link = form.link(customer, by=request.user) if request.method == "POST" else None
    if link is None:
        context = {"customer": customer, "form": form}
        return render(request, "crm/link_form.html", context, status=422 if form.errors else 200)
    return _linked(request, link)


def _linked(request: Request, link: IdentityLink) -> HttpResponse:
    words = {"handle": link.identity.label, "name": link.customer}
    if link.state == IdentityLink.State.PROPOSED:
        messages.warning(request, _("{handle} belongs to somebody we know. Decide here what is true.").format(**words))
        return redirect(f"{reverse('crm:matches')}?show=conflicts#match-{link.pk}")
    undo = reverse("crm:match_undo", args=[link.pk])
    messages.success(request, _("{handle} is linked to {name}.").format(**words), extra_tags=f"undo:{undo}")
    return redirect(link.customer)


@require_http_methods(["GET", "POST"])
@roles(*CARE_ROLES)
def link_withdraw(request: Request, pk: int) -> HttpResponse:
    links = IdentityLink.objects.visible_to(request.user).confirmed().select_related("identity", "customer")
    link = get_object_or_404(links, pk=pk)
    form = WithdrawForm(request.POST if request.method == "POST" else None)
    fresh = form.withdraw(link, by=request.user) if request.method == "POST" else None
    if fresh is None:
        context: dict[str, Any] = {"customer": link.customer, "link": link, "form": form}
        return render(request, "crm/link_withdraw.html", context, status=422 if form.errors else 200)
    entry = get_object_or_404(Merge.objects.in_force(), survivor=fresh.customer, identity=link.identity)
    said = _("{handle} is not linked to {name} any more.").format(handle=link.identity.label, name=link.customer)
    messages.success(request, said, extra_tags=f"undo:{reverse('crm:merge_undo', args=[entry.pk])}")
    return redirect(link.customer)
