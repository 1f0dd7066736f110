"""The bell in the rail: each page fetches it for itself, so that no page waits for it."""

from __future__ import annotations

from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from channels_app import bell
from crm.models.staff import Role
from crm.web import Request, roles


@require_GET
@roles(*Role.values)
def ring(request: Request) -> HttpResponse:
    return render(request, "components/_bell.html", bell.counted(request.user))
