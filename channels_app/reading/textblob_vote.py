"""TextBlob's own opinion, as one vote among others."""

from collections.abc import Iterator
from functools import cache
from typing import NamedTuple

from textblob._text import EMOTICONS
from textblob.en import sentiment as textblob_lexicon

FORGOTTEN_AFTER = 3
"""A word of so many letters that TextBlob does not know ends what "not" or "very" before it work on."""


class Assessment(NamedTuple):
    """Words that TextBlob weighed, with its polarity (-1..1) and how much of an opinion they are (0..1)."""

    words: str
    polarity: float
    subjectivity: float


def assessments(words: list[str]) -> list[Assessment]:
    """TextBlob's assessments of words in small letters.

    This is the analyser behind `TextBlob.sentiment_assessments`, called with our words: it needs no corpora, and
    TextBlob's tokenizer, which costs more than the rest of the reading, stays out of the way.
    """
    heard = [(word, None) for word in _worth_asking(_parted(words))]
    found = textblob_lexicon.assessments(heard) if heard else []
    return [Assessment(" ".join(chunk), polarity, subjectivity) for chunk, polarity, subjectivity, _label in found]


def _worth_asking(words: list[str]) -> Iterator[str]:
    """Without the words that change nothing: unknown ones that follow one by which TextBlob forgot all before it."""
    known, forgotten = _known(), True
    for word in words:
        if word in known:
            forgotten = False
        elif forgotten:
            continue
        else:
            forgotten = len(word) >= FORGOTTEN_AFTER
        yield word


@cache
def _known() -> frozenset[str]:
    """All that TextBlob does anything with."""
    textblob_lexicon.load()
    emoticons = {sign.lower() for signs in EMOTICONS.values() for sign in signs}
    return frozenset({*textblob_lexicon, *textblob_lexicon.negations, *emoticons, "!", "(!)"})


def _parted(words: list[str]) -> list[str]:
    """TextBlob knows the negation of "don't" only as a word of its own, "n't"."""
    return [part for word in words for part in ((word[:-3], "n't") if word.endswith("n't") else (word,))]
