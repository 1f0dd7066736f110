"""What open pages are told of requests to groups, and of who is answering one."""

from __future__ import annotations

from collections.abc import Iterable

import redis
import structlog

from channels_app import live, presence
from channels_app.live import News
from channels_app.presence import Person
from crm.models import Notice, SupportGroup, User
from crm.notices import Word
from surveys.models import GroupRequest

log = structlog.get_logger(__name__)


def changed(requests: Iterable[GroupRequest], by: User | None = None) -> None:
    """Tell, after the commit: the request's own page, its group's inbox, the call, and the calls of who asked.

    The requests come with their attempts. A page that hears it fetches itself again.
    """
    found = list(requests)
    who = {"by": by.pk if by else None, "by_name": str(by or "")}
    news = [News(f"request:{each.pk}", "request", {"request": each.pk} | who) for each in found]
    news += [News(f"group:{pk}", "requests", {"group": pk} | who) for pk in sorted({each.group_id for each in found})]
    calls = sorted({(each.attempt.by_id, each.attempt.call_id) for each in found})
    news += [News(f"user:{caller}", "calls", {"call": call}) for caller, call in calls]
    live.tell([*news, *(News(f"call:{pk}", "call", {"call": pk}) for pk in sorted({call for _, call in calls}))])


def note(request: GroupRequest, by: User, doing: str) -> list[Person]:
    """`by` is "viewing", "typing" or "gone". Who else is there, by name; open pages are told where that has changed.

    Known for seconds, so that a page says it again every ten. Without Redis nobody is there.
    """
    try:
        before, now = presence.note_at(f"request:{request.pk}", by, doing)
    except (redis.RedisError, OSError) as error:
        log.warning("nobody was told who is here", error=type(error).__name__)
        return []
    if before != now:
        live.tell([News(f"request:{request.pk}", "presence", {"request": request.pk, "people": now})])
    return [person for person in now if person["id"] != by.pk]


def place(request: GroupRequest) -> str:
    """Where a notice about it leads."""
    return request.get_absolute_url()


def word(user: int, request: GroupRequest, text: str) -> Word:
    """A notice about it, for one of us."""
    return Word(user, Notice.Kind.REQUEST, text, place(request), request)


# --- who may follow


def may_follow_request(user: User, pk: int) -> bool:
    return GroupRequest.objects.visible_to(user).filter(pk=pk).exists()


def may_follow_group(user: User, pk: int) -> bool:
    """Its inbox: leads, members, and who answers for it."""
    return user.leads or SupportGroup.objects.answered_by(user).filter(pk=pk).exists()


def register() -> None:
    live.stream_kind("request", may_follow_request)
    live.stream_kind("group", may_follow_group)
