"""Telling one of us: in the bell, and by mail to who wants it (crm/digest.py).

A notice says what happened in our own words, with a number to find it by: never what a customer wrote, nor their name.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from django.db import models, transaction
from django.db.models import Count, F
from django.utils import timezone
from django.utils.http import url_has_allowed_host_and_scheme

from crm.models import Notice, NoticeChoice, User

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
ONCE_IN = timedelta(minutes=1)  # the same, unread, is not told again within
KEPT = timedelta(days=90)  # how long a read one stays
Mail = NoticeChoice.Mail
Bell = Callable[[Mapping[int, int], Mapping[int, Notice]], None]
_bells: list[Bell] = []


@dataclass(frozen=True)
class Word:
    """One thing to tell one person, by pk."""

    user: int
    kind: str
    text: str
    url: str = ""
    about: models.Model | None = None

    @property
    def subject(self) -> tuple[str, int | None]:
        return (self.about._meta.label_lower, self.about.pk) if self.about else ("", None)


@dataclass(frozen=True)
class Way:
    """How one person hears of one kind."""

    in_app: bool = True
    mail: str = Mail.NEVER

    @property
    def is_none(self) -> bool:
        return not self.in_app and self.mail == Mail.NEVER


def ring(bell: Bell) -> None:
    """`bell(unread, newest)` is called in the transaction in which people are told, or read.

    By user: how many they have not read, for each whom it concerns; and the new notice, for whom there is one.
    """
    _bells.append(bell)


def tell(
    users: Iterable[User | int], kind: str, text: str, *, url: str = "", about: models.Model | None = None,
    by: User | None = None,
) -> list[Notice]:  # fmt: skip
    """One notice for each of `users` but `by`, who knows already. Returns those that were made."""
    pks = (user if isinstance(user, int) else user.pk for user in users)
    return tell_each((Word(pk, kind, text, url, about) for pk in pks), by=by)


@transaction.atomic
def tell_each(words: Iterable[Word], *, by: User | None = None) -> list[Notice]:
    """Tell several people several things: four queries, however many.

    Nobody is told what they do not want to hear of that kind, nor again what they have not read for a minute: the same
    kind about the same record, or in the same words where it is about none. A notice for the mail alone is stored as
    read from the start (`read_at` is `at`).
    """
    asked = list(dict.fromkeys(word for word in words if by is None or word.user != by.pk))
    if not asked:
        return []
    now = timezone.now()
    ways = ways_of({word.user for word in asked})
    asked = _not_again([word for word in asked if _is_wanted(word, ways)], now)
    made = Notice.objects.bulk_create([_notice(word, ways[word.user], now, by) for word in asked])
    shown = {notice.user_id: notice for notice in made if notice.read_at is None}
    _ring(shown, shown)
    return made


def ways_of(users: Iterable[int]) -> dict[int, dict[str, Way]]:
    """What each active one of `users` chose, by kind; without a choice: in the bell, not by mail. One query."""
    names = ("pk", "notice_choices__kind", "notice_choices__in_app", "notice_choices__mail")
    ways: dict[int, dict[str, Way]] = {}
    for user, kind, in_app, mail in User.objects.filter(pk__in=users, is_active=True).values_list(*names):
        ways.setdefault(user, {})
        if kind:
            ways[user][kind] = Way(in_app, mail)
    return ways


def _is_wanted(word: Word, ways: Mapping[int, Mapping[str, Way]]) -> bool:
    return word.user in ways and not ways[word.user].get(word.kind, Way()).is_none


def _not_again(words: Sequence[Word], now: datetime) -> list[Word]:
    recent = Notice.objects.filter(user__in={word.user for word in words}, read_at=None, at__gt=now - ONCE_IN)
    facts = recent.values_list("user", "kind", "subject_kind", "subject_id", "text")
    known = {_sameness(user, kind, (about, pk), text) for user, kind, about, pk, text in facts}
    fresh: dict[tuple[object, ...], Word] = {}
    for word in words:
        same = _sameness(word.user, word.kind, word.subject, word.text[:300])
        if same not in known:
            fresh.setdefault(same, word)
    return list(fresh.values())


def _sameness(user: int, kind: str, subject: tuple[str, int | None], text: str) -> tuple[object, ...]:
    return (user, kind, *subject, "" if subject[1] else text)


def _notice(word: Word, ways: Mapping[str, Way], now: datetime, by: User | None) -> Notice:
    kind, pk = word.subject
    in_app = ways.get(word.kind, Way()).in_app
    return Notice(
        user_id=word.user, kind=word.kind, text=word.text[:300], url=word.url, by=by, at=now, subject_kind=kind,
        subject_id=pk, read_at=None if in_app else now,
    )  # fmt: skip


def _ring(users: Iterable[int], newest: Mapping[int, Notice]) -> None:
    whom = list(users)
    if whom and _bells:
        unread = dict.fromkeys(whom, 0) | unread_of(whom)
        for bell in _bells:
            bell(unread, newest)


def unread_of(users: Iterable[int]) -> dict[int, int]:
    """How many notices each of `users` has not read. One query."""
    rows = Notice.objects.filter(user__in=list(users), read_at=None).order_by().values_list("user")
    return dict(rows.annotate(Count("pk")))


# --- reading


def of(user: User) -> models.QuerySet[Notice]:
    """What stands in somebody's bell: less what is for their mail alone."""
    return Notice.objects.filter(user=user).exclude(read_at=F("at")).select_related("by")


def read(*, notice: Notice) -> str:
    """Mark it read; where it leads, "" when nowhere on our own pages."""
    if Notice.objects.filter(pk=notice.pk, read_at=None).update(read_at=timezone.now()):
        _ring([notice.user_id], {})
    return notice.url if url_has_allowed_host_and_scheme(notice.url, None) else ""


def read_all(*, by: User) -> tuple[int, datetime]:
    """Mark all of somebody's notices read. How many, and the moment by which `unread_again` finds them."""
    now = timezone.now()
    marked = Notice.objects.filter(user=by, read_at=None).update(read_at=now)
    _ring([by.pk], {})
    return marked, now


def unread_again(*, at: datetime, by: User) -> int:
    """Undo `read_all`: what was marked at that moment is unread. Returns how many."""
    marked = Notice.objects.filter(user=by, read_at=at).exclude(at=at).update(read_at=None)
    _ring([by.pk], {})
    return marked


def moment(microseconds: str) -> datetime:
    """Exactly, where a float of seconds would round. What is no moment is long ago."""
    return EPOCH + timedelta(microseconds=int(microseconds) if re.fullmatch("[0-9]{1,16}", microseconds) else 0)


def microseconds(at: datetime) -> int:
    return (at - EPOCH) // timedelta(microseconds=1)


def forget_old() -> int:
    """Drop what was read long ago. Returns how many."""
    return Notice.objects.filter(read_at__lt=timezone.now() - KEPT).delete()[0]
