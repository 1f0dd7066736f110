"""How the readings of a message are drawn: a word each, with a sign where Hark is not sure or somebody put it right."""

from __future__ import annotations

from collections.abc import Iterable

from django import template
from django.utils.formats import number_format
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from channels_app.models.learning import Aspect, LexiconWord
from channels_app.reading.words import Word
from channels_app.readings import Line, named
from crm.templatetags.hark import as_percent, drawn, mood

register = template.Library()

URGENT = "high"


@register.simple_tag
def read_as(line: Line) -> SafeString:
    """One aspect in a word; the rest on hover. What is not sure ends in a question mark, and says so in words."""
    if line.aspect == Aspect.SENTIMENT:
        said = mood(line.value)
    elif line.value == URGENT:
        said = format_html('{}<strong class="strong">{}</strong>', drawn("bolt", 16, ""), line.shown)
    else:
        said = format_html("{}", line.shown)
    css = "read read--unsure" if not line.is_sure else "read"
    return format_html('<span class="{}" title="{}">{}{}</span>', css, _hover(line), said, _sign(line))


def _sign(line: Line) -> SafeString | str:
    if line.last:
        return format_html('{}<span class="sr-only"> ({})</span>', drawn("check", 16, "read__said"), _who(line))
    if line.is_sure:
        return ""
    return format_html('<span aria-hidden="true">?</span><span class="sr-only"> ({})</span>', _("not sure"))


def _who(line: Line) -> str:
    if line.last is None:
        return ""
    said = _("confirmed by {who}") if line.last.confirms else _("put right by {who}")
    return said.format(who=line.last.by or "Hark")


def _hover(line: Line) -> str:
    if line.last:
        return f"{line.aspect.label}: {_who(line)}"
    if not line.confidence:
        return str(line.aspect.label)
    return _("{aspect}, {sure} sure").format(aspect=line.aspect.label, sure=as_percent(line.confidence))


@register.filter
def nothing_read(lines: Iterable[Line]) -> bool:
    return not any(line.is_read for line in lines)


@register.filter
def unconfirmed(lines: Iterable[Line]) -> bool:
    """Whether something was read that nobody has confirmed or put right."""
    return any(line.is_read and not line.last for line in lines)


@register.simple_tag
def word_for(word: LexiconWord | Word) -> SafeString:
    """What a word speaks for and how strongly, as "About: Price +0.5"; or that it says nothing."""
    aspect = Aspect(word.aspect)
    if not word.weight:
        return format_html("{}: <em>{}</em>", aspect.label, _("nothing"))
    good = _("good") if word.weight > 0 else _("bad")
    said = good if aspect == Aspect.SENTIMENT else named(aspect, word.value)
    weight = f"{word.weight:+.2f}".rstrip("0").rstrip(".").replace("-", "−")
    return format_html('{}: {} <span class="quiet">{}</span>', aspect.label, said, weight)


@register.filter
def figure(value: object) -> str:
    """One cell of a table of figures."""
    if value is None:
        return "–"
    if isinstance(value, float):
        return number_format(value, decimal_pos=1)
    return number_format(value) if isinstance(value, int) else str(value)


@register.filter
def aspect_label(aspect: str) -> str:
    return str(Aspect(aspect).label)


@register.filter
def value_label(aspect: str, value: str) -> str:
    """`{{ aspect|value_label:value }}`"""
    return named(aspect, value)


@register.filter
def score(value: float | None) -> str:
    """A score between 0 and 1 to three places; a change without its sign, which an arrow says."""
    return "–" if value is None else number_format(abs(value), decimal_pos=3)
