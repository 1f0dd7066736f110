"""Which words that speak for something a text has, and how they are said: denied, asked, reproached."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import NamedTuple

from channels_app.reading.cleaning import Token
from channels_app.reading.phrases import Phrase, Table
from channels_app.reading.words import LANGUAGES, Words, in_tokens, looked_up, roles

ENGLISH = "en"
HEARD = ("intent", "topic", "urgency")
DENIAL_REACH = 3
BROKEN = {"complaint": 0.6}
"""An ordinary verb that is denied: "does not load"."""
LONGEST_GREETING = 3


class Hit(NamedTuple):
    """Words that speak for values of an aspect, and where they stand."""

    words: str
    weights: Mapping[str, float]
    sentence: int
    denied: bool


@dataclass(frozen=True, slots=True)
class Said:
    """What was heard of each aspect. Sentences: those that begin as a question, end in "?", reproach."""

    hits: dict[str, list[Hit]]
    asked: set[int]
    marked: set[int]
    reproached: set[int]

    @property
    def anything(self) -> bool:
        return any(self.hits.values())


def listen(tokens: list[Token], language: str, words: Words) -> Said:
    """All that the words of a language say in a text."""
    texts = [looked_up(token, language) for token in tokens]
    sentences, marked = _sentences(tokens)
    known = language if language in LANGUAGES else ENGLISH
    denying = roles(known)["denying"]
    denies, ends = [text in denying for text in texts], [token.kind in ("mark", "sign") for token in tokens]
    heard = _Heard(texts, sentences, denies, ends)
    hits = {aspect: _hits(heard, words.tables(language, aspect), known) for aspect in HEARD}
    if known == language:
        hits["intent"] += _broken(heard, roles(known)["broken_when_denied"])
    asked, reproached = _beginning(tokens, texts, sentences, known)
    return Said(hits, asked, marked, reproached)


def _sentences(tokens: list[Token]) -> tuple[list[int], set[int]]:
    """The sentence that each token stands in, and those that end in a question mark."""
    at, sentence, marked = [], 0, set()
    for token in tokens:
        at.append(sentence)
        if token.kind == "mark" and token.text != ",":
            if "?" in token.text:
                marked.add(sentence)
            sentence += 1
    return at, marked


def _beginning(tokens: list[Token], texts: list[str], sentences: list[int], language: str) -> tuple[set[int], set[int]]:
    """The sentences that begin by asking, and by reproaching; up to three words of greeting may stand before."""
    asking, reproaching = _role_table(language, "asking"), _role_table(language, "reproaching")
    asked, reproached, seen, begun = set[int](), set[int](), -1, 0
    for at, token in enumerate(tokens):
        if sentences[at] != seen:
            seen, begun = sentences[at], at
        if token.kind == "mark" or at - begun > LONGEST_GREETING:
            continue
        if reproaching.longest(texts, at):
            reproached.add(seen)
        elif asking.longest(texts, at):
            asked.add(seen)
    return asked, reproached


@cache
def _role_table(language: str, role: str) -> Table:
    return Table(Phrase(found, {}) for words in sorted(roles(language)[role]) if (found := in_tokens(words, language)))


class _Heard(NamedTuple):
    """A text as it is listened to: its words, their sentences, and which of them deny, or end what is denied."""

    texts: list[str]
    sentences: list[int]
    denies: list[bool]
    ends: list[bool]


def _hits(heard: _Heard, tables: tuple[Table, ...], language: str) -> list[Hit]:
    """What speaks for an aspect; a denial reaches to the next mark, or until it found what it denies."""
    texts, found, at, denial, denying = heard.texts, list[Hit](), 0, 0, roles(language)["denying"]
    while at < len(texts):
        phrase = _longest(tables, texts, at)
        if phrase is None or (len(phrase.words) > 1 and _overtaken(phrase, _longest(tables, texts, at + 1))):
            denial = DENIAL_REACH if heard.denies[at] else 0 if heard.ends[at] or denial == 0 else denial - 1
            at += 1
            continue
        words = " ".join(texts[at : at + len(phrase.words)])
        found.append(Hit(words, phrase.weights, heard.sentences[at], denial > 0))
        at += len(phrase.words)
        denial = DENIAL_REACH if words in denying else 0
    return found


def _overtaken(phrase: Phrase, later: Phrase | None) -> bool:
    """Whether a phrase that begins inside another says more: "was charged" in "was charged twice"."""
    return later is not None and len(later.words) >= len(phrase.words) and _weight(later) >= _weight(phrase)


def _weight(phrase: Phrase) -> float:
    return max(map(abs, phrase.weights.values()), default=0.0)


def _longest(tables: tuple[Table, ...], texts: list[str], at: int) -> Phrase | None:
    for table in tables:
        phrase = table.longest(texts, at)
        if phrase is not None:
            return phrase
    return None


def _broken(heard: _Heard, verbs: frozenset[str]) -> list[Hit]:
    """Ordinary verbs that are denied."""
    if True not in heard.denies:
        return []
    found, reach = [], 0
    for at, word in enumerate(heard.texts):
        if reach and word in verbs:
            found.append(Hit(f"not {word}", BROKEN, heard.sentences[at], denied=False))
            reach = 0
        reach = DENIAL_REACH if heard.denies[at] else 0 if heard.ends[at] or reach == 0 else reach - 1
    return found
