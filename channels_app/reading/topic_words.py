"""The words that say what a text is about and, beside English, in what mood: one file a language.

The files (`topics_en.toml` …) are shared: `reading.words` reads them for posts, `surveys.lexicon_words` for comments.
"""

import re
import tomllib
import unicodedata
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from importlib.resources import files
from typing import Any

from channels_app.reading.cleaning import Token, clean, tokens

ELIDED = re.compile(r"^(?:[cdjlmnst]|qu|jusqu|lorsqu|puisqu)'(?=.)")  # in French: l'avion, d'attente, n'est
UMLAUTS = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "ß": "ss"})


def raw(language: str) -> bytes:
    return files("channels_app.reading").joinpath(f"topics_{language}.toml").read_bytes()


@cache
def data(language: str) -> dict[str, Any]:
    """The file of a language, as it is written."""
    return tomllib.loads(raw(language).decode())


def spoken(token: Token, language: str) -> str:
    """A token as the words of a language name it: in French without what is elided before it."""
    return ELIDED.sub("", token.text) if language == "fr" else token.text


def listed(text: str, language: str) -> Iterator[str]:
    """The entries, each also as many people write it: without its apostrophe, its umlauts or its accents."""
    for each in text.split(","):
        if entry := " ".join(each.split()):
            yield from dict.fromkeys((entry, FOLDS[language](entry)))


def phrases(text: str, language: str) -> Iterator[tuple[str, ...]]:
    """The entries as the tokens that a text is taken apart into."""
    for each in listed(text, language):
        yield tuple(spoken(token, language) for token in tokens(clean(each)))


def _without_accents(text: str) -> str:
    """The tilde of ñ is no accent."""
    apart = unicodedata.normalize("NFD", text)
    bare = (c for n, c in enumerate(apart) if not unicodedata.combining(c) or apart[n - 1 : n + 1] == "n\u0303")
    return unicodedata.normalize("NFC", "".join(bare))


FOLDS: Mapping[str, Callable[[str], str]] = {
    "en": lambda text: text.replace("'", ""),
    "de": lambda text: text.translate(UMLAUTS),
    "es": _without_accents,
    "fr": _without_accents,
}
LANGUAGES = tuple(FOLDS)
