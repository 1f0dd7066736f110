"""What the rail says of replies that wait for approval."""

from __future__ import annotations

from django import template

from cases.models import Approval
from crm.models import User

register = template.Library()
MOST = 99


@register.simple_tag
def approvals_waiting(user: User) -> str:
    """How many this person may decide: "" for none. One query, which stops counting at a hundred."""
    if not user.answers:
        return ""
    number = len(Approval.objects.for_decision(user).order_by().values_list("pk", flat=True)[: MOST + 1])
    return f"{MOST}+" if number > MOST else str(number or "")
