"""What words weigh: the words of customer care, kept as data beside this module, before two general lexica.

For English, and, smaller, for the other languages that `topic_words` has: there the words that judge, without a general
lexicon behind them. Words that leads added go before all others.

The general lexica are VADER's (social media) and TextBlob's (adjectives). Of VADER only the word list is used: its own
pass over a text knows no phrases, cannot name the words that decided and costs as much as all the rest here.
"""

import tomllib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from functools import cache, lru_cache
from importlib.resources import files
from typing import Any, NamedTuple

from textblob.en import sentiment as textblob_lexicon
from vaderSentiment.vaderSentiment import SentimentIntensityAnalyzer

from channels_app.reading.topic_words import LANGUAGES
from channels_app.reading.words import Words, bundled_words, in_tokens, roles

ENGLISH = "en"
ROLES = ("denying", "stronger", "weaker", "turning", "company")
KINDS = ("complaint", "hint", "praise", "courtesy", "neutral", "irony")
VADER_RANGE = 4.0
BROKEN = -0.45
"""An ordinary verb that is denied, in another language than English."""
SHORT = 3
"""Up to this length VADER is full of abbreviations that are names elsewhere ("nfc"); TextBlob must know them too."""


class Entry(NamedTuple):
    """What a word or a phrase weighs (-1..1), and as what: one of `KINDS`, or "word" where a general lexicon has it."""

    weight: float
    kind: str


Phrases = dict[str, list[tuple[tuple[str, ...], Entry]]]
"""Phrases by their first word, the longest first."""


@dataclass(frozen=True, slots=True)
class Lexicon:
    """All that is known about the words of a language before a text is read."""

    language: str
    words: dict[str, Entry]
    phrases: Phrases
    asking: Phrases
    spelling: dict[str, str]
    broken_when_denied: dict[str, float]
    denying: frozenset[str]
    stronger: frozenset[str]
    weaker: frozenset[str]
    turning: frozenset[str]
    company: frozenset[str]
    signs: dict[str, float]
    mocking: frozenset[str]
    stems: dict[str, Entry]

    def known(self, word: str) -> Entry | None:
        """What a word weighs; stems, which only leads add, go before whole words."""
        if self.stems:
            stem = next((word[:length] for length in range(len(word), 1, -1) if word[:length] in self.stems), "")
            if stem:
                return self.stems[stem]
        return self.words.get(word)


def lexicon(words: Words | None = None, language: str = ENGLISH) -> Lexicon:
    """The lexicon of a language that `Words.languages_with("sentiment")` names, made once for the same words."""
    return _with_added(words or Words.bundled(), language)


@lru_cache(maxsize=64)
def _with_added(words: Words, language: str) -> Lexicon:
    """A word that a lead weighs is praise, a complaint, or, with the weight 0, says nothing."""
    known = _bundled(language)
    added = [each for each in words.added if (each.language, each.aspect) == (language, "sentiment")]
    if not added:
        return known
    entries = {" ".join(in_tokens(each.words, language)): _added(each.weight) for each in added}
    phrases = {
        first: [each for each in group if " ".join(each[0]) not in entries] for first, group in known.phrases.items()
    }
    for first, group in _by_first_word((text, entry) for text, entry in entries.items() if " " in text).items():
        phrases[first] = sorted([*group, *phrases.get(first, ())], key=lambda item: -len(item[0]))
    single = {text: entry for text, entry in entries.items() if text and " " not in text}
    stems = {text[:-1]: entry for text, entry in single.items() if text.endswith("*")}
    signs = known.signs | {each.words: each.weight for each in added if each.words in known.signs}
    return replace(known, words=known.words | single, stems=stems, phrases=phrases, signs=signs)


def _added(weight: float) -> Entry:
    return Entry(weight, "praise" if weight > 0 else "complaint" if weight < 0 else "neutral")


@cache
def _bundled(language: str) -> Lexicon:
    return _english() if language == ENGLISH else _of_topic_words(language)


