"""Somebody says how a message is to be read: kept as a correction, and true at once where the message stands.

A correction to what Hark had read is a confirmation; it counts as much. What an app further right keeps of a message's
reading it moves itself, once it has registered with `on_corrected`: in the transaction of the change, after it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from channels_app import live, naming
from channels_app.learning.aspects import COLUMNS, refuse_unknown, spoken
from channels_app.models import Aspect, Correction, Message, Sentiment
from crm.errors import Refused
from crm.models import User

CERTAIN = 1.0
SCORES = {Sentiment.NEGATIVE: -0.5, Sentiment.NEUTRAL: 0.0, Sentiment.POSITIVE: 0.5}
"""What stands for a mood that somebody named: they did not say how bad or how good."""

Then = Callable[[Sequence[int]], None]
_listeners: list[Then] = []


class NothingToRead(Refused):
    sentence = _("This message has no words any more: there is nothing to be read right or wrong.")


class OursIsNotRead(Refused):
    sentence = _("We wrote this ourselves. Only what customers write is read.")


def on_corrected(then: Then) -> None:
    """`then(pks)` is called with the messages that are now read as something else: one, or a batch of a rereading."""
    if then not in _listeners:
        _listeners.append(then)


def tell(pks: Sequence[int]) -> None:
    """These messages are read as something else than before."""
    for then in _listeners if pks else ():
        then(pks)


@transaction.atomic
def correct(*, message: Message, aspect: str, now: str, by: User) -> Correction:
    """Say what `aspect` of `message` is; the same as it was read confirms it. Raises Refused where nobody can."""
    refuse_unknown(aspect, now)
    now = spoken(now) if aspect == Aspect.LANGUAGE else now
    held = Message.objects.select_for_update(of=("self",)).get(pk=message.pk)
    _refuse(held)
    before = held.corrections.filter(aspect=aspect).order_by("pk").last() if aspect in held.corrected.split() else None
    if before and (before.now, before.by_id) == (now, by.pk):
        return before
    made = _kept(held, aspect, now, by, before)
    _write(held, aspect, now)
    tell([held.pk])
    live.announce("message", held.pk)
    return made


def _refuse(message: Message) -> None:
    if message.is_ours:
        raise OursIsNotRead
    if message.erased_at is not None:
        raise NothingToRead


def _kept(message: Message, aspect: str, now: str, by: User, before: Correction | None) -> Correction:
    """Whoever speaks after somebody else speaks of the same reading: what the other said is not what Hark read."""
    value, confidence, _reasons = COLUMNS[aspect]
    was = (before.was, before.was_confidence, before.reader) if before else (
        getattr(message, value), getattr(message, confidence), message.reader
    )  # fmt: skip
    return Correction.objects.create(
        message=message, aspect=aspect, now=now, by=by, was=was[0], was_confidence=was[1], reader=was[2]
    )


def _write(message: Message, aspect: str, now: str) -> None:
    """The column says what the person said. Words that decided otherwise decide no more."""
    value, confidence, reasons = COLUMNS[aspect]
    if getattr(message, value) != now:
        setattr(message, value, now)
        if reasons:
            setattr(message, reasons, "")
        if aspect == Aspect.SENTIMENT:
            message.score = SCORES[Sentiment(now)]
    setattr(message, confidence, CERTAIN)
    message.corrected = " ".join(sorted({*message.corrected.split(), aspect}))
    _name(message)
    message.save(update_fields=[*filter(None, COLUMNS[aspect]), "score", "corrected", "topics", "named_by"])


def _name(message: Message) -> None:
    """What it praises or blames hangs on its mood and its language."""
    by = naming.namer()
    (message.topics,) = naming.topics(by, [(message.text, message.language, message.sentiment)])
    message.named_by = by.version
