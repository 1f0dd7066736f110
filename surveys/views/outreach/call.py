"""The page of one call: all one has to know, the number, and what came of it. Made for a phone and a bad line."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import Http404, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST
from django.views.decorators.vary import vary_on_headers

from channels_app import live
from crm.errors import Refused
from crm.models.staff import CALLING_ROLES
from crm.web import Request, roles
from surveys.forms.outreach.call import RecordForm, written_at
from surveys.models import Attempt, Call
from surveys.models.calls import CallQuerySet
from surveys.outreach import calling, dossier, hashtags, loops, opening
from surveys.outreach.listing import Card

PARTS = {"call-facts": "surveys/calls/_call_facts.html", "call": "surveys/calls/_call.html"}


def _rows() -> CallQuerySet:
    return Call.objects.select_related("customer__merged_into", "owner", "rule", "loop")


@require_GET
@roles(*CALLING_ROLES)
@vary_on_headers("HX-Request", "HX-Target")
def call(request: Request, pk: int) -> HttpResponse:
    found = get_object_or_404(_rows().visible_to(request.user), pk=pk)
    return _shown(request, found)


def _shown(request: Request, found: Call, status: int = 200, **more: Any) -> HttpResponse:
    """The page, or the part of it that is asked for. News count from before what it shows is read."""
    number = live.numbers([f"call:{found.pk}"])[f"call:{found.pk}"]
    found = get_object_or_404(_rows().visible_to(request.user), pk=found.pk)
    facts = dossier.gather(found, request.user, timezone.now())
    context = {
        "call": found, "facts": facts, "number": number, "opening": opening.sentence(facts, request.user),
        "story": loops.story(found.loop, reader=request.user), "coming": loops.coming(found.loop),
        "form": more.pop("form", None) or _form(None, found, facts.card), **more,
    }  # fmt: skip
    part = PARTS.get(request.htmx.target or "", "surveys/calls/call.html")
    return render(request, part, context, status=status)


def _form(data: Any, found: Call, card: Card | None = None) -> RecordForm:
    """With the times that are offered for the next call."""
    card = card or dossier.card(found, timezone.now())
    zone = card.window.local.tzinfo or timezone.get_current_timezone()
    return RecordForm(data, call=found, picks=card.picks, zone=zone, tags=reverse("surveys:call_tags"))


@require_POST
@roles(*CALLING_ROLES)
def call_number(request: Request, pk: int) -> HttpResponse:
    """The number, if they may be called at this moment. Written nowhere but on the answer to this request."""
    found = get_object_or_404(_rows().visible_to(request.user), pk=pk)
    try:
        told: dict[str, Any] = {"phone": calling.number(found, request.user)}
    except Refused as refusal:
        told = {"no_phone": str(refusal)}
    status = 200 if "phone" in told else 422
    if request.htmx:
        return render(request, "surveys/calls/_call_number.html", {"call": found, **told}, status=status)
    return _shown(request, found, status, **told)


@require_POST
@roles(*CALLING_ROLES)
def call_record(request: Request, pk: int) -> HttpResponse:
    """Keep what came of it: once, however often it is sent, and also where the call is somebody else's by now."""
    now = timezone.now()
    found = get_object_or_404(_rows().to_note(request.user, written_at(request.POST) or now), pk=pk)
    form = _form(request.POST, found)
    refusal = _refusal(form, found, request)
    is_theirs = Call.objects.visible_to(request.user).filter(pk=pk).exists()
    if refusal is not None:
        return _refused(request, found, form, refusal, is_theirs)
    if not request.htmx:
        messages.success(request, _("Kept: {outcome}.").format(outcome=_named(form)))
        return redirect(found if is_theirs else "surveys:calls")
    return _shown(request, found) if is_theirs else HttpResponse(status=204)


def _refusal(form: RecordForm, found: Call, request: Request) -> str | None:
    """Nothing where it is kept; else the sentence, which is empty where the fields say what is wrong."""
    if not form.is_valid():
        return ""
    try:
        calling.record(call=found, by=request.user, **form.facts)
    except Refused as refusal:
        return str(refusal)
    return None


def _refused(request: Request, found: Call, form: RecordForm, refusal: str, is_theirs: bool) -> HttpResponse:
    """Beside the fields. Who may not look at the call any more reads the sentence alone."""
    if is_theirs:
        return _shown(request, found, 422, form=form, refusal=refusal)
    sentence = refusal or " ".join(str(error) for errors in form.errors.values() for error in errors)
    if not sentence:
        raise Http404
    return render(request, "components/refusal.html", {"sentence": sentence}, status=422)


def _named(form: RecordForm) -> str:
    return str(Attempt.Outcome(form.cleaned_data["outcome"]).label)


@require_GET
@roles(*CALLING_ROLES)
def call_tags(request: Request) -> JsonResponse:
    """Hashtags with whom they ask, all of them: the page completes them also without a line."""
    tags = [{"tag": each.tag, "group": str(each.group), "about": each.about} for each in hashtags.in_use()]
    return JsonResponse({"tags": tags})
