"""What is written down of calls as they change, and told to open pages."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from channels_app import live
from channels_app.live import News
from crm.models import Activity, Notice, User
from crm.notices import Word
from surveys.models import Call


def register() -> None:
    live.stream_kind("call", may_follow)


def may_follow(user: User, pk: int) -> bool:
    return Call.objects.visible_to(user).filter(pk=pk).exists()


def changed(calls: Iterable[int], people: Iterable[int | None] = ()) -> None:
    """After the commit: pages of these calls look again, and so do the lists of these people."""
    pks = sorted(set(calls))
    whom = sorted({pk for pk in people if pk is not None}) if pks else []
    news = [News(f"call:{pk}", "call", {"call": pk}) for pk in pks]
    live.tell([*news, *(News(f"user:{pk}", "calls", {"calls": pks}) for pk in whom)])


def wrote(verb: str, why: Mapping[int, str], *, by: User | None = None) -> None:
    """One line in the log of each of these calls. One query."""
    kind = Call._meta.label_lower
    Activity.objects.bulk_create(
        [Activity(verb=verb, subject_kind=kind, subject_id=pk, by=by, detail=text[:500]) for pk, text in why.items()]
    )


def place(call: Call) -> str:
    """Where a notice about it leads."""
    return call.get_absolute_url()


def word(user: int, call: Call, text: str) -> Word:
    """A notice about it, for one of us."""
    return Word(user, Notice.Kind.CALL, text, place(call), call)
