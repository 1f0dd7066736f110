"""Team settings of calls: who calls whom, tried on the last answers; how calls run; the hours in which people are."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from crm import calendars, hours
from crm.errors import Refused
from crm.models.activity import log
from crm.models.staff import LEADING_ROLES
from crm.web import Request, roles
from surveys.forms.outreach.settings import CallingHoursForm, CallRuleForm, OutreachSettingsForm
from surveys.models import CallingHours, CallRule, OutreachSettings
from surveys.outreach import calling_hours as kept_hours
from surveys.outreach import dry_run, rule_words, rules

FIELD_OF = {rules.NameTaken: "name", rules.GivesNoDay: "days"}


# --- rules, and how calls run


@require_http_methods(["GET", "POST"])
@roles(*LEADING_ROLES)
def outreach_settings(request: Request) -> HttpResponse:
    """The rules in their order; below them days, tries and the head, which are what is posted."""
    form = OutreachSettingsForm(request.POST or None, instance=OutreachSettings.current())
    if request.method == "POST" and form.is_valid():
        log("changed", form.save(), by=request.user)
        messages.success(request, _("Calls run like this from now on. What is due already stays due when it was."))
        return redirect("surveys:outreach_settings")
    context = {"form": form, "lines": _lines(), "otherwise": _otherwise()}
    return render(request, "surveys/outreach_settings/rules.html", context, status=422 if form.errors else 200)


def _lines() -> list[tuple[CallRule, str, CallRule | None]]:
    """Each with its sentence, and the earlier rule because of which it is never asked."""
    every = list(CallRule.objects.select_related("changed_by"))
    wider = rules.never_asked(every)
    return [(rule, rule_words.sentence(rule), wider.get(rule.pk)) for rule in every]


def _otherwise() -> str:
    return rule_words.sentence(CallRule(to=rules.OTHERWISE, days=rules.OTHERWISE_DAYS))


@require_POST
@roles(*LEADING_ROLES)
def call_rules_begin(request: Request) -> HttpResponse:
    """The rules one begins with, where there are none."""
    if rules.defaults(by=request.user):
        messages.success(request, _("These are the rules to begin with. Change them as you like."))
    return redirect("surveys:outreach_settings")


@require_http_methods(["GET", "POST"])
@roles(*LEADING_ROLES)
def call_rule(request: Request, pk: int | None = None) -> HttpResponse:
    """Make a rule, or change one; `try` only shows what it would have done."""
    found = get_object_or_404(CallRule, pk=pk) if pk is not None else None
    context: dict[str, Any] = {"rule": found, "name": found.name if found else "", "last": dry_run.LAST}
    context["form"] = form = CallRuleForm(request.POST or None, instance=found)
    if request.method == "POST" and form.is_valid():
        if "try" not in request.POST and _saved(request, form):
            return redirect("surveys:outreach_settings")
        context |= {"report": dry_run.try_out(form.instance), "sentence": rule_words.sentence(form.instance)}
    return render(request, "surveys/outreach_settings/rule.html", context, status=422 if form.errors else 200)


def _saved(request: Request, form: CallRuleForm) -> bool:
    try:
        kept = rules.save(rule=form.instance, by=request.user)
    except Refused as refusal:
        form.add_error(FIELD_OF.get(type(refusal)), str(refusal))
        return False
    messages.success(request, rule_words.sentence(kept))
    return True


@require_POST
@roles(*LEADING_ROLES)
def call_rule_move(request: Request, pk: int) -> HttpResponse:
    """One place up or down."""
    if request.POST.get("to") not in ("up", "down"):
        raise Http404
    rules.move(rule=get_object_or_404(CallRule, pk=pk), up=request.POST["to"] == "up", by=request.user)
    return _answered(request)


@require_POST
@roles(*LEADING_ROLES)
def call_rule_stop(request: Request, pk: int) -> HttpResponse:
    """`on` is 1 or 0: in the form, or in the address of an undo."""
    found = get_object_or_404(CallRule, pk=pk)
    on = (request.POST.get("on") or request.GET.get("on")) == "1"
    rule = (rules.resume if on else rules.stop)(rule=found, by=request.user)
    said = _("“%(name)s” decides again.") if on else _("“%(name)s” decides nothing any more.")
    undo = f"{reverse('surveys:call_rule_stop', args=[pk])}?on={0 if on else 1}"
    messages.success(request, said % {"name": rule.name}, extra_tags=f"undo:{undo}")
    return _answered(request)


def _answered(request: Request) -> HttpResponse:
    if not request.htmx:
        return redirect("surveys:outreach_settings")
    context = {"lines": _lines(), "otherwise": _otherwise()}
    return render(request, "surveys/outreach_settings/_rules.html", context)


# --- calling hours


@require_http_methods(["GET", "POST"])
@roles(*LEADING_ROLES)
def calling_hours(request: Request) -> HttpResponse:
    """Country by country. What is set is in the form, or in the address of an undo."""
    form = CallingHoursForm(_given(request))
    if request.method == "POST" and form.is_valid():
        try:
            kept_hours.keep(**form.cleaned_data, by=request.user)
        except Refused as refusal:
            form.add_error("calendar" if isinstance(refusal, kept_hours.NeverThere) else "country", str(refusal))
        else:
            messages.success(request, _("Saved. Who may be called now is reckoned by it at once."))
            return redirect("surveys:calling_hours")
    context = {"form": form, "lines": _of_countries()}
    return render(request, "surveys/outreach_settings/hours.html", context, status=422 if form.errors else 200)


def _given(request: Request) -> Any:
    return (request.GET if "calendar" in request.GET else request.POST) if request.method == "POST" else None


def _of_countries() -> list[dict[str, Any]]:
    """Everywhere else comes last."""
    rows = sorted(CallingHours.objects.select_related("calendar"), key=lambda row: (not row.country, row.country))
    found = hours.load(row.calendar_id for row in rows)
    return [{"kept": row, "week": calendars.week_in_words(found[row.calendar_id])} for row in rows]


@require_POST
@roles(*LEADING_ROLES)
def calling_hours_drop(request: Request, pk: int) -> HttpResponse:
    kept = get_object_or_404(CallingHours.objects.select_related("calendar"), pk=pk)
    undo = f"{reverse('surveys:calling_hours')}?country={kept.country}&calendar={kept.calendar_id}"
    kept_hours.drop(kept=kept, by=request.user)
    messages.success(request, _("Taken back: {hours}.").format(hours=kept), extra_tags=f"undo:{undo}")
    return redirect("surveys:calling_hours")
