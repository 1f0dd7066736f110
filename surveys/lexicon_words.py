"""The words of `surveys.lexicon`, loaded once in a process from the data beside it: one file a language."""

from __future__ import annotations

import re
import tomllib
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any, NamedTuple

from channels_app.reading.cleaning import Token, clean, tokens
from surveys.models.surveys import Topic
from surveys.models.verbatims import Tone

ELIDED = re.compile(r"^(?:[cdjlmnst]|qu|jusqu|lorsqu|puisqu)'(?=.)")  # in French: l'avion, d'attente, n'est


class Entry(NamedTuple):
    """What a word or a phrase names; `tone` is None where its clause tells the mood. What only judges has no topic."""

    topic: str
    tone: Tone | None


Phrases = Mapping[str, Sequence[tuple[tuple[str, ...], Entry]]]
"""By their first word, the longest first."""


@dataclass(frozen=True, slots=True)
class Words:
    """All words of a language; `judging` where the house reading knows none of its moods."""

    language: str
    phrases: Phrases
    judging: Phrases
    denying: frozenset[str]
    turning: frozenset[str]
    small: frozenset[str]


def words(language: str = "") -> Words:
    """The words of a language ("de", "de-AT"), loaded once in a process; the English ones where it has none."""
    code = language[:2].lower()
    return _words(code if code in LANGUAGES else LANGUAGES[0])


@cache
def _words(language: str) -> Words:
    data = tomllib.loads(raw(language).decode())
    listed = {name: frozenset(_listed(data[name], language)) for name in ("denying", "turning", "small")}
    return Words(
        language=language,
        phrases=_by_first_word(_naming(data, language)),
        judging=_by_first_word(_judging(data, language)),
        **listed,
    )


def spoken(token: Token) -> Token:
    """Without what is elided before it."""
    return token._replace(text=ELIDED.sub("", token.text))


def raw(language: str) -> bytes:
    return files("surveys").joinpath(f"lexicon_{language}.toml").read_bytes()


def _by_first_word(entries: Iterable[tuple[tuple[str, ...], Entry]]) -> Phrases:
    phrases: dict[str, list[tuple[tuple[str, ...], Entry]]] = {}
    for phrase, entry in dict.fromkeys(entries):
        phrases.setdefault(phrase[0], []).append((phrase, entry))
    for found in phrases.values():
        found.sort(key=lambda each: -len(each[0]))
    return phrases


def _naming(data: dict[str, Any], language: str) -> Iterator[tuple[tuple[str, ...], Entry]]:
    for topic in Topic:
        for name, tone in (("about", None), ("praise", Tone.PRAISE), ("criticism", Tone.CRITICISM)):
            for phrase in _phrases(data[topic.value][name], language):
                yield phrase, Entry(topic, tone)


def _judging(data: dict[str, Any], language: str) -> Iterator[tuple[tuple[str, ...], Entry]]:
    for name, tone in (("good", Tone.PRAISE), ("bad", Tone.CRITICISM), ("neither", Tone.NEUTRAL)):
        for phrase in _phrases(data.get(name, ""), language):
            yield phrase, Entry("", tone)


def _phrases(text: str, language: str) -> Iterator[tuple[str, ...]]:
    for each in _listed(text, language):
        found = tokens(clean(each))
        yield tuple((spoken(token) if language == "fr" else token).text for token in found)


def _listed(text: str, language: str) -> Iterator[str]:
    """The entries, each also as many people write it: without its apostrophe, its umlauts or its accents."""
    for each in text.split(","):
        if entry := " ".join(each.split()):
            yield from dict.fromkeys((entry, FOLDS[language](entry)))


def _without_accents(text: str) -> str:
    """The tilde of ñ is no accent."""
    apart = unicodedata.normalize("NFD", text)
    bare = (c for n, c in enumerate(apart) if not unicodedata.combining(c) or apart[n - 1 : n + 1] == "n\u0303")
    return unicodedata.normalize("NFC", "".join(bare))


UMLAUTS = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "ß": "ss"})
FOLDS: Mapping[str, Callable[[str], str]] = {
    "en": lambda text: text.replace("'", ""),
    "de": lambda text: text.translate(UMLAUTS),
    "es": _without_accents,
    "fr": _without_accents,
}
LANGUAGES = tuple(FOLDS)
