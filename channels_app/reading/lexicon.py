"""What words weigh: the words of customer care, kept as data beside this module, before two general lexica.

The general lexica are VADER's (social media) and TextBlob's (adjectives). Of VADER only the word list is used: its own
pass over a text knows no phrases, cannot name the words that decided and costs as much as all the rest here.
"""

import tomllib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any, NamedTuple

from textblob.en import sentiment as textblob_lexicon
from vaderSentiment.vaderSentiment import SentimentIntensityAnalyzer

KINDS = ("complaint", "hint", "praise", "courtesy", "neutral", "irony")
VADER_RANGE = 4.0
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
    """All that is known about words before a text is read."""

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


@cache
def lexicon() -> Lexicon:
    """The lexicon, loaded once in a process."""
    care, emoji = _data("care_en.toml"), _data("emoji.toml")
    entries = dict(_entries(care))
    return Lexicon(
        words=_general() | {text: entry for text, entry in entries.items() if " " not in text},
        phrases=_by_first_word((text, entry) for text, entry in entries.items() if " " in text),
        asking=_by_first_word((text, Entry(0.0, "asking")) for text in _listed(care["asking"])),
        spelling=care["spelling"],
        broken_when_denied=dict.fromkeys(_listed(care["broken_when_denied"]), care["broken_when_denied"]["weight"]),
        **{role: frozenset(_listed(care[role])) for role in ("denying", "stronger", "weaker", "turning", "company")},
        signs={sign: group["weight"] for group in emoji["mood"] for sign in group["signs"].split()},
        mocking=frozenset(emoji["mocking"]["signs"].split()),
    )


def longest_phrase(phrases: Phrases, words: list[str], at: int) -> tuple[int, Entry] | None:
    """How many words the longest phrase that begins at `at` takes, and its entry."""
    for phrase, entry in phrases.get(words[at], ()):
        length = len(phrase)
        if length == 1 or tuple(words[at : at + length]) == phrase:
            return length, entry
    return None


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
