"""What a writer wants, of what they write, and how soon somebody has to act: by words, and by how they are said.

Each word speaks for a value with its weight (`words`); how it stands counts too: denied, asked about, or in
a reproach. The value with the most behind it is told, and its share of all is how sure that is.
"""

import math
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from channels_app.reading.dense import WISHES
from channels_app.reading.model import NOT_READ, Intent, Sentiment, Told, Topic, Urgency
from channels_app.reading.prepared import Prepared
from channels_app.reading.said import ENGLISH, Hit, Said, listen
from channels_app.reading.words import LANGUAGES, Words

Votes = dict[str, float]

LATER = 0.6
"""What each further word for the same value adds, beside the one that weighs more."""
ASKED, MARKED, BEGUN = 1.0, 0.45, 0.55
"""A sentence that begins as a question and ends in "?", one that only ends so, one that only begins so."""
MOOD = {
    Sentiment.NEGATIVE: (Intent.COMPLAINT, 0.7),
    Sentiment.POSITIVE: (Intent.COMPLIMENT, 0.7),
}
AGAINST_MOOD = 0.35
"""What is left of praise in a bad mood."""
ONLY_ASKED_ABOUT = 0.45
"""What is left of a fault that is asked about ("is my flight delayed?")."""
DENIED_PRAISE = 0.6
"""What praise that is denied says of a complaint."""
WANTED_FROM = 0.7
"""A question with such a word in it asks to buy, or proposes something: it is this and hardly a question,"""
WANTING = 0.35
"""of which this much is left."""
DANGER, DANGER_FROM = 0.5, 1.0
"""Who tells of danger, fraud or a lawyer tells of a fault, whatever its words."""
FAULT_FROM = 0.9
"""From here on a fault is told, and what is asked beside it belongs to the complaint."""
TOLD_FROM = 0.7
BESIDE_A_FAULT = 0.4
OTHER, NO_TOPIC, CALM = 0.5, 0.35, 0.75
"""What speaks for nothing in particular before a word is read."""
UNNAMED_FAULT = 0.15
HOURS_MATTER = 1.0
ENOUGH = {Intent.COMPLAINT: 0.65, Intent.QUESTION: 0.8}
DECISIVE = 0.8
"""A word about danger, fraud, law or the next hours is decisive; several smaller ones together are as well."""
NOT_ENOUGH = 0.5
"""What is left of smaller ones that are too few: they outweigh nothing by themselves."""
ONLY_ASKED_FOR = 0.5
"""What is left of such a word in a question of who complains of nothing ("is the hall open to wheelchairs?")."""
MOST_OPEN = 1.3
"""However much is complained of, it does not outweigh what is decisive."""
OPEN = {Intent.COMPLAINT: 0.5, Intent.QUESTION: 0.1}
NOTHING_TO_DO = {
    Intent.COMPLIMENT: 0.6,
    Intent.OTHER: 0.1,
    Intent.IDEA: 0.5,
    Intent.ABUSE: 0.5,
    Intent.PURCHASE: 0.3,
    Intent.QUESTION: 0.2,
}
SHARPNESS = {"intent": 3.0, "topic": 3.0, "urgency": 2.0}
"""How fast the surest value takes all of the confidence."""
MOST_REASONS = 4
NOTHING_SAID = {aspect: dict.fromkeys((each.value for each in kind), 0.0) for aspect, kind in WISHES.items()}


class Wishes(NamedTuple):
    """What was told, and what spoke for each value of each aspect."""

    intent: Told
    topic: Told
    urgency: Told
    votes: dict[str, Votes]


UNTOLD = Wishes(NOT_READ, NOT_READ, NOT_READ, {"intent": {}, "topic": {}, "urgency": {}})


def tell(text: Prepared, mood: Sentiment, words: Words) -> Wishes:
    """What a text of this mood wants. Nothing ("not read") where its language has no words."""
    language = text.language or ENGLISH
    if not text.tokens or (language not in LANGUAGES and language not in words.languages_with("intent")):
        return UNTOLD
    said = listen(text.tokens, language, words)
    if not text.language and not said.anything and mood is Sentiment.UNKNOWN:
        return UNTOLD
    intents = _intents(said, mood)
    intent = _told("intent", intents, said)
    topics = _topics(said, Intent(intent.value))
    urgencies = _urgencies(said, Intent(intent.value), intents)
    votes = {"intent": intents, "topic": topics, "urgency": urgencies}
    return Wishes(intent, _told("topic", topics, said), _told("urgency", urgencies, said), votes)


def _intents(said: Said, mood: Sentiment) -> Votes:
    wanting = {hit.sentence for hit in said.hits["intent"] if _wants(hit)}
    votes = NOTHING_SAID["intent"] | _summed(_in_its_place(hit, said, wanting) for hit in said.hits["intent"])
    votes[Intent.OTHER] += OTHER
    votes[Intent.QUESTION] += _asked(said, wanting)
    if any(_is_danger(hit) for hit in said.hits["urgency"]):
        votes[Intent.COMPLAINT] += DANGER
    if mood in MOOD:
        intent, weight = MOOD[mood]
        votes[intent] += weight
    if mood is Sentiment.NEGATIVE:
        votes[Intent.COMPLIMENT] *= AGAINST_MOOD
    if votes[Intent.COMPLAINT] >= FAULT_FROM or _tells_of_a_fault(said):
        for each in (Intent.QUESTION, Intent.PURCHASE, Intent.OTHER):
            votes[each] *= BESIDE_A_FAULT
    return votes


