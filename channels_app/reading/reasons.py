"""Why a text was read as it was: the few words that weighed most, as people can read them."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from channels_app.reading.analyzer import Opinion
from channels_app.reading.features import Hashed
from channels_app.reading.linear import UNIT, Head

OF_LISTS, OF_MODEL, OF_TEXTBLOB = 3, 2, 2
LEAST = 0.25
"""A word of the model that weighs less decides nothing."""
LONGEST = 30
NUMBER = "0"
"""How n-grams write any number: nothing that a person would recognise."""


class Strong(NamedTuple):
    """A word or two of a text and what the model gives for them, for one value and against another."""

    words: str
    weight: float


def of_mood(opinion: Opinion, strong: Sequence[Strong]) -> tuple[str, ...]:
    """The words of the lists ("cancelled -0.5"), those of the model, and TextBlob's own assessments."""
    listed = opinion.verdict.reasons[:OF_LISTS]
    taken = " ".join(each.rsplit(" ", 1)[0] for each in listed)
    learned = [f"{each.words} {each.weight:+.1f}" for each in strong if each.words not in taken]
    return (*listed, *learned[:OF_MODEL], *_of_textblob(opinion))


def of_wish(listed: Sequence[str], strong: Sequence[Strong]) -> tuple[str, ...]:
    """The words of the lists and those of the model that speak for what it told."""
    learned = [f"{each.words} {each.weight:+.1f}" for each in strong if each.weight > 0]
    return (*listed[:OF_LISTS], *learned[:OF_MODEL])


def _of_textblob(opinion: Opinion) -> Iterator[str]:
    heaviest = sorted(opinion.assessments, key=lambda each: -abs(each.polarity))[:OF_TEXTBLOB]
    said = ", ".join(f"{each.words[:LONGEST]} {each.polarity:+.1f}" for each in heaviest if each.polarity)
    if said:
        yield f"TextBlob: {said}"


def strongest(head: Head, hashed: Hashed, values: Sequence[int], against: Sequence[int]) -> list[list[Strong]]:
    """For each text of a batch the words and pairs that weigh most between two values of a head, given by place.

    A word weighs what its own slot and those of its letters do.
    """
    lengths = [len(words) for words in hashed.said]
    rows, starts = np.repeat(np.arange(len(lengths)), lengths), np.cumsum([0, *lengths])
    spread = np.sqrt(np.maximum(hashed.counts, 1))

    def weights(slots: NDArray[np.int64], texts: NDArray[np.int64]) -> NDArray[np.float64]:
        grams, each = head.grams[slots].astype(np.int32), np.arange(len(slots))
        return UNIT / 2 * (grams[each, np.take(values, texts)] - grams[each, np.take(against, texts)]) / spread[texts]

    letters = np.bincount(hashed.of_words, weights(hashed.letters, rows[hashed.of_words]), len(rows))
    found: list[list[Strong]] = [[] for _ in hashed.said]
    for weighed, taken in ((weights(hashed.words, rows) + letters, 1), (weights(hashed.pairs, rows[:-1]), 2)):
        for at in np.flatnonzero(np.abs(weighed) >= LEAST).tolist():
            row, begin = int(rows[at]), at - int(starts[rows[at]])
            words = hashed.said[row][begin : begin + taken]
            if len(words) == taken and NUMBER not in words:
                found[row].append(Strong(" ".join(words)[:LONGEST], float(weighed[at])))
    return [sorted(dict.fromkeys(each), key=lambda one: -abs(one.weight)) for each in found]
