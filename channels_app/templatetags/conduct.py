"""How policies and modules are shown: plain text with paragraphs and simple lists, everything escaped."""

from __future__ import annotations

import re
from itertools import groupby

from django import template
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString, mark_safe

from crm.templatetags.hark import linked

register = template.Library()
ITEM = re.compile(r"[-*•] +(.*)")
NUMBERED = re.compile(r"\d{1,2}[.)] +(.*)")


@register.filter
def laid_out(text: str) -> SafeString:
    """Paragraphs at empty lines; lists of lines that begin with "- " or "1. "; web addresses as links."""
    lines = [line.strip() for line in text.replace("\r\n", "\n").split("\n")]
    blocks = [(kind, list(block)) for kind, block in groupby(lines, key=_kind)]
    return mark_safe("".join(_block(kind, block) for kind, block in blocks if kind))  # noqa: S308 - escaped below


def _kind(line: str) -> str:
    if not line:
        return ""
    return "ul" if ITEM.match(line) else "ol" if NUMBERED.match(line) else "p"


def _block(kind: str, lines: list[str]) -> SafeString:
    if kind == "p":
        said = format_html_join(mark_safe("<br>"), "{}", ((linked(line),) for line in lines))
        return format_html('<p dir="auto">{}</p>', said)
    items = format_html_join("", '<li dir="auto">{}</li>', ((linked(_item(line)),) for line in lines))
    return format_html('<{} class="bullets">{}</{}>', SafeString(kind), items, SafeString(kind))


def _item(line: str) -> str:
    found = ITEM.match(line) or NUMBERED.match(line)
    return found.group(1) if found else line
