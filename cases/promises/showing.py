"""The promises of one case, for whoever looks at it."""

from __future__ import annotations

from typing import Any

from django.db.models import Q

from cases.models import Case, Clock
from crm.web import Request

ORDER = {kind: place for place, kind in enumerate(Clock.Kind.values)}


def clocks_of(case: Case, request: Request) -> dict[str, Any]:
    """Part of the pane: what runs or pauses, and the latest of each kind where it came too late. One query."""
    shown = Clock.objects.filter(Q(ended_at=None) | Q(end=Clock.End.BROKEN), case=case)
    latest = {clock.kind: clock for clock in shown.order_by("started_at", "pk")}
    return {"clocks": sorted(latest.values(), key=lambda clock: ORDER[clock.kind])}
