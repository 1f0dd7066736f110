"""What drives praise and criticism: how many times likelier promoters are to praise, and detractors to criticise.

For each topic the share of the promoters who praised it is held against the share of everybody else who did; the share
of the detractors who criticised it, likewise. What counts as said is told by `surveys.sayings`. Everybody who gave a
score is in the base: silence is no praise.

The interval is that of Katz and others, "Obtaining confidence intervals for the risk ratio in cohort studies",
Biometrics 34 (1978): ln of the ratio ± 1.96 · √(1/a - 1/m + 1/b - 1/n), where a of m promoters said it and b of n
others. Where a or b is nought, or both are whole, it has no logarithm or no width: then half a person who said it and
half a person who did not are added on both sides (J. Haldane, Annals of Human Genetics 20, 1956), and the ratio is
marked as such. With weights, shares are weighted, and m and n are effective sizes, (Σw)² / Σw² (Kish, Survey Sampling,
1965); the bases shown are people.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import astuple, dataclass, replace
from math import exp, sqrt

from django.db import models
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from channels_app import naming
from crm.drawing import Table
from surveys import sayings
from surveys.models import Group, Response, SurveySettings, Tone, Topic
from surveys.models.answers import ResponseQuerySet
from surveys.sayings import Sayings, Size
from surveys.segments import Cut

Z = 1.959964  # of the 95 % interval

# Who is expected to say it. And what practitioners have published, to be shown beside.
TELLERS = {Tone.PRAISE: Group.PROMOTER, Tone.CRITICISM: Group.DETRACTOR}
REFERENCE: Mapping[tuple[Tone, Topic], float] = {
    (Tone.PRAISE, Topic.PRODUCT): 3.0,
    (Tone.PRAISE, Topic.PRICE): 5.0,
    (Tone.PRAISE, Topic.RELATIONSHIP): 6.0,
    (Tone.CRITICISM, Topic.PRODUCT): 2.0,
    (Tone.CRITICISM, Topic.PRICE): 2.0,
    (Tone.CRITICISM, Topic.RELATIONSHIP): 2.0,
}


class Source(models.TextChoices):
    """Where it was said."""

    ALL = "", _("Comments and messages")
    COMMENTS = "comments", _("Comments alone")
    MESSAGES = "messages", _("Messages alone")


@dataclass(frozen=True)
class Asked:
    """Whose answers, and where these people said what they said."""

    cut: Cut
    source: Source = Source.ALL

    @property
    def counted(self) -> ResponseQuerySet:
        """The answers that place somebody."""
        return self.cut.responses(Response.objects.scored())

    @property
    def in_comments(self) -> bool:
        return self.source != Source.MESSAGES

    @property
    def in_messages(self) -> bool:
        return self.source != Source.COMMENTS


@dataclass(frozen=True)
class Share:
    """Of `people` people `said` said it. The same in weights: `saying` of `weight`; `squares` is Σw²."""

    people: int = 0
    said: int = 0
    weight: float = 0.0
    saying: float = 0.0
    squares: float = 0.0

    @classmethod
    def of(cls, size: Size) -> Share:
        """Of whom nobody said it yet."""
        return cls(people=size.people, weight=size.weight, squares=size.squares)

    def __add__(self, other: Share) -> Share:
        return Share(*(mine + theirs for mine, theirs in zip(astuple(self), astuple(other), strict=True)))

    @property
    def share(self) -> float:
        return self.saying / self.weight if self.weight else 0.0

    @property
    def percent(self) -> float:
        return round(100 * self.share, 1)

    @property
    def effective(self) -> float:
        return self.weight * self.weight / self.squares if self.squares else 0.0


@dataclass(frozen=True)
class Likelier:
    """How many times likelier `tellers` say it than `others`. Nothing is `shown` of a base below `least`, nor where
    nobody said it at all. `rounded`: half a person was added to each side.
    """

    topic: Topic
    tone: Tone
    tellers: Share
    others: Share
    least: int

    @property
    def group(self) -> Group:
        return TELLERS[self.tone]

    @property
    def reference(self) -> float | None:
        return REFERENCE.get((self.tone, self.topic))

    @property
    def enough(self) -> bool:
        return min(self.tellers.people, self.others.people) >= max(self.least, 1)

    @property
    def shown(self) -> bool:
        return self.enough and bool(self.tellers.said or self.others.said)

    @property
    def rounded(self) -> bool:
        return not (self.tellers.said and self.others.said) or self.tellers.share == self.others.share == 1

    @property
    def ratio(self) -> float:
        return round(self._estimate[0], 2)

    @property
    def low(self) -> float:
        ratio, deviation = self._estimate
        return round(ratio * exp(-Z * deviation), 2)

    @property
    def high(self) -> float:
        ratio, deviation = self._estimate
        return round(ratio * exp(Z * deviation), 2)

    @property
    def certain(self) -> bool:
        """The interval leaves out 1: the two groups differ."""
        return self.shown and (self.low > 1 or self.high < 1)

    @property
    def _estimate(self) -> tuple[float, float]:
        """The ratio, and the standard deviation of its logarithm."""
        half = 0.5 if self.rounded else 0.0
        (one, base), (other, rest) = _counts(self.tellers, half), _counts(self.others, half)
        ratio = (one / base) / (other / rest)
        return ratio, sqrt(max(1 / one - 1 / base + 1 / other - 1 / rest, 0.0))


def _counts(share: Share, half: float) -> tuple[float, float]:
    """Who said it and who might have, in effective people."""
    return share.share * share.effective + half, share.effective + 2 * half


@dataclass(frozen=True)
class Drivers:
    """All topics, praise first. Of the `people` in the base, so many were `heard` on a topic at all. So many messages,
    of anybody, are `waiting` to be read for what they are about.
    """

    asked: Asked
    lines: list[Likelier]
    people: int = 0
    heard: int = 0
    least: int = 0
    waiting: int = 0

    @property
    def praise(self) -> list[Likelier]:
        return [line for line in self.lines if line.tone == Tone.PRAISE]

    @property
    def criticism(self) -> list[Likelier]:
        return [line for line in self.lines if line.tone == Tone.CRITICISM]

    def table(self) -> Table:
        """As the page and the file show it. An empty cell is a figure that is not shown, of too few people."""
        groups = [gettext("group"), gettext("people"), gettext("said it"), gettext("% of them")]
        others = [gettext("everyone else"), gettext("of them said it"), gettext("% of everyone else")]
        figures = [gettext("times likelier"), gettext("at least"), gettext("at most"), gettext("beyond chance")]
        columns = [
            gettext("topic"),
            gettext("what they do"),
            *groups,
            *others,
            *figures,
            gettext("half a person added"),
        ]
        return Table(gettext("Drivers"), [*columns, gettext("published")], [_line(line) for line in self.lines])


def _line(line: Likelier) -> list[object]:
    return [
        str(line.topic.label), str(line.tone.label), str(line.group.label), *_shares(line.tellers, line.enough),
        *_shares(line.others, line.enough), *_figures(line), line.reference,
    ]  # fmt: skip


def _shares(share: Share, enough: bool) -> list[object]:
    return [share.people, share.said, share.percent] if enough else [share.people, None, None]


def _figures(line: Likelier) -> list[object]:
    if not line.shown:
        return [None] * 5
    said = [gettext("yes") if each else gettext("no") for each in (line.certain, line.rounded)]
    return [line.ratio, line.low, line.high, *said]


# --- counted


def drivers(asked: Asked) -> Drivers:
    """Four queries at most, whatever was said: the settings, who counts, what they said, and what nobody has read."""
    least = SurveySettings.current().least
    bases = {group: Share.of(size) for group, size in sayings.bases(asked.counted).items()}
    found = sayings.sayings(asked.counted, comments=asked.in_comments, messages=asked.in_messages)
    lines = [_likelier(topic, tone, bases, found, least) for tone in TELLERS for topic in Topic]
    people = sum(share.people for share in bases.values())
    waiting = naming.waiting() if asked.in_messages else 0
    return Drivers(asked, lines, people=people, heard=found.heard, least=least, waiting=waiting)


def _likelier(topic: Topic, tone: Tone, bases: Mapping[str, Share], found: Sayings, least: int) -> Likelier:
    sides = {True: Share(), False: Share()}
    for group, base in bases.items():
        size = found.said.get((topic, tone, group), Size())
        sides[group == TELLERS[tone]] += replace(base, said=size.people, saying=size.weight)
    return Likelier(topic, tone, sides[True], sides[False], least)
