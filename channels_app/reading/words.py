"""All words that Hark reads by: those it came with, as data beside this module, and those that leads added.

A word speaks for a value of one aspect ("refund" for the topic price) with a weight: 0 to 1, below 0 against it. Of the
mood a word has no value, and its weight runs from -1 (bad) to 1 (good). What a lead says of a word replaces, for that
language and aspect, all that Hark came with about it; a weight of 0 takes its meaning away.
"""

import hashlib
import tomllib
from collections.abc import Iterable, Iterator
from functools import cache
from importlib.resources import files
from typing import Any, NamedTuple

from channels_app.reading import topic_words
from channels_app.reading.cleaning import Token, clean, tokens
from channels_app.reading.phrases import Phrase, Table

LANGUAGES = topic_words.LANGUAGES
ASPECTS = ("sentiment", "intent", "topic", "urgency")
NAMED_HERE = {"product": "product", "price": "price", "relationship": "account", "support": "support"}
"""What the topics of the shared words are called in a reading."""
ABOUT, JUDGED = 0.5, 0.7
"""What a shared word weighs for its topic: one that names it, one that judges it as well."""
JUDGING = 0.45
"""What a word that judges weighs for a complaint or a compliment,"""
GOOD_OR_BAD = 0.6
"""and for the mood of a language without a lexicon of moods of its own."""
THANKS = 0.55
LEAST_OF_A_MOOD = 0.3
"""A word of the English mood lexicon that weighs less than this says nothing of what somebody wants."""


class Word(NamedTuple):
    """A word or phrase, and what it speaks for how strongly; `#` is any number, a final `*` any ending."""

    language: str
    aspect: str
    value: str
    words: str
    weight: float


class Words:
    """The words in use. Immutable; equal to others with the same words added."""

    __slots__ = ("_tables", "added", "digest")

    def __init__(self, added: tuple[Word, ...] = ()) -> None:
        self.added = added
        self.digest = hashlib.sha256(repr(added).encode()).hexdigest()[:8] if added else ""
        self._tables: dict[tuple[str, str], tuple[Table, ...]] = {}

    @staticmethod
    def bundled() -> "Words":
        """Those Hark came with."""
        return _BUNDLED

    def with_added(self, words: Iterable[Word]) -> "Words":
        """With these before the others. Where two say something of the same words and value, the later one counts."""
        said = {(each.language, each.aspect, each.words, each.value): each for each in (*self.added, *words)}
        return Words(tuple(sorted(said.values())))

    def tables(self, language: str, aspect: str) -> tuple[Table, ...]:
        """Where to look for the words of an aspect: first those added, then those Hark came with."""
        known = self._tables.get((language, aspect))
        if known is None:
            known = self._tables[language, aspect] = tuple(self._made(language, aspect))
        return known

    def languages_with(self, aspect: str) -> frozenset[str]:
        """The languages in which there are any words for an aspect."""
        return frozenset(LANGUAGES) | {each.language for each in self.added if each.aspect == aspect}

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Words) and self.added == other.added

    def __hash__(self) -> int:
        return hash(self.digest)

    def _made(self, language: str, aspect: str) -> Iterator[Table]:
        own = [each for each in self.added if (each.language, each.aspect) == (language, aspect)]
        if own:
            yield Table(_phrases(own))
        if language in LANGUAGES:
            yield _bundled_table(language, aspect)


_BUNDLED = Words()


@cache
def bundled_words(language: str, aspect: str) -> tuple[Word, ...]:
    """The words Hark came with, in the order of their files; none in a language it has no files for."""
    if language not in LANGUAGES:
        return ()
    found = {"sentiment": _moods, "intent": _intents, "topic": _topics, "urgency": _urgencies}[aspect](language)
    return tuple(Word(language, aspect, value, words, weight) for (words, value), weight in dict(found).items())


@cache
def wishes_data(language: str) -> dict[str, Any]:
    """The file of a language about wishes, topics and urgency, as it is written."""
    return _data(f"wishes_{language}.toml")


@cache
def roles(language: str) -> dict[str, frozenset[str]]:
    """Words that work on others, by what they do: `denying`, `broken_when_denied`, `if_asked` …"""
    written = wishes_data(language)["roles"]
    return {name: frozenset(topic_words.listed(text, language)) for name, text in written.items()}


