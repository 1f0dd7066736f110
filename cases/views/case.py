"""One case: its page, its pane beside the queue, and the moves that make a day."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET, require_POST
from django.views.decorators.vary import vary_on_headers

from cases import answering, approvals, assignment, conversation, gestures, mentions, replies, resolution
from cases.forms import AssignForm, ReplyForm, ResolveForm
from cases.models import Case, CaseMessage
from cases.views.pane import move, move_reply, pane, theirs
from channels_app import outbox
from crm import files
from crm.errors import Refused
from crm.models import Customer
from crm.models.staff import CARE_ROLES, CUSTOMER_ROLES
from crm.web import Request, part_of, roles


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
    gestures.opened(case, said.entries)
    context = {"case": case, "entries": said.entries, "seen": said.seen, "cut": said.cut}
    return render(request, "cases/_conversation.html", context)


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
    written = form.cleaned_data

    def act(case: Case) -> None:
        question, private = answering.chosen(case, written.get("answer_to", ""))
        approvals.reply_or_ask(
            case=case, text=written.get("text", ""), by=request.user, seen=written.get("seen"), answer_to=question,
            private=private, acknowledges=written.get("acknowledges", False), why=written.get("why", ""),
            in_parts=written.get("in_parts", False), numbered=written.get("numbered", False),
            attached=files.uploaded(request), alts=request.POST.getlist("alt"),
        )  # fmt: skip

    return move(request, pk, act)


@require_POST
@roles(*CARE_ROLES)
def note(request: Request, pk: int) -> HttpResponse:
    text = request.POST.get("text", "")

    def act(case: Case) -> None:
        written = replies.note(case=case, text=text, by=request.user, attached=files.uploaded(request))
        for sentence in mentions.of(case, written.text).blind():
            messages.warning(request, sentence)

    return move(request, pk, act)


@require_POST
@roles(*CARE_ROLES)
def resolve(request: Request, pk: int) -> HttpResponse:
    form = ResolveForm(request.POST)

    def act(case: Case) -> None:
        if not form.is_valid():
            raise NoCause
        chosen = form.cleaned_data
        resolution.resolve(
            case=case, cause=chosen["cause"], outcome=chosen["outcome"], by=request.user, shown=chosen["shown"]
        )

    return move(request, pk, act, _("Resolved."), undo=reverse("cases:reopen", args=[pk]))


@require_POST
@roles(*CARE_ROLES)
def reopen(request: Request, pk: int) -> HttpResponse:
    return move(request, pk, lambda case: resolution.reopen(case=case, by=request.user), _("Open again."))


@require_POST
@roles(*CARE_ROLES)
def retry(request: Request, pk: int, delivery: int) -> HttpResponse:
    """Another try for a reply that was not sent, or whose outcome is in doubt."""
    return move_reply(request, pk, delivery, outbox.try_again)


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
