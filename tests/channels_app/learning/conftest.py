"""A reader that says what a test wants, and messages to put right."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from channels_app.learning import in_use
from channels_app.reading.model import Intent, Reading, Sentiment, Told, Topic, Urgency
from tests import factories

ANGRY = Reading(
    Sentiment.NEGATIVE, -0.8, 0.9, "en", 0.97, ("late -0.5", "again -0.3"),
    Told(Intent.COMPLAINT, 0.7, ("late",)), Told(Topic.PRODUCT, 0.6, ("train",)), Told(Urgency.MEDIUM, 0.5, ("late",)),
)  # fmt: skip
CALM = Reading(Sentiment.NEUTRAL, 0.0, 0.4, "en", 0.9, (), Told(Intent.QUESTION, 0.5, ("when",)))


class FakeReader:
    """Reads every text in one way."""

    def __init__(self, version: str, reading: Reading) -> None:
        self.version, self.reading, self.asked = version, reading, 0
        self.told: list[str] = []

    def read(self, texts: Sequence[str], languages: Sequence[str] = ()) -> list[Reading]:
        self.asked += len(texts)
        self.told = list(languages)
        return [self.reading for _text in texts]


@pytest.fixture
def reads(monkeypatch):
    """`reads(reading, version)`: from here on every message is read like that."""

    def put_in_use(reading: Reading = ANGRY, version: str = "fake-1") -> FakeReader:
        reader = FakeReader(version, reading)
        monkeypatch.setattr(in_use, "reader_of", lambda channel: reader)
        monkeypatch.setattr(in_use, "reader", lambda brand="": reader)
        return reader

    return put_in_use


@pytest.fixture
def said(archive):
    """A message that an earlier reader has read as an angry complaint about the product."""

    def said(text="My train is late again.", **facts):
        read = {
            "sentiment": "negative", "score": -0.8, "confidence": 0.9, "reasons": "late -0.5", "language": "en",
            "language_confidence": 0.9, "intent": "complaint", "intent_confidence": 0.7, "intent_reasons": "late",
            "topic": "product", "topic_confidence": 0.6, "urgency": "medium", "urgency_confidence": 0.5,
            "reader": "old-1",
        }  # fmt: skip
        return factories.MessageFactory(text=text, thread__channel=archive, **{**read, **facts})

    return said