def _english() -> Lexicon:
    care = _data("care_en.toml")
    entries = dict(_entries(care))
    return Lexicon(
        language=ENGLISH,
        words=_general() | {text: entry for text, entry in entries.items() if " " not in text},
        phrases=_by_first_word((text, entry) for text, entry in entries.items() if " " in text),
        asking=_by_first_word((text, Entry(0.0, "asking")) for text in _listed(care["asking"])),
        spelling=care["spelling"],
        broken_when_denied=dict.fromkeys(_listed(care["broken_when_denied"]), care["broken_when_denied"]["weight"]),
        **{role: frozenset(_listed(care[role])) for role in ROLES},
        signs=_signs(),
        mocking=_mocking(),
        stems={},
    )


def _of_topic_words(language: str) -> Lexicon:
    """Words that judge, of another language; none but the signs where it has no files."""
    written = roles(language) if language in LANGUAGES else {}
    entries = {
        " ".join(in_tokens(each.words, language)): _judging(each.words, each.weight, written.get("thanks", frozenset()))
        for each in bundled_words(language, "sentiment")
    }
    asking = [" ".join(in_tokens(each, language)) for each in sorted(written.get("asking", ()))]
    return Lexicon(
        language=language,
        words={text: entry for text, entry in entries.items() if " " not in text},
        phrases=_by_first_word((text, entry) for text, entry in entries.items() if " " in text),
        asking=_by_first_word((text, Entry(0.0, "asking")) for text in asking if text),
        spelling={},
        broken_when_denied=dict.fromkeys(written.get("broken_when_denied", ()), BROKEN),
        **{role: written.get(role, frozenset()) for role in ROLES},
        signs=_signs(),
        mocking=_mocking(),
        stems={},
    )


def _judging(words: str, weight: float, thanks: frozenset[str]) -> Entry:
    return Entry(weight, "courtesy") if words in thanks else _added(weight)


def _signs() -> dict[str, float]:
    return {sign: group["weight"] for group in _data("emoji.toml")["mood"] for sign in group["signs"].split()}


def _mocking() -> frozenset[str]:
    return frozenset(_data("emoji.toml")["mocking"]["signs"].split())


def longest_phrase(phrases: Phrases, words: list[str], at: int) -> tuple[int, Entry] | None:
    """How many words the longest phrase that begins at `at` takes, and its entry."""
    for phrase, entry in phrases.get(words[at], ()):
        length = len(phrase)
        here = tuple(words[at : at + length])
        if length == 1 or here == phrase or _ends_openly(phrase, here):
            return length, entry
    return None


def _ends_openly(phrase: tuple[str, ...], here: tuple[str, ...]) -> bool:
    """Whether a phrase with a final `*`, which only leads add, is what is said here."""
    end = phrase[-1]
    return end[-1] == "*" and here[:-1] == phrase[:-1] and len(here) == len(phrase) and here[-1].startswith(end[:-1])


def _data(name: str) -> dict[str, Any]:
    return tomllib.loads(files("channels_app.reading").joinpath(name).read_text(encoding="utf-8"))


def _listed(group: dict[str, Any]) -> Iterator[str]:
    """The entries of a group, each also without its apostrophe, as many people write it."""
    for entry in group["words"].split(","):
        text = " ".join(entry.split())
        yield text
        if "'" in text:
            yield text.replace("'", "")


def _entries(care: dict[str, Any]) -> Iterator[tuple[str, Entry]]:
    for kind in KINDS:
        for group in care[kind]:
            for text in _listed(group):
                yield text, Entry(group["weight"], kind)


def _by_first_word(entries: Iterable[tuple[str, Entry]]) -> Phrases:
    found: Phrases = {}
    for text, entry in entries:
        words = tuple(text.split())
        found.setdefault(words[0], []).append((words, entry))
    return {first: sorted(group, key=lambda item: -len(item[0])) for first, group in found.items()}


def _general() -> dict[str, Entry]:
    textblob_lexicon.load()
    known = SentimentIntensityAnalyzer().lexicon.items()
    return {
        word: Entry(weight / VADER_RANGE, "word")
        for word, weight in known
        if word.isalpha() and (len(word) > SHORT or word in textblob_lexicon)
    }
