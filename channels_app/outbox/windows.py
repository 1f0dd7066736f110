"""Until when a network lets us answer in private: so long after their last message, then perhaps a person alone.

What answers a public post in private stands outside of it: that opens a conversation.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.utils import timezone
from django.utils.translation import gettext_lazy, ngettext

from channels_app.models import Message
from channels_app.platforms.base import Capabilities
from crm.errors import Refused


class TooLateToAnswer(Refused):
    sentence = gettext_lazy(
        "They wrote here more than {span} ago, and {channel} takes no private answer after that. Nothing was sent."
    )


@dataclass(frozen=True, slots=True)
class Window:
    """Open to everything until `closes_at`, to what a person wrote until `ends_at`."""

    closes_at: datetime
    ends_at: datetime

    @property
    def is_shut(self) -> bool:
        return timezone.now() > self.ends_at

    @property
    def wants_a_person(self) -> bool:
        return self.closes_at < timezone.now() <= self.ends_at


def since(can: Capabilities, said_at: datetime) -> Window | None:
    """What is open of a private conversation in which they spoke last at `said_at`; None: for ever."""
    if can.window is None:
        return None
    longest = max(can.window, can.window_extended or 0)
    return Window(said_at + timedelta(seconds=can.window), said_at + timedelta(seconds=longest))


def must_be_open(question: Message, *, private: bool, by_person: bool = True) -> None:
    """Raises TooLateToAnswer. `by_person`: somebody wrote it for them alone."""
    can = question.channel.capabilities
    if can.window is not None and private and question.private:
        _must_be_open(question, by_person)


def must_be_open_for(message: Message) -> None:
    """The same of a message of ours that is about to leave."""
    if _is_bound(message):
        _must_be_open(message, by_person=True)


def wants_a_person(message: Message) -> bool:
    """Whether the network takes it by now only as the word of a person."""
    window = _of(message) if _is_bound(message) else None
    return window is not None and window.wants_a_person


def _is_bound(message: Message) -> bool:
    """Whether it goes on in a conversation of them and us alone. No query where the network knows no windows."""
    if message.channel.capabilities.window is None or not message.private:
        return False
    answered = Message.objects.filter(channel=message.channel_id, external_id=message.parent_external_id)
    return not answered.filter(private=False).exists()


def _must_be_open(message: Message, by_person: bool) -> None:
    can, window = message.channel.capabilities, _of(message)
    if window and (window.is_shut or (window.wants_a_person and not by_person)):
        most = max(can.window or 0, (can.window_extended or 0) if by_person else 0)
        raise TooLateToAnswer(channel=message.channel, span=_span(most))


def _of(message: Message) -> Window | None:
    """By what they said last, to us alone, whatever thread it stands in."""
    said = Message.objects.filter(
        identity=message.identity_id, channel=message.channel_id, direction=Message.Direction.IN, private=True
    )
    last = said.order_by("-occurred_at", "-id").values_list("occurred_at", flat=True).first()
    return since(message.channel.capabilities, last) if last else None


def _span(seconds: int) -> str:
    hours = seconds // 3600
    if hours <= 48:
        return ngettext("%(n)s hour", "%(n)s hours", hours) % {"n": hours}
    return ngettext("%(n)s day", "%(n)s days", hours // 24) % {"n": hours // 24}