@cache
def spelling(language: str) -> dict[str, str]:
    """Short forms, read as the word they stand for."""
    return dict(_data("care_en.toml")["spelling"]) if language == "en" else {}


def in_tokens(words: str, language: str) -> tuple[str, ...]:
    """A word or phrase as the tokens that a text is taken apart into."""
    found: list[str] = []
    for part in words.split():
        if part == "#":
            found.append(part)
            continue
        ending = "*" if part.endswith("*") else ""
        pieces = looked_up(tokens(clean(part.removesuffix("*"))), language)
        found += pieces[:-1] + [piece + ending for piece in pieces[-1:]]
    return tuple(found)


def looked_up(tokens: Iterable[Token], language: str) -> list[str]:
    """Tokens as the words of a language name them."""
    short = spelling(language)
    if language == "fr":
        return ["#" if token.kind == "number" else topic_words.spoken(token, language) for token in tokens]
    return ["#" if kind == "number" else short.get(text, text) for text, kind, _loud in tokens]


Said = Iterator[tuple[tuple[str, str], float]]
"""(words, value) and their weight; where a file says it twice, the later one counts."""


def _data(name: str) -> dict[str, Any]:
    return tomllib.loads(files("channels_app.reading").joinpath(name).read_text(encoding="utf-8"))


@cache
def _bundled_table(language: str, aspect: str) -> Table:
    return Table(_phrases(bundled_words(language, aspect)))


def _phrases(words: Iterable[Word]) -> Iterator[Phrase]:
    weights: dict[tuple[str, ...], dict[str, float]] = {}
    for each in words:
        found = in_tokens(each.words, each.language)
        if found:
            weights.setdefault(found, {})[each.value] = each.weight
    return (Phrase(found, said) for found, said in weights.items())


def _moods(language: str) -> Said:
    if language == "en":
        care = _data("care_en.toml")
        kinds = ("complaint", "hint", "praise", "courtesy", "neutral", "irony")
        groups = [group for kind in kinds for group in care[kind]]
        listed = [(each, float(group["weight"])) for group in groups for each in _each(group["words"], language)]
    else:
        listed = list(_judging_moods(language))
    return (((words, ""), weight) for words, weight in listed)


def _judging_moods(language: str) -> Iterator[tuple[str, float]]:
    """Of a language without a lexicon of moods of its own: what judges, with or without a topic."""
    shared = topic_words.data(language)
    for topic in NAMED_HERE:
        for name, weight in (("criticism", -JUDGING), ("praise", JUDGING)):
            yield from ((each, weight) for each in _each(shared[topic][name], language))
    for name, weight in (("good", GOOD_OR_BAD), ("bad", -GOOD_OR_BAD), ("neither", 0.0)):
        yield from ((each, weight) for each in _each(shared[name], language))
    yield from ((each, THANKS) for each in sorted(roles(language)["thanks"]))


def _intents(language: str) -> Said:
    """What judges speaks for a complaint or a compliment, unless the file of wishes says otherwise."""
    own = dict(_own("intent", language))
    taken = {words for words, _value in own}
    yield from ((key, weight) for key, weight in _judging(language) if key[0] not in taken)
    yield from own.items()


def _judging(language: str) -> Said:
    shared = topic_words.data(language)
    for topic in NAMED_HERE:
        for name, value in (("criticism", "complaint"), ("praise", "compliment")):
            yield from (((words, value), JUDGING) for words in _each(shared[topic][name], language))
    for (words, _value), weight in _moods(language):
        if abs(weight) >= LEAST_OF_A_MOOD:
            yield (words, "complaint" if weight < 0 else "compliment"), round(abs(weight), 2)


def _topics(language: str) -> Said:
    own = dict(_own("topic", language))
    taken = {words for words, _value in own}
    shared = topic_words.data(language)
    for topic, value in NAMED_HERE.items():
        for name, weight in (("about", ABOUT), ("praise", JUDGED), ("criticism", JUDGED)):
            yield from (
                ((words, value), weight) for words in _each(shared[topic][name], language) if words not in taken
            )
    yield from own.items()


def _urgencies(language: str) -> Said:
    return _own("urgency", language)


def _own(aspect: str, language: str) -> Said:
    for value, groups in wishes_data(language)[aspect].items():
        for group in groups:
            yield from (((words, value), float(group["weight"])) for words in _each(group["words"], language))


def _each(text: str, language: str) -> Iterator[str]:
    return topic_words.listed(text, language)
