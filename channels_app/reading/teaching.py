"""What a model is taught with: texts of which somebody said how they are."""

import hashlib
from collections.abc import Sequence
from typing import NamedTuple

from channels_app.reading.cleaning import clean, tokens
from channels_app.reading.dense import WISHES
from channels_app.reading.model import Sentiment

SHARE_HELD_BACK = 0.2
MOOD = "sentiment"
MOODS = (Sentiment.NEGATIVE.value, Sentiment.NEUTRAL.value, Sentiment.POSITIVE.value)
VALUES: dict[str, tuple[str, ...]] = {
    MOOD: MOODS,
    **{aspect: tuple(each.value for each in kind) for aspect, kind in WISHES.items()},
}


class Example(NamedTuple):
    """A text and what is known of one aspect of it; `language` where it was told."""

    text: str
    aspect: str
    value: str
    language: str = ""


def held_back(examples: Sequence[Example], share: float = SHARE_HELD_BACK) -> tuple[list[Example], list[Example]]:
    """(to fit on, held back): by a hash of the words of the text, so that the same text is always on the same side."""
    back = [part(each.text) < share for each in examples]
    return (
        [each for each, kept in zip(examples, back, strict=True) if not kept],
        [each for each, kept in zip(examples, back, strict=True) if kept],
    )


def part(text: str) -> float:
    """Where a text stands between 0 and 1, by its words alone."""
    words = " ".join(token.text for token in tokens(clean(text)))
    digest = hashlib.sha256(words.encode("utf-8", "surrogatepass")).digest()
    return int.from_bytes(digest[:4], "big") / 2**32
