"""Rules: the list, the form with its trial on the last cases, and what each has done."""

from __future__ import annotations

from itertools import groupby
from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from cases import dry_run
from cases.forms import RuleForm
from cases.models import Rule, RuleRun
from crm.models.activity import log
from crm.models.staff import LEADING_ROLES
from crm.web import Request, keyset_page, roles

PAGE = 50


@require_GET
@roles(*LEADING_ROLES)
def rules(request: Request) -> HttpResponse:
    """By what sets them off, each in its order."""
    events = list(Rule.Event)
    every = sorted(Rule.objects.with_everything().with_runs(), key=lambda rule: events.index(Rule.Event(rule.event)))
    groups = [(Rule.Event(event), list(of)) for event, of in groupby(every, key=lambda rule: rule.event)]
    return render(request, "cases/settings_rules.html", {"groups": groups})


@require_http_methods(["GET", "POST"])
@roles(*LEADING_ROLES)
def rule(request: Request, pk: int | None = None) -> HttpResponse:
    """Make a rule, or change one; `try` only shows what it would have done."""
    found = get_object_or_404(Rule, pk=pk) if pk is not None else None
    name = found.name if found else ""
    form = RuleForm(request.POST or None, instance=found)
    context: dict[str, Any] = {"form": form, "rule": found, "name": name}
    if request.method == "POST" and form.is_valid():
        if "try" not in request.POST:
            return _saved(request, form, "changed" if found else "made")
        context["report"] = dry_run.try_out(form.draft())
    return render(request, "cases/rule_form.html", context, status=422 if form.errors else 200)


def _saved(request: Request, form: RuleForm, verb: str) -> HttpResponse:
    saved = form.save()
    log(verb, saved, by=request.user)
    messages.success(request, _("Rule “%(name)s” is in force from now on.") % {"name": saved.name})
    return redirect("cases:rules")


@require_POST
@roles(*LEADING_ROLES)
def rule_switch(request: Request, pk: int) -> HttpResponse:
    found = get_object_or_404(Rule, pk=pk)
    found.switched_off_at = None if request.POST.get("on") == "1" else found.switched_off_at or timezone.now()
    found.save(update_fields=["switched_off_at"])
    log("switched off" if found.switched_off_at else "switched on", found, by=request.user)
    return redirect("cases:rules")


@require_GET
@roles(*LEADING_ROLES)
def rule_runs(request: Request, pk: int) -> HttpResponse:
    """Each time it acted: on which case, and what it did."""
    found = get_object_or_404(Rule, pk=pk)
    runs = RuleRun.objects.filter(rule=found).select_related("case__customer")
    page = keyset_page(runs, request.GET, key=["id"], size=PAGE, newest_first=True)
    return render(request, "cases/rules/runs.html", {"rule": found, "page": page})
