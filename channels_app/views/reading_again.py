"""Old messages read anew: how far it is, start and stop."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST
from django.views.decorators.vary import vary_on_headers

from channels_app.learning import in_use, rereading
from channels_app.models import Rereading
from crm.models.staff import LEADING_ROLES
from crm.web import Request, roles

SHOWN = 20


@require_GET
@roles(*LEADING_ROLES)
@vary_on_headers("HX-Request")
def again(request: Request) -> HttpResponse:
    """The one that runs, and those before it; while one runs the part asks for itself."""
    runs = list(Rereading.objects.select_related("started_by")[:SHOWN])
    running = next((run for run in runs if run.is_open), None)
    context = {
        "running": running, "runs": [run for run in runs if run is not running], "version": in_use.reader().version,
    }  # fmt: skip
    return render(request, "reading/_again.html" if request.htmx else "reading/again.html", context)


@require_POST
@roles(*LEADING_ROLES)
def start(request: Request) -> HttpResponse:
    rereading.start(by=request.user)
    messages.success(request, _("It has begun. You can leave this page: it goes on behind other work."))
    return redirect("channels_app:rereading")


@require_POST
@roles(*LEADING_ROLES)
def stop(request: Request, pk: int) -> HttpResponse:
    rereading.stop(rereading=get_object_or_404(Rereading, pk=pk), by=request.user)
    messages.success(request, _("Stopped. What was read anew stays."))
    return redirect("channels_app:rereading")
