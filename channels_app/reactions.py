"""Signs people put to messages: who likes what, each person with one sign at a time, whatever order it is told in."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from channels_app import forgotten, live
from channels_app.models import Channel, Message, RawEvent, Reaction
from channels_app.platforms.base import Event

UNKNOWN = "A sign to a message that Hark does not have."
OURS = "Our own sign."
HEART = "♥"
# what networks say in words
SIGNS = {
    "": HEART, "like": "👍", "love": "❤️", "wow": "😮", "haha": "😆", "sad": "😢", "sorry": "😢", "angry": "😠",
    "anger": "😠", "care": "🤗", "thankful": "🙏", "pride": "🌈",
}  # fmt: skip
LONGEST = 40
Whose = tuple[int, str]  # pk of a message, key of a person


@dataclass(frozen=True, slots=True)
class Said:
    """At `at` somebody put `emoji` to a message, or took it back; without an emoji they took back whatever it was."""

    at: datetime
    emoji: str
    undo: bool


def hear(channel: Channel, pairs: Sequence[tuple[RawEvent, Event]]) -> None:
    """A batch of events REACTION, under the channel's intake lock. Four queries at most, whatever their number."""
    if not pairs:
        return
    known = _messages(channel, [event.parent_id for _, event in pairs])
    said: dict[Whose, list[Said]] = defaultdict(list)
    for raw, event in pairs:
        message = known.get(event.parent_id)
        if message is None or message.erased_at or event.is_ours:
            raw.state, raw.reason = RawEvent.State.DUPLICATE, OURS if event.is_ours else UNKNOWN
            if message is not None and message.erased_at:
                raw.empty()
            continue
        sign = event.extra.get("emoji", "").strip().replace("\x00", "")[:LONGEST]
        said[message.pk, _who(event)].append(Said(event.occurred_at, sign, "undo" in event.extra))
    _keep(said)


def _messages(channel: Channel, external_ids: Iterable[str]) -> dict[str, Message]:
    ids = set(external_ids) - {""}
    marks = forgotten.marks(channel.pk, ids)
    found = Message.objects.filter(channel=channel, external_id__in=[*ids, *marks]).only("external_id", "erased_at")
    return {marks.get(str(message.external_id), str(message.external_id)): message for message in found}


def _who(event: Event) -> str:
    """Where the network does not say who, each sign is somebody's."""
    return (event.author.key if event.author else f"#{event.external_id}")[:255]


def _keep(said: Mapping[Whose, list[Said]]) -> None:
    """What stands of each person on each message, from what was known and what is said now."""
    if not said:
        return
    rows = Reaction.objects.filter(message__in={pk for pk, _ in said}, who__in={who for _, who in said})
    before: dict[Whose, list[Reaction]] = defaultdict(list)
    for row in rows.select_for_update():
        before[row.message_id, row.who].append(row)
    new, changed = [], []
    for whose, heard in said.items():
        known = {row.emoji: row for row in before[whose]}
        for row in _standing(whose, [*_as_said(before[whose]), *heard]):
            if row.emoji not in known:
                new.append(row)
            elif (old := known[row.emoji]) and (old.at, old.undone_at) != (row.at, row.undone_at):
                old.at, old.undone_at = row.at, row.undone_at
                changed.append(old)
    Reaction.objects.bulk_create(new)
    Reaction.objects.bulk_update(changed, ["at", "undone_at"])
    live.announce("message", *sorted({row.message_id for row in (*new, *changed)}))


def _as_said(rows: Iterable[Reaction]) -> list[Said]:
    """What rows say, as if it were said once more. One that was replaced by another sign says so itself."""
    said = []
    for row in rows:
        if row.undone_at != row.at:  # else only its undoing was heard
            said.append(Said(row.at, row.emoji, undo=False))
        if row.undone_at:
            said.append(Said(row.undone_at, row.emoji, undo=True))
    return said


def _standing(whose: Whose, said: Iterable[Said]) -> list[Reaction]:
    """A row for each sign, the same whatever the order of `said`: since when it stands, and until when it did."""
    ordered = sorted(set(said), key=lambda one: (one.at, one.undo, one.emoji))
    rows: dict[str, Reaction] = {}
    for one in ordered:
        row = rows.get(one.emoji)
        ended = [r for r in rows.values() if r.undone_at is None and (one.emoji in ("", r.emoji) or not one.undo)]
        for other in ended:
            other.undone_at = one.at
        if not one.undo:
            row = row or Reaction(message_id=whose[0], who=whose[1], emoji=one.emoji)
            row.at, row.undone_at = one.at, None
        elif row is None:  # its beginning may still be told
            row = Reaction(message_id=whose[0], who=whose[1], emoji=one.emoji, at=one.at, undone_at=one.at)
        rows[one.emoji] = row
    return list(rows.values())


def shown(messages: Iterable[Message]) -> dict[int, list[tuple[str, int]]]:
    """The signs that stand on each of these, the most frequent first. One query."""
    standing = Reaction.objects.filter(message__in=[message.pk for message in messages], undone_at=None)
    counts: dict[int, Counter[str]] = defaultdict(Counter)
    for pk, emoji in standing.order_by("pk").values_list("message", "emoji"):
        counts[pk][SIGNS.get(emoji.lower(), emoji)] += 1
    return {pk: found.most_common() for pk, found in counts.items()}
