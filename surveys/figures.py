"""All figures of one cut, each asked for once and when it is first looked at; and each as a table.

A page draws these objects, "as a table", the CSV and the API show the same ones: nowhere is anything computed again.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property

from django.db.models import Count
from django.utils import timezone
from django.utils.translation import gettext as _

from crm.drawing import Table
from crm.models import User
from surveys import nps
from surveys.models import Invitation, Response, SurveySettings, Theme, Tone, Version, Wave
from surveys.models import Topic as Topics
from surveys.rates import Rates, Step, drop_off, rates
from surveys.segments import (
    DIMENSIONS,
    Cut,
    Dimension,
    Point,
    Segment,
    Segments,
    over_months,
    over_waves,
    segments,
    waves_asked,
)

AFTER_CASES = timedelta(days=365)  # so far back go the answers after cases


@dataclass(frozen=True)
class Topic:
    """People who praised or criticised it in their own words."""

    topic: Topics
    praised: int
    criticised: int


class Figures:
    """Of `cut`, as `user` may see them. `waves` (with `answers`, the newest first) are what it is compared with."""

    def __init__(self, cut: Cut, *, user: User, waves: Sequence[Wave], now: datetime | None = None) -> None:
        self.cut, self.waves, self.now = cut, waves, now or timezone.now()
        self._responses = Response.objects.visible_to(user)
        self._may = user.sees_results

    @cached_property
    def least(self) -> int:
        return SurveySettings.current().least

    @cached_property
    def distribution(self) -> nps.Distribution:
        return nps.distribution(self.cut.responses(self._responses), self.least)

    @cached_property
    def score(self) -> nps.Score:
        return nps.score(self.distribution.tally, self.least)

    @cached_property
    def unweighted(self) -> nps.Score:
        return nps.score(self.distribution.tally.unweighted(), self.least)

    @cached_property
    def with_flagged(self) -> nps.Score:
        if not self.cut.trusted:
            return self.score
        found = nps.distribution(self.cut.with_flagged().responses(self._responses), self.least)
        return nps.score(found.tally, self.least)

    @cached_property
    def points(self) -> list[Point]:
        if self.cut.wave:
            return over_waves(self.cut, of_the_kind_of(self.cut.wave, self.waves), self.least)
        return over_months(self.cut, self.least)

    @property
    def point(self) -> Point | None:
        """The wave that is looked at, among the others."""
        return next((point for point in self.points if self.cut.wave and point.key == self.cut.wave.pk), None)

    @property
    def before(self) -> Point | None:
        """What its change is counted from."""
        shown = [point for point in self.points if point.score.shown]
        at = next((n for n, point in enumerate(shown) if point is self.point), 0)
        return shown[at - 1] if at else None

    def segments(self, dimension: Dimension) -> Segments:
        if dimension.key not in self._segments:
            rows = self.cut.responses(self._responses)
            self._segments[dimension.key] = segments(rows, dimension, self.distribution.tally, self.least)
        return self._segments[dimension.key]

    @cached_property
    def _segments(self) -> dict[str, Segments]:
        return {}

    @property
    def every_segment(self) -> list[Segments]:
        return [self.segments(dimension) for dimension in DIMENSIONS.values()]

    @cached_property
    def rates(self) -> Rates:
        invitations = Invitation.objects.all() if self._may else Invitation.objects.none()
        return rates(self.cut.invitations(invitations), self.least)

    @cached_property
    def version(self) -> Version | None:
        """Whose questions were asked; after cases those of the newest version."""
        asked = Version.objects.with_questions()
        if self.cut.wave:
            return asked.get(pk=self.cut.wave.version_id)
        return asked.sent().filter(survey__kind="case").order_by("-sent_at").first()

    @cached_property
    def steps(self) -> list[Step]:
        if not self.version:
            return []
        rows = self.cut.with_flagged().responses(self._responses)
        return drop_off(rows, self.version, self.rates, self.least)

    @cached_property
    def topics(self) -> list[Topic]:
        """What comments are about, the most spoken of first. One query."""
        rows = self.cut.responses(self._responses).order_by()
        themes = Theme.objects.standing().filter(answer__response__in=rows).exclude(topic="")
        counts: dict[str, dict[str, int]] = {}
        of_people = Count("answer__response", distinct=True)
        for topic, tone, n in themes.order_by().values_list("topic", "tone").annotate(n=of_people):
            counts.setdefault(topic, {})[tone] = n
        found = [Topic(Topics(key), of.get(Tone.PRAISE, 0), of.get(Tone.CRITICISM, 0)) for key, of in counts.items()]
        return sorted(found, key=lambda topic: -(topic.praised + topic.criticised))

    @property
    def standing_out(self) -> list[tuple[Dimension, Segment]]:
        """Parts that differ from all others beyond chance, the furthest below first."""
        parts = [(found.dimension, line) for found in self.every_segment for line in found.lines if line.stands_out]
        return sorted(parts, key=lambda part: part[1].rest.by if part[1].rest else 0.0)

    @property
    def period(self) -> tuple[datetime, datetime]:
        """From when to when it was asked, as far as that is over."""
        if wave := self.cut.wave:
            return wave.opens_at, min(wave.closed_at or wave.closes_at, self.now)
        return self.cut.since or self.now - AFTER_CASES, self.now

    def table(self, key: str) -> Table:
        """One of TABLES. KeyError for any other."""
        if dimension := DIMENSIONS.get(key):
            return _of_segments(self.segments(dimension))
        return {
            "score": _of_score, "trend": _of_trend, "distribution": _of_distribution, "rates": _of_rates,
            "drop-off": _of_steps, "topics": _of_topics,
        }[key](self)  # fmt: skip


TABLES = ("score", "trend", "distribution", *DIMENSIONS, "rates", "drop-off", "topics")


def of_the_kind_of(wave: Wave, waves: Sequence[Wave]) -> list[Wave]:
    """What a wave can be compared with: a pulse is no half-yearly survey."""
    return [each for each in waves if each.version.survey.kind == wave.version.survey.kind]


def of_wave(wave: Wave, *, user: User, cut: Cut | None = None) -> Figures:
    """For who asks of one wave alone."""
    return Figures(cut or Cut(wave=wave), user=user, waves=waves_asked(Wave.objects.visible_to(user)))


def first_looked_at(waves: Sequence[Wave], least: int) -> Wave | None:
    """The newest of the half-yearly waves that says something; else the newest."""
    kinds = [wave for wave in waves if wave.version.survey.kind == "nps"] or list(waves)
    return next((wave for wave in kinds if wave.answers >= least), kinds[0] if kinds else None)  # type: ignore[attr-defined]


# --- as tables


def _of_a_score(score: nps.Score) -> list[object]:
    return [score.n, score.nps, score.low, score.high, score.promoters, score.passives, score.detractors]


def _of_a_change(change: nps.Change | None) -> list[object]:
    return [change.by, change.low, change.high, _("yes") if change.certain else _("no")] if change else [None] * 4


def _score_columns() -> list[str]:
    return [
        _("answers"), _("NPS"), _("from"), _("to"), _("promoters %"), _("passives %"), _("detractors %"),
    ]  # fmt: skip


def _change_columns(name: str) -> list[str]:
    return [name, _("at least"), _("at most"), _("beyond chance")]


def _of_score(figures: Figures) -> Table:
    kinds = [
        (_("without flagged answers") if figures.cut.trusted else _("with flagged answers"), figures.score),
        (_("with flagged answers"), figures.with_flagged), (_("unweighted"), figures.unweighted),
    ]  # fmt: skip
    kept = kinds if figures.cut.trusted else [kinds[0], kinds[2]]
    rows: list[list[object]] = [[name, *_of_a_score(score), score.base] for name, score in kept]
    return Table(_("Score"), [_("counted"), *_score_columns(), _("worth answers")], rows)


def _of_trend(figures: Figures) -> Table:
    rows = [[point.name, point.at, *_of_a_score(point.score), *_of_a_change(point.change)] for point in figures.points]
    first = _("wave") if figures.cut.wave else _("month")
    return Table(_("Over time"), [first, _("opened"), *_score_columns(), *_change_columns(_("change"))], rows)


def _of_distribution(figures: Figures) -> Table:
    rows: list[list[object]] = [
        [each.score, str(each.group.label), each.n, each.share] for each in figures.distribution.bins
    ]
    return Table(_("From 0 to 10"), [_("score"), _("group"), _("answers"), _("share %")], rows)


def _of_segments(found: Segments) -> Table:
    label = str(found.dimension.label)
    return Table(
        label, [label, *_score_columns(), *_change_columns(_("beside the rest"))], list(map(_line, found.lines))
    )


def _line(line: Segment) -> list[object]:
    return [line.name, *_of_a_score(line.score), *_of_a_change(line.rest)]


def _of_rates(figures: Figures) -> Table:
    found = figures.rates
    rows: list[list[object]] = [
        [_("asked"), found.asked, None], [_("came back"), found.came_back, None], [_("opened"), found.opened, None],
        [_("answered"), found.answered, found.response], [_("finished"), found.finished, found.completion],
    ]  # fmt: skip
    return Table(_("Who answered"), [_("people"), _("number"), _("%")], rows)


def _of_steps(figures: Figures) -> Table:
    rows: list[list[object]] = [
        [str(step.question) if step.question else _("Opened the survey"), step.answered, step.left, step.share]
        for step in figures.steps
    ]
    return Table(_("Where they left"), [_("question"), _("answered"), _("left after it"), _("left %")], rows)


def _of_topics(figures: Figures) -> Table:
    rows: list[list[object]] = [[str(each.topic.label), each.praised, each.criticised] for each in figures.topics]
    return Table(_("What comments are about"), [_("topic"), _("praised by"), _("criticised by")], rows)
