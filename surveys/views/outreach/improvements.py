"""Improvements: what groups change for who asked them, by state; everybody who asked for one; and that it has come."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any

from django.contrib import messages
from django.db.models import Count
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST
from django.views.decorators.vary import vary_on_headers

from crm import exporting
from crm.exporting import Streamed
from crm.models import User
from crm.models.staff import LEADING_ROLES, Role
from crm.views.exports import filter_of
from crm.web import Request, keyset_page, roles, without
from surveys import mentions, plans
from surveys.forms.outreach.improvements import STATES, ImprovementsForm, ShipForm
from surveys.models import ActionPlan, GroupRequest
from surveys.models.verbatims import ActionPlanQuerySet
from surveys.outreach import shipping
from surveys.views import plans as plan_views
from surveys.views.outreach import improvement_parts as parts

PAGE, COLUMN = 50, 12
KEY, ASKED_KEY = ("due_on", "id"), ("asked_at", "id")
COLUMNS = (
    "id", "title", "group", "owner", "cause", "due", "state", "shipped", "what changed", "customers who asked",
    "customers told", "all told",
)  # fmt: skip
ASKED_COLUMNS = (
    "request", "customer id", "customer", "asked", "what they said", "hashtag", "by", "how", "told", "why not",
)  # fmt: skip
MENTIONED = ("week from", "when", "mentions", "of", "share")


def _visible_plans(request: Request) -> ActionPlanQuerySet:
    return ActionPlan.objects.visible_to(request.user).select_related("owner", "group", "cause__parent")


def _visible(request: Request) -> ActionPlanQuerySet:
    return _visible_plans(request).improvements()


@require_GET
@roles(*Role.values)
@vary_on_headers("HX-Request", "HX-Target")
def board(request: Request) -> HttpResponse:
    """By state, what is due first above; of one state, all of it."""
    form, target = ImprovementsForm(request.GET, request.user), request.htmx.target or ""
    found = form.narrow(_visible(request))
    context: dict[str, Any] = {"form": form, "today": timezone.localdate(), "query": without(request.GET, "after")}
    if form.state_chosen:
        counted = found.with_counts().with_told()
        context["page"] = keyset_page(counted, request.GET, key=KEY, size=PAGE, newest_first=_has_ended(form))
    else:
        context["columns"] = _columns(found, context["query"])
    partials = {"found": "surveys/improvements/_found.html", "more": "surveys/improvements/_more.html"}
    return render(request, partials.get(target, "surveys/improvements/board.html"), context)


def _has_ended(form: ImprovementsForm) -> bool:
    return form.state_chosen not in ActionPlan.OPEN


def _columns(found: ActionPlanQuerySet, query: str) -> list[dict[str, Any]]:
    """Each state with how many there are and the first of them. Five queries."""
    counts = dict(found.order_by().values_list("state").annotate(n=Count("pk")))
    return [
        {
            "state": state.value, "name": name, "n": counts.get(state, 0), "plans": _first(found, state),
            "query": "&".join(filter(None, (f"state={state.value}", query))),
        }
        for state, name in STATES.items()
    ]  # fmt: skip


def _first(found: ActionPlanQuerySet, state: str) -> list[ActionPlan]:
    order = KEY if state in ActionPlan.OPEN else ("-due_on", "-id")
    return list(found.filter(state=state).with_counts().with_told().order_by(*order)[:COLUMN])


@require_GET
@roles(*LEADING_ROLES)
def export(request: Request) -> Streamed:
    query = filter_of(request)
    found = ImprovementsForm(query, request.user).narrow(_visible(request)).with_counts().with_told()
    rows = _lines(exporting.every(found, key=KEY))
    return exporting.response(request, _("improvements"), COLUMNS, rows, query=query)


def _lines(found: Iterable[Any]) -> Iterator[list[object]]:
    for plan in found:
        yield [
            plan.pk, plan.title, str(plan.group), plan.owner.username, str(plan.cause or ""), plan.due_on, plan.state,
            plan.shipped_on, plan.outcome, plan.asked, plan.told_n, plan.told_at,
        ]  # fmt: skip


# --- one: the page of the plan, and more of it


@require_GET
@roles(*Role.values)
@vary_on_headers("HX-Request", "HX-Target")
def asked(request: Request, pk: int) -> HttpResponse:
    """Everybody who asked for it on the phone, the latest first, and whether they were told."""
    plan = get_object_or_404(_visible(request), pk=pk)
    page = keyset_page(parts.calls_of(plan), request.GET, key=ASKED_KEY, size=PAGE, newest_first=True)
    context = {"plan": plan, "page": page, "calls": parts.with_told(plan, page.rows, request.user)}
    more = request.htmx.target == "more"
    return render(request, f"surveys/improvements/{'_asked' if more else 'asked'}.html", context)


@require_GET
@roles(*LEADING_ROLES)
def asked_export(request: Request, pk: int) -> Streamed:
    plan = get_object_or_404(_visible(request), pk=pk)
    rows = _asked_lines(plan, request.user, exporting.every(parts.calls_of(plan), key=ASKED_KEY))
    return exporting.response(request, _("who asked for it"), ASKED_COLUMNS, rows, query=filter_of(request))


def _asked_lines(plan: ActionPlan, user: User, found: Iterable[GroupRequest]) -> Iterator[list[object]]:
    every = iter(found)
    while part := list(islice(every, exporting.CHUNK)):
        for each in parts.with_told(plan, part, user):
            told = each.told  # type: ignore[attr-defined]
            yield [
                each.pk, each.customer_id, str(each.customer), each.asked_at, each.quote, str(each.hashtag),
                each.attempt.by.username, *((told.how, told.at, told.reason) if told else ("", None, "")),
            ]  # fmt: skip


@require_GET
@roles(*Role.values)
def mentions_export(request: Request, pk: int) -> Streamed:
    """The weeks before and after it has come, as the table shows them."""
    plan = get_object_or_404(_visible_plans(request), pk=pk, cause__isnull=False)
    found = mentions.of(plan)
    rows = [
        [week.since, "after" if week.after else "before", week.n, week.of, week.share]
        for week in (found.weeks if found else [])
    ]  # fmt: skip
    return exporting.response(request, _("mentions by week"), MENTIONED, rows, query=filter_of(request))


@require_GET
@roles(*Role.values)
@vary_on_headers("HX-Request")
def telling(request: Request, pk: int) -> HttpResponse:
    """How far it is with telling them: a part of the plan's page that moves by itself."""
    get_object_or_404(_visible(request), pk=pk)
    numbers = parts.numbers(pk)
    plan = get_object_or_404(_visible(request), pk=pk)
    if not request.htmx:
        return redirect(plan)
    context = {"plan": plan, "streams": numbers.items(), "may_move": _moves(request, plan)} | parts.telling(plan)
    return render(request, "surveys/improvements/_telling.html", context)


