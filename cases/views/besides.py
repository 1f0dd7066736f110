"""What the pane shows of moving: the moments to snooze until, other cases of the customer, linked ones."""

from __future__ import annotations

from typing import Any

from cases import beside, snooze
from cases.forms.moving import SnoozeForm
from cases.models import Case
from crm.web import Request


def moving(case: Case, request: Request) -> dict[str, Any]:
    """The moments to choose from; the customer's other cases. One query."""
    name, asked = "", 0
    if request.resolver_match:
        name, asked = request.resolver_match.url_name or "", request.resolver_match.kwargs.get("pk", 0)
    return {
        "snooze_choices": snooze.choices(waiting=case.state == Case.State.WAITING),
        "snooze_form": SnoozeForm(request.POST if name == "snooze" else None, auto_id="snooze_%s"),
        "merged_from": asked if name in ("case", "pane") and asked != case.pk else 0,
        "others": beside.others(case, request.user) if case.is_unresolved else None,
    }


def linked(case: Case, request: Request) -> dict[str, Any]:
    """One query."""
    return {"links": beside.linked(case, request.user)}


PARTS = (moving, linked)
