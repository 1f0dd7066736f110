"""TextBlob's own opinion, as one vote among others."""

from typing import NamedTuple

from textblob.en import sentiment as textblob_lexicon


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
    found = textblob_lexicon.assessments([(word, None) for word in _parted(words)])
    return [Assessment(" ".join(chunk), polarity, subjectivity) for chunk, polarity, subjectivity, _label in found]


def _parted(words: list[str]) -> list[str]:
    """TextBlob knows the negation of "don't" only as a word of its own, "n't"."""
    return [part for word in words for part in ((word[:-3], "n't") if word.endswith("n't") else (word,))]
