"""The words of `surveys.lexicon`, loaded once in a process from those the house reading has: one file a language."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, NamedTuple

from channels_app.reading.topic_words import LANGUAGES, data, listed, phrases
from surveys.models.surveys import Topic
from surveys.models.verbatims import Tone


class Entry(NamedTuple):
    """What a word or a phrase names; `tone` is None where its clause tells the mood. What only judges has no topic."""

    topic: str
    tone: Tone | None


Phrases = Mapping[str, Sequence[tuple[tuple[str, ...], Entry]]]
"""By their first word, the longest first."""


@dataclass(frozen=True, slots=True)
class Words:
    """All words of a language; `judging`, where its moods have no lexicon of their own."""

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
    written = data(language)
    roles = {name: frozenset(listed(written[name], language)) for name in ("denying", "turning", "small")}
    return Words(
        language=language,
        phrases=_by_first_word(_naming(written, language)),
        judging=_by_first_word(_judging(written, language)),
        **roles,
    )


def _by_first_word(entries: Iterable[tuple[tuple[str, ...], Entry]]) -> Phrases:
    known: dict[str, list[tuple[tuple[str, ...], Entry]]] = {}
    for phrase, entry in dict.fromkeys(entries):
        known.setdefault(phrase[0], []).append((phrase, entry))
    for found in known.values():
        found.sort(key=lambda each: -len(each[0]))
    return known


def _naming(written: dict[str, Any], language: str) -> Iterator[tuple[tuple[str, ...], Entry]]:
    for topic in Topic:
        for name, tone in (("about", None), ("praise", Tone.PRAISE), ("criticism", Tone.CRITICISM)):
            for phrase in phrases(written[topic.value][name], language):
                yield phrase, Entry(topic, tone)


def _judging(written: dict[str, Any], language: str) -> Iterator[tuple[tuple[str, ...], Entry]]:
    for name, tone in (("good", Tone.PRAISE), ("bad", Tone.CRITICISM), ("neither", Tone.NEUTRAL)):
        for phrase in phrases(written.get(name, ""), language):
            yield phrase, Entry("", tone)
