"""Waves: the list, one in the making with its dry run, one that runs and how far it is, and what is done with it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from django.contrib import messages
from django.http import HttpResponse, QueryDict
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST
from django.views.decorators.vary import vary_on_headers

from channels_app import live
from crm.errors import Refused
from crm.forms import CustomersForm
from crm.models import Activity
from crm.models.staff import LEADING_ROLES, RESULT_ROLES
from crm.web import Request, keyset_page, roles
from surveys import rates, rehearsing, waves
from surveys.forms.waves import ExtendForm, WaveForm, proposed
from surveys.models import SurveySettings, Wave
from surveys.models.waves import WaveQuerySet

PAGE, LINES = 30, 10


def visible(request: Request) -> WaveQuerySet:
    return Wave.objects.visible_to(request.user).select_related("version__survey", "made_by")


@require_GET
@roles(*RESULT_ROLES)
@vary_on_headers("HX-Request", "HX-Target")
def wave_list(request: Request) -> HttpResponse:
    """The newest first, each with how many were asked and have answered."""
    page = keyset_page(visible(request), request.GET, key=("opens_at", "id"), size=PAGE, newest_first=True)
    counted = rates.of_waves(page.rows, SurveySettings.current().least)
    for one in page.rows:
        one.rates = counted.get(one.pk)  # type: ignore[attr-defined]
    partial = "surveys/waves/_more.html" if request.htmx.target == "more" else "surveys/waves/waves.html"
    return render(request, partial, {"page": page})


@require_http_methods(["GET", "POST"])
@roles(*LEADING_ROLES)
def wave_new(request: Request) -> HttpResponse:
    """A draft. Opened from the list of customers, it begins with their filter."""
    data = request.POST if request.method == "POST" else None
    first = {"version": request.GET.get("version")} | proposed(timezone.now())
    form = WaveForm(data, people=request.GET, initial=first)
    if data is not None and form.is_valid():
        return redirect(waves.draft(by=request.user, **form.facts))
    return render(request, "surveys/waves/form.html", {"form": form}, status=422 if form.errors else 200)


@require_http_methods(["GET", "POST"])
@roles(*LEADING_ROLES)
def wave_edit(request: Request, pk: int) -> HttpResponse:
    wave = get_object_or_404(visible(request), pk=pk)
    data = request.POST if request.method == "POST" else None
    form = WaveForm(data, people=QueryDict(wave.audience), instance=wave)
    if data is None and wave.state != Wave.State.DRAFT:
        return redirect(wave)
    if data is not None and form.is_valid():
        return redirect(waves.change(wave=wave, by=request.user, **form.facts))
    context = {"form": form, "wave": wave}
    return render(request, "surveys/waves/form.html", context, status=422 if form.errors else 200)


@require_GET
@roles(*RESULT_ROLES)
@vary_on_headers("HX-Request")
def wave(request: Request, pk: int) -> HttpResponse:
    return shown(request, pk)


def shown(request: Request, pk: int, *, refusal: str = "") -> HttpResponse:
    """The page of a wave; for HTMX the part that moves alone."""
    get_object_or_404(visible(request), pk=pk)
    number = live.numbers([f"wave:{pk}"])[f"wave:{pk}"]  # before what it shows is read
    wave = get_object_or_404(visible(request), pk=pk)
    context: dict[str, Any] = {
        "wave": wave, "number": number, "refusal": refusal,
        "in_force": CustomersForm(QueryDict(wave.audience)).in_force,
        "reasons": rehearsing.reasons(wave.left_out), "progress": rehearsing.progress(wave),
        "extend": ExtendForm(initial={"closes_at": wave.closes_at + timedelta(days=7)}),
        "may_reopen": wave.state == Wave.State.CLOSED and not wave.imported and wave.closes_at > timezone.now(),
        "history": Activity.objects.about(wave).order_by("-id")[:LINES],
    }  # fmt: skip
    template = "surveys/waves/_wave.html" if request.htmx else "surveys/waves/wave.html"
    return render(request, template, context, status=422 if refusal else 200)


@require_GET
@roles(*LEADING_ROLES)
@vary_on_headers("HX-Request")
def wave_dry_run(request: Request, pk: int) -> HttpResponse:
    """Who would be asked, who not and why, and what stands in the way. Nothing is written."""
    wave = get_object_or_404(visible(request), pk=pk, state=Wave.State.DRAFT)
    context = {"wave": wave, "run": rehearsing.dry_run(wave)}
    template = "surveys/waves/_dry_run.html" if request.htmx else "surveys/waves/dry_run.html"
    return render(request, template, context)


def _deed(request: Request, pk: int, do: Callable[..., Any], said: str, **facts: Any) -> HttpResponse:
    """Do it; a refusal is shown on the wave's page."""
    wave = get_object_or_404(visible(request), pk=pk)
    try:
        do(wave=wave, by=request.user, **facts)
    except Refused as refusal:
        return shown(request, pk, refusal=str(refusal))
    if request.htmx:
        return shown(request, pk)
    messages.success(request, said)
    return redirect(wave)


@require_POST
@roles(*LEADING_ROLES)
def wave_start(request: Request, pk: int) -> HttpResponse:
    return _deed(request, pk, waves.start, _("The wave is being planned."))


@require_POST
@roles(*LEADING_ROLES)
def wave_pause(request: Request, pk: int) -> HttpResponse:
    return _deed(request, pk, waves.pause, _("Paused. Nothing more leaves; links that were sent still work."))


@require_POST
@roles(*LEADING_ROLES)
def wave_resume(request: Request, pk: int) -> HttpResponse:
    return _deed(request, pk, waves.resume, _("It goes on."))


@require_POST
@roles(*LEADING_ROLES)
def wave_extend(request: Request, pk: int) -> HttpResponse:
    form = ExtendForm(request.POST)
    if not form.is_valid():
        return shown(request, pk, refusal=_("Say on which day and at what time it closes."))
    return _deed(request, pk, waves.extend, _("It closes on another day now."), **form.cleaned_data)


@require_POST
@roles(*LEADING_ROLES)
def wave_close(request: Request, pk: int) -> HttpResponse:
    return _deed(request, pk, waves.close, _("The wave is closed."))


@require_POST
@roles(*LEADING_ROLES)
def wave_reopen(request: Request, pk: int) -> HttpResponse:
    return _deed(request, pk, waves.reopen, _("The wave is open again."))


@require_POST
@roles(*LEADING_ROLES)
def wave_discard(request: Request, pk: int) -> HttpResponse:
    wave = get_object_or_404(visible(request), pk=pk)
    try:
        waves.discard(wave=wave, by=request.user)
    except Refused as refusal:
        return shown(request, pk, refusal=str(refusal))
    messages.success(request, _("The draft is gone."))
    return redirect("surveys:waves")
