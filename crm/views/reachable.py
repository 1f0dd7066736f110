"""An address that was closed because mail came back is opened again."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from crm import reachable
from crm.models import IdentityLink
from crm.models.staff import CARE_ROLES
from crm.web import Request, roles


@require_POST
@roles(*CARE_ROLES)
def address_open(request: Request, pk: int) -> HttpResponse:
    links = IdentityLink.objects.visible_to(request.user).confirmed().select_related("identity", "customer")
    link = get_object_or_404(links, pk=pk)
    reachable.open_again(identity=link.identity, by=request.user)
    messages.success(request, _("Mail is sent to {address} again.").format(address=link.identity.label))
    return redirect(link.customer)
