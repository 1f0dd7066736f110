"""Saved searches: what we listen for, and a look at what one would find before it is saved."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.db.models import Count
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from channels_app import listening
from channels_app.models import Search
from channels_app.search_forms import SearchForm
from crm.errors import Refused
from crm.models.staff import LEADING_ROLES
from crm.web import Request, roles


@require_GET
@roles(*LEADING_ROLES)
def searches(request: Request) -> HttpResponse:
    found = Search.objects.select_related("channel").annotate(found=Count("hits"))
    context = {"searches": found, "can_listen": bool(listening.channels())}
    return render(request, "channels/listening/searches.html", context)


@require_http_methods(["GET", "POST"])
@roles(*LEADING_ROLES)
def search(request: Request, pk: int | None = None) -> HttpResponse:
    """Make one, or change it; `try` only asks the network what it would find."""
    found = get_object_or_404(Search.objects.select_related("channel"), pk=pk) if pk is not None else None
    name, form = found.name if found else "", SearchForm(request.POST or None, instance=found)
    context: dict[str, Any] = {"form": form, "search": found, "name": name}
    if request.method == "POST" and form.is_valid():
        try:
            if "try" not in request.POST:
                return _saved(request, form)
            asked = form.cleaned_data
            context["trial"] = listening.try_out(asked["channel"], asked["words"])
        except Refused as refusal:
            form.add_error(None, str(refusal))
    return render(request, "channels/listening/search_form.html", context, status=422 if form.errors else 200)


def _saved(request: Request, form: SearchForm) -> HttpResponse:
    saved = listening.keep(search=form.instance, by=request.user)
    messages.success(request, _("We listen for “%(words)s” from now on.") % {"words": saved.words})
    return redirect("channels_app:searches")


@require_POST
@roles(*LEADING_ROLES)
def switch(request: Request, pk: int) -> HttpResponse:
    found = get_object_or_404(Search, pk=pk)
    act = listening.resume if request.POST.get("on") == "1" else listening.pause
    act(search=found, by=request.user)
    return redirect("channels_app:searches")
