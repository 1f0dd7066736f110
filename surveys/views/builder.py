"""The page on which a version is made: its questions in line, the effort check beside them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext_lazy as _

from crm.models import Activity, User
from crm.web import Request
from surveys import building, effort
from surveys.building.readiness import missing_in
from surveys.forms.building import UseForm
from surveys.models import Condition, Question, Survey, Version
from surveys.plain import Speaker

KINDS = (
    (Question.Kind.NPS, "chart-bar", _("Would they recommend us")),
    (Question.Kind.SCALE, "adjustments-horizontal", _("From one end to the other")),
    (Question.Kind.CHOICE, "list-bullet", _("One answer of a few, or several")),
    (Question.Kind.TEXT, "pencil-square", _("What they would say to us")),
    (Question.Kind.CONSENT, "hand-raised", _("May we call, write or quote")),
)
PAST = 10  # lines of what happened to a survey
ICONS = {kind.value: icon for kind, icon, _hint in KINDS}


@dataclass(frozen=True)
class Line:
    """A question as its card shows it. `when` is the sentence of its conditions; `said` its words in each language."""

    question: Question
    when: str
    conditions: list[tuple[Condition, str]]
    said: list[tuple[str, str]]
    missing: list[str]
    findings: list[effort.Finding]
    is_first: bool
    is_last: bool

    @property
    def icon(self) -> str:
        return ICONS[self.question.kind]


def found(user: User, pk: int, number: int) -> Version:
    """A version with all that its page shows, or 404."""
    surveys = Survey.objects.visible_to(user)
    return get_object_or_404(Version.objects.with_questions(), survey__in=surveys, survey=pk, number=number)


def question_of(version: Version, pk: int) -> Question:
    """One of its questions, with the version that came with all of them; or 404."""
    for question in version.questions.all():
        if question.pk == pk:
            return question
    return get_object_or_404(Question, pk=pk, version=version)


def page(request: Request, version: Version, **opened: Any) -> HttpResponse:
    """The whole page; for HTMX the builder alone. `opened` is what is unfolded: a form, and whose it is.

    422 where what was typed into that form is wrong.
    """
    form = opened.get("form")
    template = "surveys/_builder.html" if request.htmx else "surveys/version.html"
    context = {**look(version), **opened}
    return render(request, template, context, status=422 if form is not None and form.errors else 200)


def after(request: Request, version: Version, focus: int | None = None) -> HttpResponse:
    """After a deed: the builder as it stands now, with the focus at the question it was about; or the page again."""
    if not request.htmx:
        return redirect(version)
    return page(request, found(request.user, version.survey_id, version.number), focus=focus)


def look(version: Version) -> dict[str, Any]:
    checked = effort.check(version)
    versions = version.survey.versions.order_by("-number")
    return {
        "version": version, "survey": version.survey, "effort": checked, "ready": building.ready(version),
        "lines": list(_lines(version, checked)), "versions": versions, "kinds": KINDS,
        "whole": [finding for finding in checked.findings if finding.question is None],
        "asks_nps": any(question.kind == Question.Kind.NPS for question in version.questions.all()),
        "use": UseForm(), "history": Activity.objects.about(version.survey).order_by("-id")[:PAST],
    }  # fmt: skip


def _lines(version: Version, checked: effort.Effort) -> Iterator[Line]:
    speaker, questions = Speaker(), list(version.questions.all())
    for n, question in enumerate(questions, start=1):
        yield Line(
            question, speaker.when(question), [(each, speaker.says(each)) for each in question.conditions.all()],
            [(code, question.wording.get(code, {}).get("text", "")) for code in version.languages],
            missing_in(version, question), [each for each in checked.findings if each.question == question],
            is_first=n == 1, is_last=n == len(questions),
        )  # fmt: skip
