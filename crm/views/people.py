"""People, in the team settings: who speaks what, knows what, works when; and who is away."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from crm import people as work
from crm.forms.people import AbsenceForm, PersonWorkForm, SkillForm
from crm.models import Absence, Skill, User
from crm.models.activity import log
from crm.models.staff import CARE_ROLES, LEADING_ROLES
from crm.web import Request, roles

SHOWN = 20  # absences of one person


@require_GET
@roles(*LEADING_ROLES)
def people(request: Request) -> HttpResponse:
    """Who answers customers, and how they work."""
    found = work.with_absence(User.objects.who_answer(), timezone.now())
    found = found.select_related("shift").prefetch_related("teams", "skills").order_by("first_name", "username")
    return render(request, "crm/people.html", {"people": found, "skills": Skill.objects.with_people()})


@require_http_methods(["GET", "POST"])
@roles(*LEADING_ROLES)
def person(request: Request, pk: int) -> HttpResponse:
    found = get_object_or_404(User.objects.who_answer(), pk=pk)
    form = PersonWorkForm(request.POST or None, instance=found)
    if request.method == "POST" and form.is_valid():
        log("changed", form.save(), by=request.user, detail=", ".join(form.changed_data))
        messages.success(request, _("Saved."))
        return redirect("crm:people")
    context = {"form": form, "person": found, **_absences(found)}
    return render(request, "crm/people_person.html", context, status=422 if form.errors else 200)


@require_http_methods(["GET", "POST"])
@roles(*LEADING_ROLES)
def skill(request: Request, pk: int | None = None) -> HttpResponse:
    """Add one, or change one; `retire` takes it out of use or back: whoever has it keeps it."""
    found = None if pk is None else get_object_or_404(Skill, pk=pk)
    if found and request.method == "POST" and "retire" in request.POST:
        found.retired_at = None if found.retired_at else timezone.now()
        found.save(update_fields=["retired_at"])
        log("retired" if found.retired_at else "brought back", found, by=request.user)
        return redirect("crm:people")
    form = SkillForm(request.POST or None, instance=found)
    if request.method == "POST" and form.is_valid():
        log("changed" if found else "made", form.save(), by=request.user)
        messages.success(request, _("Saved."))
        return redirect("crm:people")
    return render(request, "crm/people_skill.html", {"form": form, "skill": found}, status=422 if form.errors else 200)


@require_http_methods(["GET", "POST"])
@roles(*CARE_ROLES)
def absences(request: Request) -> HttpResponse:
    """One's own."""
    return _plan(request, request.user, reverse("crm:absences"))


@require_http_methods(["GET", "POST"])
@roles(*LEADING_ROLES)
def person_absences(request: Request, pk: int) -> HttpResponse:
    """Somebody's, for a lead."""
    user = get_object_or_404(User.objects.who_answer(), pk=pk)
    return _plan(request, user, reverse("crm:person_absences", args=[pk]))


def _plan(request: Request, user: User, back: str) -> HttpResponse:
    form = AbsenceForm(request.POST or None, user=user)
    if request.method == "POST" and form.is_valid():
        try:
            work.plan_absence(user=user, by=request.user, **form.cleaned_data)
        except work.AbsenceRefused as refusal:
            form.refuse(refusal)
        else:
            messages.success(request, _("Saved."))
            return redirect(back)
    context = {"form": form, "person": user, **_absences(user)}
    return render(request, "crm/absences.html", context, status=422 if form.errors else 200)


def _absences(user: User) -> dict[str, object]:
    """The newest, each with who covers; and the moment that says which are over."""
    return {"absences": user.absences.select_related("cover")[:SHOWN], "now": timezone.now()}


@require_POST
@roles(*CARE_ROLES)
def absence_cancel(request: Request, pk: int) -> HttpResponse:
    absence = get_object_or_404(Absence.objects.visible_to(request.user).select_related("user"), pk=pk)
    work.cancel_absence(absence=absence, by=request.user)
    messages.success(request, _("Cancelled."))
    mine = absence.user_id == request.user.pk
    return redirect("crm:absences") if mine else redirect("crm:person_absences", absence.user_id)
