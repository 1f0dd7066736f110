"""Messages are read, and what was read of them is written down: in one UPDATE, however many they are.

What people put right stays as they said it, whichever reader comes later. A language that the network named, or that
was stored before Hark kept how sure it was, is not told anew.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django.db import connection

from channels_app import naming
from channels_app.learning import in_use
from channels_app.learning.aspects import COLUMNS, spoken
from channels_app.models import Aspect, Channel
from channels_app.reading import Reading

READ: Mapping[str, tuple[str, ...]] = {
    Aspect.SENTIMENT: ("sentiment", "score", "confidence", "reasons"),
    Aspect.LANGUAGE: ("language", "language_confidence"),
    Aspect.INTENT: ("intent", "intent_confidence", "intent_reasons"),
    Aspect.TOPIC: ("topic", "topic_confidence", "topic_reasons"),
    Aspect.URGENCY: ("urgency", "urgency_confidence", "urgency_reasons"),
}
"""The columns that are written together, by what people can put right of them."""
WRITTEN = tuple(name for names in READ.values() for name in names)
NEEDED = ("id", "channel_id", "text", "reader", "corrected", *WRITTEN)
SURELY = 1.0
"""Somebody said so: a network or a person. A reader is never as sure of a language."""
AT_MOST = 0.99
UPDATE = """
UPDATE channels_app_message AS m SET
    sentiment = n.sentiment, score = n.score, confidence = n.confidence, reasons = n.reasons,
    language = n.language, language_confidence = n.language_confidence,
    intent = n.intent, intent_confidence = n.intent_confidence, intent_reasons = n.intent_reasons,
    topic = n.topic, topic_confidence = n.topic_confidence, topic_reasons = n.topic_reasons,
    urgency = n.urgency, urgency_confidence = n.urgency_confidence, urgency_reasons = n.urgency_reasons,
    reader = n.reader, topics = n.topics, named_by = %s, read_at = now()
FROM unnest(
    %s::bigint[], %s::text[], %s::float8[], %s::float8[], %s::text[], %s::text[], %s::float8[],
    %s::text[], %s::float8[], %s::text[], %s::text[], %s::float8[], %s::text[], %s::text[], %s::float8[], %s::text[],
    %s::text[], %s::text[]
) AS n(
    id, sentiment, score, confidence, reasons, language, language_confidence,
    intent, intent_confidence, intent_reasons, topic, topic_confidence, topic_reasons, urgency, urgency_confidence,
    urgency_reasons, reader, topics
) WHERE m.id = n.id
"""

Row = dict[str, Any]
"""The columns `NEEDED` of a message that the caller holds locked."""


def note(found: Mapping[Channel, Sequence[Row]], *, but_for_current: bool = False) -> list[int]:
    """Read these messages of these channels; `but_for_current`: less those that this very reader has read.

    Returns the pks of those that are now read as something else than before.
    """
    before: list[Row] = []
    after: list[Row] = []
    for channel, rows in found.items():
        reader = in_use.reader_of(channel)
        stale = [row for row in rows if not but_for_current or row["reader"] != reader.version]
        readings = reader.read([row["text"] for row in stale], [_told(row) for row in stale])
        before += stale
        after += [_noted(row, reading, reader.version) for row, reading in zip(stale, readings, strict=True)]
    if after:
        _write(after)
    return [new["id"] for old, new in zip(before, after, strict=True) if _differs(old, new)]


def _told(row: Row) -> str:
    """The language somebody named; "" where the reader has to tell it."""
    named: str = row["language"] if row["language_confidence"] in (0, SURELY) else ""
    return spoken(named)


def _noted(row: Row, reading: Reading, version: str) -> Row:
    """What is to stand in the row."""
    new = _as_read(reading) | {"id": row["id"], "text": row["text"], "reader": version}
    if told := _told(row):
        sure = row["language_confidence"] if row["reader"] else SURELY
        new |= {"language": told, "language_confidence": sure}
    for aspect in row["corrected"].split():
        new |= {name: row[name] for name in READ[aspect]}
    return new


def _as_read(reading: Reading) -> Row:
    row: Row = {
        "sentiment": str(reading.sentiment), "score": reading.score, "confidence": reading.confidence,
        "reasons": ", ".join(reading.reasons)[:300], "language": reading.language[:8],
        "language_confidence": min(reading.language_confidence, AT_MOST),
    }  # fmt: skip
    for aspect in (Aspect.INTENT, Aspect.TOPIC, Aspect.URGENCY):
        told = getattr(reading, aspect)
        value, confidence, reasons = COLUMNS[aspect]
        row |= {value: str(told.value), confidence: told.confidence, reasons: ", ".join(told.reasons)[:200]}
    return row


def _write(rows: Sequence[Row]) -> None:
    by = naming.namer()
    topics = naming.topics(by, [(row["text"], row["language"], row["sentiment"]) for row in rows])
    columns = [[row[name] for row in rows] for name in ("id", *WRITTEN, "reader")]
    with connection.cursor() as cursor:
        cursor.execute(UPDATE, [by.version, *columns, topics])


def _differs(old: Row, new: Row) -> bool:
    return any(old[columns.value] != new[columns.value] for columns in COLUMNS.values())
