"""The survey as customers see it: one question a page, each answer a POST, and a look at it changes nothing."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect
from django.utils import timezone
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods, require_safe

from crm import limits
from crm.errors import Refused
from crm.views.identify import quiet
from crm.web import public
from surveys import answering, screens, thanks
from surveys.checking import NotAnAnswer
from surveys.forms import answering as forms
from surveys.models import Invitation, Question, Response
from surveys.standing import NotAsked, Standing
from surveys.views.linked import Visit, linked, over

SHOWN_BACK = 20_000  # characters of what was too long: more than a person has typed


@csrf_exempt
@public
@require_http_methods(["GET", "HEAD", "POST"])
@quiet
@linked
def asked(request: HttpRequest, visit: Visit) -> HttpResponse:
    """The question they stand at; or, sent here, one answer."""
    now = timezone.now()
    if request.method == "POST":
        return _take(request, visit)
    try:
        stands = answering.look(visit.invitation, now)
    except Refused as refusal:
        return over(request, visit, refusal)
    if request.method == "GET" and not _is_ahead_of_time(request):
        answering.opened(visit.invitation, now)
    if stands.current is None:
        return visit.page(request, "over", why="known")
    return _show(request, visit, stands, stands.current)


@public
@require_safe
@quiet
@linked
def asked_back(request: HttpRequest, visit: Visit, question: int) -> HttpResponse:
    """A question by its own address, so that a browser's way back leads to it: to read and to change what was said."""
    try:
        stands = answering.look(visit.invitation, timezone.now())
        return _show(request, visit, stands, stands.screen_of(question))
    except NotAsked:
        return redirect("surveys:asked", visit.token)
    except Refused as refusal:
        return over(request, visit, refusal)


@public
@require_safe
@quiet
@linked
def asked_thanks(request: HttpRequest, visit: Visit) -> HttpResponse:
    """After the last answer, and whenever the link is opened again."""
    response = Response.objects.finished().filter(invitation=visit.invitation).first()
    if response is None or visit.invitation.state != Invitation.State.ANSWERED:
        return redirect("surveys:asked", visit.token)
    said = visit.invitation.version.says("thanks", visit.language)
    facts: dict[str, Any] = {"thanks": said, "call": thanks.call(response), "changes": thanks.changes(response)}
    return visit.page(request, "thanks", **facts)


def _is_ahead_of_time(request: HttpRequest) -> bool:
    """A browser that fetches what might be opened next."""
    told = request.headers.get("Sec-Purpose") or request.headers.get("Purpose", "")
    return "prefetch" in told


def _take(request: HttpRequest, visit: Visit) -> HttpResponse:
    now, invitation = timezone.now(), visit.invitation
    question = _named(invitation, request.POST.get("question", ""))
    if question is None:
        return redirect("surveys:asked", visit.token)
    try:
        stands = answering.answer(
            invitation=invitation, question=question, value=forms.given(question, request.POST), at=now,
            seconds=forms.seconds(invitation, question, request.POST.get("shown", ""), now),
            device=_device(request, invitation), language=visit.language,
        )  # fmt: skip
    except NotAnAnswer as refusal:
        return _show_again(request, visit, question, refusal)
    except NotAsked:
        return redirect("surveys:asked", visit.token)
    except Refused as refusal:
        return over(request, visit, refusal)
    following = stands.current
    if following is None:
        return redirect("surveys:asked_thanks", visit.token)
    return redirect("surveys:asked_back", visit.token, following.pk)


def _named(invitation: Invitation, pk: str) -> Question | None:
    if not (pk.isascii() and pk.isdigit() and len(pk) < 19):
        return None
    return invitation.version.questions.filter(pk=pk).first()


def _device(request: HttpRequest, invitation: Invitation) -> str:
    told = [request.headers.get(name, "") for name in ("User-Agent", "Accept-Language")]
    return answering.device(invitation, limits.machine(request), *told)


def _show(request: HttpRequest, visit: Visit, stands: Standing, question: Question, **more: object) -> HttpResponse:
    screen = screens.screen(stands, question, visit.language, score=_score(request.GET))
    stamp = forms.stamp(visit.invitation, question, timezone.now())
    intro = visit.invitation.version.says("intro", visit.language)
    facts = {"screen": screen, "shown": stamp, "intro": intro, **more}
    return visit.page(request, "question", status=422 if more else 200, **facts)


def _score(query: QueryDict) -> int | None:
    said = query.get("score", "")
    return int(said) if said.isascii() and said.isdigit() and len(said) < 3 else None


def _show_again(request: HttpRequest, visit: Visit, question: Question, refusal: NotAnAnswer) -> HttpResponse:
    """With what is wrong beside the question, and what was typed still in it."""
    try:
        stands = answering.look(visit.invitation, timezone.now())
        question = stands.screen_of(question.pk)
    except Refused as gone:
        return over(request, visit, gone)
    typed = request.POST.get("answer", "")[:SHOWN_BACK]
    return _show(
        request, visit, stands, question, error=str(refusal), typed=typed, ticked=request.POST.getlist("answer")
    )
