"""Asking who a customer is, from the panel beside their case."""

from __future__ import annotations

from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from cases import identify
from cases.models import Case
from cases.views.pane import move, theirs
from crm.models import IdentityRequest
from crm.models.staff import CARE_ROLES
from crm.web import Request, roles


@require_GET
@roles(*CARE_ROLES)
def asked(request: Request, pk: int) -> HttpResponse:
    case = theirs(request, pk)
    return render(request, "cases/_asked.html", {"case": case, "asked": identify.asked(case)})


@require_POST
@roles(*CARE_ROLES)
def ask_who(request: Request, pk: int) -> HttpResponse:
    """Send them a private link; or make one to give them by hand, where `how` is "link"."""
    if request.POST.get("how") == "link":
        done = _("Here is the link, beside the case. Give it to nobody but them.")
        return move(request, pk, lambda case: identify.make_link(case=case, by=request.user), done)
    done = _("Asked: a private link is on its way to them.")
    return move(request, pk, lambda case: identify.ask_who(case=case, by=request.user), done)


@require_POST
@roles(*CARE_ROLES)
def ask_withdraw(request: Request, pk: int, asked: int) -> HttpResponse:
    found = get_object_or_404(IdentityRequest, pk=asked)

    def act(case: Case) -> None:
        identify.withdraw(case=case, request=found, by=request.user)

    return move(request, pk, act, _("Withdrawn: the link does not work any more."))
