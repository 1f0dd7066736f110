"""What the pages about privacy call the kinds of data."""

from __future__ import annotations

from datetime import date, timedelta

from django import template
from django.utils.dateparse import parse_date
from django.utils.functional import Promise
from django.utils.translation import gettext, ngettext

from crm.privacy import erasing, holders, retention

register = template.Library()


@register.filter
def kind_of_data(name: str) -> str | Promise:
    """What a holder's name stands for, as a person reads it."""
    if name == erasing.THE_END:
        return gettext("The names themselves, while nothing can come in")
    holder = holders.named(name)
    return holder.label if holder else name


@register.filter
def by_kind(erased: dict[str, int]) -> list[tuple[str | Promise, int]]:
    """What a receipt counts, in the order in which a person reads it."""
    return [(holder.label, erased[holder.name]) for holder in holders.all_holders() if holder.name in erased]


@register.filter
def day(text: str) -> date | None:
    """A day as a receipt keeps it."""
    return parse_date(text or "")


@register.filter
def kept_kind(name: str) -> str | Promise:
    """What a retention rule's name stands for."""
    kind = retention.KINDS.get(name)
    return kind.label if kind else name


@register.filter
def span(length: timedelta) -> str:
    """A whole number of days or hours, in words."""
    if not length:
        return gettext("at once")
    if length.days:
        return ngettext("after %(n)d day", "after %(n)d days", length.days) % {"n": length.days}
    hours = length.seconds // 3600
    return ngettext("after %(n)d hour", "after %(n)d hours", hours) % {"n": hours}
