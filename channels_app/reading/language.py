"""Which language a text is in: by its script, by its small words, and only then by a classifier.

py3langid always names a language, also for "ok". It is asked only about texts long enough to tell, and only among
languages that a care team may meet; a text that does not tell is answered with "".
"""

import re
from collections import Counter
from functools import cache
from typing import NamedTuple

from py3langid.langid import MODEL_FILE, LanguageIdentifier

from channels_app.reading.cleaning import Token
from channels_app.reading.lexicon import lexicon

LATIN_LANGUAGES = ("en", "es", "de", "fr", "it", "pt", "nl", "pl", "sv", "tr")
LANGUAGES = (*LATIN_LANGUAGES, "ar", "he", "ja")

FEWEST_WORDS = 3
"""Different ones: "ha ha ha" does not tell."""
FEWEST_LETTERS = 10
SURE_ENOUGH = 0.8
ENGLISH_WORDS_NEEDED = 2
ENGLISH_SHARE_NEEDED = 0.2
LONGER_THAN_A_COGNATE = 4
"""A word of the English lexicon this long is seldom a word of another language too."""

# Small English words that are no words of the other Latin languages (so not "in", "me", "was", "die").
_SMALL_ENGLISH_WORDS = """
the and of to you your you're i'm i've it it's that's is are be been being have has had having this that these those
they their there we're our my with from what when where why who how which would could should can't cannot don't didn't
doesn't isn't won't wasn't did does not just because about after before if for but at any get getting got need want know
think thanks thank please never always still again today tomorrow yesterday help
"""
_ENGLISH = frozenset(_SMALL_ENGLISH_WORDS.split())
_SCRIPTS = {
    "he": "\u0590-\u05ff",
    "ar": "\u0600-\u06ff\u0750-\u077f",
    "ja": "\u3040-\u30ff\u4e00-\u9fff",
}
_SCRIPT = re.compile("|".join(f"(?P<{code}>[{letters}])" for code, letters in _SCRIPTS.items()))
_KANA = re.compile("[\u3040-\u30ff]")
_NOT_ARABIC = re.compile("[پچژگکیٹڈے]")
"""Letters of Persian and Urdu: the script is Arabic, the language is not."""
_LATIN_END = "\u024f"


class Language(NamedTuple):
    """An ISO 639-1 code, "" where the text does not tell, and how sure that is (0..1)."""

    code: str
    confidence: float


UNTOLD = Language("", 0.0)


def tell(cleaned: str, tokens: list[Token]) -> Language:
    """The language of a cleaned text and its tokens."""
    words = [token.text for token in tokens if token.kind == "word"]
    if not words:
        return UNTOLD
    if not cleaned.isascii() and any(word[0] > _LATIN_END for word in words):
        foreign = _by_script(words)
        if foreign is not None:
            return foreign
    return _english(words) or _classified(words)


def _by_script(words: list[str]) -> Language | None:
    """The language of a script that is not Latin; None where most letters are Latin."""
    letters = "".join(words)
    others = sum(letter > _LATIN_END for letter in letters)
    if 2 * others <= len(letters):
        return None
    found = Counter(match.lastgroup for match in _SCRIPT.finditer(letters))
    code, count = found.most_common(1)[0] if found else (None, 0)
    if code is None or 2 * count <= others or not _fits(code, letters):
        return UNTOLD
    return Language(code, round(count / len(letters), 2))


def _fits(code: str, letters: str) -> bool:
    """Arabic letters may be Persian or Urdu, and Chinese characters without kana Chinese."""
    if code == "ja":
        return bool(_KANA.search(letters))
    return code != "ar" or not _NOT_ARABIC.search(letters)


def _english(words: list[str]) -> Language | None:
    count = sum(word in _ENGLISH for word in words)
    share = count / len(words)
    if count < ENGLISH_WORDS_NEEDED or share < ENGLISH_SHARE_NEEDED:
        return None
    return Language("en", round(min(0.99, 0.85 + share / 3), 2))


def _classified(words: list[str]) -> Language:
    text = " ".join(words)
    if len(set(words)) < FEWEST_WORDS or len(text) < FEWEST_LETTERS:
        return UNTOLD
    code, probability = _classifier().classify(text)
    confidence = round(float(probability), 2)
    if confidence < SURE_ENOUGH or (code != "en" and _looks_english(words)):
        return UNTOLD
    return Language(str(code), confidence)


def _looks_english(words: list[str]) -> bool:
    """Short English posts ("no apology? cool") are what the classifier most often takes for something else."""
    known = lexicon().words
    count = sum(word in _ENGLISH or (len(word) >= LONGER_THAN_A_COGNATE and word in known) for word in words)
    return count >= len(words) * ENGLISH_SHARE_NEEDED


@cache
def _classifier() -> LanguageIdentifier:
    identifier = LanguageIdentifier.from_pickled_model(MODEL_FILE, norm_probs=True)
    identifier.set_languages(list(LATIN_LANGUAGES))
    return identifier
