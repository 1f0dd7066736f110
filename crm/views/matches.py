"""Matches to decide on: who may be whom, both sides beside each other, one key each."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.http import HttpResponse, QueryDict
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST
from django.views.decorators.vary import vary_on_headers

from crm import decisions, reviewing
from crm.errors import Refused
from crm.models import Customer, IdentityLink, Merge
from crm.models.identities import IdentityLinkQuerySet
from crm.models.staff import CARE_ROLES
from crm.web import Request, came_from, keyset_page, roles

PAGE, MAY_BE = 20, 3
State = IdentityLink.State


def _links(request: Request) -> IdentityLinkQuerySet:
    return IdentityLink.objects.visible_to(request.user).select_related("identity", "customer", "by", "decided_by")


@require_GET
@roles(*CARE_ROLES)
@vary_on_headers("HX-Request", "HX-Target")
def matches(request: Request) -> HttpResponse:
    """What waits, the surest first; what two claim; or what was decided, the latest first."""
    links, key = chosen(request, request.GET)
    show, customer = request.GET.get("show", ""), _named(request, request.GET)
    page = keyset_page(links, request.GET, key=(key, "id"), size=PAGE, newest_first=True)
    context = {"cards": reviewing.cards(page.rows), "next_query": page.next_query, "show": show, "customer": customer}
    return render(request, "crm/_more_matches.html" if request.htmx.target == "more" else "crm/matches.html", context)


def chosen(request: Request, query: QueryDict) -> tuple[IdentityLinkQuerySet, str]:
    """The links this querystring asks for, and what they stand in the order of, the largest first."""
    show, links = query.get("show", ""), _links(request)
    if customer := _named(request, query):
        links = links.concerning(customer.pk)
    if show == "decided":
        return links.decided(), "decided_at"
    return links.conflicts() if show == "conflicts" else links.proposed(), "score"


def _named(request: Request, query: QueryDict) -> Customer | None:
    """The customer whose matches alone are asked for."""
    number = query.get("customer", "")
    if not (number.isascii() and number.isdecimal() and len(number) < 19):
        return None
    return Customer.objects.visible_to(request.user).filter(pk=int(number)).first()


@require_GET
@roles(*CARE_ROLES)
def may_be(request: Request, pk: int) -> HttpResponse:
    """Whose the identities of this record may be besides, in a line each: a part of other pages."""
    customer = get_object_or_404(Customer.objects.visible_to(request.user), pk=pk)
    links = _links(request).proposed().of_identities_of(customer.pk).order_by("-score", "-pk")[:MAY_BE]
    return render(request, "crm/_may_be.html", {"customer": customer, "cards": reviewing.cards(links)})


@require_POST
@roles(*CARE_ROLES)
def match_accept(request: Request, pk: int) -> HttpResponse:
    """They are one; of a conflict, with how=move: the handle goes over."""
    return _decide(request, pk, decisions.move if request.POST.get("how") == "move" else decisions.accept)


@require_POST
@roles(*CARE_ROLES)
def match_reject(request: Request, pk: int) -> HttpResponse:
    return _decide(request, pk, decisions.reject)


@require_POST
@roles(*CARE_ROLES)
def match_undo(request: Request, pk: int) -> HttpResponse:
    """Undo what was decided last on this link."""
    return _decide(request, pk, decisions.undo)


def _decide(request: Request, pk: int, act: Callable[..., object]) -> HttpResponse:
    """Do it and show the card again: for HTMX in its place, else as a message on the page it came from."""
    link = get_object_or_404(_links(request), pk=pk)
    try:
        done = act(link=link, by=request.user)
    except Refused as refusal:
        if not request.htmx:
            raise
        return _card(request, pk, status=422, refusal=str(refusal))
    notes = done.stayed if isinstance(done, Merge) else []
    if request.htmx:
        return _card(request, pk, notes=notes)
    return _told(request, pk, notes)


def _card(request: Request, pk: int, *, status: int = 200, **facts: Any) -> HttpResponse:
    """The card as it is now; nothing where undoing took the link away."""
    cards = reviewing.cards(_links(request).filter(pk=pk))
    context = {"card": cards[0] if cards else None, "fresh": True, **facts}
    return render(request, "crm/_match_answer.html", context, status=status)


def _told(request: Request, pk: int, notes: list[str]) -> HttpResponse:
    link = _links(request).filter(pk=pk).first()
    if link and link.state == State.PROPOSED:
        messages.success(request, _("It waits for a decision again."))
    elif link:
        messages.success(request, outcome(link), extra_tags=f"undo:{reverse('crm:match_undo', args=[pk])}")
    else:
        messages.success(request, _("Undone."))
    for note in notes:
        messages.info(request, note)
    return redirect(came_from(request, reverse("crm:matches")))


def outcome(link: IdentityLink) -> str:
    """What was decided, as a sentence."""
    words = {"handle": link.identity.label, "name": link.customer}
    if link.state == State.CONFIRMED:
        return _("{handle} is {name}.").format(**words)
    return _("{handle} is not {name}, and will not be proposed again.").format(**words)
