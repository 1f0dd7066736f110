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
from surveys.forms.building import UseForm
from surveys.views import builder


@require_POST
@roles(*LEADING_ROLES)
def version_use(request: Request, pk: int, number: int) -> HttpResponse:
    """A refusal stands beside the reason, which is kept as it was typed."""
    version, form = builder.found(request.user, pk, number), UseForm(request.POST)
    if form.is_valid():
        try:
            after_case.put_to_use(version=version, by=request.user, reason=form.cleaned_data["reason"])
        except Refused as refusal:
            form.add_error("reason", str(refusal))
        else:
            messages.success(request, _("From now on resolved cases are asked about."))
            return redirect(version)
    return builder.page(request, version, form=form, use=form, open="use")
