"""What a comment is about, by its words: the four topics and the causes, each with the mood of where it stands.

Pure: no queries, no Django beyond the names of topics and tones. The words are those of the house reading, one file a
language (`channels_app/reading/topics_en.toml`); texts in another language, or in none that is known, are matched with
the English words. The mood is asked clause by clause, so that "great seats, but dear" praises the one and criticises
the other: in English that of the house reading (`channels_app.reading`), elsewhere that of the words that judge in the
file of the language, before the signs the reading knows. Only the first `cleaning.MAX_CHARS` characters of a text are
read.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from typing import NamedTuple

from channels_app.reading import Sentiment, read
from channels_app.reading.cleaning import Token, clean, tokens
from channels_app.reading.topic_words import LANGUAGES, raw, spoken
from surveys.lexicon_words import Entry, Phrases, Words, words
from surveys.models.surveys import Topic
from surveys.models.verbatims import Tone

RULES = 1  # raise it with every change to how words are found; the words themselves tell by their bytes
DENIAL_REACH = 3  # words between "not" and what it denies: "not very expensive"
MOST_CAUSES = 3
LEAST_LETTERS = 3  # a word of a cause's name counts from here on
OR = re.compile(r"\bor\b|/|,")
TONES = {Sentiment.POSITIVE: Tone.PRAISE, Sentiment.NEGATIVE: Tone.CRITICISM}
VOTES = {Tone.PRAISE: 1, Tone.CRITICISM: -1, Tone.NEUTRAL: 0}
TURNED = {Tone.PRAISE: Tone.CRITICISM, Tone.CRITICISM: Tone.PRAISE}


class Suggestion(NamedTuple):
    """A topic or a cause (its pk; then `topic` is ""), in what tone, and which words of the text say so."""

    topic: str
    tone: Tone
    words: str
    cause: int | None = None


class Hit(NamedTuple):
    """Words that name a topic (or a cause), and in which clause of the text."""

    clause: int
    words: str
    topic: str
    tone: Tone | None
    cause: int | None = None


Clause = list[Token]


def suggest(
    texts: Sequence[str], causes: Mapping[int, str] | None = None, languages: Sequence[str] = ()
) -> list[list[Suggestion]]:
    """What each text is about, in order: each topic once, and at most three of `causes` (pk → name)."""
    known = _known(texts, languages)
    clauses = [_clauses(text, each) for text, each in zip(texts, known, strict=True)]
    named = _names(causes or {})
    hits = [[*_topics(each, of), *_causes(each, named)] for each, of in zip(clauses, known, strict=True)]
    moods = _moods(texts, known, clauses, hits)
    return [list(_suggested(found, mood)) for found, mood in zip(hits, moods, strict=True)]


def topics_of(texts: Sequence[str], languages: Sequence[str] = ()) -> list[set[Topic]]:
    """Which of the four topics each text names, whatever it says of them."""
    known = _known(texts, languages)
    return [
        {Topic(hit.topic) for hit in _topics(_clauses(text, of), of)} for text, of in zip(texts, known, strict=True)
    ]


def tones_of(texts: Sequence[str], languages: Sequence[str] = ()) -> list[Tone]:
    """How each text speaks as a whole."""
    found = zip(texts, _known(texts, languages), read(texts), strict=True)
    return [_judged(text, of) or TONES.get(reading.sentiment, Tone.NEUTRAL) for text, of, reading in found]


def _known(texts: Sequence[str], languages: Sequence[str]) -> list[Words]:
    """The words each text is matched with; English without `languages`."""
    return [words(language) for language in languages] if languages else [words()] * len(texts)


@cache
def version() -> str:
    """Of the words and the rules by which they are found: stored beside what was found with them."""
    whole = b"".join(raw(language) for language in LANGUAGES)
    return f"{RULES}-{hashlib.sha256(whole).hexdigest()[:12]}"


# --- clauses


def _clauses(text: str, known: Words) -> list[Clause]:
    """A text cut where a new thought begins: at full stops, commas and words that turn it round."""
    found: list[Clause] = [[]]
    for token in tokens(clean(text)):
        if token.kind == "mark" or token.text in known.turning:
            found.append([])
        else:
            found[-1].append(token._replace(text=spoken(token, known.language)))
    return [clause for clause in found if clause]


def _written(clause: Clause) -> str:
    return " ".join(token.text for token in clause)


# --- what is named


def _topics(clauses: list[Clause], known: Words) -> list[Hit]:
    return _hits(clauses, known.phrases, known.denying)


def _hits(clauses: list[Clause], phrases: Phrases, denying: frozenset[str]) -> list[Hit]:
    said = [[token.text for token in clause] for clause in clauses]
    return [hit for at, clause in enumerate(said) for hit in _in_clause(at, clause, phrases, denying)]


def _in_clause(clause: int, said: list[str], phrases: Phrases, denying: frozenset[str]) -> Iterator[Hit]:
    at = 0
    while at < len(said):
        length, entry = _longest(phrases, said, at)
        if entry:
            denied = not denying.isdisjoint(said[max(0, at - DENIAL_REACH) : at])
            tone = TURNED.get(entry.tone, entry.tone) if denied and entry.tone else entry.tone
            yield Hit(clause, " ".join(said[at : at + length]), entry.topic, tone)
        at += length


def _longest(phrases: Phrases, said: list[str], at: int) -> tuple[int, Entry | None]:
    """How many words the longest phrase that begins here takes, and what it names."""
    for phrase, entry in phrases.get(said[at], ()):
        if tuple(said[at : at + len(phrase)]) == phrase:
            return len(phrase), entry
    return 1, None


def _names(causes: Mapping[int, str]) -> dict[int, list[frozenset[str]]]:
    """The ways to name each cause: all words of its name, or those of one side of an "or"."""
    names = {pk: [stems for way in OR.split(name) if (stems := _stems(way))] for pk, name in causes.items()}
    return {pk: ways for pk, ways in names.items() if ways}


def _stems(text: str) -> frozenset[str]:
    """The words of a name that tell it from others."""
    small = frozenset[str]().union(*(words(language).small for language in LANGUAGES))
    said = [token.text for token in tokens(clean(text)) if token.kind == "word"]
    return frozenset(stem(word) for word in said if len(word) >= LEAST_LETTERS and word not in small)


def _causes(clauses: list[Clause], names: Mapping[int, list[frozenset[str]]]) -> list[Hit]:
    """Causes that one clause names, each once; the longer the name, the surer."""
    found: dict[int, Hit] = {}
    for at, clause in enumerate(clauses if names else []):
        said = {stem(token.text): token.text for token in clause}
        for pk, ways in names.items():
            way = next((way for way in ways if way <= said.keys()), None)
            if way and pk not in found:
                found[pk] = Hit(at, " ".join(said[each] for each in sorted(way)), "", None, pk)
    return sorted(found.values(), key=lambda hit: -len(hit.words))[:MOST_CAUSES]


ENDINGS = ("ations", "ation", "ings", "ing", "ies", "ed", "es", "ly", "s", "y", "e")
VOWELS = "aeiou"


def stem(word: str) -> str:
    """Enough to join "delay", "delayed" and "delays", or "cancelled" and "cancellation". Crude: a person corrects."""
    ending = next((each for each in ENDINGS if word.endswith(each) and len(word) - len(each) >= LEAST_LETTERS), "")
    if ending != "y" or word[-2] not in VOWELS:  # "company" goes with "companies", "delay" stays
        word = word.removesuffix(ending)
    return word[:-1] if len(word) > LEAST_LETTERS and word[-1] == word[-2] else word


# --- in what tone


class Mood(NamedTuple):
    """Of a whole text, and of those of its clauses that were asked for."""

    text: Tone
    clauses: dict[int, Tone]


def _judged(text: str, known: Words) -> Tone | None:
    """What the words that judge say of a text; None where they say nothing, or hold each other in balance."""
    if not known.judging:
        return None
    votes = sum(VOTES[hit.tone] for hit in _hits(_clauses(text, known), known.judging, known.denying) if hit.tone)
    return (Tone.PRAISE if votes > 0 else Tone.CRITICISM) if votes else None


def _moods(texts: Sequence[str], known: list[Words], clauses: list[list[Clause]], hits: list[list[Hit]]) -> list[Mood]:
    """One reading of all that has to be read."""
    asked = [(text, at) for text, found in enumerate(hits) for at in sorted({hit.clause for hit in found})]
    tongues = [each.language for each in known]
    read_as = tones_of([_written(clauses[text][at]) for text, at in asked], [tongues[text] for text, _at in asked])
    named = [text for text, found in enumerate(hits) if found]
    whole = dict(zip(named, tones_of([texts[text] for text in named], [tongues[text] for text in named]), strict=True))
    moods = [Mood(whole.get(text, Tone.NEUTRAL), {}) for text in range(len(texts))]
    for (text, at), tone in zip(asked, read_as, strict=True):
        moods[text].clauses[at] = tone
    return moods


def _suggested(hits: list[Hit], mood: Mood) -> Iterator[Suggestion]:
    subjects = list(dict.fromkeys((hit.topic, hit.cause) for hit in hits))
    alone = len({hit.topic for hit in hits if hit.topic}) <= 1
    for topic, cause in subjects:
        mine = [hit for hit in hits if (hit.topic, hit.cause) == (topic, cause)]
        said = ", ".join(dict.fromkeys(hit.words for hit in mine))[:200]
        yield Suggestion(topic, _tone(mine, mood, alone), said, cause)


def _tone(hits: list[Hit], mood: Mood, alone: bool) -> Tone:
    """What most of its words and clauses say; where none says anything, that of a text about nothing else."""
    votes = sum(VOTES[hit.tone or mood.clauses[hit.clause]] for hit in hits)
    if votes:
        return Tone.PRAISE if votes > 0 else Tone.CRITICISM
    told = any(hit.tone or mood.clauses[hit.clause] != Tone.NEUTRAL for hit in hits)
    return mood.text if alone and not told else Tone.NEUTRAL
