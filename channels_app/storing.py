"""Events become messages: each once, in its thread, with what it said before kept."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from django.utils import timezone

from channels_app import echoes, linking, threads
from channels_app.models import Channel, Message, MessageVersion, RawEvent
from channels_app.platforms.base import Event, EventKind

Parsed = tuple[RawEvent, Event]


def store(channel: Channel, parsed: Sequence[Parsed]) -> None:
    """Store a batch under the channel's intake lock; each raw row gets the state of what became of it."""
    relatives = threads.relatives(channel, [event for _, event in parsed])
    known = {m.external_id: m for m in relatives if m.external_id}
    new: dict[str, Parsed] = {}
    changed: list[tuple[Parsed, str]] = []
    for raw, event in parsed:
        if event.external_id in known or event.external_id in new:
            changed.append(((raw, event), event.external_id))
        elif event.kind is EventKind.DELETE:
            raw.state, raw.reason = RawEvent.State.DUPLICATE, "Deleted before Hark saw it."
        else:
            new[event.external_id] = (raw, event)
    for external_id in echoes.recognise(channel, [event for _, event in new.values() if event.is_ours]):
        raw, _ = new.pop(external_id)
        raw.state, raw.reason = RawEvent.State.DUPLICATE, "Our own reply, back from the network."
    events = [event for _, event in new.values()]
    places = threads.place(channel, events, relatives)
    people = linking.link(channel, linking.persons(events, known))
    made = Message.objects.bulk_create(
        [_message(channel, event, places[event.external_id], people.get(event.external_id)) for event in events]
    )
    known |= {m.external_id: m for m in made if m.external_id}
    _revise(changed, known)


def _message(channel: Channel, event: Event, thread_id: int, identity_id: int | None) -> Message:
    now = timezone.now()
    return Message(
        channel=channel, external_id=event.external_id, thread_id=thread_id,
        direction=Message.Direction.OUT if event.is_ours else Message.Direction.IN,
        private=event.private, identity_id=identity_id,
        text=event.text, url=event.url, occurred_at=event.occurred_at, stored_at=now, language=event.language,
        parent_external_id=event.parent_id, quoted_external_id=event.quoted_id,
        read_at=now if event.is_ours else None,
    )  # fmt: skip


def _revise(changed: Iterable[tuple[Parsed, str]], known: dict[str, Message]) -> None:
    """What came again: the same is a duplicate, another text is an edit, a deletion is marked. Nothing is overwritten."""
    now, versions, revised = timezone.now(), [], {}
    for (raw, event), external_id in changed:
        message = known[external_id]
        raw.state = RawEvent.State.DUPLICATE
        if event.kind is EventKind.DELETE:
            raw.state, message.deleted_at = RawEvent.State.STORED, message.deleted_at or event.occurred_at
        elif event.text == message.text:
            continue
        else:
            versions.append(MessageVersion(message=message, text=message.text, replaced_at=now))
            message.text, message.edited_at, message.read_at = event.text, now, message.read_at if message.is_ours else None
            raw.reason = "Known already, with another text: kept as an edit."
            if event.kind is EventKind.EDIT:
                raw.state = RawEvent.State.STORED
        revised[message.pk] = message
    MessageVersion.objects.bulk_create(versions)
    if revised:
        Message.objects.bulk_update(revised.values(), ["text", "edited_at", "deleted_at", "read_at"])


