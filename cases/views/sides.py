"""What the pane shows of a case's public and private side."""

from __future__ import annotations

from typing import Any

from cases import private
from cases.models import Case
from crm.web import Request

TYPED = {"move_to_private": ("message", "public_line"), "close_in_public": ("outcome", "agreed")}


def part(case: Case, request: Request) -> dict[str, Any]:
    """Both sides; and what was typed, where it was refused. One query."""
    name = (request.resolver_match.url_name if request.resolver_match else "") or ""
    typed = {field: request.POST.get(field, "") for field in TYPED.get(name, ())}
    return {"sides": private.side(case), "typed_for": {name: True, **typed} if typed else {}}
