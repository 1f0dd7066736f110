"""The bell in the rail rings by itself: notices told to one's own stream."""

from __future__ import annotations

from collections.abc import Mapping

from django.urls import reverse

from channels_app import live
from channels_app.live import News
from crm import notices
from crm.models import Notice, User


def stream_of(user: int) -> str:
    return f"user:{user}"


def ring(unread: Mapping[int, int], newest: Mapping[int, Notice]) -> None:
    """Tell the pages of each of these people how many notices they have not read; and what is new, where it is."""
    live.tell(News(stream_of(user), "notice", _said(n, newest.get(user))) for user, n in unread.items())


def _said(unread: int, notice: Notice | None) -> dict[str, int | str]:
    if notice is None:
        return {"unread": unread}
    return {"unread": unread, "text": notice.text, "url": reverse("crm:notice", args=[notice.pk])}


def counted(user: User) -> dict[str, int | str]:
    """What the bell shows, and from where it follows its stream on: the number first, so that nothing is missed."""
    stream = stream_of(user.pk)
    number = live.numbers([stream])[stream]
    return {"stream": stream, "number": number, "unread": notices.unread_of([user.pk]).get(user.pk, 0)}


def register() -> None:
    notices.ring(ring)
