"""What we promised this customer, beside their case."""

from __future__ import annotations

from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from cases import commitments
from cases.forms.story import CommitmentForm
from cases.models import Case, Commitment
from cases.views.pane import move, pane, theirs
from crm.errors import Refused
from crm.models.staff import CARE_ROLES
from crm.web import Request, roles


@require_POST
@roles(*CARE_ROLES)
def promise(request: Request, pk: int) -> HttpResponse:
    case, form = theirs(request, pk), CommitmentForm(request.POST, auto_id="commit_%s")
    try:
        if form.is_valid():
            made = form.cleaned_data
            commitments.promise(case=case, text=made["promise"], until=made["until"], by=request.user)
    except Refused as refusal:
        form.add_error("promise", str(refusal))
    if form.errors:
        return _again(request, case, form)
    return move(request, pk, lambda _case: None)


def _again(request: Request, case: Case, form: CommitmentForm) -> HttpResponse:
    """The pane with the form as it was typed."""
    template = "cases/_pane.html" if request.htmx else "cases/case.html"
    return render(request, template, pane(request, case, commit_form=form), status=422)


@require_POST
@roles(*CARE_ROLES)
def keep(request: Request, pk: int, commitment: int) -> HttpResponse:
    found, undo = _of(request, pk, commitment), reverse("cases:commitment_undo", args=[pk, commitment])
    return move(
        request, pk, lambda _case: commitments.keep(commitment=found, by=request.user), _("Promise kept."), undo=undo
    )


@require_POST
@roles(*CARE_ROLES)
def drop(request: Request, pk: int, commitment: int) -> HttpResponse:
    found, why = _of(request, pk, commitment), request.POST.get("why", "")
    return move(request, pk, lambda _case: commitments.drop(commitment=found, why=why, by=request.user))


@require_POST
@roles(*CARE_ROLES)
def undo(request: Request, pk: int, commitment: int) -> HttpResponse:
    found = _of(request, pk, commitment)
    return move(request, pk, lambda _case: commitments.undo_keep(commitment=found, by=request.user))


def _of(request: Request, pk: int, commitment: int) -> Commitment:
    return get_object_or_404(Commitment, pk=commitment, case=theirs(request, pk))
