"""What a reading is."""

from dataclasses import dataclass
from enum import StrEnum


class Sentiment(StrEnum):
    """The mood of a text. `UNKNOWN` says that nothing could be read; it does not mean `NEUTRAL`."""

    NEGATIVE = "negative"
    NEUTRAL = "neutral"
    POSITIVE = "positive"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Reading:
    """What was read from one text.

    `score` runs from -1 (bad) to 1 (good); `confidence` and `language_confidence` from 0 to 1. `language` is an
    ISO 639-1 code, "" where the text does not tell. `reasons` are the few words that decided, each with its weight.
    """

    sentiment: Sentiment
    score: float
    confidence: float
    language: str
    language_confidence: float
    reasons: tuple[str, ...]
