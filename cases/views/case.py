"""One case: its page, its pane beside the queue, and every move on it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET, require_POST
from django.views.decorators.vary import vary_on_headers

from cases import assignment, conversation, identify, replies, resolution
from cases.forms import AssignForm, NoteForm, Offered, ReplyForm, ResolveForm
from cases.models import Case, CaseMessage
from channels_app import live, outbox
from channels_app.models import Delivery
from channels_app.models.outbox import ON_ITS_WAY
from crm import consent
from crm.errors import Refused
from crm.models import Customer
from crm.models.staff import CARE_ROLES, CUSTOMER_ROLES
from crm.web import Request, part_of, roles


def pane(request: Request, case: Case, *, offered: Offered | None = None, **extra: Any) -> dict[str, Any]:
    """All that `cases/_pane.html` shows."""
    stream, asked = f"case:{case.pk}", identify.asked(case)
    number, said = live.numbers([stream])[stream], conversation.of_case(case)  # in this order: nothing falls between
    return {
        "reply_form": ReplyForm(initial={"seen": said.seen}, auto_id="reply_%s"),
        "note_form": NoteForm(auto_id="note_%s"),
        "resolve_form": ResolveForm(offered=offered, auto_id="resolve_%s"),
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


@require_GET
@roles(*CARE_ROLES)
def page(request: Request, pk: int) -> HttpResponse:
    return render(request, "cases/case.html", pane(request, theirs(request, pk)))


@require_GET
@roles(*CARE_ROLES)
def pane_view(request: Request, pk: int) -> HttpResponse:
    return render(request, "cases/_pane.html", pane(request, theirs(request, pk)))


@require_GET
@roles(*CARE_ROLES)
def conversation_view(request: Request, pk: int) -> HttpResponse:
    case = theirs(request, pk)
    said = conversation.of_case(case)
    context = {"case": case, "entries": said.entries, "seen": said.seen, "cut": said.cut}
    return render(request, "cases/_conversation.html", context)


def move(request: Request, pk: int, act: Callable[[Case], object], done: str = "", undo: str = "") -> HttpResponse:
    """Do something to a case and show it again: the pane for HTMX, the page after a plain form.

    A refusal stands beside what was typed.
    """
    case = theirs(request, pk)
    try:
        act(case)
    except Refused as refusal:
        return _refused(request, case, refusal)
    if request.htmx:
        return render(request, "cases/_pane.html", pane(request, theirs(request, pk), done=done, undo=undo))
    if done:
        messages.success(request, done, extra_tags=f"undo:{undo}" if undo else "")
    return redirect("cases:case", pk)


def _refused(request: Request, case: Case, refusal: Refused) -> HttpResponse:
    context = pane(request, theirs(request, case.pk), refusal=str(refusal))
    typed = request.POST.get("text")
    if typed is not None:  # nothing that was written is lost
        name = "note_form" if request.resolver_match and request.resolver_match.url_name == "note" else "reply_form"
        context[name].initial["text"] = typed
        context["writing_note"] = name == "note_form"
    return render(request, "cases/_pane.html" if request.htmx else "cases/case.html", context, status=422)


@require_POST
@roles(*CARE_ROLES)
def take(request: Request, pk: int) -> HttpResponse:
    return move(request, pk, lambda case: assignment.take(case=case, by=request.user))


@require_POST
@roles(*CARE_ROLES)
def release(request: Request, pk: int) -> HttpResponse:
    return move(request, pk, lambda case: assignment.release(case=case, by=request.user))


@require_POST
@roles(*CARE_ROLES)
def assign(request: Request, pk: int) -> HttpResponse:
    form = AssignForm(request.POST)

    def act(case: Case) -> None:
        if not form.is_valid():
            raise NobodyChosen
        assignment.assign(case=case, to=form.cleaned_data["owner"], by=request.user)

    return move(request, pk, act)


class NobodyChosen(Refused):
    sentence = gettext_lazy("Choose the colleague who gets this case.")


class NoCause(Refused):
    sentence = gettext_lazy("Choose why this happened before you resolve it: causes are how it stops happening.")


@require_POST
@roles(*CARE_ROLES)
def reply(request: Request, pk: int) -> HttpResponse:
    form = ReplyForm(request.POST)
    form.is_valid()
    text, seen = form.cleaned_data.get("text", ""), form.cleaned_data.get("seen")
    return move(request, pk, lambda case: replies.reply(case=case, text=text, by=request.user, seen=seen))


@require_POST
@roles(*CARE_ROLES)
def note(request: Request, pk: int) -> HttpResponse:
    text = request.POST.get("text", "")
    return move(request, pk, lambda case: replies.note(case=case, text=text, by=request.user))


@require_POST
@roles(*CARE_ROLES)
def resolve(request: Request, pk: int) -> HttpResponse:
    form = ResolveForm(request.POST)

    def act(case: Case) -> None:
        if not form.is_valid():
            raise NoCause
        resolution.resolve(case=case, cause=form.cleaned_data["cause"], by=request.user)

    return move(request, pk, act, _("Resolved."), undo=reverse("cases:reopen", args=[pk]))


@require_POST
@roles(*CARE_ROLES)
def reopen(request: Request, pk: int) -> HttpResponse:
    return move(request, pk, lambda case: resolution.reopen(case=case, by=request.user), _("Open again."))


@require_POST
@roles(*CARE_ROLES)
def retry(request: Request, pk: int, delivery: int) -> HttpResponse:
    """Another try for a reply that was not sent, or whose outcome is in doubt."""
    found = get_object_or_404(Delivery, pk=delivery, message__case_entry__case=pk)
    return move(request, pk, lambda case: outbox.try_again(delivery=found, by=request.user))


@require_GET
@roles(*CARE_ROLES)
def of_message(request: Request, pk: int) -> HttpResponse:
    """From a message to its case; to its customer where the case is another team's."""
    entry = get_object_or_404(CaseMessage.objects.select_related("case"), message=pk)
    if Case.objects.visible_to(request.user).filter(pk=entry.case_id).exists():
        return redirect("cases:case", entry.case_id)
    return redirect("crm:customer", entry.case.customer_id)


@require_GET
@roles(*CUSTOMER_ROLES)
@vary_on_headers("HX-Request")
def for_customer(request: Request, pk: int) -> HttpResponse:
    """The customer's cases, as far as this person may see them."""
    customer = get_object_or_404(Customer.objects.visible_to(request.user), pk=pk)
    cases = Case.objects.visible_to(request.user).of_customer(customer).with_row().order_by("-opened_at")[:20]
    return part_of(request, customer, "cases/_for_customer.html", {"customer": customer, "cases": cases})
