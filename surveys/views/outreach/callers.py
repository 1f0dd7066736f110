"""Team settings: who takes on how many names a week, and of which countries."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods

from crm.errors import Refused
from crm.models.staff import LEADING_ROLES
from crm.web import Request, keyset_page, roles
from surveys.forms.outreach.settings import CallerForm, CallersForm
from surveys.outreach import callers as taking

PAGE = 50


@require_GET
@roles(*LEADING_ROLES)
def callers(request: Request) -> HttpResponse:
    form = CallersForm(request.GET)
    page = keyset_page(taking.people(form.chosen), request.GET, key=["first_name", "username"], size=PAGE)
    context = {"form": form, "page": page, "lines": taking.lines(page.rows), "room": taking.rooms()}
    return render(request, "surveys/outreach_settings/callers.html", context)


@require_http_methods(["GET", "POST"])
@roles(*LEADING_ROLES)
def caller(request: Request, pk: int) -> HttpResponse:
    """What somebody takes on. `pk` is theirs: there need not be a word about it yet."""
    person = get_object_or_404(taking.people(), pk=pk)
    (line,) = taking.lines([person])
    now = {"per_week": line.takes.per_week, "countries": line.takes.countries}
    form = CallerForm(request.POST or None, initial=now)
    if request.method == "POST" and form.is_valid():
        try:
            taking.keep(user=person, **form.cleaned_data, by=request.user)
        except Refused as refusal:
            form.add_error(None, str(refusal))
        else:
            messages.success(request, _("Saved. Calls that wait for somebody are given out within five minutes."))
            return redirect("surveys:callers")
    context = {"form": form, "person": person, "line": line}
    return render(request, "surveys/outreach_settings/caller.html", context, status=422 if form.errors else 200)
