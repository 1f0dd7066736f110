"""How alike two texts read, and how to find the like ones without comparing all.

The likeness of two texts is the Jaccard index of their shingles, shared / all, a shingle being two words that
follow each other. What is said of one person alone does not count: links, handles, numbers, names, the greeting.

Candidates come from MinHash with banding (Broder 1997; Leskovec, Rajaraman, Ullman, Mining of Massive Datasets, 3.4):

    h_i(x) = (a_i · x + b_i) mod p      p = 2^61 - 1, x = 64 bits of BLAKE2b of a shingle, a_i and b_i fixed
    signature_i = min over all shingles of h_i;  P(signature_i alike) = likeness s

The signature of BANDS · ROWS numbers is cut into BANDS of ROWS; two texts are candidates where one band is alike, so a
text of likeness s is found with probability 1 - (1 - s^ROWS)^BANDS: 0.9999999 at s = 0.8, 0.986 at 0.5, 0.58 at 0.3,
and 0.03 at 0.1. What is found is then compared exactly, so nothing is ever called alike by chance.
"""

from __future__ import annotations

import struct
import unicodedata
from collections.abc import Collection, Iterable
from functools import cache
from hashlib import blake2b
from itertools import pairwise

import regex

BANDS, ROWS = 32, 3
PRIME = (1 << 61) - 1
FEWEST_WORDS = 5  # "Thank you, we are on it" is nobody's stock reply

APART = regex.compile(r"https?://\S+|www\.\S+|\S+@\S+\.\w+|@[\w.-]+(?:@[\w.-]+)?|\[private link\]|#?\d[\d.,:/-]*")
WORD = regex.compile(r"[\p{Han}\p{Hiragana}\p{Katakana}\p{Thai}\p{Lao}\p{Khmer}]|[\p{L}\p{M}]+(?:['’][\p{L}\p{M}]+)*")
GREETING = regex.compile(
    r"\A\W*(?:hi|hello|hey|dear|good (?:morning|afternoon|evening)|hola|buen(?:os|as) \w+|estimad[oa]|querid[oa]|hallo|"
    r"guten (?:tag|morgen|abend)|liebe[rs]?|sehr geehrte[rs]?|moin|bonjour|salut|cher|chère|ciao|buongiorno|olá|shalom)"
    r"\b(?:\W+\w+){0,4}?\s*[,.!:–—\n]"
)


def words_of(text: str, names: Iterable[str] = ()) -> list[str]:
    """What a text says, less what is said of one person alone; `names` are theirs and ours."""
    plain = unicodedata.normalize("NFKC", text).casefold()
    plain = GREETING.sub(" ", APART.sub(" ", plain), count=1)
    ours = {word for name in names for word in WORD.findall(name.casefold())}
    return [word for word in WORD.findall(plain) if word not in ours]


def shingles(words: list[str]) -> frozenset[str]:
    """Empty where there are too few words to say that somebody copied them."""
    if len(words) < FEWEST_WORDS:
        return frozenset()
    return frozenset(" ".join(pair) for pair in pairwise(words))


def likeness(one: Collection[str], other: Collection[str]) -> float:
    """0 to 1."""
    first, second = set(one), set(other)
    return len(first & second) / len(first | second) if first and second else 0.0


def bands(found: Collection[str]) -> list[int]:
    """The bands of the signature of these shingles, as PostgreSQL's bigint holds them; none of none."""
    if not found:
        return []
    hashed = [int.from_bytes(_digest(shingle.encode()), "big") % PRIME for shingle in found]
    signature = [min((a * x + b) % PRIME for x in hashed) for a, b in _permutations()]
    rows = (signature[at : at + ROWS] for at in range(0, BANDS * ROWS, ROWS))
    return [_signed(struct.pack(f">B{ROWS}Q", band, *row)) for band, row in enumerate(rows)]


@cache
def _permutations() -> list[tuple[int, int]]:
    """The same in every process and for ever: stored signatures are compared with new ones."""
    numbers = [int.from_bytes(_digest(f"hark:{n}".encode()), "big") % PRIME for n in range(2 * BANDS * ROWS)]
    return list(zip(numbers[::2], numbers[1::2], strict=True))


def _digest(said: bytes) -> bytes:
    return blake2b(said, digest_size=8).digest()


def _signed(said: bytes) -> int:
    return int.from_bytes(_digest(said), "big", signed=True)
