"""Cases that began with nearly the same words: the list of them, one answer to all, one of them taken out."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST
from django.views.decorators.vary import vary_on_headers

from cases.alike import answering, parting, shown
from cases.forms.alike import FloodForm
from cases.models import Case, FloodAnswer
from cases.views.pane import theirs
from crm.errors import Refused
from crm.models.staff import CARE_ROLES
from crm.web import Request, came_from, keyset_page, roles

PAGE, KEY = 50, ("id",)


@require_GET
@roles(*CARE_ROLES)
@vary_on_headers("HX-Request", "HX-Target")
def alike(request: Request, pk: int) -> HttpResponse:
    case = theirs(request, pk)
    if request.htmx.target == "alike-progress":
        flood = shown.flood_of(case)
        context = {"case": case, "progress": shown.progress(flood) if flood else None}
        return render(request, "cases/alike/_progress.html", context)
    return _page(request, case)


def _page(request: Request, case: Case, form: FloodForm | None = None, refusal: str = "") -> HttpResponse:
    flood, context = shown.flood_of(case), {"case": case, "refusal": refusal}
    if flood:
        last = shown.progress(flood)
        begun = {"text": shown.words_for(case, last, request.user), "how": FloodForm.EACH}
        context |= {
            "flood": flood, "standing": shown.standing(flood), "progress": last,
            "page": keyset_page(shown.members(flood, request.user), request.GET, key=KEY, size=PAGE),
            "goes_to": answering.whom(flood, request.user).count(), "form": form or FloodForm(initial=begun),
        }  # fmt: skip
    return render(request, "cases/alike/page.html", context, status=422 if refusal else 200)


@require_POST
@roles(*CARE_ROLES)
def answer(request: Request, pk: int) -> HttpResponse:
    case, form = theirs(request, pk), FloodForm(request.POST)
    valid = form.is_valid()
    facts: dict[str, Any] = {name: form.cleaned_data[name] for name in ("cause", "outcome") if valid}
    try:
        answering.begin(case=case, text=form.answer(), by=request.user, **facts)
    except Refused as refusal:
        return _page(request, case, form, str(refusal))
    return redirect("cases:alike", pk)


@require_POST
@roles(*CARE_ROLES)
def undo(request: Request, pk: int) -> HttpResponse:
    return _with_answer(request, pk, answering.undo, _("Undone: nothing was sent."))


@require_POST
@roles(*CARE_ROLES)
def stop(request: Request, pk: int) -> HttpResponse:
    return _with_answer(request, pk, answering.stop, _("Stopped. What was sent was sent; the rest is as it was."))


def _with_answer(request: Request, pk: int, act: Callable[..., FloodAnswer], said: str) -> HttpResponse:
    """Something done with the answer that is under way."""
    case = theirs(request, pk)
    flood = shown.flood_of(case)
    last = flood.answers.select_related("by").first() if flood else None
    try:
        if last is None:
            raise answering.OverAlready
        act(answer=last, by=request.user)
    except Refused as refusal:
        return _page(request, case, refusal=str(refusal))
    messages.success(request, said)
    return redirect("cases:alike", pk)


@require_POST
@roles(*CARE_ROLES)
def part(request: Request, pk: int) -> HttpResponse:
    undo = reverse("cases:alike_put_back", args=[pk])
    return _moved(request, pk, parting.part, _("#%(case)d stands for itself."), f"undo:{undo}")


@require_POST
@roles(*CARE_ROLES)
def put_back(request: Request, pk: int) -> HttpResponse:
    return _moved(request, pk, parting.put_back, _("#%(case)d is back among the others."))


def _moved(request: Request, pk: int, act: Callable[..., Case], said: str, tags: str = "") -> HttpResponse:
    case = theirs(request, pk)
    try:
        act(case=case, by=request.user)
    except Refused as refusal:
        return _page(request, case, refusal=str(refusal))
    messages.success(request, said % {"case": pk}, extra_tags=tags)
    return redirect(came_from(request, reverse("cases:alike", args=[pk])))
