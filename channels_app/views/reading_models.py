"""The models Hark reads with: the one in use, those before it, and how each did beside the one it was to replace."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST
from django.views.decorators.vary import vary_on_headers

from channels_app import reading_reports as reports
from channels_app.learning import in_use, training
from channels_app.models import FittedModel, Training
from crm.models.staff import LEADING_ROLES
from crm.web import Request, roles

SHOWN = 30


@require_GET
@roles(*LEADING_ROLES)
@vary_on_headers("HX-Request")
def models(request: Request) -> HttpResponse:
    """While one is being fitted, the part asks for itself."""
    last = Training.objects.select_related("asked_by", "model").defer("model__body").first()
    fitted = list(FittedModel.objects.without_body()[:SHOWN])
    context = {
        "last": last, "runs": last is not None and last.finished_at is None, "steps": reports.steps(last),
        "fitted": [(model, reports.verdict(model)) for model in fitted], "trouble": in_use.trouble(),
        "live": next((model for model in fitted if model.is_live), None), "card": reports.card(),
    }  # fmt: skip
    return render(request, "reading/_models.html" if request.htmx else "reading/models.html", context)


@require_GET
@roles(*LEADING_ROLES)
def model(request: Request, pk: int) -> HttpResponse:
    """The report of one: what it was fitted on, and each aspect beside the one in use then."""
    found = get_object_or_404(FittedModel.objects.without_body(), pk=pk)
    context = {"model": found, "verdict": reports.verdict(found), "aspects": reports.aspects(found)}
    return render(request, "reading/model.html", context)


@require_POST
@roles(*LEADING_ROLES)
def train(request: Request) -> HttpResponse:
    training.ask(by=request.user, put_live=request.POST.get("put_live") == "1")
    messages.success(request, _("A model is being fitted. You can leave this page: what comes of it stands here."))
    return redirect("channels_app:reading_models")


@require_POST
@roles(*LEADING_ROLES)
def put_live(request: Request, pk: int) -> HttpResponse:
    found = get_object_or_404(FittedModel.objects.without_body(), pk=pk)
    training.put_live(model=found, by=request.user)
    said = _("%(version)s reads from the next message on.") % {"version": found.version}
    messages.success(request, said, extra_tags=f"undo:{reverse('channels_app:reading_roll_back')}")
    return redirect("channels_app:reading_models")


@require_POST
@roles(*LEADING_ROLES)
def roll_back(request: Request) -> HttpResponse:
    before = training.roll_back(by=request.user)
    version = before.version if before else _("The model Hark came with")
    messages.success(request, _("%(version)s reads from the next message on.") % {"version": version})
    return redirect("channels_app:reading_models")
