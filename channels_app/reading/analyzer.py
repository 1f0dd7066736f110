"""Our sentiment analyser for TextBlob: its own opinion, and what the words of customer care say beside it.

>>> Blobber(analyzer=CareAnalyzer())("I don't love it").sentiment.verdict.sentiment
<Sentiment.NEGATIVE: 'negative'>
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from textblob import Blobber
from textblob.sentiments import CONTINUOUS, BaseSentimentAnalyzer

from channels_app.reading.cleaning import MAX_CHARS, Token
from channels_app.reading.dense import UNIT, dense
from channels_app.reading.evidence import Evidence, gather
from channels_app.reading.features import Hashed, hashed
from channels_app.reading.lexicon import lexicon
from channels_app.reading.prepared import Prepared, prepare
from channels_app.reading.textblob_vote import Assessment
from channels_app.reading.verdict import UNREADABLE, Verdict, judge
from channels_app.reading.words import Words, looked_up

LEXICON_LANGUAGE = "en"
MOOD = "sentiment"
FEW_WORDS = 0.8
"""What is left of the confidence in a language with words that judge, yet without a general lexicon."""


class Opinion(NamedTuple):
    """What `.sentiment` of a blob answers.

    TextBlob's polarity (-1..1), subjectivity (0..1) and assessments; the verdict of the word lists; what both rest on.
    """

    polarity: float
    subjectivity: float
    assessments: list[Assessment]
    verdict: Verdict
    evidence: Evidence
    prepared: Prepared


class CareAnalyzer(BaseSentimentAnalyzer):  # type: ignore[misc]
    """`told` is the language where it is known; `among` are those that are told apart (none: all we know); `words`
    those it reads by."""

    kind = CONTINUOUS

    def __init__(self, told: str = "", among: frozenset[str] = frozenset(), words: Words | None = None) -> None:
        super().__init__()
        self.told, self.among, self.words = told, among, words or Words.bundled()

    def analyze(self, text: str) -> Opinion:
        """The opinion of a text. Never raises, whatever the text."""
        prepared = prepare(text, self.told, self.among)
        evidence = self._evidence(prepared)
        found = evidence.textblob
        return Opinion(
            _mean([each.polarity for each in found]),
            _mean([each.subjectivity for each in found]),
            found,
            self._verdict(evidence, prepared.language),
            evidence,
            prepared,
        )

    def _verdict(self, evidence: Evidence, language: str) -> Verdict:
        """Where the language is not told some word has to be known; one with few words is judged less surely."""
        known = evidence.words > 0 and language in self.words.languages_with("sentiment")
        if not known and not evidence.known:
            return UNREADABLE
        verdict = judge(evidence)
        if language in (LEXICON_LANGUAGE, ""):
            return verdict
        return verdict._replace(confidence=round(FEW_WORDS * verdict.confidence, 3))

    def _evidence(self, prepared: Prepared) -> Evidence:
        """Where a language has no words that judge, only signs are read."""
        language, tokens = prepared.language or LEXICON_LANGUAGE, prepared.tokens
        if language not in self.words.languages_with("sentiment"):
            language, tokens = LEXICON_LANGUAGE, [token for token in tokens if token.kind == "sign"]
        return gather(tokens, addressed=prepared.addressed, known=lexicon(self.words, language))


class Seen(NamedTuple):
    """A batch of texts as opinions and as numbers: n-grams, and dense features with a constant at the end."""

    opinions: list[Opinion]
    hashed: Hashed
    dense: NDArray[np.int64]


class Analyzed:
    """Texts → what is seen in them, by one blobber for each language that was told."""

    def __init__(self, among: frozenset[str] = frozenset(), words: Words | None = None) -> None:
        self._among, self._words = among, words or Words.bundled()
        self._settled = {(each.language, each.aspect) for each in self._words.added}
        self._blobbers: dict[str, Blobber] = {}

    def see(self, texts: Sequence[str], languages: Sequence[str]) -> Seen:
        """`languages` are those that were told, "" where none was."""
        told = zip(texts, languages, strict=True)
        opinions = [self._blobber(language)(text[:MAX_CHARS]).sentiment for text, language in told]
        numbers = [[*dense(each.prepared, each.evidence, each.verdict), UNIT] for each in opinions]
        grams = hashed([self._heard(each.prepared) for each in opinions], [each.prepared.language for each in opinions])
        return Seen(opinions, grams, np.array(numbers, dtype=np.int64))

    def _heard(self, prepared: Prepared) -> list[Token]:
        """The tokens whose n-grams count. Words that leads weigh are left out: what they say of a mood is settled."""
        language, tokens = prepared.language or LEXICON_LANGUAGE, prepared.tokens
        if (language, MOOD) not in self._settled:
            return tokens
        table, texts = self._words.tables(language, MOOD)[0], looked_up(tokens, language)
        heard, at = [], 0
        while at < len(tokens):
            phrase = table.longest(texts, at)
            heard += [] if phrase else tokens[at : at + 1]
            at += len(phrase.words) if phrase else 1
        return heard

    def _blobber(self, told: str) -> Blobber:
        known = self._blobbers.get(told)
        if known is None:
            known = self._blobbers[told] = Blobber(analyzer=CareAnalyzer(told, self._among, self._words))
        return known


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values) if values else 0.0
