"""What can be answered in a case, and how: the customer's latest words on each thread, in public or for them alone."""

from __future__ import annotations

from dataclasses import dataclass

from django.db.models import Prefetch, prefetch_related_objects
from django.utils.translation import gettext_lazy as _

from cases.models import Case, CaseMessage
from channels_app.models import Message
from channels_app.outbox import windows
from channels_app.outbox.windows import Window
from crm.errors import Refused

PRIVATELY = ":private"


class NotSaidHere(Refused):
    sentence = _("What you wanted to answer does not stand in this case any more. Choose again whom it goes to.")


@dataclass(frozen=True)
class Answerable:
    """`value` is what the form sends; empty for whatever the customer said last when it is sent."""

    message: Message
    private: bool
    value: str

    @property
    def window(self) -> Window | None:
        """Until when an answer goes there; None: for ever."""
        bound = self.private and self.message.private
        return windows.since(self.message.channel.capabilities, self.message.occurred_at) if bound else None


def latest(case: Case) -> list[Message]:
    """The newest words of each thread, side and direction: asked once however many parts of a page show them."""
    each = ("message__thread", "message__private", "message__direction")
    newest = CaseMessage.objects.order_by(*each, "-message__occurred_at", "-message").distinct(*each)
    newest = newest.select_related("message__channel", "message__identity", "message__delivery")
    prefetch_related_objects([case], Prefetch("entries", newest, to_attr="latest"))
    return [entry.message for entry in case.latest]  # type: ignore[attr-defined]


def places(case: Case) -> list[Answerable]:
    """Newest first; the first is where an answer goes unless somebody chooses. One query, with `private.side`."""
    theirs = (said for said in latest(case) if said.direction == Message.Direction.IN)
    newest = sorted(theirs, key=lambda said: (said.occurred_at, said.pk), reverse=True)
    found = [Answerable(said, said.private, f"{said.pk}" if n else "") for n, said in enumerate(newest)]
    aside = [said for said in newest if not said.private and said.channel.capabilities.reply_private]
    return found + [Answerable(said, True, f"{said.pk}{PRIVATELY}") for said in aside]


def is_unasked(case: Case) -> bool:
    """Nothing in it was said to us: a search found it. One query, with `places`."""
    theirs = [said for said in latest(case) if said.direction == Message.Direction.IN]
    return bool(theirs) and all(said.overheard for said in theirs)


def chosen(case: Case, value: str) -> tuple[Message | None, bool]:
    """What was chosen to be answered, None for what was said last; and whether for their eyes alone."""
    if not value:
        return None, False
    number, privately, _rest = value.partition(PRIVATELY)
    pk = int(number) if number.isdecimal() and len(number) < 19 else 0
    theirs = Message.objects.filter(case_entry__case=case, direction=Message.Direction.IN, pk=pk)
    message = theirs.select_related("channel").first()
    if message is None:
        raise NotSaidHere
    return message, bool(privately)
