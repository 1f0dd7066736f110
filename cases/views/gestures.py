"""Like what they wrote, delete what we wrote: on the network, from the menu of a message."""

from __future__ import annotations

from django.http import HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from cases import gestures
from cases.models import Case, CaseMessage
from cases.views.pane import move
from crm.models.staff import CARE_ROLES
from crm.web import Request, roles


def _entry(pk: int) -> CaseMessage:
    return get_object_or_404(CaseMessage.objects.select_related("message__channel"), message=pk)


@require_POST
@roles(*CARE_ROLES)
def like(request: Request, pk: int) -> HttpResponse:
    entry, undo = _entry(pk), reverse("cases:unlike", args=[pk])
    return move(
        request, entry.case_id, lambda case: gestures.like(case=case, message=entry.message, by=request.user),
        _("Liked."), undo,
    )  # fmt: skip


@require_POST
@roles(*CARE_ROLES)
def unlike(request: Request, pk: int) -> HttpResponse:
    entry = _entry(pk)
    return move(
        request, entry.case_id, lambda case: gestures.unlike(case=case, message=entry.message, by=request.user),
        _("Not liked any more."),
    )  # fmt: skip


@require_POST
@roles(*CARE_ROLES)
def delete(request: Request, pk: int) -> HttpResponse:
    entry, why = _entry(pk), request.POST.get("why", "")

    def act(case: Case) -> None:
        gestures.delete(case=case, message=entry.message, why=why, by=request.user)

    return move(request, entry.case_id, act, _("It is being deleted on the network. What it said stays here."))
