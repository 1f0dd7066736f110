"""One text after the other: cleaned, its language told, its mood judged."""

from collections.abc import Sequence

from channels_app.reading.cleaning import Token, clean, speaks_to_somebody, tokens
from channels_app.reading.evidence import gather
from channels_app.reading.language import Language, tell
from channels_app.reading.model import Reading
from channels_app.reading.verdict import UNREADABLE, Verdict, judge

LEXICON_LANGUAGE = "en"


def read(texts: Sequence[str]) -> list[Reading]:
    """The reading of each text, in order. Never raises, whatever the text; reads its first 2,000 characters."""
    return [_read_one(text) for text in texts]


def _read_one(text: str) -> Reading:
    cleaned = clean(text)
    found = tokens(cleaned)
    language = tell(cleaned, found)
    mood = _mood(text, found, language)
    return Reading(mood.sentiment, mood.score, mood.confidence, language.code, language.confidence, mood.reasons)


def _mood(text: str, found: list[Token], language: Language) -> Verdict:
    """Where the language is another, only signs are read; where it is not told, some word has to be known."""
    if language.code not in (LEXICON_LANGUAGE, ""):
        found = [token for token in found if token.kind == "sign"]
    evidence = gather(found, addressed=speaks_to_somebody(text))
    readable = evidence.known or (evidence.words > 0 and language.code == LEXICON_LANGUAGE)
    return judge(evidence) if readable else UNREADABLE
