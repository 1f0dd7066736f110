"""What the word lists found in a text, as the dense features of the linear model: whole thousandths."""

import math
from collections.abc import Mapping, Sequence
from enum import StrEnum

from channels_app.reading.cleaning import MAX_CHARS, Token
from channels_app.reading.evidence import Evidence
from channels_app.reading.model import Intent, Topic, Urgency
from channels_app.reading.prepared import Prepared
from channels_app.reading.vader_vote import compound
from channels_app.reading.verdict import THRESHOLD, Verdict

UNIT = 1_000
WISHES: dict[str, type[StrEnum]] = {"intent": Intent, "topic": Topic, "urgency": Urgency}
VOTED_ON = tuple((aspect, each.value) for aspect, kind in WISHES.items() for each in kind)
"""What the words vote on, in the order of the features of a wish."""
MOST = 3.0
"""What a sum of evidence counts at most."""
KINDS = ("complaint", "hint", "praise", "courtesy", "sign", "word")
NAMES = (
    "score", "clearly_bad", "clearly_good", "good", "bad",
    *(f"{kind}_{side}" for kind in KINDS for side in ("good", "bad")),
    "best", "worst", "ending",
    "polarity", "subjectivity", "far_from_neutral", "vader", "vader_far_from_neutral",
    "asked", "asking", "only_asks", "asked_score", "denials", "exclaimed", "trailing_off", "shouted", "mocking",
    "ironic", "length", "wordless", "link", "handle", "hashtags", "addressed_score", "addressed_bad", "both_sides",
)  # fmt: skip


def dense(prepared: Prepared, evidence: Evidence, verdict: Verdict) -> list[int]:
    """The features of a text, in the order of `NAMES`."""
    votes, manner = _votes(prepared.tokens, evidence), _manner(prepared, evidence, verdict)
    return [round(UNIT * value) for value in (*_weighed(verdict), *votes, *manner)]


def dense_votes(votes: Mapping[str, Mapping[str, float]]) -> list[int]:
    """What the words say of a wish, in the order of `VOTED_ON`."""
    return [round(UNIT * votes.get(aspect, {}).get(value, 0.0)) for aspect, value in VOTED_ON]


def _weighed(verdict: Verdict) -> list[float]:
    goods, bads = dict.fromkeys(KINDS, 0.0), dict.fromkeys(KINDS, 0.0)
    best = worst = ending = 0.0
    for each in verdict.weighed:
        kind, worth = each.kind, each.worth
        if kind in goods:
            (goods if worth > 0 else bads)[kind] += abs(worth)
        best, worst = max(best, worth), min(worst, worth)
        ending = ending if kind == "textblob" else worth
    good, bad = sum(goods.values()), sum(bads.values())
    sums = [side[kind] for kind in KINDS for side in (goods, bads)]
    clearly = (max(0.0, -verdict.score - 0.3), max(0.0, verdict.score - 0.3))
    return [verdict.score, *clearly, *(min(MOST, value) for value in (good, bad, *sums)), best, worst, ending]


def _votes(tokens: Sequence[Token], evidence: Evidence) -> list[float]:
    polarity = _mean([each.polarity for each in evidence.textblob])
    vader = compound(tokens)
    return [polarity, _mean([each.subjectivity for each in evidence.textblob]), abs(polarity), vader, abs(vader)]


def _manner(prepared: Prepared, evidence: Evidence, verdict: Verdict) -> list[float]:
    text = prepared.text[:MAX_CHARS]
    words = [token for token in prepared.tokens if token.kind == "word"]
    marks = [token.text for token in prepared.tokens if token.kind == "mark"]
    asked, score = bool(evidence.questions), verdict.score
    bad = -sum(each.worth for each in verdict.weighed if each.worth < 0)
    good = sum(each.worth for each in verdict.weighed if each.worth > 0)
    addressed = evidence.addressed
    return [
        asked,
        evidence.asking,
        asked and evidence.asking and abs(score) <= THRESHOLD,
        score * (asked or evidence.asking),
        min(MOST, sum(each.words.startswith("not ") for each in verdict.weighed)),
        min(MOST, sum(mark.count("!") for mark in marks)),
        any(mark.startswith("..") or mark == "…" for mark in marks),
        sum(word.loud for word in words) / len(words) if words else 0.0,
        evidence.mocking,
        evidence.ironic,
        math.log1p(len(words)) / 3,
        not words,
        "http" in text,
        "@" in text,
        min(MOST, text.count("#")),
        score * addressed,
        min(MOST, bad) * addressed,
        min(good, bad, MOST),
    ]


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values) if values else 0.0
