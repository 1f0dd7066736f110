"""Jinja, for what is drawn by the dozen: a row of the queue. Everything else is a template of Django's.

docs/adr/0011 says why: fifty rows took Django's templates more than half of the time of a page.
"""

from __future__ import annotations

from functools import cache
from typing import Any

from django.urls import reverse
from django.utils.translation import gettext, ngettext
from jinja2 import Environment

from cases.templatetags import promises, wants
from crm.templatetags import hark


def environment(**options: Any) -> Environment:
    made = Environment(**options, trim_blocks=True, lstrip_blocks=True)  # noqa: S701 - Django asks for autoescape
    made.globals |= {
        "_": gettext, "ngettext": ngettext, "icon": hark.icon, "when": hark.when, "mood": hark.mood,
        "priority": hark.priority, "avatar": hark.avatar, "next_promise": promises.next_promise,
        "wants_briefly": wants.wants_briefly, "url": url,
    }  # fmt: skip
    made.filters |= {"shortly": hark.shortly, "signed": hark.signed}
    return made


NUMBER = 987654321


@cache
def _pattern(name: str) -> tuple[str, str]:
    """The address of a view of one number, less the number: asking the URLconf took a tenth of a row."""
    before, _, after = reverse(name, args=[NUMBER]).partition(str(NUMBER))
    return before, after


def url(name: str, pk: int) -> str:
    before, after = _pattern(name)
    return f"{before}{pk}{after}"
