"""The figures of surveys, as other systems read them: the same objects that the page of results draws."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from django.shortcuts import get_object_or_404
from ninja import Query, Router
from pydantic import Field

from crm.api.auth import Caller, Token
from crm.api.kinds import LARGEST, Country, Id, OneOf, Out, Tier
from crm.api.paging import Asked, Filter, Page, page
from crm.models import Scope
from crm.models.staff import RESULT_ROLES
from surveys.figures import Figures, of_wave
from surveys.models import Group, Wave
from surveys.nps import Bin, Change, Score
from surveys.rates import Rates, Step
from surveys.segments import DIMENSIONS, Cut, Point, Segment

router = Router(tags=["Surveys"])
READ = Token(Scope.RESULTS_READ, RESULT_ROLES)

WaveState = Annotated[str, OneOf(Wave.State)]
GroupName = Annotated[str, OneOf(Group)]
Part = Literal["country", "tier", "account", "channel", "cause"]
Known = Annotated[int, Field(ge=0, le=LARGEST, description="Its number; 0 for those who have none.")]
Percent = Annotated[float | None, Field(description="To one decimal. Empty where there are too few answers.")]
Points = Annotated[float | None, Field(description="From -100 to 100. Empty where there are too few answers.")]


class WaveOut(Out):
    id: int
    name: str
    survey: str
    version: int
    state: WaveState
    opens_at: datetime
    closes_at: datetime
    imported: bool = Field(description="Asked by another tool: who did not answer is not known.")

    @classmethod
    def of(cls, wave: Wave) -> WaveOut:
        return cls(
            id=wave.pk, name=wave.name, survey=wave.version.survey.name, version=wave.version.number, state=wave.state,
            opens_at=wave.opens_at, closes_at=wave.closes_at, imported=wave.imported,
        )  # fmt: skip


class ScoreOut(Out):
    """A Net Promoter Score with its 95 % interval, weighted by the chance of being asked."""

    n: int = Field(description="Answers, as they are.")
    shown: bool = Field(description="false: too few answers, and all below is empty.")
    nps: Points
    low: Points
    high: Points
    promoters: Percent
    passives: Percent
    detractors: Percent
    base: float | None = Field(description="Answers of equal weight that would tell as much.")

    @classmethod
    def of(cls, score: Score) -> ScoreOut:
        return cls(**{name: getattr(score, name) for name in cls.model_fields})


class ChangeOut(Out):
    """A difference of two scores, in points, with its 95 % interval."""

    by: float
    low: float
    high: float
    certain: bool = Field(description="Beyond what chance does.")

    @classmethod
    def of(cls, change: Change | None) -> ChangeOut | None:
        return cls(by=change.by, low=change.low, high=change.high, certain=change.certain) if change else None


class NpsOut(Out):
    wave: int
    since: datetime
    until: datetime
    score: ScoreOut
    with_flagged: ScoreOut
    unweighted: ScoreOut
    change: ChangeOut | None = Field(description="Since the wave before that says anything.")


class PointOut(Out):
    wave: int
    name: str
    opens_at: datetime
    score: ScoreOut
    change: ChangeOut | None

    @classmethod
    def of(cls, point: Point) -> PointOut:
        return cls(
            wave=point.key, name=point.name, opens_at=point.at, score=ScoreOut.of(point.score),
            change=ChangeOut.of(point.change),
        )  # fmt: skip


class BinOut(Out):
    score: int
    group: GroupName
    n: int
    share: float = Field(description="Percentage of all, weighted.")

    @classmethod
    def of(cls, found: Bin) -> BinOut:
        return cls(score=found.score, group=found.group.value, n=found.n, share=found.share)


class SegmentOut(Out):
    key: str = Field(description="What to narrow other figures down with; empty or 0: those of whom there is none.")
    name: str
    score: ScoreOut
    rest: ChangeOut | None = Field(description="Beside all others, judged together with the other parts.")

    @classmethod
    def of(cls, line: Segment) -> SegmentOut:
        score, rest = ScoreOut.of(line.score), ChangeOut.of(line.rest)
        return cls(key=str(line.key), name=line.name, score=score, rest=rest)


class StepOut(Out):
    question: int | None = Field(description="Its id; empty: the survey was opened.")
    text: str
    answered: int
    left: int = Field(description="It was the last they answered, and they have not finished.")
    share: Percent

    @classmethod
    def of(cls, step: Step) -> StepOut:
        asked = step.question
        return cls(
            question=asked.pk if asked else None, text=str(asked or ""), answered=step.answered, left=step.left,
            share=step.share,
        )  # fmt: skip


class RatesOut(Out):
    """Who was asked and who answered; unweighted, with flagged answers."""

    asked: int
    came_back: int
    reached: int
    opened: int
    answered: int
    finished: int
    response: Percent
    completion: Percent
    steps: list[StepOut]

    @classmethod
    def of(cls, rates: Rates, steps: list[Step]) -> RatesOut:
        counts = {name: getattr(rates, name) for name in cls.model_fields if name != "steps"}
        return cls(**counts, steps=list(map(StepOut.of, steps)))


class Narrowed(Asked):
    """Of whom. Several of these narrow each other down."""

    country: Country | None = None
    tier: Tier | None = None
    account: Known | None = None
    channel: Known | None = None
    cause: Known | None = None
    flagged: Annotated[bool, Field(description="With answers that are flagged or left out.")] = False


class SegmentsAsked(Narrowed):
    by: Part = "country"


def _figures(request: Caller, pk: int, asked: Narrowed) -> Figures:
    wave = get_object_or_404(Wave.objects.visible_to(request.user).asked().select_related("version__survey"), pk=pk)
    people = {name: getattr(asked, name) for name in DIMENSIONS}
    return of_wave(wave, user=request.user, cut=Cut(wave=wave, trusted=not asked.flagged, **people))


@router.get("/surveys/waves", response=Page[WaveOut], auth=READ, url_name="waves", summary="List waves")
def waves(request: Caller, asked: Query[Filter]) -> Page[WaveOut]:
    """Those in which somebody was asked."""
    rows = Wave.objects.visible_to(request.user).asked().select_related("version__survey")
    return page(rows, asked, WaveOut.of, Page[WaveOut])


@router.get("/surveys/waves/{int:pk}/nps", response=NpsOut, auth=READ, url_name="wave_nps", summary="Get the score")
def wave_nps(request: Caller, pk: Id, asked: Query[Narrowed]) -> NpsOut:
    """Of a wave, with its interval, and its change since the wave before."""
    figures = _figures(request, pk, asked)
    since, until = figures.period
    return NpsOut(
        wave=pk, since=since, until=until, score=ScoreOut.of(figures.score),
        with_flagged=ScoreOut.of(figures.with_flagged), unweighted=ScoreOut.of(figures.unweighted),
        change=ChangeOut.of(figures.point.change if figures.point else None),
    )  # fmt: skip


@router.get(
    "/surveys/waves/{int:pk}/trend", response=list[PointOut], auth=READ, url_name="wave_trend", summary="Get the trend"
)
def wave_trend(request: Caller, pk: Id, asked: Query[Narrowed]) -> list[PointOut]:
    """The newest twelve waves of the kind of this one, the oldest first."""
    return list(map(PointOut.of, _figures(request, pk, asked).points))


@router.get(
    "/surveys/waves/{int:pk}/distribution", response=list[BinOut], auth=READ, url_name="wave_distribution",
    summary="Get the distribution",
)  # fmt: skip
def wave_distribution(request: Caller, pk: Id, asked: Query[Narrowed]) -> list[BinOut]:
    """From 0 to 10. Empty where there are too few answers."""
    return list(map(BinOut.of, _figures(request, pk, asked).distribution.bins))


@router.get(
    "/surveys/waves/{int:pk}/segments", response=list[SegmentOut], auth=READ, url_name="wave_segments",
    summary="Get the score by segment",
)  # fmt: skip
def wave_segments(request: Caller, pk: Id, asked: Query[SegmentsAsked]) -> list[SegmentOut]:
    """By one dimension, the largest part first."""
    return list(map(SegmentOut.of, _figures(request, pk, asked).segments(DIMENSIONS[asked.by]).lines))


@router.get(
    "/surveys/waves/{int:pk}/rates", response=RatesOut, auth=READ, url_name="wave_rates", summary="Get who answered"
)
def wave_rates(request: Caller, pk: Id, asked: Query[Narrowed]) -> RatesOut:
    """Response and completion rate, and where the others left."""
    figures = _figures(request, pk, asked)
    return RatesOut.of(figures.rates, figures.steps)
