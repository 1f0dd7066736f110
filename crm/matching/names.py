"""Names as keys: without case, accents and marks; their short forms; how far two spellings are apart."""

from __future__ import annotations

import re
import unicodedata
from functools import cache, lru_cache

from nicknames import NickNamer
from rapidfuzz.distance import OSA

# letters that are no accented letters, so that Unicode does not take them apart; crm.models.match_keys does the same
APART = str.maketrans({"ø": "o", "ł": "l", "đ": "d", "ı": "i", "ß": "ss", "æ": "ae", "œ": "oe", "þ": "th", "ð": "d"})
WITHIN = re.compile(r"['’ʼ`.]")  # O'Brien and J.R. are one word each
ACCENTS = re.compile("[\u0300-\u036f]")
BETWEEN = re.compile(r"[\W_]+")
ONE_SLIP, TWO_SLIPS, THREE_SLIPS = 4, 6, 9  # letters a word needs for so many slips of the keys to be forgiven


def words(text: str) -> tuple[str, ...]:
    """The words of a name: `words("José O'Brien-Díaz")` → ("jose", "obrien", "diaz")."""
    plain = unicodedata.normalize("NFKD", text.lower().translate(APART))
    return tuple(word for word in BETWEEN.split(WITHIN.sub("", ACCENTS.sub("", plain))) if word)


def name_key(text: str) -> str:
    """All letters and digits of a name or handle in one: `name_key("@Van-Drew_NJ")` → "vandrewnj"."""
    return "".join(words(text))


@cache
def _lexicon() -> NickNamer:
    return NickNamer()


@lru_cache(maxsize=50_000)
def short_forms(word: str) -> frozenset[str]:
    """Given names that stand for this one: "william" → "bill", "will", …; "bill" → "william", …. English only."""
    if not word.isascii() or not word.isalpha():
        return frozenset()
    found = _lexicon().nicknames_of(word) | _lexicon().canonicals_of(word)
    return frozenset(form for form in found if len(form) > 2) - {word}


def slips(one: str, other: str) -> int | None:
    """How many letters were dropped, added, changed or swapped between two spellings; None: they are two words."""
    shortest = min(len(one), len(other))
    allowed = (shortest >= ONE_SLIP) + (shortest >= TWO_SLIPS) + (shortest >= THREE_SLIPS)
    found = OSA.distance(one, other, score_cutoff=allowed)
    return found if found <= allowed else None
