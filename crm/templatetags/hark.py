"""Tags and filters every template may use: times, people, moods, icons, and what customers wrote made safe to show."""

from __future__ import annotations

import re
import zoneinfo
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import cache
from typing import TYPE_CHECKING

from django import template
from django.conf import settings
from django.forms import BoundField
from django.utils import timezone
from django.utils.dates import MONTHS_3, WEEKDAYS_ABBR
from django.utils.formats import date_format
from django.utils.html import escape, format_html, format_html_join
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import get_language, get_language_info, gettext, gettext_noop
from heroicons.templatetags.heroicons import heroicon_micro, heroicon_mini, heroicon_outline

from crm.leading import address_of

if TYPE_CHECKING:
    from django.contrib.messages.storage.base import Message as Notice

    from crm.models import Customer, User

register = template.Library()


SHOWN_AT_ONCE = 1_500  # characters of one message; the rest waits behind "Show all"
SHOWN_AT_MOST = 20_000  # what a browser lays out without effort
MOODS = {
    "negative": ("face-frown", "Negative"),
    "neutral": ("minus-circle", "Neutral"),
    "positive": ("face-smile", "Positive"),
    "unknown": ("question-mark-circle", "Not read"),
}
PRIORITIES = {1: "urgent", 2: "high", 3: "normal", 4: "low"}
BAR = '<rect x="{}" y="{}" width="3" height="{}" rx="1" opacity="{}"/>'

# below so many seconds, counted in units of so many: how long since, and how long ago (times.js does the same)
SPANS = (
    (3_600, 60, gettext_noop("{n} min"), gettext_noop("{n} min ago")),
    (86_400, 3_600, gettext_noop("{n} h"), gettext_noop("{n} h ago")),
    (7 * 86_400, 86_400, gettext_noop("{n} d"), gettext_noop("{n} d ago")),
)


# --- icons


@cache
def drawn(name: str, size: int, css: str) -> SafeString:
    """One icon as SVG. Kept, because parsing it costs more than the row it stands in."""
    draw = {24: heroicon_outline, 20: heroicon_mini}.get(size, heroicon_micro)
    attrs = {"class": f"icon {css}".strip(), "aria_hidden": "true", "focusable": "false"}
    return SafeString(draw(name, size=size, **attrs))


@register.simple_tag
def icon(name: str, size: int = 16, css: str = "") -> SafeString:
    """An icon that only decorates: the words stand beside it. Each size (16, 20, 24) has its own drawing."""
    return drawn(str(name), size, str(css))


# --- times


