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
ENDING = ("mark", "sign")
"""What ends a denial."""
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
    texts = looked_up(tokens, language)
    sentences, begins, marked = _sentences(tokens)
    known = language if language in LANGUAGES else ENGLISH
    denying = roles(known)["denying"]
    heard = _Heard(texts, tokens, sentences, {at for at, text in enumerate(texts) if text in denying})
    hits = {aspect: _hits(heard, words.tables(language, aspect), known) for aspect in HEARD}
    if known == language:
        hits["intent"] += _broken(heard, roles(known)["broken_when_denied"])
    asked, reproached = _beginning(heard, begins, known)
    return Said(hits, asked, marked, reproached)


def _sentences(tokens: list[Token]) -> tuple[list[int], list[int], set[int]]:
    """The sentence that each token stands in, where each sentence begins, and those that end in a question mark."""
    found, begins, marked = list[int](), [0], set[int]()
    for at, (text, kind, _loud) in enumerate(tokens):
        if kind == "mark" and text != ",":
            sentence = len(begins) - 1
            found += [sentence] * (at + 1 - begins[-1])
            begins.append(at + 1)
            if "?" in text:
                marked.add(sentence)
    return found + [len(begins) - 1] * (len(tokens) - begins[-1]), begins, marked


def _beginning(heard: "_Heard", begins: list[int], language: str) -> tuple[set[int], set[int]]:
    """The sentences that begin by asking, and by reproaching; up to three words of greeting may stand before."""
    asking, reproaching = _role_table(language, "asking"), _role_table(language, "reproaching")
    texts, asked, reproached = heard.texts, set[int](), set[int]()
    for at in {*asking.places(texts), *reproaching.places(texts)}:
        sentence = heard.sentences[at]
        if heard.tokens[at].kind == "mark" or at - begins[sentence] > LONGEST_GREETING:
            continue
        if reproaching.longest(texts, at):
            reproached.add(sentence)
        elif asking.longest(texts, at):
            asked.add(sentence)
    return asked, reproached


@cache
def _role_table(language: str, role: str) -> Table:
    return Table(Phrase(found, {}) for words in sorted(roles(language)[role]) if (found := in_tokens(words, language)))


class _Heard(NamedTuple):
    """A text as it is listened to: its words, the tokens they were, their sentences, and which of them deny."""

    texts: list[str]
    tokens: list[Token]
    sentences: list[int]
    denies: set[int]

    def carried(self, denial: int, begin: int, end: int) -> int:
        """How far a denial still reaches behind the words from `begin` to `end`, none of which speaks for anything."""
        if denial or self.denies:
            for at in range(begin, end):
                denial = self.behind(denial, at)
        return denial

    def behind(self, denial: int, at: int) -> int:
        """How far a denial still reaches behind one word; marks and signs end it."""
        if at in self.denies:
            return DENIAL_REACH
        return 0 if denial == 0 or self.tokens[at].kind in ENDING else denial - 1


def _hits(heard: _Heard, tables: tuple[Table, ...], language: str) -> list[Hit]:
    """What speaks for an aspect; a denial reaches to the next mark, or until it found what it denies."""
    texts, found, done, denial, denying = heard.texts, list[Hit](), 0, 0, roles(language)["denying"]
    for at in _places(tables, texts):
        phrase = _longest(tables, texts, at) if at >= done else None
        if phrase is None or (len(phrase.words) > 1 and _overtaken(phrase, _longest(tables, texts, at + 1))):
            continue
        words = " ".join(texts[at : at + len(phrase.words)])
        denied = heard.carried(denial, done, at) > 0
        found.append(Hit(words, phrase.weights, heard.sentences[at], denied))
        done, denial = at + len(phrase.words), DENIAL_REACH if words in denying else 0
    return found


def _places(tables: tuple[Table, ...], texts: list[str]) -> list[int]:
    """Where a phrase of any of the tables may begin, in order."""
    if len(tables) == 1:
        return tables[0].places(texts)
    return sorted({at for table in tables for at in table.places(texts)})


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
    if not heard.denies:
        return []
    found, reach = [], 0
    for at, word in enumerate(heard.texts):
        if reach and word in verbs:
            found.append(Hit(f"not {word}", BROKEN, heard.sentences[at], denied=False))
            reach = 0
        reach = heard.behind(reach, at)
    return found