def _tells_of_a_fault(said: Said) -> bool:
    """Whether one is told outside of a question: what is asked behind it is part of the complaint."""
    asking = said.asked | said.marked
    told = [hit for hit in said.hits["intent"] if not hit.denied and hit.sentence not in asking]
    return any(hit.weights.get(Intent.COMPLAINT, 0.0) >= TOLD_FROM for hit in told)


def _in_its_place(hit: Hit, said: Said, wanting: set[int]) -> Hit:
    """A hit as it counts where it stands: denied, in a question about a fault, beside what somebody wants to buy."""
    if not (hit.denied or hit.sentence in said.asked or hit.sentence in wanting):
        return hit
    weights = dict(hit.weights)
    complaint, compliment = weights.get(Intent.COMPLAINT, 0.0), weights.get(Intent.COMPLIMENT, 0.0)
    if hit.denied:
        weights = {value: weight for value, weight in weights.items() if value == Intent.QUESTION}
        weights[Intent.COMPLAINT] = DENIED_PRAISE * compliment
    elif complaint and hit.sentence in said.asked and hit.sentence not in said.reproached:
        weights[Intent.COMPLAINT] = complaint * ONLY_ASKED_ABOUT
    if hit.sentence in wanting and Intent.QUESTION in weights:
        weights[Intent.QUESTION] *= WANTING
    return hit._replace(weights=weights)


def _asked(said: Said, wanting: set[int]) -> float:
    """How strongly a text asks for an answer; a reproach asks nothing."""
    votes = []
    for sentence in (said.asked | said.marked) - said.reproached:
        begun = ASKED if sentence in said.marked else BEGUN
        vote = begun if sentence in said.asked else MARKED
        votes.append(vote * WANTING if sentence in wanting else vote)
    return _sum(votes)


def _wants(hit: Hit) -> bool:
    return not hit.denied and max(hit.weights.get(each, 0.0) for each in (Intent.PURCHASE, Intent.IDEA)) >= WANTED_FROM


def _topics(said: Said, intent: Intent) -> Votes:
    """A fault that is told of nothing by name is mostly one of what was delivered."""
    votes = NOTHING_SAID["topic"] | _summed(said.hits["topic"])
    votes[Topic.NONE] += NO_TOPIC
    if intent is Intent.COMPLAINT:
        votes[Topic.PRODUCT] += UNNAMED_FAULT
    return votes


def _is_danger(hit: Hit) -> bool:
    return not hit.denied and hit.weights.get(Urgency.HIGH, 0.0) >= DANGER_FROM


def _urgencies(said: Said, intent: Intent, intents: Votes) -> Votes:
    hits = (_pressing(hit, said, intent) for hit in said.hits["urgency"])
    votes = NOTHING_SAID["urgency"] | _summed(hit for hit in hits if hit)
    enough = ENOUGH.get(intent, HOURS_MATTER)
    votes[Urgency.HIGH] = _decided(votes[Urgency.HIGH], enough)
    opened = votes[Urgency.MEDIUM] * 0.6 + OPEN.get(intent, 0.0) + 0.3 * intents[Intent.COMPLAINT]
    votes[Urgency.MEDIUM] = min(opened, MOST_OPEN)
    votes[Urgency.LOW] = votes[Urgency.LOW] * 0.5 + CALM * 0.6 + NOTHING_TO_DO.get(intent, 0.0)
    return votes


def _decided(high: float, enough: float) -> float:
    return high + DECISIVE if high >= enough else high * NOT_ENOUGH


def _pressing(hit: Hit, said: Said, intent: Intent) -> Hit | None:
    """A hit as it counts here. Denied, it is the fault itself of who complains ("never sent my insulin")."""
    if intent is Intent.COMPLAINT or Urgency.HIGH not in hit.weights:
        return hit
    if hit.denied:
        return None
    if hit.sentence in said.asked:
        return hit._replace(weights={**hit.weights, Urgency.HIGH: hit.weights[Urgency.HIGH] * ONLY_ASKED_FOR})
    return hit


def _summed(hits: Iterable[Hit]) -> Votes:
    """What speaks for each value: the weightiest word whole, each further one less; the same word counts once."""
    weights: dict[str, dict[str, float]] = {}
    for hit in hits:
        for value, weight in hit.weights.items():
            of_value = weights.setdefault(value, {})
            of_value[hit.words] = max(weight, of_value.get(hit.words, weight))
    return {value: _sum(found.values()) for value, found in weights.items()}


def _sum(weights: Iterable[float]) -> float:
    found = sorted(weights, reverse=True)
    return sum(weight * LATER**place for place, weight in enumerate(found)) if len(found) > 1 else sum(found, 0.0)


def _told(aspect: str, votes: Mapping[str, float], said: Said) -> Told:
    powers = {value: math.exp(SHARPNESS[aspect] * vote) for value, vote in votes.items()}
    value = max(powers, key=powers.__getitem__)
    return Told(str(value), round(powers[value] / sum(powers.values()), 3), _reasons(aspect, value, said))


def _reasons(aspect: str, value: str, said: Said) -> tuple[str, ...]:
    """The words that spoke for what was told, the weightiest first, each once."""
    weights = {hit.words: hit.weights[value] for hit in said.hits[aspect] if hit.weights.get(value)}
    heaviest = sorted(weights.items(), key=lambda item: -abs(item[1]))[:MOST_REASONS]
    return tuple(f"{words} {weight:+.1f}" for words, weight in heaviest)
