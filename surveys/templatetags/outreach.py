"""The clock of a request to a group, in a shape and in words."""

from __future__ import annotations

from typing import Any

from django import template
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.text import capfirst

from crm.templatetags.hark import drawn, exactly
from surveys.models import GroupRequest
from surveys.outreach.clock_words import ANSWERED, LATE, RUNS, SOON, STANDS, WITHDRAWN, standing

register = template.Library()

ICONS = {
    RUNS: "clock", SOON: "bell-alert", LATE: "exclamation-circle", STANDS: "pause-circle", ANSWERED: "check-circle",
    WITHDRAWN: "x-circle",
}  # fmt: skip


@register.simple_tag(takes_context=True)
def request_clock(context: dict[str, Any], request: GroupRequest) -> SafeString:
    """How many days are left, as whoever looks reads it; when exactly it is due stands in the tooltip."""
    found = standing(request, context["user"], timezone.now())
    title = exactly(request.due_at) if found.state in (RUNS, SOON, LATE) else ""
    return format_html(
        '<span class="asked-clock asked-clock--{}"{}>{}<span>{}</span></span>',
        found.state, format_html(' title="{}"', title) if title else "", drawn(ICONS[found.state], 16, ""),
        capfirst(found.words),
    )  # fmt: skip
