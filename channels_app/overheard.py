"""What nobody said to us: found by a search, or fetched because it stands above what was said to us.

It is stored and read like every post and calls nobody by itself (cases/routing). The mark goes once it turns out to be
said to us after all: the network brings it by itself, or an edit names us.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from channels_app.models import Channel, Message, RawEvent
from channels_app.platforms.base import Event, EventKind
from crm import consent
from crm.models import Purpose


def mark(channel: Channel, made: Iterable[Message], came: Mapping[str, tuple[RawEvent, Event]],
         known: Mapping[str, Message]) -> None:  # fmt: skip
    """Of these new messages, not yet stored: which nobody said to us, and which search found them."""
    for message in made:
        raw, event = came[str(message.external_id)]
        if raw.overheard and not names_us(channel, event, known):
            message.overheard = True
            message.found_by_id = None if message.is_ours else raw.found_by_id


def turned_to_us(channel: Channel, raw: RawEvent, event: Event, message: Message, known: Mapping[str, Message]) -> bool:
    """Whether what we had overheard was said to us after all; then it is routed like everything else. Not saved."""
    if not message.overheard or event.kind is EventKind.DELETE:
        return False
    if raw.overheard and not names_us(channel, event, known):
        return False
    message.overheard, message.found_by_id, message.dismissed_at, message.routed_at = False, None, None, None
    return True


def names_us(channel: Channel, event: Event, known: Mapping[str, Message]) -> bool:
    """It is private, answers a post of ours, or has our handle in it."""
    parent = known.get(event.parent_id)
    if event.is_ours:
        return False
    return event.private or (parent is not None and parent.is_ours) or _has_handle(channel.our_handle, event.text)


def _has_handle(handle: str, text: str) -> bool:
    name, _at, server = handle.lstrip("@").partition("@")
    if not name:
        return False
    whole = re.escape(name) + (rf"(?:@{re.escape(server)})?" if server else "")
    return re.search(rf"(?<!\w)@{whole}(?![\w@])", text, re.IGNORECASE) is not None


# --- writing to them


def must_be_welcome(question: Message) -> None:
    """Before a first private message: who never wrote to us there gets none, unless they agreed to be written to.

    Raises MayNotContact.
    """
    if question.overheard and not has_written(question):
        consent.must_have_agreed(question.identity, Purpose.CARE_REPLY)


def has_written(question: Message) -> bool:
    """Whether its author has said anything to us on that channel."""
    said = Message.objects.filter(
        identity=question.identity_id, channel=question.channel_id, direction=Message.Direction.IN, overheard=False
    )
    return said.exists()
