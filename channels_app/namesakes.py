"""Mails with the id of another: some forms make it of the second, some programs use that of a mail they copied."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import replace

from channels_app import linking, threads
from channels_app.models import Channel, Message, RawEvent
from channels_app.platforms.base import Event, EventKind
from channels_app.platforms.email.conversation import NO_ID
from crm.models import Identity

Parsed = tuple[RawEvent, Event]
Known = dict[str, Message]
Said = tuple[linking.Key | None, str]  # who wrote it, and what


def apart(channel: Channel, parsed: Sequence[Parsed], known: Known) -> tuple[Sequence[Parsed], Known]:
    """Another author or other words make it another mail: it gets an id of its own, the same each time it comes.

    Of an erased mail nobody knows any more what it said: what has its id is taken for it.
    """
    first, told = _stored(parsed, known), []
    for raw, event in parsed:
        if event.kind is EventKind.MESSAGE:
            said = (linking.key_of(channel, event.author) if event.author else None, event.text)
            if first.setdefault(event.external_id, said) not in (said, None):
                event = replace(event, external_id=_id(event.external_id, said))
        told.append((raw, event))
    renamed = [new for (_, old), (_, new) in zip(parsed, told, strict=True) if new is not old]
    return (told, known | threads.relatives(channel, renamed)) if renamed else (parsed, known)


def _stored(parsed: Sequence[Parsed], known: Mapping[str, Message]) -> dict[str, Said | None]:
    """What the mails we have with these ids say; None for one that was erased."""
    met = {event.external_id: known[event.external_id] for _, event in parsed if event.external_id in known}
    people = Identity.objects.in_bulk({message.identity_id for message in met.values() if message.identity_id})
    keys = {pk: (one.kind, one.place, one.value) for pk, one in people.items()}
    return {
        external_id: None if message.erased_at else (keys.get(message.identity_id), message.text)
        for external_id, message in met.items()
    }


def _id(external_id: str, said: Said) -> str:
    """None that another mail may name."""
    key, text = said
    whole = "\n".join((external_id, *(key or ()), text)).encode("utf-8", "replace")
    return f"<{hashlib.sha256(whole).hexdigest()}{NO_ID}"
