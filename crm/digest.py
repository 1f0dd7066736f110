"""One mail with the notices somebody has not read: each full hour, or each morning at eight, as they chose.

Never twice: what goes into a mail is marked first, in a transaction of its own, and sent after that has committed. If
Hark dies between the two, these notices are in no mail and still in the bell. Only a mail server that refuses or cannot
be reached, which we know for sure, takes the mark away again, so that the next run tries once more.
"""

from __future__ import annotations

import zoneinfo
from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime, time, timedelta
from smtplib import SMTPException
from typing import Any

import structlog
from django.conf import settings
from django.core.mail import EmailMultiAlternatives
from django.db.models import F, OuterRef, Q, QuerySet, Subquery
from django.template.loader import render_to_string
from django.utils import timezone, translation
from django.utils.translation import ngettext

from crm.models import Notice, NoticeChoice, User
from crm.notices import Mail

log = structlog.get_logger(__name__)

MORNING = time(8)
OLDEST = timedelta(days=8)  # what is older was in somebody's bell for a week: no mail begins with it
MOST_LINES = 50


def send_due(now: datetime | None = None) -> int:
    """Send every digest whose time has come. Returns how many were sent. May run at any moment, and twice at once."""
    now = now or timezone.now()
    return sum(_send(user, pks) for user, pks in _due(now).items())


def _due(now: datetime) -> dict[User, list[int]]:
    """Whose notices go into a mail now: those from before the last full hour, or before eight this morning."""
    due = defaultdict(list)
    for notice in _unmailed(now):
        zone = zoneinfo.ZoneInfo(notice.user.time_zone)
        if notice.at < boundary(notice.mail, now, zone):
            due[notice.user].append(notice.pk)
    return due


def _unmailed(now: datetime) -> QuerySet[Any]:
    """Not read, or for the mail alone, and wanted by mail; with `mail`, how. One query."""
    choice = NoticeChoice.objects.filter(user=OuterRef("user"), kind=OuterRef("kind")).exclude(mail=Mail.NEVER)
    wanting = NoticeChoice.objects.exclude(mail=Mail.NEVER).values("user")
    reachable = Notice.objects.filter(user__in=wanting, user__is_active=True).exclude(user__email="")
    return (
        reachable.filter(Q(read_at=None) | Q(read_at=F("at")), mailed_at=None, at__gt=now - OLDEST)
        .annotate(mail=Subquery(choice.values("mail")))
        .exclude(mail=None)
        .select_related("user")
        .order_by("user", "id")
    )


def boundary(mail: str, now: datetime, zone: zoneinfo.ZoneInfo) -> datetime:
    """Notices from before this moment are due: the last full hour, or the last eight o'clock of that zone."""
    here = now.astimezone(zone)
    if mail == Mail.HOURLY:
        return here.replace(minute=0, second=0, microsecond=0)
    day = here.date() if here.time() >= MORNING else here.date() - timedelta(days=1)
    return datetime.combine(day, MORNING, tzinfo=zone)


def _send(user: User, pks: Sequence[int]) -> bool:
    stamp = timezone.now()
    mine = _claim(user, pks, stamp)
    if not mine:
        return False
    try:
        _mail(user, mine).send()
    except (SMTPException, OSError) as error:
        Notice.objects.filter(pk__in=[notice.pk for notice in mine], mailed_at=stamp).update(mailed_at=None)
        log.warning("a digest was not sent; it is tried again", user=user.pk, error=type(error).__name__)
        return False
    return True


def _claim(user: User, pks: Sequence[int], stamp: datetime) -> list[Notice]:
    """Mark them: of two processes at it at once, each gets what the other has not. Committed when this returns."""
    rows = Notice.objects.filter(pk__in=pks, mailed_at=None)
    return list(Notice.objects.filter(pk__in=pks, user=user, mailed_at=stamp)) if rows.update(mailed_at=stamp) else []


def _mail(user: User, notices: Sequence[Notice]) -> EmailMultiAlternatives:
    """In the person's own language, where Hark speaks it, and in their time zone."""
    with translation.override(_language(user)), timezone.override(zoneinfo.ZoneInfo(user.time_zone)):
        n, shown = len(notices), notices[:MOST_LINES]
        facts = {"user": user, "notices": shown, "more": n - len(shown), "hark": settings.HARK_URL}
        subject = ngettext("Hark: %(n)d notice for you", "Hark: %(n)d notices for you", n) % {"n": n}
        mail = EmailMultiAlternatives(subject, render_to_string("crm/notices/digest.txt", facts), to=[user.email])
        mail.attach_alternative(render_to_string("crm/notices/digest.html", facts), "text/html")
        mail.extra_headers["Auto-Submitted"] = "auto-generated"
    return mail


def _language(user: User) -> str:
    spoken = dict(settings.LANGUAGES)
    return next((code for code in user.languages if code in spoken), settings.LANGUAGE_CODE)
