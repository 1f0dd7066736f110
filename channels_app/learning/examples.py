"""Messages to put right next: those Hark is least sure of teach it most."""

from __future__ import annotations

from django.db.models import QuerySet

from channels_app.learning.aspects import COLUMNS, NOT_READ, NoSuchAspect
from channels_app.models import Correction, Message
from crm.models import User

NEWEST = 20_000
"""Among so many of the newest messages one looks: what customers write now teaches more than what they wrote a year
ago, and no index has to be kept for each aspect while messages come in.
"""


def place(aspect: str) -> tuple[str, str]:
    """The key of the order in which `least_certain` comes, for a page of it."""
    return COLUMNS[aspect].confidence, "id"


def least_certain(aspect: str, *, user: User, value: str = "") -> QuerySet[Message]:
    """What nobody has looked at yet, the least certain first; with `value`, what was read as that."""
    if aspect not in COLUMNS:
        raise NoSuchAspect
    columns = COLUMNS[aspect]
    newest = Message.objects.order_by("-id").values("id")[NEWEST : NEWEST + 1]
    oldest = newest.first()
    rows = Message.objects.visible_to(user).filter(
        id__gt=oldest["id"] if oldest else 0, direction=Message.Direction.IN, erased_at=None, read_at__isnull=False
    )
    rows = rows.exclude(corrected__contains=aspect).exclude(**{f"{columns.value}__in": NOT_READ}).exclude(text="")
    rows = rows.filter(**{columns.value: value}) if value else rows
    return rows.order_by(*place(aspect)).prefetch_related("channel", "identity")  # joined, they would be sorted too


def mistaken(aspect: str, *, was: str, now: str, user: User) -> QuerySet[Correction]:
    """What was read as `was` and is `now`, by the last word on it, the newest first."""
    if aspect not in COLUMNS:
        raise NoSuchAspect
    last_words = Correction.objects.in_force().filter(aspect=aspect, was=was, now=now)
    seen = last_words.filter(message__in=Message.objects.visible_to(user))
    return seen.order_by("-id").select_related("message__channel", "message__identity", "by")
