"""The reader: texts in, readings out, in batches."""

from collections.abc import Mapping, Sequence
from functools import cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from channels_app.reading import linear, reasons
from channels_app.reading.analyzer import LEXICON_LANGUAGE, Analyzed, Opinion, Seen
from channels_app.reading.dense import WISHES, dense_votes
from channels_app.reading.linear import LinearModel
from channels_app.reading.model import Reading, Sentiment, Told
from channels_app.reading.wishes import Wishes, tell
from channels_app.reading.words import Words

NO_MODEL = "lists"
RULES = "4"
"""Raise it with every change to the words or the rules."""
LONGEST_MODEL_VERSION = 30
CHUNK = 100
"""How many texts are turned into numbers at once, so that 100 texts of 2,000 characters stay below 50 MB."""
BAD, _, GOOD = range(3)
"""The places of the moods in the head of the model."""


class Mood(NamedTuple):
    """A mood, its score (-1..1), how sure it is (0..1) and the words that decided."""

    sentiment: Sentiment
    score: float
    confidence: float
    reasons: tuple[str, ...]


class Reader:
    """Immutable: the same texts always have the same readings, in any batch. Never raises, whatever the text; reads
    its first 2,000 characters."""

    def __init__(
        self, model: LinearModel | None = None, words: Words | None = None, languages: frozenset[str] = frozenset()
    ) -> None:
        self.model = model or linear.bundled() or LinearModel(NO_MODEL)
        self.words = words or Words.bundled()
        self.languages = languages
        self._analyzed = Analyzed(languages, self.words)

    @property
    def version(self) -> str:
        """Of rules, model and added words, in 40 characters at most."""
        return _version(self.model.version, self.words.digest)

    def read(self, texts: Sequence[str], languages: Sequence[str] = ()) -> list[Reading]:
        """The reading of each text, in order. `languages` are those a network told, "" where it told none."""
        told = languages or [""] * len(texts)
        chunks = [slice(at, at + CHUNK) for at in range(0, len(texts), CHUNK)]
        return [reading for chunk in chunks for reading in self._read(texts[chunk], told[chunk])]

    def see(self, texts: Sequence[str], told: Sequence[str]) -> Seen:
        """A batch as opinions and as numbers: for who fits a model."""
        return self._analyzed.see(texts, told)

    def wishes(self, seen: Seen) -> list[Wishes]:
        """What the words of a batch say of wishes, in the mood of the lists: whatever a model learns of moods, the
        words alone decide."""
        return [tell(opinion.prepared, opinion.verdict.sentiment, self.words) for opinion in seen.opinions]

    def _read(self, texts: Sequence[str], told: Sequence[str]) -> list[Reading]:
        seen = self.see(texts, told)
        moods = self._moods(seen)
        wishes = self.wishes(seen)
        learned = self._learned_wishes(seen, wishes)
        return [
            _reading(opinion, mood, wish, {aspect: said[at] for aspect, said in learned.items()})
            for at, (opinion, mood, wish) in enumerate(zip(seen.opinions, moods, wishes, strict=True))
        ]

    def _moods(self, seen: Seen) -> list[Mood]:
        head = self.model.heads.get("sentiment")
        if head is None:
            return [_by_lists(opinion) for opinion in seen.opinions]
        said, texts = head.say(seen.hashed, seen.dense), len(seen.opinions)
        strong = reasons.strongest(head, seen.hashed, [GOOD] * texts, [BAD] * texts)
        return [
            _by_model(opinion, each, words) if self._learned(opinion) else _by_lists(opinion)
            for opinion, each, words in zip(seen.opinions, said, strong, strict=True)
        ]

    def _learned_wishes(self, seen: Seen, wishes: Sequence[Wishes]) -> dict[str, list[Told]]:
        """What corrections taught of each aspect, for each text; NOT_READ stays that."""
        heads = {aspect: head for aspect, head in self.model.heads.items() if aspect in WISHES}
        if not heads:
            return {}
        dense = with_votes(seen, wishes)
        found: dict[str, list[Told]] = {}
        for aspect, head in heads.items():
            said = head.say(seen.hashed, dense)
            strong = reasons.strongest(head, seen.hashed, *_first_and_second(said))
            told = [getattr(wish, aspect) for wish in wishes]
            found[aspect] = [_relearned(*each) for each in zip(told, said, strong, strict=True)]
        return found

    def _learned(self, opinion: Opinion) -> bool:
        """Whether the model knows the language of a text, and the lists any of its words. Signs alone speak for
        themselves."""
        language = opinion.prepared.language or LEXICON_LANGUAGE
        readable = opinion.verdict.sentiment is not Sentiment.UNKNOWN
        return readable and opinion.evidence.words > 0 and language in self.model.languages


def _by_lists(opinion: Opinion) -> Mood:
    verdict = opinion.verdict
    return Mood(verdict.sentiment, verdict.score, verdict.confidence, reasons.of_mood(opinion, ()))


def _by_model(opinion: Opinion, said: linear.Said, strong: Sequence[reasons.Strong]) -> Mood:
    negative, _, positive = said.probabilities
    return Mood(
        Sentiment(said.value),
        round(positive - negative, 3),
        round(said.confidence, 3),
        reasons.of_mood(opinion, strong),
    )


def with_votes(seen: Seen, wishes: Sequence[Wishes]) -> NDArray[np.int64]:
    """The dense features of wishes: the votes of the words, then the features of the mood."""
    votes = np.array([dense_votes(wish.votes) for wish in wishes], dtype=np.int64)
    return np.hstack([votes, seen.dense])


def _first_and_second(said: Sequence[linear.Said]) -> tuple[list[int], list[int]]:
    """The places of the likeliest value of each text, and of the one after it."""
    orders = [sorted(range(len(each.probabilities)), key=lambda at: -each.probabilities[at]) for each in said]
    return [order[0] for order in orders], [order[1] for order in orders]


def _relearned(told: Told, said: linear.Said, strong: Sequence[reasons.Strong]) -> Told:
    if not told.value:
        return told
    listed = told.reasons if told.value == said.value else ()
    return Told(said.value, round(said.confidence, 3), reasons.of_wish(listed, strong))


def _reading(opinion: Opinion, mood: Mood, wish: Wishes, learned: Mapping[str, Told]) -> Reading:
    prepared = opinion.prepared
    told = {aspect: learned.get(aspect, getattr(wish, aspect)) for aspect in WISHES}
    return Reading(*mood[:3], prepared.language, prepared.language_confidence, mood.reasons, **told)


def bundled_version() -> str:
    """The version of the bundled reader, without loading its model."""
    return _version(linear.bundled_version() or NO_MODEL)


def _version(model: str, words: str = "") -> str:
    return "+".join(part for part in (RULES, model[:LONGEST_MODEL_VERSION], words[:7]) if part)


@cache
def bundled_reader() -> Reader:
    """With the words and the model Hark came with, for all languages."""
    return Reader()


def read(texts: Sequence[str], languages: Sequence[str] = ()) -> list[Reading]:
    """What `bundled_reader` reads."""
    return bundled_reader().read(texts, languages)
