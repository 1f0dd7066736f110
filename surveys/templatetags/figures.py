"""Figures as people read them."""

from __future__ import annotations

from datetime import datetime

from django import template
from django.utils import timezone
from django.utils.formats import date_format, number_format

register = template.Library()

NONE = "–"  # a figure that is not shown


@register.filter
def points(value: float | None) -> str:
    """A score or a change, to one decimal and with its sign (a minus as long as a plus): +42.3, 0.0."""
    if value is None:
        return NONE
    sign = "+" if value > 0 else "−" if value < 0 else ""
    return sign + number_format(abs(value), decimal_pos=1)


@register.filter
def share(value: float | None) -> str:
    """A percentage to one decimal, with its sign after a narrow space that does not break."""
    return NONE if value is None else f"{number_format(value, decimal_pos=1)}\u202f%"


@register.filter
def cell(value: object) -> str:
    """One cell of a table of figures."""
    if value is None:
        return NONE
    if isinstance(value, float):
        return number_format(value, decimal_pos=1)
    if isinstance(value, datetime):
        return date_format(timezone.localtime(value), "j M Y")
    return number_format(value) if isinstance(value, int) else str(value)
