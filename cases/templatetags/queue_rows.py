"""Rows of the queue, drawn by Jinja (docs/adr/0011)."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

from django import template
from django.template import engines
from django.utils.safestring import SafeString
from django.utils.translation import gettext

from cases.models import Case

register = template.Library()


def draw(cases: Sequence[Case], *, current: int | None = None) -> SafeString:
    """The rows of `cases`, which came `with_row()`; `current` is the pk of the one that is open beside them."""
    words = {"_": cache(gettext)}  # each is looked up once for all rows
    rows = engines["quick"].get_template("queue_rows.html").render({"cases": cases, "current": current, **words})
    return SafeString(rows)


@register.simple_tag
def queue_rows(cases: Sequence[Case], current: int | None = None) -> SafeString:
    return draw(cases, current=current)
