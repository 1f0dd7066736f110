"""Going on in private, and closing in public what was settled there."""

from __future__ import annotations

from django.http import HttpResponse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from cases import private
from cases.models import Case
from cases.views.pane import move
from crm.models.staff import CARE_ROLES
from crm.web import Request, roles


@require_POST
@roles(*CARE_ROLES)
def move_to_private(request: Request, pk: int) -> HttpResponse:
    text, line = request.POST.get("message", ""), request.POST.get("public_line", "")

    def act(case: Case) -> None:
        private.move(case=case, text=text, by=request.user, public_line=line)

    return move(request, pk, act, _("Moved to private: the message is on its way to them alone."))


@require_POST
@roles(*CARE_ROLES)
def close_in_public(request: Request, pk: int) -> HttpResponse:
    text, agreed = request.POST.get("outcome", ""), request.POST.get("agreed", "")

    def act(case: Case) -> None:
        private.close_in_public(case=case, text=text, agreed_how=agreed, by=request.user)

    return move(request, pk, act, _("The outcome is on its way to the public conversation."))
