"""In a case: its likely cause, what is to be done, and how urgent it is."""

from __future__ import annotations

from django.http import HttpResponse
from django.shortcuts import get_object_or_404
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST

from cases import checklists, urgency
from cases.forms import CauseOfCaseForm
from cases.models import Case, ChecklistItem, Priority
from cases.views.pane import move
from crm.errors import Refused
from crm.models.staff import CARE_ROLES
from crm.web import Request, roles


class NoSuchPriority(Refused):
    sentence = gettext_lazy("Choose how urgent it is.")


class NoSuchCause(Refused):
    sentence = gettext_lazy("Choose one of the causes, or none.")


@require_POST
@roles(*CARE_ROLES)
def check(request: Request, pk: int, item: int) -> HttpResponse:
    """Tick an item of the checklist; with `off`, untick it."""
    found = get_object_or_404(ChecklistItem.objects.select_related("cause"), pk=item)
    act = checklists.untick if "off" in request.POST else checklists.tick
    return move(request, pk, lambda case: act(case=case, item=found, by=request.user))


@require_POST
@roles(*CARE_ROLES)
def likely_cause(request: Request, pk: int) -> HttpResponse:
    form = CauseOfCaseForm(request.POST)

    def act(case: Case) -> None:
        if not form.is_valid():
            raise NoSuchCause
        checklists.think_of(case=case, cause=form.cleaned_data["cause"], by=request.user)

    return move(request, pk, act)


@require_POST
@roles(*CARE_ROLES)
def priority(request: Request, pk: int) -> HttpResponse:
    chosen = request.POST.get("priority", "")

    def act(case: Case) -> None:
        if chosen not in map(str, Priority.values):
            raise NoSuchPriority
        urgency.set_priority(case=case, priority=Priority(int(chosen)), by=request.user)

    return move(request, pk, act)
