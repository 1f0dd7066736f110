"""What the pane shows of rules and causes: the checklist of the case, its likely cause, the priorities to choose."""

from __future__ import annotations

from typing import Any

from cases import checklists
from cases.models import Case, Priority
from crm.web import Request


def checklist(case: Case, request: Request) -> dict[str, Any]:
    """One query, and none without a cause. After a refusal to resolve, the list of the cause that was chosen."""
    chosen = request.POST.get("cause", "") if case.is_unresolved else ""
    cause = int(chosen) if chosen.isdecimal() and len(chosen) < 19 else None
    return {"steps": checklists.steps(case, cause)}


def choices(case: Case, request: Request) -> dict[str, Any]:
    return {"priorities": Priority.choices}


PARTS = (checklist, choices)