def _moves(request: Request, plan: ActionPlan) -> bool:
    return ActionPlan.objects.movable_by(request.user).filter(pk=plan.pk).exists()


@require_POST
@roles(*Role.values)
def ship(request: Request, pk: int) -> HttpResponse:
    """It has come, and this changed. For a minute it can be undone; then everybody who asked is told."""
    plan = get_object_or_404(_visible(request).movable_by(request.user), pk=pk)
    form, was = ShipForm(request.POST), plan.state
    if form.is_valid():
        try:
            shipping.ship(plan=plan, by=request.user, **form.cleaned_data)
            said = _("It has come. In a minute everybody who asked for it is told.")
            messages.success(request, said, extra_tags=f"undo:{_back(plan)}?state={was}")
            return redirect(plan)
        except plans.PlanRefused as refusal:
            form.add_error(refusal.field, str(refusal))
    return plan_views.shown(request, plan, form, status=422)


def _back(plan: ActionPlan) -> str:
    return reverse("surveys:plan_reopen", args=[plan.pk])


@require_POST
@roles(*Role.values)
def tell(request: Request, pk: int) -> HttpResponse:
    """Now; and those who asked since, or could not be told."""
    plan = get_object_or_404(_visible(request).movable_by(request.user), pk=pk)
    shipping.tell(plan=plan, by=request.user)
    messages.success(request, _("Everybody who asked for it and has not been told is told now."))
    return redirect(plan)
