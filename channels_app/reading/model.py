"""What a reading is."""

from dataclasses import dataclass
from enum import StrEnum


class Sentiment(StrEnum):
    """The mood of a text. `UNKNOWN` says that nothing could be read; it does not mean `NEUTRAL`."""

    NEGATIVE = "negative"
    NEUTRAL = "neutral"
    POSITIVE = "positive"
    UNKNOWN = "unknown"


class Intent(StrEnum):
    """What the writer wants of us."""

    COMPLAINT = "complaint"
    QUESTION = "question"
    COMPLIMENT = "compliment"
    PURCHASE = "purchase"
    IDEA = "idea"
    ABUSE = "abuse"
    OTHER = "other"


class Topic(StrEnum):
    """What it is about."""

    PRODUCT = "product"
    PRICE = "price"
    ACCOUNT = "account"
    SUPPORT = "support"
    NONE = "none"


class Urgency(StrEnum):
    """How soon somebody has to act: hours matter, a problem is open, the rest."""

    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"


@dataclass(frozen=True, slots=True)
class Told:
    """One thing that was read: the value of its enumeration, "" where the language has no words for it ("not read").

    `confidence` runs from 0 to 1; `reasons` are the few words that decided, each with its weight.
    """

    value: str = ""
    confidence: float = 0.0
    reasons: tuple[str, ...] = ()


NOT_READ = Told()


@dataclass(frozen=True, slots=True)
class Reading:
    """What was read from one text.

    `score` runs from -1 (bad) to 1 (good); `confidence` and `language_confidence` from 0 to 1. `language` is an
    ISO 639-1 code, "" where the text does not tell. `reasons` are the few words that decided the mood, each with its
    weight.
    """

    sentiment: Sentiment
    score: float
    confidence: float
    language: str
    language_confidence: float
    reasons: tuple[str, ...]
    intent: Told = NOT_READ
    topic: Told = NOT_READ
    urgency: Told = NOT_READ
