"""Texts as numbers for the linear model: hashed n-grams, and a few dense features of what the word lists found.

Both are whole numbers, so that sums over them have no order: a text has the same figures alone and in any batch.
"""

from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from channels_app.reading.cleaning import Token

SLOT_BITS = 18
SLOTS = 1 << SLOT_BITS
LONGEST_GRAM = 5
DENIAL_REACH = 4
ENGLISH = ("", "en")
"""What does not tell its language is hashed as English; every other language has n-grams of its own."""

_DENYING = frozenset("not no never nor neither cannot cant dont wont isnt aint without hardly nobody nothing".split())
_KEPT_MARKS = "!?"
_WORD, _PAIR, _DENIED, _LETTERS = 0x9E3779B97F4A7C15, 0xC2B2AE3D27D4EB4F, 0x165667B19E3779F9, 0x27D4EB2F165667C5
_MIX = np.uint64(0xFF51AFD7ED558CCD)
_STEP = np.uint64(0x100000001B3)

Slots = NDArray[np.int64]


class Hashed(NamedTuple):
    """The n-grams of a batch: `slots[i]` stands in text `rows[i]`, once in a text; `counts` says how many it has.

    `said` holds the words of each text; word `i` of the batch has the slot `words[i]`, with the next one `pairs[i]`; a
    gram of letters has the slot `letters[j]` and stands in the word `of_words[j]`.
    """

    rows: Slots
    slots: Slots
    counts: Slots
    said: list[list[str]]
    words: Slots
    pairs: Slots
    letters: Slots
    of_words: Slots


class _Spoken(NamedTuple):
    """A token as the n-grams see it; a text is "" where it is left out."""

    text: str
    code: int
    denies: bool
    stops: bool


def hashed(texts: Sequence[Sequence[Token]], languages: Sequence[str]) -> Hashed:
    """The n-grams of a batch of texts, given as tokens and by language."""
    spoken = [[one for one in map(_spoken, tokens) if one.text or one.stops] for tokens in texts]
    said = [[one.text for one in words if one.text] for words in spoken]
    salts = np.array([_salt(language) for language in languages], dtype=np.uint64)
    codes = np.array([one.code for words in spoken for one in words if one.text], dtype=np.uint64)
    rows = np.repeat(np.arange(len(said)), [len(words) for words in said])
    salted = codes + salts[rows] if len(codes) else codes
    words, pairs = _slot(salted * np.uint64(_WORD)), _slot(salted[:-1] * np.uint64(_PAIR) + salted[1:] * _STEP)
    together = rows[:-1] == rows[1:]
    denied = np.array([denied for words in spoken for denied in _denied(words)], dtype=bool)
    letters, of_words = _letter_grams(said, salts)
    keys = np.concatenate(
        [
            _keys(rows, words),
            _keys(rows[:-1][together], pairs[together]),
            _keys(rows[denied], _slot(salted[denied] * np.uint64(_DENIED))),
            _keys(rows[of_words], letters),
        ]
    )
    keys.sort()
    keys = keys[np.diff(keys, prepend=-1) > 0]  # ten times as fast as np.unique, which hashes
    found = keys >> SLOT_BITS
    counts = np.bincount(found, minlength=len(said))
    return Hashed(found, keys & (SLOTS - 1), counts, said, words, pairs, letters, of_words)


def _keys(rows: Slots, slots: Slots) -> Slots:
    return (rows << SLOT_BITS) | slots


def _slot(codes: NDArray[np.uint64]) -> Slots:
    mixed = (codes ^ (codes >> np.uint64(31))) * _MIX
    mixed ^= mixed >> np.uint64(29)
    return ((mixed * _MIX) >> np.uint64(64 - SLOT_BITS)).astype(np.int64)


def _salt(language: str) -> int:
    return 0 if language in ENGLISH else crc32(language.encode()) << 16


@lru_cache(maxsize=50_000)
def _spoken(token: Token) -> _Spoken:
    if token.kind == "mark":
        written = token.text[:2] if token.text[0] in _KEPT_MARKS else ""
        return _Spoken(written, crc32(written.encode()), denies=False, stops=True)
    written = "0" if token.kind == "number" and token.text[0].isdigit() else token.text.replace("'", "")
    denies = written in _DENYING or token.text.endswith("n't")
    return _Spoken(written, crc32(written.encode("utf-8", "surrogatepass")), denies, stops=False)


def _denied(words: Sequence[_Spoken]) -> list[bool]:
    """Which words stand behind a denial, up to the next mark."""
    reach, found = 0, []
    for word in words:
        if word.text:
            found.append(reach > 0 and not word.stops)
        reach = 0 if word.stops else DENIAL_REACH if word.denies else max(0, reach - 1)
    return found


def _letter_grams(said: Sequence[Sequence[str]], salts: NDArray[np.uint64]) -> tuple[Slots, Slots]:
    """The slots of 2 to 5 letters within a word, its edges as spaces, and the word of each."""
    texts = [f" {' '.join(words)} " if words else "" for words in said]
    codes = np.frombuffer("".join(texts).encode("utf-32-le", "surrogatepass"), dtype=np.uint32)
    rows = np.repeat(np.arange(len(texts)), [len(text) for text in texts])
    spaces = codes == ord(" ")
    before = np.cumsum([bool(words) for words in said])
    words = np.cumsum(spaces) - before[rows] if len(rows) else rows
    letters = codes.astype(np.uint64) + np.uint64(1)
    gram, inside = letters, np.ones(len(letters), dtype=bool)
    slots, found = [np.empty(0, dtype=np.int64)], [np.empty(0, dtype=np.int64)]
    for length in range(2, min(LONGEST_GRAM, len(letters)) + 1):
        gram = gram[:-1] * _STEP + letters[length - 1 :]
        if length == 2:
            valid = ~(spaces[:-1] & spaces[1:])
            inside = np.ones(len(gram), dtype=bool)
        else:
            inside = inside[:-1] & ~spaces[length - 2 : -1]
            valid = inside
        at = np.flatnonzero(valid)
        slots.append(_slot((gram[at] + salts[rows[at]]) * np.uint64(_LETTERS) + np.uint64(length)))
        found.append(words[at])
    return np.concatenate(slots), np.concatenate(found)
