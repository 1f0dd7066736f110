"""What a lead sets for the team: rules and causes."""

from __future__ import annotations

from django.contrib import messages
from django.db.models import Count, Q
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from cases.forms import CauseForm, RuleForm
from cases.models import Cause, RoutingRule
from crm.models.activity import log
from crm.models.staff import LEADING_ROLES
from crm.web import Request, roles


@require_GET
@roles(*LEADING_ROLES)
def rules(request: Request) -> HttpResponse:
    every = RoutingRule.objects.select_related("team").prefetch_related("channels")
    return render(request, "cases/settings_rules.html", {"rules": every})


@require_http_methods(["GET", "POST"])
@roles(*LEADING_ROLES)
def rule(request: Request, pk: int | None = None) -> HttpResponse:
    """Make a rule, or change one."""
    found = get_object_or_404(RoutingRule, pk=pk) if pk is not None else None
    form = RuleForm(request.POST or None, instance=found)
    if request.method == "POST" and form.is_valid():
        saved = form.save()
        log("changed" if found else "made", saved, by=request.user)
        messages.success(
            request, _("Rule “%(name)s” is in force for what comes in from now on.") % {"name": saved.name}
        )
        return redirect("cases:rules")
    return render(request, "cases/rule_form.html", {"form": form, "rule": found}, status=422 if form.errors else 200)


@require_POST
@roles(*LEADING_ROLES)
def rule_switch(request: Request, pk: int) -> HttpResponse:
    found = get_object_or_404(RoutingRule, pk=pk)
    found.switched_off_at = None if request.POST.get("on") == "1" else found.switched_off_at or timezone.now()
    found.save(update_fields=["switched_off_at"])
    log("switched off" if found.switched_off_at else "switched on", found, by=request.user)
    return redirect("cases:rules")


@require_http_methods(["GET", "POST"])
@roles(*LEADING_ROLES)
def causes(request: Request) -> HttpResponse:
    """The tree, and a form to add to it."""
    form = CauseForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        log("made", form.save(), by=request.user)
        return redirect("cases:causes")
    counted = Cause.objects.annotate(resolved=Count("cases", filter=Q(cases__resolved_at__isnull=False)))
    tree = [c for c in counted if c.parent_id is None]
    for top in tree:
        top.below = [c for c in counted if c.parent_id == top.pk]  # type: ignore[attr-defined]
    context = {"tree": tree, "form": form}
    return render(request, "cases/settings_causes.html", context, status=422 if form.errors else 200)


@require_http_methods(["GET", "POST"])
@roles(*LEADING_ROLES)
def cause(request: Request, pk: int) -> HttpResponse:
    """Rename or move a cause; `retire` takes it out of use or back: cases that have it keep it."""
    found = get_object_or_404(Cause, pk=pk)
    if request.method == "POST" and "retire" in request.POST:
        found.retired_at = None if found.retired_at else timezone.now()
        found.save(update_fields=["retired_at"])
        log("retired" if found.retired_at else "brought back", found, by=request.user)
        return redirect("cases:causes")
    form = CauseForm(request.POST or None, instance=found)
    if request.method == "POST" and form.is_valid():
        log("changed", form.save(), by=request.user)
        return redirect("cases:causes")
    return render(request, "cases/cause_form.html", {"form": form, "cause": found}, status=422 if form.errors else 200)
