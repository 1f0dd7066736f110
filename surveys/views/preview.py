"""A version as those will see it who are asked, on a phone and on a desktop. Nothing is sent and nothing is kept."""

from __future__ import annotations

from csp.decorators import csp_replace, csp_update
from django.http import HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import translation
from django.utils.http import urlencode
from django.views.decorators.clickjacking import xframe_options_sameorigin
from django.views.decorators.http import require_GET

from crm.models.staff import LEADING_ROLES
from crm.web import Request, roles
from surveys import preview as previewing
from surveys import screens
from surveys.checking import NotAnAnswer
from surveys.facts import FACTS
from surveys.models import Version
from surveys.preview import Walk
from surveys.views import builder


@require_GET
@csp_update({"frame-src": ["'self'"]})
@roles(*LEADING_ROLES)
def preview(request: Request, pk: int, number: int) -> HttpResponse:
    """Two frames, each walked through by itself; above them who is asked, and in which language."""
    version = builder.found(request.user, pk, number)
    walked = previewing.walk(version, request.GET)
    looked_at = {c.fact for question in version.questions.all() for c in question.conditions.all() if c.fact}
    looked_at |= {question.fact for question in version.questions.all() if question.fact}
    known = [(name, FACTS[name], walked.facts.get(name, "")) for name in FACTS if name in looked_at]
    context = {
        "version": version, "survey": version.survey, "walk": walked, "facts": known,
        "tongues": screens.tongues(version), "frame": _address(version, walked),
    }  # fmt: skip
    return render(request, "surveys/preview.html", context)


@require_GET
@xframe_options_sameorigin
@csp_replace({"frame-ancestors": ["'self'"]})
@roles(*LEADING_ROLES)
def preview_screen(request: Request, pk: int, number: int) -> HttpResponse:
    """One screen, drawn by what draws it for customers. An answer leads to the address of the next."""
    version = builder.found(request.user, pk, number)
    walked, wrong = previewing.walk(version, request.GET), ""
    if "answer" in request.GET or "pass" in request.GET or "next" in request.GET:
        try:
            return redirect(_address(version, previewing.answered(walked, request.GET)))
        except NotAnAnswer as refusal:
            wrong = str(refusal)
    with translation.override(walked.language):
        return _drawn(request, walked, wrong)


def _drawn(request: Request, walked: Walk, wrong: str) -> HttpResponse:
    version, screen = walked.version, walked.screen
    context = {
        "version": version, "walk": walked, "screen": screen, "error": wrong, "language": walked.language,
        "runs": screens.runs_from(walked.language), "brand": version.survey.brand,
        "title": version.says("title", walked.language), "intro": version.says("intro", walked.language),
        "thanks": version.says("thanks", walked.language), "again": _address(version, _fresh(walked)),
        "back": f"{_address(version, walked)}&at={screen.back.pk}" if screen and screen.back else "",
    }  # fmt: skip
    return render(request, "surveys/preview/screen.html", context)


def _fresh(walked: Walk) -> Walk:
    """The same customer, asked nothing yet."""
    said = QueryDict(urlencode([pair for pair in walked.carried() if not pair[0].startswith("q")]))
    return previewing.walk(walked.version, said)


def _address(version: Version, walked: Walk) -> str:
    url = reverse("surveys:preview_screen", args=[version.survey_id, version.number])
    return f"{url}?{urlencode(walked.carried())}"
