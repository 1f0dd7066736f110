"""What other pages show of matches and merges: how many wait, and what was merged just now."""

from __future__ import annotations

from datetime import timedelta

from django import template
from django.utils import timezone

from crm import reviewing
from crm.models import Customer, Merge, User

register = template.Library()
JUST_NOW = timedelta(days=1)


@register.simple_tag
def matches_waiting(user: User) -> str:
    """How many proposals wait: "" for none, and for those who do not decide on them."""
    if not user.answers:
        return ""
    number = reviewing.waiting()
    return f"{reviewing.MOST_WAITING}+" if number > reviewing.MOST_WAITING else str(number or "")


@register.simple_tag
def merged_just_now(customer: Customer) -> Merge | None:
    """The last record that became part of this one, while it is news. One query."""
    merges = Merge.objects.in_force().whole().filter(survivor=customer, at__gte=timezone.now() - JUST_NOW)
    return merges.select_related("absorbed", "by").order_by("-pk").first()
