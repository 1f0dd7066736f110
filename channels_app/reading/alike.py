"""Whether two posts say the same: retweets, copies, and floods of nearly the same words.

What is said of one post alone does not count: handles, links, "RT" and "via", case, punctuation, emoji, and the word in
which a network cut it off. Texts of the same words are the same by a hash. Longer ones that differ in a word or two are
found by MinHash with banding (Broder 1997; Leskovec, Rajaraman, Ullman, Mining of Massive Datasets, 3.4)

    h_i(x) = mix(x + c_i)      x = 64 bits of a shingle, c_i fixed, mix as in SplitMix64
    signature_i = min over all shingles of h_i;  P(signature_i alike) = likeness s

cut into BANDS of ROWS, so that a pair of likeness s becomes a candidate with probability 1 - (1 - s^ROWS)^BANDS: 0.99
at s = 0.8, 0.92 at 0.7, 0.77 at 0.6, 0.05 at 0.2. Candidates are compared word for word (`are_alike`): nothing is
ever called alike by chance. Shingles are the words and the pairs of words that follow each other; the likeness is their
Jaccard index.
"""

from __future__ import annotations

import html
import unicodedata
from collections.abc import Sequence
from functools import lru_cache
from hashlib import blake2b
from itertools import pairwise
from typing import NamedTuple
from zlib import crc32

import numpy as np
import regex

BANDS, ROWS = 6, 3
LIKENESS = 0.6
FEWEST_WORDS = 5  # "thanks for the help" is said by many who have nothing to do with each other
FEWEST_RELAYED = 3  # but who says "RT" says that it is a copy
FEWEST_SHINGLED = 8  # in fewer, the one word that differs is what it is about

RELAYED = regex.compile(r"\b(?:rt|mt|via|h/t|cc)\b:?\s*(?=[“\"]?@)")
COPIED = regex.compile(r"\b(?:rt|mt)\b:?\s*[“\"]?@|[“\"]\s*@\w+\s*:", regex.IGNORECASE)
APART = regex.compile(r"https?:\S*|www\.\S+|@[\w.-]+(?:@[\w.-]+)?")
CUT_OFF = regex.compile(r"[^\s…]+(?:…|\.\.\.)\s*(?:https?:\S*\s*)*\Z")
WORD = regex.compile(
    r"[\p{Han}\p{Hiragana}\p{Katakana}\p{Thai}\p{Lao}\p{Khmer}]|[\p{L}\p{M}\p{N}]+(?:['’][\p{L}\p{M}]+)*"
)
LONGEST = 2000  # characters of a text that are looked at

Words = tuple[str, ...]


class Signature(NamedTuple):
    """`same` is one number for one text, of 64 bits; `bands`, of 32 bits each, are empty where it is too short to
    differ a little. All are signed, as PostgreSQL holds them."""

    words: Words
    same: int
    bands: tuple[int, ...]


def words_of(text: str) -> Words:
    """What it says, without what is said of this post alone."""
    plain = unicodedata.normalize("NFKC", html.unescape(text[:LONGEST])).casefold()
    if "..." in plain:  # NFKC makes three dots of an ellipsis
        plain = CUT_OFF.sub(" ", plain)
    plain = APART.sub(" ", RELAYED.sub(" ", plain)) if "@" in plain or "//" in plain or "www." in plain else plain
    return tuple(word.replace("’", "'") for word in WORD.findall(plain))


def likeness(one: Words, other: Words) -> float:
    """0 to 1."""
    first, second = _shingles(one), _shingles(other)
    return len(first & second) / len(first | second) if first and second else 0.0


def are_alike(one: Words, other: Words) -> bool:
    """Of texts that are not the same. Other numbers (a flight, a sum, a booking) are another matter."""
    if min(len(one), len(other)) < FEWEST_SHINGLED or _numbers(one) != _numbers(other):
        return False
    return likeness(one, other) >= LIKENESS


def signatures(texts: Sequence[str], places: Sequence[str]) -> list[Signature | None]:
    """None of what is too short to say that somebody copied it. Of texts of two `places` no number is alike."""
    said = [words_of(text) for text in texts]
    long = [at for at, words in enumerate(said) if len(words) >= FEWEST_SHINGLED]
    bands = dict(zip(long, _bands([said[at] for at in long], [places[at] for at in long]), strict=True))
    return [
        Signature(words, _same(words, place), bands.get(at, ())) if len(words) >= _fewest(text) else None
        for at, (text, words, place) in enumerate(zip(texts, said, places, strict=True))
    ]


def _fewest(text: str) -> int:
    return FEWEST_RELAYED if "@" in text and COPIED.search(text[:LONGEST]) else FEWEST_WORDS


def _same(words: Words, place: str) -> int:
    said = f"{place}\0{' '.join(words)}".encode("utf-8", "replace")
    return int.from_bytes(blake2b(said, digest_size=8).digest(), "big", signed=True)


def _shingles(words: Words) -> set[str | tuple[str, str]]:
    return {*words, *pairwise(words)}


def _numbers(words: Words) -> set[str]:
    return {word for word in words if any(map(str.isdigit, word))}


# --- MinHash, of all texts at once; the same in every process and for ever, since stored bands meet new ones

STEP = np.uint64(0x9E3779B97F4A7C15)
FIRST, SECOND = np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB)
SEEDS = np.arange(1, BANDS * ROWS + 1, dtype=np.uint64) * STEP


def _mix(x: np.ndarray) -> np.ndarray:
    """The finaliser of SplitMix64 (Steele, Lea, Flood 2014), which spreads 64 bits evenly."""
    x = (x ^ (x >> np.uint64(30))) * FIRST
    x = (x ^ (x >> np.uint64(27))) * SECOND
    return np.asarray(x ^ (x >> np.uint64(31)), dtype=np.uint64)


def _bands(said: Sequence[Words], places: Sequence[str]) -> list[tuple[int, ...]]:
    if not said:
        return []
    lengths = np.fromiter(map(len, said), dtype=np.int64, count=len(said))
    starts = np.concatenate(([0], np.cumsum(lengths)[:-1]))
    word = np.fromiter((_hash(w) for words in said for w in words), dtype=np.uint64, count=int(lengths.sum()))
    pair = word * STEP + np.roll(word, -1)
    pair[starts + lengths - 1] = word[starts + lengths - 1]  # the last of a text is followed by nothing
    lowest = [
        np.minimum(np.minimum.reduceat(_mix(word + seed), starts), np.minimum.reduceat(_mix(pair + seed), starts))
        for seed in SEEDS
    ]
    salt = np.fromiter((_hash(place) for place in places), dtype=np.uint64, count=len(places))
    return list(zip(*(_band(lowest, salt, band).tolist() for band in range(BANDS)), strict=True))


def _band(lowest: Sequence[np.ndarray], salt: np.ndarray, band: int) -> np.ndarray:
    """One number of ROWS numbers, other than in any other band and place."""
    number = salt + SEEDS[band]
    for row in lowest[band * ROWS : (band + 1) * ROWS]:
        number = _mix(number + row)
    return number.astype(np.int32)


@lru_cache(maxsize=50_000)
def _hash(word: str) -> int:
    return crc32(word.encode("utf-8", "replace")) + 1
