"""The survey after a case is put to use: from then on resolved cases are asked about."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from crm.errors import Refused
from crm.models.staff import LEADING_ROLES
from crm.web import Request, roles
from surveys import after_case
from surveys.views import builder


@require_POST
@roles(*LEADING_ROLES)
def version_use(request: Request, pk: int, number: int) -> HttpResponse:
    version = builder.found(request.user, pk, number)
    try:
        after_case.put_to_use(version=version, by=request.user)
    except Refused as refusal:
        messages.error(request, str(refusal))
    else:
        messages.success(request, _("From now on resolved cases are asked about."))
    return redirect(version)
