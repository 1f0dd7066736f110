"""VADER's opinion, as one vote among others: its word list and its rules, over the words that are there already.

Its own pass takes the text apart once more, and costs as much as all the rest of a reading. The numbers are those of
Hutto & Gilbert, "VADER: A Parsimonious Rule-based Model for Sentiment Analysis of Social Media Text", 2014.
"""

import math
from collections.abc import Sequence
from functools import cache

from vaderSentiment.vaderSentiment import BOOSTER_DICT, C_INCR, N_SCALAR, NEGATE, SentimentIntensityAnalyzer

from channels_app.reading.cleaning import Token

REACH = 3
"""How many words behind a denial or a booster it still works on,"""
FADING = (1.0, 0.95, 0.9)
"""and what is left of a booster there."""
ALPHA = 15.0
EXCLAMATION, MOST_EXCLAMATIONS = 0.292, 4
BEFORE_BUT, BEHIND_BUT = 0.5, 1.5

_NEGATE = frozenset(NEGATE) | {"never", "without"}
_BOOSTERS: dict[str, float] = {word: weight for word, weight in BOOSTER_DICT.items() if " " not in word}


def compound(tokens: Sequence[Token]) -> float:
    """From -1 (bad) to 1 (good), 0 where VADER knows no word of the text."""
    valences = _valences(tokens)
    total = sum(valences)
    if not total:
        return 0.0
    marks = sum(token.text.count("!") for token in tokens if token.kind == "mark")
    total += math.copysign(EXCLAMATION * min(marks, MOST_EXCLAMATIONS), total)
    return total / math.sqrt(total * total + ALPHA)


def _valences(tokens: Sequence[Token]) -> list[float]:
    known, power = _known(), 1.0
    found: list[float] = []
    for at, token in enumerate(tokens):
        valence = known.get(token.text)
        if valence is not None and token.text not in _BOOSTERS:
            loud = math.copysign(C_INCR, valence) if token.loud else 0.0
            found.append(power * _among(tokens, at, valence + loud))
        elif token.text == "but":
            found, power = [BEFORE_BUT * each for each in found], BEHIND_BUT
    return found


def _among(tokens: Sequence[Token], at: int, valence: float) -> float:
    """What the words before it make of the valence of a word."""
    for back in range(1, min(REACH, at) + 1):
        word = tokens[at - back].text
        if word in _BOOSTERS:
            valence += math.copysign(FADING[back - 1], valence) * _BOOSTERS[word]
        elif word in _NEGATE or word.endswith("n't"):
            valence *= N_SCALAR
    return valence


@cache
def _known() -> dict[str, float]:
    return dict(SentimentIntensityAnalyzer().lexicon)
