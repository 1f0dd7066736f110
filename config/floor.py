"""The floor under every page: the same server and sign-in, one template of a given size, no query of its own.

Only `bin/manage bench` serves it, by HARK_URLCONF.
"""

from __future__ import annotations

from django.http import HttpResponse
from django.shortcuts import render
from django.urls import path
from django.views.decorators.http import require_GET

from config.urls import urlpatterns as pages
from crm.models.staff import Role
from crm.web import Request, roles

LINE = "One line of the floor page, as long as a line of a page may be. "


@require_GET
@roles(*Role.values)
def floor(request: Request, size: int) -> HttpResponse:
    """`size` bytes of text from one template."""
    return render(request, "floor.html", {"text": (LINE * (size // len(LINE) + 1))[:size]})


urlpatterns = [*pages, path("floor/<int:size>/", floor, name="floor")]