def since(moment: datetime, now: datetime, form: str = "") -> str:
    """How long since, in the shortest words that are still exact enough; a date once it is a week old."""
    seconds = (now - moment).total_seconds()
    if seconds < 45:
        return gettext("now") if form != "ago" else gettext("just now")
    for limit, unit, short, long in SPANS:
        if seconds < limit:
            return gettext(long if form == "ago" else short).format(n=max(1, int(seconds // unit)))
    local, here = timezone.localtime(moment), timezone.localtime(now)
    return date_format(local, "j M" if local.year == here.year else "j M Y")


def exactly(moment: datetime) -> str:
    """In the reader's zone, which is named: "Mon 3 Nov 2025, 14:05 (Europe/Berlin)"."""
    at, (days, months) = timezone.localtime(moment), _names(get_language() or "")
    day = f"{days[at.weekday()]} {at.day} {months[at.month]} {at.year}"
    return f"{day}, {at.hour:02}:{at.minute:02} ({timezone.get_current_timezone_name()})"


@cache
def _names(language: str) -> tuple[dict[int, str], dict[int, str]]:
    """Weekdays and months, as that language shortens them."""
    days, months = ({n: str(name) for n, name in names.items()} for names in (WEEKDAYS_ABBR, MONTHS_3))
    return days, {n: name.capitalize() for n, name in months.items()}


@register.simple_tag
def when(moment: datetime | None, form: str = "") -> SafeString | str:
    """`<time>` that says how long since ("5 h"; with "ago", "5 h ago"), ticks, and tells the exact time on hover."""
    if moment is None:
        return ""
    return format_html(
        '<time datetime="{}" title="{}" data-relative="{}">{}</time>',
        moment.isoformat(timespec="seconds"), exactly(moment), form, since(moment, timezone.now(), form),
    )  # fmt: skip


@register.simple_tag
def local_time(zone: str) -> SafeString | str:
    """What the clock says where a customer lives; nothing for a zone we do not know."""
    try:
        there = timezone.now().astimezone(zoneinfo.ZoneInfo(zone))
    except (ValueError, OSError, zoneinfo.ZoneInfoNotFoundError):
        return ""
    return format_html('<time data-clock="{}">{}</time>', zone, date_format(there, "H:i"))


@register.filter
def is_recent(moment: datetime | None, hours: int) -> bool:
    return moment is not None and timezone.now() - moment < timedelta(hours=hours)


# --- people


@register.filter
def initials(name: object) -> str:
    """Two letters for an avatar; empty when a name has none (emoji, digits), so that an icon stands in."""
    words = [word for word in re.split(r"[\W_]+", str(name)) if word and word[0].isalpha()]
    return "".join(word[0] for word in (words[:1] + words[1:][-1:])).upper()


@register.simple_tag
def avatar(who: object, size: str = "") -> SafeString:
    """A disc with initials. Empty `who` is a dashed disc: nobody. The name itself stands in the tooltip."""
    css = f"avatar avatar--{size}" if size else "avatar"
    if not who:
        return format_html('<span class="{} avatar--nobody" aria-hidden="true"></span>', css)
    letters = initials(who) or drawn("user", 16, "")
    return format_html('<span class="{}" title="{}" aria-hidden="true">{}</span>', css, str(who), letters)


@register.filter
def tongue(code: str) -> str:
    try:
        return str(get_language_info(code)["name_translated"])
    except KeyError:
        return code


@register.inclusion_tag("crm/_do_not_contact.html")
def do_not_contact(customer: Customer) -> dict[str, object]:
    """The absolute no, with who, when and how; nothing, and no query, where there is none."""
    if customer.do_not_contact_at is None:
        return {}
    change = customer.consent_changes.filter(purpose="").select_related("by").first()
    return {"customer": customer, "change": change}


# --- what a case is


@register.simple_tag
def mood(value: str, form: str = "") -> SafeString:
    """A face and the word for it; "bare" where there is room for the face alone, with the word as its name."""
    return _mood(str(value), form, get_language() or "")


@cache
def _mood(value: str, form: str, language: str) -> SafeString:
    face, word = MOODS.get(str(value), MOODS["unknown"])
    said = gettext(word)
    if form == "bare":
        pattern = '<span class="mood mood--{}" role="img" aria-label="{}" title="{}">{}</span>'
        return format_html(pattern, value, said, said, drawn(face, 16, ""))
    return format_html('<span class="mood mood--{}">{}{}</span>', value, drawn(face, 16, ""), said)


@register.simple_tag
def priority(value: int) -> SafeString:
    """Bars as high as the priority, and the word for it."""
    return _priority(int(value), get_language() or "")


@cache
def _priority(value: int, language: str) -> SafeString:
    name = PRIORITIES.get(int(value), "normal")
    bars = [(1 + 4 * n, 11 - 3 * n, 3 + 3 * n, "1" if n + value < 5 else ".25") for n in range(4)]
    return format_html(
        '<span class="priority priority--{}"><svg class="icon" width="16" height="16" viewBox="0 0 17 16"'
        ' fill="currentColor" aria-hidden="true" focusable="false">{}</svg>{}</span>',
        name, format_html_join("", BAR, bars), gettext(name.capitalize()),
    )  # fmt: skip


@register.filter
def shortly(number: int) -> str:
    """A large number in few characters: 950, 12.4 k, 3.1 M."""
    for size, unit in ((10**9, "\u00a0bn"), (10**6, "\u00a0M"), (10**3, "\u00a0k")):
        if number >= size:
            return f"{number / size:.1f}".removesuffix(".0") + unit
    return str(number)


@register.filter
def signed(number: int) -> str:
    """With its sign: +50, or a minus and 80."""
    return f"{number:+d}".replace("-", "−")


@register.filter
def as_percent(share: float) -> str:
    return f"{round(100 * share)} %"


# --- what customers wrote

MENTION = re.compile(r"(^|[^\w@.])(@\w[\w.+-]*\w|@\w)")
ADDRESS = re.compile(r"https?://[^\s<>\"'`]+", re.IGNORECASE)


def anchor(address: str) -> str:
    """A link that says where it leads and tells the other side nothing about us; punctuation after it stays outside."""
    url = address.rstrip(".,;:!?…)]}»”’")
    if not (leads := address_of(url)):
        return escape(address)
    safe = escape(leads)
    return (
        f'<a href="{safe}" target="_blank" rel="noopener noreferrer nofollow">{safe}</a>{escape(address[len(url) :])}'
    )


@register.filter
def web_address(text: str) -> str:
    """An address a browser may be sent to; empty for anything else a file may have brought (javascript:, data:)."""
    return text if text.lower().startswith(("https://", "http://")) else ""


@register.filter
def linked(text: str) -> SafeString:
    """Escaped text in which web addresses, and nothing else, are links."""
    return _linked(text, escape)


@register.filter
def noted(text: str) -> SafeString:
    """The same, and whom it names (@ana) marked: one of our notes."""
    return _linked(text, _marked)


def _linked(text: str, plain: Callable[[str], str]) -> SafeString:
    parts, at = [], 0
    for found in ADDRESS.finditer(text):
        parts += [plain(text[at : found.start()]), anchor(found.group())]
        at = found.end()
    return mark_safe("".join([*parts, plain(text[at:])]))  # noqa: S308 - every part is escaped by `plain` and `anchor`


def _marked(text: str) -> str:
    return MENTION.sub(r'\1<mark class="mention">\2</mark>', escape(text))


@register.inclusion_tag("components/said.html")
def said(text: str, is_note: bool = False) -> dict[str, object]:
    """A message's words: links, their own direction, and a fold where somebody wrote a book."""
    text = text.strip()
    folded = len(text) > SHOWN_AT_ONCE
    return {
        "is_note": is_note,
        "text": text[:SHOWN_AT_MOST],
        "head": text[: SHOWN_AT_ONCE // 2] if folded else "",
        "folded": folded,
        "length": len(text),
        "cut": len(text) > SHOWN_AT_MOST,
        "shown": SHOWN_AT_MOST,
    }


# --- forms and notices


@register.simple_tag
def control(field: BoundField, **attrs: object) -> SafeString:
    """A field's widget with more attributes: `{% control form.text id="reply-text" rows=3 %}` (_ becomes -)."""
    named: dict[str, str | bool] = {
        # a literal in a template counts as safe, and its quotation marks would end the attribute: escaped all the same
        name.replace("_", "-"): value if isinstance(value, bool) else escape(value)
        for name, value in attrs.items()
        if value is not None
    }
    return field.as_widget(attrs=named)


@register.filter
def kind(field: BoundField) -> str:
    """How a field is laid out: as "checkbox", "radios", "textarea", "select" or "input"."""
    names = {"CheckboxInput": "checkbox", "RadioSelect": "radios", "CheckboxSelectMultiple": "radios"}
    widget = type(field.field.widget).__name__
    return names.get(widget) or next((k for k in ("textarea", "select") if k in widget.lower()), "input")


@register.filter
def undo_url(notice: Notice) -> str:
    """The address a notice can be undone at, from its extra tag "undo:/…"; only ever one of our own."""
    tags = str(notice.extra_tags or "").split()
    url = next((tag.removeprefix("undo:") for tag in tags if tag.startswith("undo:")), "")
    return url if url.startswith("/") and url_has_allowed_host_and_scheme(url, allowed_hosts=None) else ""


@register.simple_tag
def login_path() -> str:
    """Where a lost sign-in leads: the page reloads itself there instead of showing a form inside a panel."""
    from django.shortcuts import resolve_url

    return resolve_url(settings.LOGIN_URL)


@register.filter
def is_of(user: User, roles: str) -> bool:
    """`{% if user|is_of:"executive,sales" %}`; somebody not signed in has no role."""
    return getattr(user, "role", "") in roles.split(",")
