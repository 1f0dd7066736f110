"""What moves in the demo: a case that sleeps, two that became one, two that are linked, a note that names somebody."""

from __future__ import annotations

from datetime import timedelta

from django.db.models import Count
from django.utils import timezone

from cases import joining, replies, snooze
from cases.models import Case
from cases.models.asked import CaseQuerySet
from crm import notices
from crm.models import Customer, Notice, NoticeChoice, User

WELCOME = "This is your bell: what concerns you stands here, and leads there."


def load() -> None:
    ana, ben = (User.objects.get(username=name) for name in ("agent", "agent2"))
    _asleep(ana)
    _joined(ana)
    _linked(ben)
    _named(ana, ben)
    for person in User.objects.filter(is_active=True, username__in=_everybody()):
        notices.tell([person], Notice.Kind.TEAM, WELCOME, url="/profile/notices/")
    NoticeChoice.objects.get_or_create(user=ana, kind=Notice.Kind.WAKE, defaults={"mail": NoticeChoice.Mail.DAILY})


def _everybody() -> tuple[str, ...]:
    return ("agent", "agent2", "agent3", "lead", "executive", "sales", "support", "admin")


def _asleep(by: User) -> None:
    """Waits until tomorrow for a word from the depot."""
    if case := _free(by).first():
        snooze.snooze(case=case, until=timezone.now() + timedelta(days=1), by=by)


def _joined(by: User) -> None:
    """The same customer twice, the newer one joined to the older."""
    several = Customer.objects.filter(cases__in=_free(by)).annotate(n=Count("cases")).filter(n__gte=2)
    if customer := several.order_by("pk").first():
        older, newer = _free(by).filter(customer=customer)[:2]
        joining.merge(case=newer, into=older, by=by)


def _linked(by: User) -> None:
    cases = list(_free(by)[1:3])
    if len(cases) == 2:
        joining.link(one=cases[0], other=cases[1], kind="same_cause", by=by)


def _named(by: User, whom: User) -> None:
    if case := _free(by).filter(team__in=whom.team_ids).last():
        replies.note(case=case, text=f"@{whom.username} you spoke with them last week, what did we agree?", by=by)


def _free(by: User) -> CaseQuerySet:
    """New, not urgent, and nobody's."""
    return Case.objects.visible_to(by).filter(state=Case.State.NEW, priority__gte=3).order_by("pk")
