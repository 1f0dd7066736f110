"""Events become messages: each once, in its thread, with what it said before kept."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from django.db.models import OuterRef, Subquery
from django.utils import timezone

from channels_app import about, above, came_back, echoes, files, forgotten, linking, live, namesakes, overheard, threads
from channels_app.models import Channel, Message, MessageVersion, RawEvent
from channels_app.platforms.base import Event, EventKind, web_address

Parsed = tuple[RawEvent, Event]


def store(channel: Channel, parsed: Sequence[Parsed]) -> None:
    """Store a batch under the channel's intake lock; each raw row gets the state of what became of it."""
    parsed, told = about.take_out(came_back.take_out(channel, parsed))
    known = threads.relatives(channel, [event for _, event in parsed])
    if channel.capabilities.is_mail:
        parsed, known = namesakes.apart(channel, parsed, known)
    new, changed = _sort_out(parsed, known)
    echoed = echoes.recognise(channel, [event for _, event in new.values() if event.is_ours])
    for external_id in echoed:
        raw, _ = new.pop(external_id)
        raw.state, raw.reason = RawEvent.State.DUPLICATE, "Our own reply, back from the network."
    known |= echoed
    events = [event for _, event in new.values()]
    places = threads.place(channel, events, known)
    people = linking.link(channel, linking.persons(events, known))
    made = [_message(channel, event, places[event.external_id], people.get(event.external_id)) for event in events]
    _answer(made, new, known)
    overheard.mark(channel, made, new, known)
    Message.objects.bulk_create(made)
    files.came(made, {event.external_id: event for event in events})
    above.came(channel, made, known)
    _find_addressees(channel, made)
    _revise(channel, changed, known | {str(m.external_id): m for m in made})
    about.hear(channel, told)


def _sort_out(parsed: Iterable[Parsed], known: Mapping[str, Message]) -> tuple[dict[str, Parsed], list[Parsed]]:
    """What is new, by id, and what says something about a post we have, or have just met, in its order."""
    new: dict[str, Parsed] = {}
    changed: list[Parsed] = []
    for raw, event in parsed:
        if event.external_id in known or event.external_id in new:
            changed.append((raw, event))
        elif event.kind is EventKind.DELETE:
            raw.state, raw.reason = RawEvent.State.DUPLICATE, "Deleted before Hark saw it."
        else:
            new[event.external_id] = (raw, event)
    return new, changed


def _message(channel: Channel, event: Event, thread_id: int, identity_id: int | None) -> Message:
    now = timezone.now()
    return Message(
        channel=channel, external_id=event.external_id, thread_id=thread_id,
        direction=Message.Direction.OUT if event.is_ours else Message.Direction.IN,
        private=event.private, identity_id=identity_id,
        text=event.text, url=web_address(event.url), language=event.language,
        occurred_at=event.occurred_at, stored_at=now,
        parent_external_id=event.parent_id, quoted_external_id=event.quoted_id,
        read_at=now if event.is_ours else None,
    )  # fmt: skip


def _answer(made: Iterable[Message], new: Mapping[str, Parsed], known: Mapping[str, Message]) -> None:
    """What answers an erased post names it by its mark. What we said to who was erased counts and says nothing."""
    nobodys = forgotten.nobodys(made, known.values())
    for message in made:
        if parent := known.get(message.parent_external_id):
            message.parent_external_id = parent.external_id or ""
        if message.identity_id in nobodys:
            message.fall_silent()
            new[str(message.external_id)][0].empty()


def _find_addressees(channel: Channel, made: Iterable[Message]) -> None:
    """Our own posts that came before what they answer: now we know to whom they speak, so they are routed again."""
    questions = Message.objects.filter(channel=channel, external_id=OuterRef("parent_external_id"))
    answers = Message.objects.filter(
        channel=channel, direction=Message.Direction.OUT, identity=None,
        parent_external_id__in=[m.external_id for m in made if m.identity_id and not m.is_ours],
    )  # fmt: skip
    answers.update(identity=Subquery(questions.values("identity")[:1]), routed_at=None)


def _revise(channel: Channel, changed: Iterable[Parsed], known: Mapping[str, Message]) -> None:
    """What came again: the same is a duplicate, another text an edit, a deletion is marked. Nothing is overwritten.

    Of an erased post nothing is kept, whatever comes.
    """
    now, versions, revised, turned = timezone.now(), [], {}, []
    for raw, event in changed:
        message = known[event.external_id]
        raw.state = RawEvent.State.DUPLICATE
        if message.erased_at:
            raw.empty()
        elif overheard.turned_to_us(channel, raw, event, message, known):
            turned.append(message)
        if event.kind is EventKind.DELETE:
            raw.state, message.deleted_at = RawEvent.State.STORED, message.deleted_at or event.occurred_at
        elif message.erased_at or event.text == message.text:
            continue
        else:
            versions.append(MessageVersion(message=message, text=message.text, replaced_at=now))
            message.text, message.edited_at, message.read_at = (
                event.text,
                now,
                message.read_at if message.is_ours else None,
            )
            message.corrected = ""  # what people put right was said of other words
            raw.reason = "Known already, with another text: kept as an edit."
            if event.kind is EventKind.EDIT:
                raw.state = RawEvent.State.STORED
        revised[message.pk] = message
    MessageVersion.objects.bulk_create(versions)
    if turned:
        Message.objects.bulk_update(turned, ["overheard", "found_by", "dismissed_at", "routed_at"])
    if revised:
        Message.objects.bulk_update(revised.values(), ["text", "edited_at", "deleted_at", "read_at", "corrected"])
        live.announce("message", *sorted(revised))
