"""How a promise stands, in a shape and in words; static/js/times.js lets both tick."""

from __future__ import annotations

from datetime import datetime
from functools import cache

from django import template
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.text import capfirst
from django.utils.translation import get_language, gettext, gettext_noop

from cases.models import Case, Clock
from crm.templatetags.hark import SPANS, exactly

register = template.Library()

KEPT, RISK, BROKEN = "kept", "risk", "broken"


def state_of(due_at: datetime, risk_at: datetime, now: datetime) -> str:
    if now > due_at:
        return BROKEN
    return RISK if now >= risk_at else KEPT


def span(seconds: float) -> str:
    """So much time, rounded down to its largest unit: "20 min", "3 h", "2 d"."""
    unit, pattern = next(
        ((unit, short) for limit, unit, short, _ in SPANS[:2] if seconds < limit), (SPANS[2][1], SPANS[2][2])
    )
    return gettext(pattern).format(n=max(1, int(seconds // unit)))


WORDS = {
    KEPT: gettext_noop("{name} in {time}"),
    RISK: gettext_noop("{name} at risk, {time}"),
    BROKEN: gettext_noop("{name} late, {time}"),
}


def words(kind: str, state: str, seconds: float) -> str:
    return gettext(WORDS[state]).format(name=kind, time=span(seconds))


@cache
def _name(kind: str, language: str) -> str:
    return str(Clock.Kind(kind).label)


def _drawn(kind: str, due_at: datetime, risk_at: datetime) -> SafeString:
    now, name = timezone.now(), _name(kind, get_language() or "")
    state = state_of(due_at, risk_at, now)
    return format_html(
        '<span class="promise promise--{}" data-due="{}" data-risk="{}" data-promise="{}" title="{}">{}</span>',
        state, due_at.isoformat(timespec="seconds"), risk_at.isoformat(timespec="seconds"), name, exactly(due_at),
        words(name, state, abs((due_at - now).total_seconds())),
    )  # fmt: skip


@register.simple_tag
def next_promise(case: Case) -> SafeString | str:
    """The promise of a case that ends next. Nothing here depends on who looks."""
    if case.due_at is None or case.risk_at is None:
        return ""
    return _drawn(case.due_kind, case.due_at, case.risk_at)


@register.simple_tag
def promise_clock(clock: Clock) -> SafeString | str:
    """One clock of a case: what runs, what waits for the customer, and what came too late."""
    if clock.due_at and clock.risk_at:
        return _drawn(clock.kind, clock.due_at, clock.risk_at)
    name = clock.get_kind_display()
    if clock.ended_at:
        late = gettext("{name} was late").format(name=name)
        return format_html('<span class="promise promise--broken">{}</span>', late)
    left = max(clock.promised - clock.spent, 0)
    text = gettext("{name} pauses, {time} left").format(name=capfirst(name), time=span(left))
    return format_html('<span class="promise promise--paused">{}</span>', text)
