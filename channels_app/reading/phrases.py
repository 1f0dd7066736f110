"""Words and phrases by how they begin, to be found in a text: the longest first, `*` for any ending."""

from collections.abc import Iterable, Mapping
from typing import NamedTuple

REMEMBERED = 20_000
"""How many different words of texts are remembered with the phrases that may begin there."""
SHORTEST_STEM = 2


class Phrase(NamedTuple):
    """The words of a phrase and what they speak for, each value with its weight."""

    words: tuple[str, ...]
    weights: Mapping[str, float]

    def is_at(self, texts: list[str], at: int) -> bool:
        here = texts[at : at + len(self.words)]
        return len(here) == len(self.words) and all(map(_fits, self.words, here))


class Begun(NamedTuple):
    """The phrases that may begin with a word: it alone, by their second word, and those whose second word is open."""

    alone: Phrase | None
    by_second: dict[str, list[Phrase]]
    open: list[Phrase]


class Table:
    """The phrases of one language and one aspect."""

    __slots__ = ("_by_first", "_by_stem", "_longest_stem", "_remembered")

    def __init__(self, phrases: Iterable[Phrase]) -> None:
        self._by_first: dict[str, list[Phrase]] = {}
        self._by_stem: dict[str, list[Phrase]] = {}
        self._remembered: dict[str, Begun | None] = {}
        for phrase in phrases:
            first = phrase.words[0]
            table = self._by_stem if first.endswith("*") else self._by_first
            table.setdefault(first.removesuffix("*"), []).append(phrase)
        self._longest_stem = max(map(len, self._by_stem), default=0)

    def longest(self, texts: list[str], at: int) -> Phrase | None:
        """The longest phrase that begins at `at`."""
        first = texts[at]
        try:
            begun = self._remembered[first]
        except KeyError:
            begun = self._remember(first)
        if begun is None:
            return None
        if at + 1 < len(texts):
            candidates = begun.by_second.get(texts[at + 1], ())
            if begun.open:
                candidates = sorted([*candidates, *begun.open], key=_longest_and_exact_first)
            for phrase in candidates:
                if phrase.is_at(texts, at):
                    return phrase
        return begun.alone

    def places(self, texts: list[str]) -> list[int]:
        """Where in a text a phrase may begin: mostly nowhere, or at one or two of its words."""
        known = self._remembered
        begun = [known[text] if text in known else self._remember(text) for text in texts]
        return [at for at, each in enumerate(begun) if each is not None]

    def _remember(self, first: str) -> Begun | None:
        if len(self._remembered) >= REMEMBERED:
            self._remembered = {}  # not cleared: another thread may be looking at it
        found = list(self._by_first.get(first, ()))
        for length in range(SHORTEST_STEM, min(len(first), self._longest_stem) + 1):
            found += self._by_stem.get(first[:length], ())
        self._remembered[first] = begun = _begun(sorted(found, key=_longest_and_exact_first)) if found else None
        return begun


def _begun(phrases: list[Phrase]) -> Begun:
    begun = Begun(next((phrase for phrase in phrases if len(phrase.words) == 1), None), {}, [])
    for phrase in phrases:
        if len(phrase.words) > 1:
            second = phrase.words[1]
            group = begun.open if second.endswith("*") else begun.by_second.setdefault(second, [])
            group.append(phrase)
    return begun


def _longest_and_exact_first(phrase: Phrase) -> tuple[int, bool, int]:
    stars = any(word.endswith("*") for word in phrase.words)
    return -len(phrase.words), stars, -sum(map(len, phrase.words))


def _fits(pattern: str, word: str) -> bool:
    return pattern == word or (pattern[-1] == "*" and word.startswith(pattern[:-1]))
