"""Which language a text is in: by its script, by its small words (`languages.toml`), and only then by a classifier.

py3langid always names a language, also for "ok". It is asked only about texts long enough to tell, and only among
languages that a care team may meet, or those it serves; a text that does not tell, or speaks two languages at once, is
answered with "".
"""

import re
import tomllib
from collections import Counter
from functools import cache, lru_cache
from importlib.resources import files
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from py3langid.langid import MODEL_FILE, LanguageIdentifier

from channels_app.reading.cleaning import Token
from channels_app.reading.lexicon import lexicon

LATIN_LANGUAGES = ("en", "es", "de", "fr", "it", "pt", "nl", "pl", "sv", "tr")
LANGUAGES = (*LATIN_LANGUAGES, "ar", "he", "ja")

FEWEST_WORDS = 3
"""Different ones: "ha ha ha" does not tell."""
FEWEST_LETTERS = 10
SURE_ENOUGH = 0.8
SMALL_WORDS_NEEDED = 2
SMALL_SHARE_NEEDED = 0.2
MIXED_WORDS, MIXED_SHARE = 3, 0.4
"""A text is in two languages whose second has so many small words, and this much of what its first has."""
CLEARLY_ANOTHER = 0.95
"""So sure, a language is told to be none of those that are served,"""
LEAST_AMONG_ALL = 0.3
"""and less than this among all, one that is served is not told."""
LONGER_THAN_A_COGNATE = 4
"""A word of the English lexicon this long is seldom a word of another language too."""

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


def tell(cleaned: str, tokens: list[Token], among: frozenset[str] = frozenset()) -> Language:
    """The language of a cleaned text and its tokens, one of `among` (without: of all that Hark tells apart)."""
    words = [token.text for token in tokens if token.kind == "word"]
    if not words:
        return UNTOLD
    language = _told(cleaned, words, among)
    return language if not among or language.code in among else UNTOLD


def _told(cleaned: str, words: list[str], among: frozenset[str]) -> Language:
    if not cleaned.isascii() and any(word[0] > _LATIN_END for word in words):
        foreign = _by_script(words)
        if foreign is not None:
            return foreign if foreign.code else _other_script(words, among)
    return _by_small_words(words) or _classified(words, among)


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


def _by_small_words(words: list[str]) -> Language | None:
    """The language of the small words; untold where they are of two languages, None where they are too few."""
    small = _small_words()
    found = [word for word in words if word in small]
    if not found:
        return None
    codes = [small[word] for word in dict.fromkeys(found)]
    counts = [(codes[0], len(codes))] if len(set(codes)) == 1 else Counter(codes).most_common(2)
    code, different = counts[0]
    if len(counts) > 1 and counts[1][1] >= max(MIXED_WORDS, MIXED_SHARE * different):
        return UNTOLD
    count = len(found) if len(counts) == 1 else sum(small[word] == code for word in found)
    share = count / len(words)
    enough = different if code != "en" else count
    if enough < SMALL_WORDS_NEEDED or share < SMALL_SHARE_NEEDED:
        return None
    return Language(code, round(min(0.99, 0.85 + share / 3), 2))


@cache
def _small_words() -> dict[str, str]:
    written = tomllib.loads(files("channels_app.reading").joinpath("languages.toml").read_text(encoding="utf-8"))
    return {word: code for code, words in written.items() for word in words.split()}


def _classified(words: list[str], among: frozenset[str]) -> Language:
    text = " ".join(words)
    if len(set(words)) < FEWEST_WORDS or len(text) < FEWEST_LETTERS:
        return UNTOLD
    language = _surest(text, frozenset(LATIN_LANGUAGES) | (among - frozenset(_SCRIPTS)), among)
    if language.confidence < SURE_ENOUGH or (language.code != "en" and _looks_english(words)):
        return UNTOLD
    return language


def _other_script(words: list[str], among: frozenset[str]) -> Language:
    """A script that alone does not tell, where a language is served that Hark does not tell by its letters."""
    others = among - frozenset(LATIN_LANGUAGES) - frozenset(_SCRIPTS)
    language = _surest(" ".join(words), frozenset(LATIN_LANGUAGES) | others, others) if others else UNTOLD
    return language if language.confidence >= SURE_ENOUGH else UNTOLD


def _surest(text: str, known: frozenset[str], among: frozenset[str]) -> Language:
    """What the classifier says among the languages served, unless it is clearly one of the others it knows."""
    codes, weights, priors = _classes(known)
    logs = _classifier().instance2fv(text) @ weights + priors
    chances = np.exp(logs - logs.max())
    chances /= chances.sum()
    served = np.array([not among or code in among for code in codes])
    if not served.any():
        return UNTOLD
    best = int(np.argmax(np.where(served, chances, -1.0)))
    clearly_another = chances[~served].max(initial=0.0) >= CLEARLY_ANOTHER
    if clearly_another or chances[best] < LEAST_AMONG_ALL:
        return UNTOLD
    return Language(codes[best], round(float(chances[best] / chances[served].sum()), 2))


def _looks_english(words: list[str]) -> bool:
    """Short English posts ("no apology? cool") are what the classifier most often takes for something else."""
    known, small = lexicon().words, _small_words()
    count = sum(small.get(word) == "en" or (len(word) >= LONGER_THAN_A_COGNATE and word in known) for word in words)
    return count >= len(words) * SMALL_SHARE_NEEDED


@lru_cache(maxsize=32)
def _classes(known: frozenset[str]) -> tuple[list[str], NDArray[np.float64], NDArray[np.float64]]:
    """The languages among `known` that the classifier has, with their part of its weights and priors."""
    whole = _classifier()
    places = [at for at, code in enumerate(whole.nb_classes) if code in known]
    codes = [str(whole.nb_classes[at]) for at in places]
    return codes, np.ascontiguousarray(whole.nb_ptc[:, places]), whole.nb_pc[places]


@cache
def _classifier() -> LanguageIdentifier:
    return LanguageIdentifier.from_pickled_model(MODEL_FILE)
