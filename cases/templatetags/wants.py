"""What a customer wants and how soon, in the few words that a row has room for."""

from __future__ import annotations

from functools import cache

from django import template
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import get_language, gettext

from cases.models import Case
from cases.models.wants import NOTHING
from channels_app.models import About, Intent, Message, Urgency
from crm.templatetags.hark import drawn

register = template.Library()


@register.simple_tag
def wants(said: Case | Message) -> SafeString:
    """As “Complaint · Price”, and a mark where hours matter; nothing where nothing of that was read."""
    return _wants(said.intent, said.topic, said.urgency, get_language() or "")


def wants_briefly(case: Case) -> SafeString:
    """As “Complaint”, or “Now · Complaint” where hours matter; the rest in its title. For rows, which have no room."""
    return _briefly(case.intent, case.topic, case.urgency, get_language() or "")


# drawn once for each of a few dozen kinds: rows come by the dozen


@cache
def _wants(intent: str, topic: str, urgency: str, language: str) -> SafeString:
    mark, words = SafeString(""), [*_wish(intent), *_matter(topic)]
    if urgency == Urgency.HIGH:
        mark = format_html('<span class="tag tag--bad">{}{}</span>', drawn("bolt", 16, ""), Urgency.HIGH.label)
    shown = format_html('<span class="wants" title="{}">{}</span>', gettext("What they want"), " · ".join(words))
    return format_html("{}{}", mark, shown if words else "")


@cache
def _briefly(intent: str, topic: str, urgency: str, language: str) -> SafeString:
    now = [gettext("Now")] if urgency == Urgency.HIGH else []
    words = [*now, *(_wish(intent) or _matter(topic))]
    title = " · ".join([*_wish(intent), *_matter(topic), *([str(Urgency.HIGH.label)] if now else [])])
    css, mark = ("wants--now", drawn("bolt", 16, "")) if now else ("", "")
    shown = format_html('<span class="wants cut {}" title="{}">{}{}</span>', css, title, mark, " · ".join(words))
    return shown if words else SafeString("")


def _wish(intent: str) -> list[str]:
    return [str(Intent(intent).label)] if intent not in NOTHING else []


def _matter(topic: str) -> list[str]:
    return [str(About(topic).label)] if topic not in ("", About.NONE) else []
