"""Action plans: the list, one with everybody who asked for it, and what is done with it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_GET, require_http_methods, require_POST
from django.views.decorators.vary import vary_on_headers

from crm import exporting
from crm.exporting import Streamed
from crm.models import Activity
from crm.models.staff import LEADING_ROLES, Role
from crm.views.exports import filter_of
from crm.web import Request, came_from, keyset_page, roles, without
from surveys import plans
from surveys.forms.verbatims import EndForm, PlanForm, PlansForm, numbers, of_most
from surveys.models import ActionPlan, Answer, Theme
from surveys.models.verbatims import ActionPlanQuerySet
from surveys.views.outreach import improvement_parts

PAGE, ASKED, LINES = 50, 20, 10
KEY = ("due_on", "id")
COLUMNS = (
    "id", "title", "how", "topic", "cause", "owner", "due", "state", "what changed", "made", "ended", "customers",
)  # fmt: skip


def _visible(request: Request) -> ActionPlanQuerySet:
    return ActionPlan.objects.visible_to(request.user).select_related("owner", "group", "cause__parent", "made_by")


def _movable(request: Request) -> ActionPlanQuerySet:
    return _visible(request).movable_by(request.user)


@require_GET
@roles(*Role.values)
@vary_on_headers("HX-Request", "HX-Target")
def plan_list(request: Request) -> HttpResponse:
    """What is due first stands first. Leads see all, others their own."""
    form = PlansForm(request.GET)
    found = form.narrow(_visible(request), request.user).with_counts()
    page = keyset_page(found, request.GET, key=KEY, size=PAGE)
    context = {"form": form, "page": page, "query": without(request.GET, "after"), "today": timezone.localdate()}
    partials = {"rows": "surveys/plans/_rows.html", "more": "surveys/plans/_more.html"}
    return render(request, partials.get(request.htmx.target or "", "surveys/plans/plans.html"), context)


@require_GET
@roles(*LEADING_ROLES)
def plans_export(request: Request) -> Streamed:
    query = filter_of(request)
    found = PlansForm(query).narrow(_visible(request), request.user).with_counts()
    rows = _lines(exporting.every(found, key=KEY))
    return exporting.response(request, _("action plans"), COLUMNS, rows, query=query)


def _lines(found: Iterable[ActionPlan]) -> Iterator[list[object]]:
    for plan in found:
        yield [
            plan.pk, plan.title, plan.detail, plan.topic, str(plan.cause or ""), plan.owner.username, plan.due_on,
            plan.state, plan.outcome, plan.made_at, plan.ended_at, plan.asked,  # type: ignore[attr-defined]
        ]  # fmt: skip


@require_GET
@roles(*Role.values)
@vary_on_headers("HX-Request", "HX-Target")
def plan(request: Request, pk: int) -> HttpResponse:
    found = get_object_or_404(_visible(request), pk=pk)
    if request.htmx.target == "more":
        return render(request, "surveys/plans/_asked.html", {"plan": found, "page": _asked(request, found)})
    return shown(request, found, EndForm(initial={"outcome": found.outcome}))


def shown(request: Request, found: ActionPlan, form: EndForm, status: int = 200, refusal: str = "") -> HttpResponse:
    streams = improvement_parts.numbers(found.pk)  # before what it shows is read
    context = {
        "plan": found, "page": _asked(request, found), "end_form": form, "refusal": refusal,
        "overdue": found.is_open and found.due_on < timezone.localdate(),
        "lines": Activity.objects.about(found).order_by("-pk")[:LINES], "streams": streams.items(),
        **improvement_parts.context(request, found, form),
    }  # fmt: skip
    return render(request, "surveys/plans/plan.html", context, status=status)


def _asked(request: Request, found: ActionPlan) -> Any:
    """Who asked for it, in their own words: part of the plan, for whoever sees it."""
    asked = Answer.objects.behind(found.pk).select_related(
        "response__invitation__customer", "response__invitation__wave"
    )
    page = keyset_page(asked, request.GET, key=("answered_at", "id"), size=ASKED, newest_first=True)
    improvement_parts.comments_with_told(found, page.rows)
    return page


@require_http_methods(["GET", "POST"])
@roles(*LEADING_ROLES)
def plan_new(request: Request) -> HttpResponse:
    """A new plan, made from comments (`answers`) or without any."""
    form = PlanForm(request.POST or None, initial=_beginning(request))
    comments = form.comments(Answer.objects.visible_to(request.user).select_related("response__invitation__customer"))
    if request.method == "POST" and form.is_valid():
        made = _kept(form, lambda said: plans.start(answers=comments, by=request.user, **said))
        if made:
            messages.success(request, _("The plan is made, and its owner is told."))
            return redirect(made)
    context = {"form": form, "comments": comments}
    return render(request, "surveys/plans/form.html", context, status=422 if form.errors else 200)


def _beginning(request: Request) -> dict[str, Any]:
    """What a plan made from these comments begins with: its maker, and what most of them are about."""
    answers = request.GET.get("answers", "")
    themes = Theme.objects.standing().filter(answer__in=numbers(answers)) if answers else []
    return {"owner": request.user.pk, "answers": answers, **of_most(themes)}


def _kept(form: PlanForm, act: Callable[[dict[str, Any]], ActionPlan]) -> ActionPlan | None:
    """The plan, or nothing, with the refusal beside its field."""
    try:
        return act(form.said())
    except plans.PlanRefused as refusal:
        form.add_error(refusal.field if refusal.field in form.fields else None, str(refusal))
        return None


@require_http_methods(["GET", "POST"])
@roles(*LEADING_ROLES)
def plan_edit(request: Request, pk: int) -> HttpResponse:
    found = get_object_or_404(_visible(request), pk=pk)
    form = PlanForm(request.POST or None, instance=found)
    asked = request.method == "POST" and form.is_valid()
    if asked and _kept(form, lambda said: plans.change(plan=found, by=request.user, **said)):
        messages.success(request, _("Saved."))
        return redirect(found)
    return render(request, "surveys/plans/form.html", {"form": form, "plan": found}, status=422 if form.errors else 200)


# --- moved: by leads, and by whose it is


@require_POST
@roles(*Role.values)
def plan_begin(request: Request, pk: int) -> HttpResponse:
    found = get_object_or_404(_movable(request), pk=pk)
    was = found.state
    plans.begin(plan=found, by=request.user)
    return _moved(request, found, _("It is under way."), "pause" if was == ActionPlan.State.OPEN else "")


@require_POST
@roles(*Role.values)
def plan_pause(request: Request, pk: int) -> HttpResponse:
    """Undo of beginning it."""
    found = get_object_or_404(_movable(request), pk=pk)
    plans.pause(plan=found, by=request.user)
    return _moved(request, found, _("It is open again."))


@require_POST
@roles(*Role.values)
def plan_done(request: Request, pk: int) -> HttpResponse:
    return _end(request, pk, plans.done, _("Done. Those who asked for it are told when they are asked again."))


@require_POST
@roles(*Role.values)
def plan_drop(request: Request, pk: int) -> HttpResponse:
    return _end(request, pk, plans.drop, _("Dropped."))


def _end(request: Request, pk: int, act: Callable[..., ActionPlan], said: str) -> HttpResponse:
    """A refusal stands beside the words, and loses none."""
    found = get_object_or_404(_movable(request), pk=pk)
    form, was = EndForm(request.POST), found.state
    if form.is_valid():
        try:
            act(plan=found, outcome=form.cleaned_data["outcome"], by=request.user)
            return _moved(request, found, said, f"reopen?state={was}")
        except plans.PlanRefused as refusal:
            form.add_error("outcome", str(refusal))
    return shown(request, found, form, status=422)


@require_POST
@roles(*Role.values)
def plan_reopen(request: Request, pk: int) -> HttpResponse:
    """Take it up again; `state` is how it stood, where this undoes its end."""
    found = get_object_or_404(_movable(request), pk=pk)
    state = request.GET.get("state", "")
    plans.reopen(plan=found, by=request.user, state=state if state in ActionPlan.OPEN else ActionPlan.State.DOING)
    return _moved(request, found, _("It is taken up again."))


def _moved(request: Request, found: ActionPlan, said: str, undo: str = "") -> HttpResponse:
    """Back to the plan. `undo` names the move that takes this one back, and its parameters."""
    move, _mark, parameters = undo.partition("?")
    url = f"{reverse(f'surveys:plan_{move}', args=[found.pk])}?{parameters}" if move else ""
    messages.success(request, said, extra_tags=f"undo:{url}" if url else "")
    return redirect(found)


# --- who asked for it


@require_POST
@roles(*LEADING_ROLES)
def plan_link(request: Request, pk: int) -> HttpResponse:
    """Undo of taking comments from behind it: `answers` are there again."""
    found = get_object_or_404(_visible(request), pk=pk)
    answers = Answer.objects.visible_to(request.user).verbatims().filter(pk__in=numbers(request.GET.get("answers")))
    plans.link(plan=found, answers=answers, by=request.user)
    messages.success(request, _("Undone."))
    return redirect(came_from(request, found.get_absolute_url()))


@require_POST
@roles(*LEADING_ROLES)
def plan_unlink(request: Request, pk: int) -> HttpResponse:
    """The comments `answers` are no longer behind it."""
    found = get_object_or_404(_visible(request), pk=pk)
    answers = request.GET.get("answers", "")
    n = plans.unlink(plan=found, answers=numbers(answers), by=request.user)
    said = ngettext("%(n)d comment is no longer behind it.", "%(n)d comments are no longer behind it.", n) % {"n": n}
    undo = f"{reverse('surveys:plan_link', args=[pk])}?{urlencode({'answers': answers})}"
    messages.success(request, said, extra_tags=f"undo:{undo}" if n else "")
    return redirect(came_from(request, found.get_absolute_url()))
