"""One's own profile, and the teams."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods

from crm import first_page
from crm.forms import ProfileForm, TeamForm
from crm.models import Team
from crm.models.activity import log
from crm.models.staff import LEADING_ROLES, Role
from crm.web import Request, roles


@require_GET
@roles(*Role.values)
def home(request: Request) -> HttpResponse:
    """Where this person's day begins."""
    return redirect(first_page.of(request.user))


@require_http_methods(["GET", "POST"])
@roles(*Role.values)
def profile(request: Request) -> HttpResponse:
    form = ProfileForm(request.POST or None, instance=request.user)
    if request.method == "POST" and form.is_valid():
        form.save()
        messages.success(request, _("Saved."))
        return redirect("crm:profile")
    return render(request, "crm/profile.html", {"form": form}, status=422 if form.errors else 200)


@require_GET
@roles(*LEADING_ROLES)
def teams(request: Request) -> HttpResponse:
    every = Team.objects.visible_to(request.user).prefetch_related("members")
    return render(request, "crm/teams.html", {"teams": every})


@require_http_methods(["GET", "POST"])
@roles(*LEADING_ROLES)
def team(request: Request, pk: int | None = None) -> HttpResponse:
    """Make a team, or change one."""
    found = None if pk is None else get_object_or_404(Team.objects.visible_to(request.user), pk=pk)
    form = TeamForm(request.POST or None, instance=found)
    if request.method == "POST" and form.is_valid():
        saved = form.save()
        log("changed" if found else "made", saved, by=request.user)
        messages.success(request, _("Saved."))
        return redirect("crm:teams")
    return render(request, "crm/team_form.html", {"form": form, "team": found}, status=422 if form.errors else 200)
