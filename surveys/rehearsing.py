"""What would come of a wave if it were started now, and how far one has come: the figures of its page."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from functools import cached_property

from django.db.models import Count, Max, Q
from django.utils import timezone

from crm.models import Customer
from surveys import rates, sampling, waves
from surveys.models import Invitation, SurveySettings, Wave
from surveys.rates import Rates
from surveys.reaching import Reason
from surveys.sampling import Draw, Stratum

SHOWN = 12  # people of a dry run that are named


@dataclass(frozen=True)
class DryRun:
    """`sample`: some of those who would be asked, each with `due_on` and `must`. `hindrances` as finished sentences."""

    drawn: Draw
    strata: list[Stratum]
    sample: list[Customer]
    hindrances: list[str]
    last_at: datetime

    @cached_property
    def reasons(self) -> list[tuple[Reason, int]]:
        return reasons(self.drawn.left_out)


def dry_run(wave: Wave) -> DryRun:
    """Draw as if it were started now; nothing is written. A fixed number of queries."""
    now = timezone.now()
    wave.opens_at = max(wave.opens_at, now)
    drawn = sampling.draw(wave)
    asked = sampling.eligible(wave).filter(sampling.drawn_of(drawn)).order_by("draw")
    sample = list(asked[:SHOWN])
    for person in sample:
        person.must = person.due_on < drawn.before  # type: ignore[attr-defined]
    hindrances = [str(refusal) for refusal in waves.hindrances(wave, drawn, now=now)]
    return DryRun(drawn, sampling.listed(drawn.strata), sample, hindrances, sampling.last_at(wave, drawn.asked))


def reasons(left_out: dict[str, int]) -> list[tuple[Reason, int]]:
    """Why people are left out, each with how many, in the order in which the reasons are asked for."""
    return [(reason, left_out[reason]) for reason in Reason if left_out.get(reason)]


@dataclass(frozen=True)
class Progress:
    """How far a wave has come. `due`: as many as it wants to invite; `invited`: written; `left`: sent."""

    due: int
    counts: dict[str, int]
    left: int
    rates: Rates
    last_due_at: datetime | None
    late: bool  # the last would leave only after the wave has closed

    @property
    def invited(self) -> int:
        return sum(self.counts.values())

    def count(self, state: Invitation.State) -> int:
        return self.counts.get(state, 0)

    @property
    def waiting(self) -> int:
        return self.count(Invitation.State.PLANNED) + self.count(Invitation.State.SENDING)

    @property
    def doubt(self) -> int:
        return self.count(Invitation.State.DOUBT)

    @property
    def planned_percent(self) -> int:
        return min(100, 100 * self.invited // self.due) if self.due else 100

    @property
    def sent_percent(self) -> int:
        going = self.left + self.waiting + self.doubt
        return 100 * self.left // going if going else 0

    @property
    def states(self) -> list[tuple[Invitation.State, int]]:
        return [(state, self.counts[state]) for state in Invitation.State if self.counts.get(state)]


def progress(wave: Wave) -> Progress:
    """Three queries."""
    of = Invitation.objects.filter(wave=wave)
    rows = (
        of.order_by()
        .values_list("state")
        .annotate(Count("pk"), Count("sent_at"), last=Max("due_at", filter=Q(state=Invitation.State.PLANNED)))
    )
    found = list(rows)
    last_due_at = max((due for *_rest, due in found if due), default=None)
    return Progress(
        due=sum(stratum.asked for stratum in sampling.strata(wave)),
        counts={state: n for state, n, _sent, _due in found},
        left=sum(sent for _state, _n, sent, _due in found),
        rates=rates.rates(of, SurveySettings.current().least),
        last_due_at=last_due_at,
        late=last_due_at is not None and wave.planned_at is not None and last_due_at >= wave.closes_at,
    )
