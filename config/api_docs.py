"""The reference of the API, drawn from its own OpenAPI: our templates, so that no script and no style comes with it."""

from __future__ import annotations

import functools
import json
from typing import Any

from django.conf import settings
from django.http import HttpResponse
from django.shortcuts import render
from django.utils.translation import get_language
from django.views.decorators.http import require_GET

from config.api_reference import Reference, reference
from crm.api.problems import KINDS
from crm.models.staff import LEADING_ROLES
from crm.web import Request, roles
from crm.webhooks import topics


@functools.cache
def document(language: str | None) -> dict[str, Any]:
    """Made once a process and language: it says what the code says."""
    from config.api import api  # not above: its answers link to this page

    made: dict[str, Any] = json.loads(json.dumps(api.get_openapi_schema(), default=str))
    return made


@functools.cache
def _rows(language: str | None) -> Reference:
    return reference(document(language))


@require_GET
@roles(*LEADING_ROLES)
def openapi(request: Request) -> HttpResponse:
    return HttpResponse(json.dumps(document(get_language()), ensure_ascii=False), content_type="application/json")


@require_GET
@roles(*LEADING_ROLES)
def docs(request: Request) -> HttpResponse:
    context = {
        "reference": _rows(get_language()),
        "problems": [(code, status, says) for code, (status, says) in KINDS.items()],
        "topics": topics.choices(), "per_minute": settings.API_PER_MINUTE,
        "base": f"{settings.HARK_URL}/api/v1",
    }  # fmt: skip
    return render(request, "api/docs.html", context)
