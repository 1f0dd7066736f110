"""The kinds of people one meets in accounts: a short list that leads keep."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from crm.forms import PersonaForm
from crm.models import Persona
from crm.models.activity import log
from crm.models.staff import LEADING_ROLES
from crm.web import Request, roles


@require_http_methods(["GET", "POST"])
@roles(*LEADING_ROLES)
def personas(request: Request) -> HttpResponse:
    """The list, and a form to add to it."""
    form = PersonaForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        log("made", form.save(), by=request.user)
        messages.success(request, _("Saved."))
        return redirect("crm:personas")
    context = {"form": form, "personas": Persona.objects.with_people()}
    return render(request, "crm/personas.html", context, status=422 if form.errors else 200)


@require_http_methods(["GET", "POST"])
@roles(*LEADING_ROLES)
def persona(request: Request, pk: int) -> HttpResponse:
    """Change one; `retire` takes it out of use or back: whoever has it keeps it."""
    found = get_object_or_404(Persona, pk=pk)
    if request.method == "POST" and "retire" in request.POST:
        found.retired_at = None if found.retired_at else timezone.now()
        found.save(update_fields=["retired_at"])
        log("retired" if found.retired_at else "brought back", found, by=request.user)
        return redirect("crm:personas")
    form = PersonaForm(request.POST or None, instance=found)
    if request.method == "POST" and form.is_valid():
        log("changed", form.save(), by=request.user)
        messages.success(request, _("Saved."))
        return redirect("crm:personas")
    context = {"form": form, "persona": found}
    return render(request, "crm/persona_form.html", context, status=422 if form.errors else 200)
