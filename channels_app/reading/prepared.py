"""A text made ready once for everything that is read of it."""

from typing import NamedTuple

from channels_app.reading.cleaning import Token, clean, speaks_to_somebody, tokens
from channels_app.reading.language import Language, tell


class Prepared(NamedTuple):
    """A text as it came, cleaned, and as tokens; its language ("" where it does not tell) and how sure that is.

    `addressed` says that it began with a handle: it speaks to somebody.
    """

    text: str
    cleaned: str
    tokens: list[Token]
    language: str
    addressed: bool
    language_confidence: float = 0.0


def prepare(text: str, told: str = "", among: frozenset[str] = frozenset()) -> Prepared:
    """`told` is the language a network named, and beats our own opinion; `among` are those a team serves (all)."""
    cleaned = clean(text)
    found = tokens(cleaned)
    language = Language(told, 1.0) if told else tell(cleaned, found, among)
    return Prepared(text, cleaned, found, language.code, speaks_to_somebody(text), language.confidence)
