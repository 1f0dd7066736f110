"""What customers said in their own words: found, themed, chosen for an action plan."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_GET, require_http_methods, require_POST
from django.views.decorators.vary import vary_on_headers

from crm import exporting
from crm.exporting import Streamed
from crm.models.staff import LEADING_ROLES, RESULT_ROLES
from crm.views.exports import filter_of
from crm.web import Page, Request, came_from, keyset_page, roles, without
from surveys import plans, themes
from surveys.forms.verbatims import MOST_CHOSEN, ChosenForm, CommentsForm, ThemeForm
from surveys.models import ActionPlan, Answer, Theme
from surveys.models.answers import AnswerQuerySet
from surveys.themes import Decided, Standing

PAGE = 30
COUNTED = 1_000  # beyond, the list says "1,000+"
KEY = ("answered_at", "id")
PARTIALS = {"rows": "surveys/comments/_rows.html", "more": "surveys/comments/_more.html"}
COLUMNS = (
    "id", "said", "at", "question", "survey", "wave", "score", "group", "customer", "customer id", "language", "topics",
    "causes", "may be quoted", "left out", "plans",
)  # fmt: skip


def _visible(request: Request) -> AnswerQuerySet:
    return Answer.objects.visible_to(request.user).verbatims()


@require_GET
@roles(*RESULT_ROLES)
@vary_on_headers("HX-Request", "HX-Target")
def comments(request: Request) -> HttpResponse:
    """The comments a search and a filter leave, the newest first."""
    form = CommentsForm(request.GET)
    found = form.narrow(_visible(request))
    page = keyset_page(found.as_comments(), request.GET, key=KEY, size=PAGE, newest_first=True)
    context = {"form": form, "page": page, "query": without(request.GET, "after"), "in_force": _in_force(request, form)}
    target = request.htmx.target or ""
    if target != "more" and not form.is_empty:
        context |= _counted(found, page)
    if target not in PARTIALS:
        context["chosen_form"] = ChosenForm(plans=ActionPlan.objects.visible_to(request.user))
    return render(request, PARTIALS.get(target, "surveys/comments/comments.html"), context)


def _counted(found: AnswerQuerySet, page: Page) -> dict[str, Any]:
    """How many, up to a limit; without a query where the page holds them all."""
    count = found[: COUNTED + 1].count() if page.next_query else len(page.rows)
    return {"count": min(count, COUNTED), "more_than_counted": count > COUNTED}


def _in_force(request: Request, form: CommentsForm) -> list[dict[str, Any]]:
    """The filters in force in words, each with the address of the list without it."""
    return [
        {"label": field.label, "value": value, "without": without(request.GET, "after", field.name)}
        for field, value in form.in_force
    ]


@require_GET
@roles(*LEADING_ROLES)
def comments_export(request: Request) -> Streamed:
    query = filter_of(request)
    found = CommentsForm(query).narrow(_visible(request)).as_comments()
    rows = _lines(exporting.every(found, key=KEY, newest_first=True))
    return exporting.response(request, _("comments"), COLUMNS, rows, query=query)


def _lines(answers: Iterable[Answer]) -> Iterator[list[object]]:
    """Of comments that came `as_comments()`."""
    for answer in answers:
        response, invitation = answer.response, answer.response.invitation
        standing: list[Theme] = answer.standing_themes  # type: ignore[attr-defined]
        yield [
            answer.pk, answer.text, answer.answered_at, answer.question.text(), answer.question.version.survey.name,
            invitation.wave.name if invitation.wave else "", response.score, response.group, invitation.customer.name,
            invitation.customer_id, response.language,
            [f"{each.topic}: {each.tone}" for each in standing if each.topic],
            [f"{each.cause.name}: {each.tone}" for each in standing if each.cause], response.quotable_at,
            response.left_out_at, [ask.plan.title for ask in answer.asks.all()],
        ]  # fmt: skip


# --- many at once


@require_POST
@roles(*LEADING_ROLES)
def comments_chosen(request: Request) -> HttpResponse:
    """The chosen comments: on to a new plan made from them, or behind one that is there."""
    pks = [pk for pk in request.POST.getlist("answers") if pk.isascii() and pk.isdecimal() and len(pk) < 19]
    answers = list(_visible(request).filter(pk__in=pks[:MOST_CHOSEN]))
    back = came_from(request, reverse("surveys:comments"))
    if not answers:
        raise plans.NoComments
    chosen = ",".join(str(answer.pk) for answer in answers)
    if request.POST.get("action") == "new":
        return redirect(f"{reverse('surveys:plan_new')}?{urlencode({'answers': chosen})}")
    form = ChosenForm(request.POST, plans=ActionPlan.objects.visible_to(request.user))
    plan = form.cleaned_data.get("plan") if form.is_valid() else None
    if plan is None:
        messages.error(request, _("Choose the action plan they belong to."))
        return redirect(back)
    return _linked(request, plan, answers, back)


def _linked(request: Request, plan: ActionPlan, answers: list[Answer], back: str) -> HttpResponse:
    new = plans.link(plan=plan, answers=answers, by=request.user)
    said = ngettext(
        "%(n)d comment is behind “%(plan)s” now.", "%(n)d comments are behind “%(plan)s” now.", len(answers)
    )
    fresh = ",".join(str(each.answer_id) for each in new)
    undo = f"{reverse('surveys:plan_unlink', args=[plan.pk])}?{urlencode({'answers': fresh})}"
    messages.success(request, said % {"n": len(answers), "plan": plan}, extra_tags=f"undo:{undo}" if new else "")
    return redirect(back)


# --- what one is about


@require_http_methods(["GET", "POST"])
@roles(*LEADING_ROLES)
@vary_on_headers("HX-Request")
def theme_add(request: Request, pk: int) -> HttpResponse:
    """One more theme for a comment: a small form in its row (again the row, with `row`), or on a page of its own."""
    comment = get_object_or_404(_visible(request), pk=pk)
    if request.htmx and "row" in request.GET:
        return _row(request, pk)
    form = ThemeForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        added = themes.add(answer=comment, by=request.user, **form.said())
        return _answered(request, added, _("Added: %(theme)s."))
    template = "surveys/comments/_theme_form.html" if request.htmx else "surveys/comments/theme.html"
    status = 422 if form.errors else 200
    return render(request, template, {"comment": comment, "form": form}, status=status)


@require_POST
@roles(*LEADING_ROLES)
def theme_confirm(request: Request, pk: int) -> HttpResponse:
    confirmed = themes.confirm(theme=_theme(request, pk), by=request.user)
    return _answered(request, confirmed, _("Confirmed: %(theme)s."))


@require_POST
@roles(*LEADING_ROLES)
def theme_drop(request: Request, pk: int) -> HttpResponse:
    dropped = themes.drop(theme=_theme(request, pk), by=request.user)
    return _answered(request, dropped, _("Taken away: %(theme)s."))


@require_POST
@roles(*LEADING_ROLES)
def theme_undo(request: Request, pk: int) -> HttpResponse:
    """It stands again as the address says it did."""
    theme = _theme(request, pk)
    was = Standing(request.GET.get("was", ""), request.GET.get("tone", ""))
    if not was.is_sound:
        return HttpResponse(status=400)
    themes.put_back(theme=theme, was=was, by=request.user)
    messages.success(request, _("Undone."))
    return _shown(request, theme)


def _theme(request: Request, pk: int) -> Theme:
    return get_object_or_404(Theme.objects.filter(answer__in=_visible(request)), pk=pk)


def _answered(request: Request, decided: Decided, said: str) -> HttpResponse:
    """What was done, with the way back."""
    theme, was = decided
    undo = f"{reverse('surveys:theme_undo', args=[theme.pk])}?{urlencode({'was': was.state, 'tone': was.tone})}"
    messages.success(request, said % {"theme": theme}, extra_tags=f"undo:{undo}")
    return _shown(request, theme)


def _shown(request: Request, theme: Theme) -> HttpResponse:
    """The row again for HTMX, else the page it came from."""
    if not request.htmx:
        return redirect(came_from(request, reverse("surveys:comments")))
    return _row(request, theme.answer_id)


def _row(request: Request, pk: int) -> HttpResponse:
    comment = _visible(request).as_comments().get(pk=pk)
    return render(request, "surveys/comments/_answered.html", {"comment": comment, "fresh": True})
