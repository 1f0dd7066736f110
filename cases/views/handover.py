"""Handing a case over with its story; what comes of it; and where the customer had to tell it again."""

from __future__ import annotations

from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST
from django.views.decorators.vary import vary_on_headers
from django_htmx.http import reswap, retarget

from cases import conversation, handover, repeats
from cases.forms.story import HandOverForm
from cases.models import Case, CaseMessage, HandOver
from cases.views.pane import move, theirs
from crm.errors import Refused
from crm.models.staff import CARE_ROLES
from crm.web import Request, roles


@require_http_methods(["GET", "POST"])
@roles(*CARE_ROLES)
@vary_on_headers("HX-Request")
def hand_over(request: Request, pk: int) -> HttpResponse:
    """The form, with the story put together; a part of the pane for HTMX, a page of its own otherwise."""
    case = theirs(request, pk)
    if request.method != "POST":
        form = HandOverForm(case=case, user=request.user, initial={"story": handover.story_so_far(case)})
        return _form(request, case, form)
    form = HandOverForm(request.POST, case=case, user=request.user)
    try:
        given = _given(case, form, request)
    except Refused as refusal:
        form.add_error(None, str(refusal))
    if form.errors:
        return _form(request, case, form, status=422)
    done = _("Handed to %(who)s. The case stays with you until it is accepted.") % {"who": given.receiver}
    undo = reverse("cases:hand_over_withdraw", args=[case.pk, given.pk])
    return move(request, case.pk, lambda _case: None, done, undo=undo)


def _given(case: Case, form: HandOverForm, request: Request) -> HandOver:
    """Raises the refusal; an invalid form is one as well, and shows its errors by itself."""
    if not form.is_valid():
        raise Incomplete
    words = {name: form.cleaned_data[name] for name in ("story", "next_step", "promised")}
    until = form.cleaned_data["until"] if words["promised"] else None
    return handover.hand_over(
        case=case, **form.cleaned_data["receiver"], **words, promised_until=until, by=request.user
    )


class Incomplete(Refused):
    sentence = _("Something is missing below.")


def _form(request: Request, case: Case, form: HandOverForm, status: int = 200) -> HttpResponse:
    template = "cases/story/_hand_over_form.html" if request.htmx else "cases/story/hand_over.html"
    response = render(request, template, {"case": case, "form": form}, status=status)
    return retarget(reswap(response, "outerHTML"), "#hand-over-form") if request.htmx and status == 422 else response


@require_POST
@roles(*CARE_ROLES)
def accept(request: Request, pk: int, given: int) -> HttpResponse:
    found = get_object_or_404(HandOver, pk=given, case=theirs(request, pk))
    done = _("The case is yours now.")
    return move(request, pk, lambda _case: handover.accept(handover=found, by=request.user), done)


@require_POST
@roles(*CARE_ROLES)
def give_back(request: Request, pk: int, given: int) -> HttpResponse:
    found = get_object_or_404(HandOver, pk=given, case=theirs(request, pk))
    why, done = request.POST.get("why", ""), _("Returned. The case stays where it was.")
    return move(request, pk, lambda _case: handover.give_back(handover=found, why=why, by=request.user), done)


@require_POST
@roles(*CARE_ROLES)
def withdraw(request: Request, pk: int, given: int) -> HttpResponse:
    found = get_object_or_404(HandOver, pk=given, case=theirs(request, pk))
    done = _("Withdrawn. The case stays where it was.")
    return move(request, pk, lambda _case: handover.withdraw(handover=found, by=request.user), done)


@require_POST
@roles(*CARE_ROLES)
def repeated(request: Request, pk: int, message: int) -> HttpResponse:
    """Mark a message as said again, or take the mark away; HTMX fetches the conversation and nothing else."""
    case = theirs(request, pk)
    entry = get_object_or_404(CaseMessage.objects.select_related("message"), message=message, case=case)
    if not request.htmx or entry.message.is_ours:
        return move(request, pk, lambda case: repeats.mark(case=case, message=entry.message, by=request.user))
    repeats.mark(case=case, message=entry.message, by=request.user)
    said = conversation.of_case(case)
    context = {"case": case, "entries": said.entries, "seen": said.seen, "cut": said.cut}
    return render(request, "cases/_conversation.html", context)
