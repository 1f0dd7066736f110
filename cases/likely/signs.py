"""What a case can be recognised by: the words that were said in it, and what it is about.

What is wanted is no sign: of a case that is resolved it is mostly the thanks at its end.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Iterator
from functools import cache
from importlib.resources import files

from cases.subjects import HANDLE
from channels_app.models import About

READ = 2_000  # characters of a case, from its beginning: there it says what is wrong
MOST = 40
TOPIC = "=topic:"  # no word holds a "="
NO_WORDS = re.compile(rf"https?://\S+|{HANDLE}")
WORD = re.compile(r"(?<!\w)[^\W\d_]{3,24}(?!\w)")
ENDINGS = ("ings", "ing", "ed", "es", "s")
STEM = 4  # letters that stay at least


def of_case(texts: Iterable[str], topic: str = "") -> dict[str, str]:
    """Each sign, and how it was written. At most MOST words, in the order they were said."""
    named = {TOPIC + topic: str(About(topic).label)} if topic not in ("", About.NONE) else {}
    return named | of_text("\n".join(texts)[:READ])


def of_text(text: str) -> dict[str, str]:
    signs: dict[str, str] = {}
    for word in _words(text):
        signs.setdefault(stem(word), word)
        if len(signs) == MOST:
            break
    return signs


def _words(text: str) -> Iterator[str]:
    small = small_words()
    for match in WORD.finditer(NO_WORDS.sub(" ", text)):
        word = match.group().casefold()
        if word not in small:
            yield word


@cache
def small_words() -> frozenset[str]:
    """Such as “the” and “with”, in several languages: those the reader tells languages by."""
    written = files("channels_app.reading").joinpath("languages.toml").read_text(encoding="utf-8")
    return frozenset(word for words in tomllib.loads(written).values() for word in words.split())


def stem(word: str) -> str:
    """Less its ending, so that "delays" and "delayed" are one; not always a word."""
    ending = next((end for end in ENDINGS if word.endswith(end) and len(word) - len(end) >= STEM), "")
    bare = word.removesuffix(ending)
    if bare[-1] == bare[-2]:  # cancelled, cancel; missed, miss
        return bare[:-1]
    return bare.removesuffix("e") if len(bare) > STEM else bare
