"""The pane of a case: what it shows, who may see it, and how every deed in it answers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django_htmx.http import HttpResponseClientRedirect

from cases import composing, conversation, gestures, identify, promises, rights, story
from cases.forms import AssignForm, NoteForm, Offered, ReplyForm, ResolveForm
from cases.likely import suggesting
from cases.models import Case
from cases.offers import showing
from cases.views import besides, selling, sides, working
from channels_app import live, outbox
from channels_app.models import Delivery
from channels_app.models.outbox import ON_ITS_WAY
from crm import consent
from crm.errors import Refused
from crm.web import Request

# What each capability adds to the pane: a function of the case and of who looks, which asks one query at most.
PARTS: tuple[Callable[[Case, Request], dict[str, Any]], ...] = (
    *story.PARTS, *working.PARTS, *besides.PARTS, *rights.PARTS, *selling.PARTS, promises.clocks_of,
    composing.begun, composing.answers, composing.instead, sides.part, showing.part,
)  # fmt: skip


def pane(request: Request, case: Case, *, offered: Offered | None = None, **extra: Any) -> dict[str, Any]:
    """All that `cases/_pane.html` shows."""
    stream, asked = f"case:{case.pk}", identify.asked(case)
    number, said = live.numbers([stream])[stream], conversation.of_case(case)  # in this order: nothing falls between
    gestures.opened(case, said.entries)
    offered = offered or Offered()
    likely = suggesting.of(case, said.entries, offered.causes if case.is_unresolved else ())
    return {
        "reply_form": ReplyForm(initial={"seen": said.seen}, auto_id="reply_%s"),
        "note_form": NoteForm(auto_id="note_%s"),
        "resolve_form": ResolveForm(
            offered=offered, likely=likely, auto_id="resolve_%s", initial={"cause": case.cause_id}
        ),
        "likely": likely,
        "assign_form": AssignForm(offered=offered, auto_id="assign_%s"),
        "case": case,
        "entries": said.entries,
        "cut": said.cut,
        "seen": said.seen,
        "number": number,
        "asked": asked,
        "reply_blocked": _reply_blocked(case, asked),
        "on_its_way": next((e.delivery for e in said.entries if _moving(e.delivery, request)), None),
        "may_take": case.is_unresolved and case.owner_id is None,
        "may_move": case.is_unresolved and (case.owner_id in (None, request.user.pk) or request.user.leads),
        "refusal": "",
        **selling.form(case, request, said),
        **{name: value for part in PARTS for name, value in part(case, request).items()},
        **extra,
    }


def _reply_blocked(case: Case, asked: identify.Asked) -> str:
    """Why nothing can be answered here. What was said to them by hand is written down, whatever they asked for."""
    can = case.channel.capabilities
    if case.customer.erased_at:
        return str(consent.NobodyLeft())
    if not can.can_reply:
        return str(outbox.CannotSendThere(channel=case.channel))
    return "" if can.written_by_hand else asked.blocked


def _moving(delivery: Delivery | None, request: Request) -> bool:
    if delivery is None or delivery.state not in ON_ITS_WAY:
        return False
    return delivery.message.sent_by_id != request.user.pk


def visible(request: Request, pk: int) -> Case | None:
    """The case, if this person may see it; a case joined to another leads there."""
    case = Case.objects.visible_to(request.user).with_head().filter(pk=pk).first()
    return visible(request, case.merged_into_id) if case and case.merged_into_id else case


def theirs(request: Request, pk: int) -> Case:
    """The same, or 404."""
    case = visible(request, pk)
    if case is None:
        raise Http404
    return case


def move(request: Request, pk: int, act: Callable[[Case], object], done: str = "", undo: str = "") -> HttpResponse:
    """Do something to a case and show it again: the pane for HTMX, the page after a plain form.

    A refusal stands beside what was typed.
    """
    case = theirs(request, pk)
    try:
        act(case)
    except Refused as refusal:
        return _refused(request, case, refusal)
    after = visible(request, pk)
    if after is None:
        return _gone(request, done)
    if request.htmx:
        return render(request, "cases/_pane.html", pane(request, after, done=done, undo=undo))
    if done:
        messages.success(request, done, extra_tags=f"undo:{undo}" if undo else "")
    return redirect("cases:case", pk)


def move_reply(request: Request, pk: int, delivery: int, act: Callable[..., object], done: str = "") -> HttpResponse:
    """The same with a reply of the case: `act(delivery=…, by=…)`."""
    found = get_object_or_404(Delivery, pk=delivery, message__case_entry__case=pk)
    return move(request, pk, lambda case: act(delivery=found, by=request.user), done)


def _gone(request: Request, done: str) -> HttpResponse:
    """It is no longer for these eyes: a case of another team that they have just given away."""
    messages.success(request, done or _("Done. The case is another team’s, so it is no longer shown here."))
    queue = reverse("cases:queue")
    return HttpResponseClientRedirect(queue) if request.htmx else redirect(queue)


def _refused(request: Request, case: Case, refusal: Refused) -> HttpResponse:
    context = pane(request, theirs(request, case.pk), refusal=str(refusal), refused=refusal)
    if "text" in request.POST:  # nothing that was written is lost
        name = "note_form" if request.resolver_match and request.resolver_match.url_name == "note" else "reply_form"
        context[name].initial |= {n: request.POST[n] for n in context[name].fields if n in request.POST}
        context["writing_note"] = name == "note_form"
    return render(request, "cases/_pane.html" if request.htmx else "cases/case.html", context, status=422)
