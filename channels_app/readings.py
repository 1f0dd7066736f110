"""What was read of messages, as people are shown it and put it right: one line for each aspect."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from django.db import transaction
from django.db.models import QuerySet
from django.utils.translation import gettext as _

from channels_app.learning import correcting
from channels_app.learning.aspects import COLUMNS, NOT_READ, VALUES
from channels_app.models import About, Correction, Intent, Message, Sentiment, Urgency
from channels_app.models.learning import Aspect
from channels_app.reading import Reading
from channels_app.reading.language import LANGUAGES
from crm.models import User
from crm.templatetags.hark import tongue

SURE = 0.6
"""Read less surely than this, it is shown as a question."""

WORDED: Mapping[str, Mapping[str, object]] = {
    Aspect.SENTIMENT: dict(Sentiment.choices), Aspect.INTENT: dict(Intent.choices), Aspect.TOPIC: dict(About.choices),
    Aspect.URGENCY: dict(Urgency.choices),
}  # fmt: skip


@dataclass(frozen=True)
class Line:
    """One aspect of one message: what it was read as; or, where somebody said so, what they said last."""

    aspect: Aspect
    value: str
    confidence: float
    reasons: str
    last: Correction | None = None

    @property
    def is_read(self) -> bool:
        return self.value not in NOT_READ

    @property
    def is_sure(self) -> bool:
        """Of a language that was stored before Hark kept how sure it was, nothing is known: it passes."""
        unknown = self.aspect == Aspect.LANGUAGE and not self.confidence
        return self.last is not None or self.confidence >= SURE or unknown

    @property
    def shown(self) -> str:
        return named(self.aspect, self.value)

    @property
    def read_otherwise(self) -> str:
        """How Hark had read it, where somebody has put it right; else ""."""
        return named(self.aspect, self.last.was) if self.last and not self.last.confirms else ""

    @property
    def undo_to(self) -> str:
        """What to say so that it is again as Hark had read it; "" where there is nothing to undo."""
        return self.last.was if self.last and not self.last.confirms and self.last.was not in NOT_READ else ""

    @property
    def choices(self) -> list[tuple[str, str]]:
        if self.aspect != Aspect.LANGUAGE:
            return choices(self.aspect)
        codes = LANGUAGES if not self.is_read or self.value in LANGUAGES else (*LANGUAGES, self.value)
        return sorted(((code, tongue(code)) for code in codes), key=lambda choice: choice[1])


def named(aspect: str, value: str) -> str:
    """A value in the reader's words."""
    if value in NOT_READ:
        return _("Not read")
    return tongue(value) if aspect == Aspect.LANGUAGE else str(WORDED[aspect].get(value, value))


def choices(aspect: str) -> list[tuple[str, str]]:
    """What it may be put right to, in the order of the keys 1, 2, 3 …"""
    return [(value, named(aspect, value)) for value in VALUES[aspect]]


def line(message: Message, aspect: str, said: Correction | None = None) -> Line:
    """One aspect; `said` is the last that was said of it, which counts while it stands there."""
    names = COLUMNS[aspect]
    reasons = getattr(message, names.reasons) if names.reasons else ""
    stands = said if aspect in message.corrected.split() else None
    return Line(Aspect(aspect), getattr(message, names.value), getattr(message, names.confidence), reasons, stands)


def of(messages: Iterable[Message]) -> dict[int, list[Line]]:
    """Of each customer's message that still has words. One query, none where nothing was put right."""
    theirs = [message for message in messages if not message.is_ours and message.erased_at is None]
    said: dict[int, dict[str, Correction]] = {}
    looked_at = [message.pk for message in theirs if message.corrected]
    for each in Correction.objects.filter(message__in=looked_at).select_related("by").order_by("pk"):
        said.setdefault(each.message_id, {})[each.aspect] = each
    return {
        message.pk: [line(message, aspect, said.get(message.pk, {}).get(aspect)) for aspect in COLUMNS]
        for message in theirs
    }


def correctable(user: User) -> QuerySet[Message]:
    """What customers said to us and can still be read, as far as this person may see it."""
    theirs = Message.objects.visible_to(user).filter(direction=Message.Direction.IN, erased_at=None)
    return theirs.select_related("channel", "identity")


def of_reading(reading: Reading) -> list[Line]:
    """The same of a text that is nobody's message."""
    return [
        Line(Aspect.SENTIMENT, reading.sentiment, reading.confidence, ", ".join(reading.reasons)),
        *(
            Line(aspect, told.value, told.confidence, ", ".join(told.reasons))
            for aspect, told in (
                (Aspect.INTENT, reading.intent), (Aspect.TOPIC, reading.topic), (Aspect.URGENCY, reading.urgency)
            )
        ),
        Line(Aspect.LANGUAGE, reading.language, reading.language_confidence, ""),
    ]  # fmt: skip


@transaction.atomic
def put_right(message: Message, said: Mapping[str, str], *, by: User) -> None:
    """One `aspect` is `value`; or, with `all`, everything nobody has looked at is right. Raises what `correct` does."""
    if not said.get("all"):
        correcting.correct(message=message, aspect=said.get("aspect", ""), now=said.get("value", ""), by=by)
        return
    for line in of([message])[message.pk]:
        if line.is_read and not line.last:
            correcting.correct(message=message, aspect=line.aspect, now=line.value, by=by)
