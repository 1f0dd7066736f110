"""Replies that wait for approval: the list, one beside its rivals, and what is decided; and the policy's acceptance."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from cases import approvals, drafts
from cases.forms.approvals import ApproveForm
from cases.models import Approval, Case, Draft
from cases.views.pane import move, theirs
from cases.wording.guard import StockReply
from channels_app import certification, policies
from channels_app.models import Message, Policy
from crm.errors import Refused
from crm.models.staff import CARE_ROLES
from crm.web import Request, keyset_page, roles

SIZE = 20


@require_GET
@roles(*CARE_ROLES)
def waiting(request: Request) -> HttpResponse:
    """What this person may decide, the longest wait first; with `mine`, what they wrote and others decide."""
    mine = "mine" in request.GET
    every = Approval.objects.waiting().by_person(request.user) if mine else Approval.objects.for_decision(request.user)
    page = keyset_page(every.with_parts().with_rivals(), request.GET, key=("at", "id"), size=SIZE)
    template = "cases/_approvals_rows.html" if request.htmx.target == "approvals-more" else "cases/approvals.html"
    return render(request, template, {"page": page, "mine": mine})


@require_GET
@roles(*CARE_ROLES)
def count(request: Request) -> HttpResponse:
    """The number in the rail, when something has changed."""
    return render(request, "cases/_approvals_count.html")


@require_GET
@roles(*CARE_ROLES)
def approval(request: Request, pk: int) -> HttpResponse:
    return render(request, "cases/approval.html", _beside(request, _seen_by(request, pk)))


def _seen_by(request: Request, pk: int) -> Approval:
    """One in a case this person sees, or 404."""
    found = get_object_or_404(Approval.objects.with_parts(), pk=pk)
    if not Case.objects.visible_to(request.user).filter(pk=found.case_id).exists():
        raise Http404
    return found


def _beside(request: Request, chosen: Approval, **extra: Any) -> dict[str, Any]:
    """Every reply that waits in the case, what the customer said, and what was said since."""
    case = Case.objects.with_head().get(pk=chosen.case_id)
    drafts_of_it = list(Approval.objects.waiting().with_parts().filter(case=case).order_by("id"))
    newest = Message.objects.filter(case_entry__case=case).order_by("-pk").values_list("pk", flat=True).first()
    decides = not certification.missing(request.user, chosen.answer_to.channel)
    beside = ",".join(str(draft.pk) for draft in drafts_of_it)
    columns = [
        (draft, ApproveForm(initial={"text": draft.text, "seen": newest, "beside": beside}, prefix=f"d{draft.pk}"))
        for draft in drafts_of_it
    ]
    return {
        "case": case, "chosen": chosen, "columns": columns, "decides": decides,
        "since": approvals.said_since(chosen)[:3] if chosen.state == Approval.State.WAITING else [], **extra,
    }  # fmt: skip


def _decide(request: Request, pk: int, act: Callable[[Approval], object], done: str) -> HttpResponse:
    """Do it and go on to the next that waits; a refusal stands beside the drafts, with what was typed."""
    found = _seen_by(request, pk)
    try:
        act(found)
    except Refused as refusal:
        context = _beside(request, found, refusal=str(refusal), alike=isinstance(refusal, StockReply))
        for draft, form in context["columns"]:
            if draft.pk == pk and f"d{pk}-text" in request.POST:
                form.initial |= {name: request.POST.get(f"d{pk}-{name}", "") for name in ("text", "reason", "why")}
        return render(request, "cases/approval.html", context, status=422)
    messages.success(request, done)
    return redirect("cases:approvals")


@require_POST
@roles(*CARE_ROLES)
def approve(request: Request, pk: int) -> HttpResponse:
    form = ApproveForm(request.POST, prefix=f"d{pk}")
    form.is_valid()
    said = form.said()
    others = request.POST.get("others") == "reject"
    return _decide(
        request, pk, lambda a: approvals.approve(approval=a, by=request.user, reject_others=others, **said),
        _("Approved: it is on its way, in its author’s name."),
    )  # fmt: skip


@require_POST
@roles(*CARE_ROLES)
def reject(request: Request, pk: int) -> HttpResponse:
    reason = request.POST.get(f"d{pk}-reason", "")
    done = _("Given back to its author, with what to change.")
    return _decide(request, pk, lambda a: approvals.reject(approval=a, reason=reason, by=request.user), done)


# --- in the pane of a case


@require_POST
@roles(*CARE_ROLES)
def withdraw(request: Request, pk: int, approval: int) -> HttpResponse:
    found = get_object_or_404(Approval, pk=approval, case=theirs(request, pk))
    done = _("Withdrawn: your words are a draft again.")
    return move(request, pk, lambda case: approvals.withdraw(approval=found, by=request.user), done)


@require_POST
@roles(*CARE_ROLES)
def accept_policy(request: Request, pk: int) -> HttpResponse:
    """One press at the composer; what was typed there comes along and is kept."""
    case = theirs(request, pk)
    number = request.POST.get("policy", "")
    policy = get_object_or_404(Policy, pk=int(number) if number.isdecimal() and len(number) < 10 else 0)

    def act(case: Case) -> None:
        if typed := request.POST.get("text", ""):
            drafts.keep(case=case, kind=Draft.Kind.REPLY, text=typed, by=request.user)
        policies.accept(policy=policy, by=request.user)

    return move(request, case.pk, act, _("Thank you. You can answer here now."))
