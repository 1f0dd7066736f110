"""From the evidence to a mood: what counts how much beside what, and how sure that is."""

import math
from typing import NamedTuple

from channels_app.reading.evidence import Evidence, Hit
from channels_app.reading.model import Sentiment

IN_A_QUESTION = 0.5
"""A fault that is asked about ("is my flight delayed?") is half a complaint,"""
OUTBURST = -0.55
"""unless it weighs this much."""
IDLE_HINT = 0.25
"""What is left of a hint in talk that is addressed to nobody and complains of nothing."""
SIGNS = 1.2
MANNERS = 0.2
"""What is left of thanks beside a question, a request or a complaint."""
MANNERS_FROM = 0.2
MOST_THANKS = 0.7
IRONY_FROM = 0.4
"""Complaints of this weight make praise ironic ("great, another delay"),"""
SINCERE_FROM = 1.3
"""unless there is this much praise."""
IRONIC, MOCKED = 0.4, 0.15
"""What is left of such praise, and of praise beside a mocking sign or as a mere opening ("Great, ...")."""
TEXTBLOB = 0.3
SPREAD = 0.6
"""How fast the score nears 1: a sum of evidence of sqrt(SPREAD) scores 0.7."""
THRESHOLD = 0.3
MOST_REASONS = 5
LEAST_REASON = 0.05
BLAME = frozenset({"complaint", "hint"})


class Weighed(NamedTuple):
    """Words or a sign, what they are worth beside the rest of the text, and what they are known as."""

    words: str
    worth: float
    kind: str
    opening: bool = False


class Verdict(NamedTuple):
    """A mood, its score (-1..1), how sure it is (0..1), and all that decided, with what it was worth."""

    sentiment: Sentiment
    score: float
    confidence: float
    weighed: tuple[Weighed, ...] = ()

    @property
    def reasons(self) -> tuple[str, ...]:
        """The words that weighed most, each once: ("cancelled -0.4", "great +0.1")."""
        worth: dict[str, float] = {}
        for each in self.weighed:
            worth[each.words] = worth.get(each.words, 0.0) + each.worth
        heaviest = sorted(worth.items(), key=lambda item: -abs(item[1]))[:MOST_REASONS]
        return tuple(f"{words} {weight:+.1f}" for words, weight in heaviest if abs(weight) >= LEAST_REASON)


UNREADABLE = Verdict(Sentiment.UNKNOWN, 0.0, 0.0)


def judge(evidence: Evidence) -> Verdict:
    """The mood that the evidence of a readable text speaks for."""
    alone = [_alone(hit, evidence) for hit in evidence.hits] + _textblob(evidence)
    weighed = _beside_each_other(alone, evidence)
    good = sum(each.worth for each in weighed if each.worth > 0)
    bad = -sum(each.worth for each in weighed if each.worth < 0)
    score = (good - bad) / math.sqrt((good - bad) ** 2 + SPREAD)
    return Verdict(_sentiment(score), round(score, 3), _confidence(score, good, bad), tuple(weighed))


def _alone(hit: Hit, evidence: Evidence) -> Weighed:
    """What a hit is worth where it stands, whatever else is said."""
    worth = hit.weight
    if hit.kind == "sign":
        return Weighed(hit.words, worth * SIGNS, hit.kind)
    if hit.kind == "hint" and not _taken_seriously(evidence):
        worth *= IDLE_HINT
    if OUTBURST < worth < 0 and hit.sentence in evidence.questions:
        worth *= IN_A_QUESTION
    return Weighed(hit.words, worth, hit.kind, hit.opening)


def _taken_seriously(evidence: Evidence) -> bool:
    return evidence.addressed or evidence.ironic or any(hit.kind == "complaint" for hit in evidence.hits)


def _textblob(evidence: Evidence) -> list[Weighed]:
    """TextBlob's polarity is the mean of what it assessed; each of its words has its share of one vote."""
    found = evidence.textblob
    return [Weighed(each.words, TEXTBLOB * each.polarity / len(found), "textblob") for each in found]


def _beside_each_other(weighed: list[Weighed], evidence: Evidence) -> list[Weighed]:
    """Thanks become manners and praise becomes irony beside what they stand with."""
    fault = -sum(each.worth for each in weighed if each.worth < 0 and each.kind in BLAME)
    thanks = _left_of_thanks(weighed, evidence, fault)
    if thanks != 1.0:
        weighed = [each._replace(worth=each.worth * thanks) if each.kind == "courtesy" else each for each in weighed]
    praise = _left_of_praise(weighed, evidence, fault)
    opening = MOCKED if fault > IRONY_FROM else praise
    if praise == opening == 1.0:
        return weighed
    return [
        each._replace(worth=each.worth * (opening if each.opening else praise)) if each.worth > 0 else each
        for each in weighed
    ]


def _left_of_thanks(weighed: list[Weighed], evidence: Evidence, fault: float) -> float:
    thanks = sum(each.worth for each in weighed if each.kind == "courtesy")
    share = min(1.0, MOST_THANKS / thanks) if thanks > 0 else 1.0
    only_manners = evidence.asking or evidence.questions or fault > MANNERS_FROM
    return share * MANNERS if only_manners else share


def _left_of_praise(weighed: list[Weighed], evidence: Evidence, fault: float) -> float:
    if evidence.mocking or (evidence.ironic and fault > 0):
        return MOCKED
    praise = sum(each.worth for each in weighed if each.worth > 0)
    return IRONIC if fault > IRONY_FROM and praise < SINCERE_FROM else 1.0


def _sentiment(score: float) -> Sentiment:
    if abs(score) <= THRESHOLD:
        return Sentiment.NEUTRAL
    return Sentiment.POSITIVE if score > 0 else Sentiment.NEGATIVE


def _confidence(score: float, good: float, bad: float) -> float:
    """How far the score is from the border to the next mood, less where the text speaks for both sides."""
    if abs(score) <= THRESHOLD:
        clear = 0.6 - 0.3 * abs(score) / THRESHOLD
    else:
        clear = 0.5 + 0.5 * (abs(score) - THRESHOLD) / (1 - THRESHOLD)
    torn = min(good, bad) / max(good, bad) if good and bad else 0.0
    return round(clear * (1 - 0.3 * torn), 3)
