"""Scorecards: everybody's for leads, one's own for everybody; and thanks by name."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST
from django.views.decorators.vary import vary_on_headers

from crm import exporting
from crm.exporting import Streamed
from crm.models.staff import LEADING_ROLES, Role
from crm.views.exports import filter_of
from crm.web import Request, keyset_page, roles, without
from surveys.forms.outreach.recognition import CardsForm, ThanksForm
from surveys.models import Recognition
from surveys.recognition import cards, doors, months, thanking
from surveys.recognition.cards import Card

PAGE, PROMISES = 50, 50
KEY = ("first_name", "last_name", "id")
PARTIALS = {"found": "surveys/recognition/_found.html", "more": "surveys/recognition/_more.html"}
COLUMNS = (
    "id", "person", "month", "customers saved", "promises kept", "promises", "causes prevented", "thanked",
)  # fmt: skip


@require_GET
@roles(*LEADING_ROLES)
@vary_on_headers("HX-Request", "HX-Target")
def scorecards(request: Request) -> HttpResponse:
    """In the order of names. What they did together is of all under the filter, on whichever page."""
    now = timezone.now()
    form = CardsForm(request.GET, user=request.user, now=now)
    page = keyset_page(form.people, request.GET, key=KEY, size=PAGE)
    context: dict[str, Any] = {
        "form": form, "page": page, "query": without(request.GET, "after"), "month": form.chosen,
        "cards": cards.cards(page.rows, form.chosen, now),
    }  # fmt: skip
    if request.htmx.target != "more":
        everybody = context["cards"] if _is_all(request, page) else cards.cards(list(form.people), form.chosen, now)
        context["together"] = cards.together(everybody)
    return render(request, PARTIALS.get(request.htmx.target or "", "surveys/recognition/scorecards.html"), context)


def _is_all(request: Request, page: Any) -> bool:
    return not page.next_query and "after" not in request.GET


@require_GET
@roles(*LEADING_ROLES)
def scorecards_export(request: Request) -> Streamed:
    query, now = filter_of(request), timezone.now()
    form = CardsForm(query, user=request.user, now=now)
    found = cards.cards(list(form.people.order_by(*KEY)), form.chosen, now)
    return exporting.response(request, _("scorecards"), COLUMNS, _lines(found), query=query)


def _lines(found: list[Card]) -> Iterator[list[object]]:
    for card in found:
        yield [
            card.person.pk, str(card.person), card.month.key, len(card.saved), card.share.kept, card.share.of,
            len(card.prevented), len(card.thanks),
        ]  # fmt: skip


# --- one person's


@require_GET
@roles(*Role.values)
def scorecard(request: Request, pk: int) -> HttpResponse:
    """One's own, or anybody's for a lead. Every point leads to what it stands for."""
    now = timezone.now()
    person = get_object_or_404(cards.people_of(request.user), pk=pk)
    month = months.read(request.GET.get("month", ""), now)
    (card,) = cards.cards([person], month, now)
    context = {
        "card": card, "month": month, "this": months.month_of(now), "own": person == request.user,
        **_points(request, card, now),
    }  # fmt: skip
    return render(request, "surveys/recognition/scorecard.html", context)


def _points(request: Request, card: Card, now: datetime) -> dict[str, Any]:
    """What stands on it, each with where it leads."""
    every = cards.promises(card, now)
    begin = _number(request.GET.get("from", ""))
    shown = every[begin : begin + PROMISES]
    lead = doors.doors(
        request.user, saved=card.saved, promises=shown, improvements=card.improvements, thanks=card.thanks
    )  # fmt: skip
    return {
        "saves": [(each, lead.customer(each.turn.customer), [(d, lead.deed(d)) for d in each.deeds])
                  for each in card.saved],
        "promises": [(each, lead.deed(each), lead.customer(each.customer)) for each in shown],
        "prevented": [(each, lead.improvement(each)) for each in card.prevented],
        "to_be_seen": [(each, lead.improvement(each)) for each in card.to_be_seen],
        "thanks": [(each, lead.thanks(each), _may_take_back(request, each, now)) for each in card.thanks],
        "further": begin + PROMISES if len(every) > begin + PROMISES else None,
    }  # fmt: skip


def _number(value: str) -> int:
    return int(value) if value.isascii() and value.isdecimal() and len(value) < 7 else 0


def _may_take_back(request: Request, thanks: Recognition, now: datetime) -> bool:
    return thanks.by_id == request.user.pk and thanks.at > now - thanking.UNDO


# --- thanks by name


@require_http_methods(["GET", "POST"])
@roles(*Role.values)
def recognise(request: Request) -> HttpResponse:
    form = ThanksForm(request.POST or None, by=request.user, initial=request.GET.dict())
    if request.method == "POST" and form.is_valid():
        made = _said(request, form)
        if made:
            messages.success(request, _("{name} hears of it.").format(name=made.person))
            return redirect(_after(request, made))
    context = {"form": form, "subject": form.subject}
    return render(request, "surveys/recognition/recognise.html", context, status=422 if form.errors else 200)


def _said(request: Request, form: ThanksForm) -> Recognition | None:
    """The thanks, or nothing, with the refusal beside its field."""
    try:
        return thanking.recognise(by=request.user, **form.said())
    except thanking.ThanksRefused as refusal:
        form.add_error(refusal.field, str(refusal))
        return None


def _after(request: Request, made: Recognition) -> str:
    """The card, for who may see it; else one's own."""
    return thanking.card(made.person if request.user.leads else request.user)


@require_POST
@roles(*Role.values)
def recognition_take_back(request: Request, pk: int) -> HttpResponse:
    found = get_object_or_404(Recognition.objects.visible_to(request.user).select_related("person"), pk=pk)
    thanking.take_back(recognition=found, by=request.user)
    messages.success(request, _("Taken back."))
    return redirect(_after(request, found))
