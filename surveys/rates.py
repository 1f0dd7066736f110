"""Who answered of those who were asked, who finished, and where the others left. One definition each.

- asked: invitations that left us. Reached: those of them that did not come back.
- response rate: answered at least one question, of those reached. Where a wave was asked elsewhere nobody knows who did
  not answer, and it is not said.
- completion rate: finished, of those who answered at least one question.
- drop-off of a question: it is the last they answered, and they have not finished; of those who answered it.

These count people, unweighted and with flagged answers: a careless answer is an answer.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.db.models import Count, F, OuterRef, Q, Subquery

from surveys.models import Answer, Invitation, Question, Version, Wave
from surveys.models.answers import ResponseQuerySet
from surveys.models.waves import InvitationQuerySet
from surveys.nps import percent


@dataclass(frozen=True)
class Rates:
    """Counts, and the two rates in percent; below the smallest base the rates are None."""

    asked: int
    came_back: int
    opened: int
    answered: int
    finished: int
    response: float | None
    completion: float | None

    @property
    def reached(self) -> int:
        return self.asked - self.came_back


SUMS = {
    "asked": Count("pk", filter=Q(sent_at__isnull=False)),
    "came_back": Count("pk", filter=Q(sent_at__isnull=False, state=Invitation.State.BOUNCED)),
    "opened": Count("pk", filter=Q(opened_at__isnull=False)),
    "answered": Count("response"),
    "finished": Count("response__finished_at"),
    "elsewhere": Count("pk", filter=Q(by=Invitation.By.ELSEWHERE)),
}


def rates(invitations: InvitationQuerySet, least: int) -> Rates:
    """One query."""
    return _rates(invitations.aggregate(**SUMS), least)


def of_waves(waves: Iterable[Wave], least: int) -> dict[int, Rates]:
    """Of each wave that invited anybody. One query."""
    found = Invitation.objects.filter(wave__in=list(waves)).order_by().values_list("wave").annotate(**SUMS)
    return {wave: _rates(dict(zip(SUMS, sums, strict=True)), least) for wave, *sums in found}


def _rates(sums: dict[str, Any], least: int) -> Rates:
    elsewhere, reached = sums.pop("elsewhere"), sums["asked"] - sums["came_back"]
    known = 0 if elsewhere else reached
    return Rates(
        **sums, response=_rate(sums["answered"], known, least),
        completion=_rate(sums["finished"], sums["answered"], least),
    )  # fmt: skip


def _rate(part: int, whole: int, least: int) -> float | None:
    return percent(part / whole) if whole >= max(1, least) else None


@dataclass(frozen=True)
class Step:
    """`question` None: the page that opens, from which `left` answered nothing. `share`: of `answered`, in percent."""

    question: Question | None
    answered: int
    left: int
    share: float | None


def drop_off(rows: ResponseQuerySet, version: Version, of: Rates, least: int) -> list[Step]:
    """The questions of `version` that anybody answered, in order, with who went no further. Three queries."""
    answered = Answer.objects.filter(response__in=rows.order_by(), question__version=version).order_by()
    counts = dict(answered.values_list("question").annotate(n=Count("pk")))
    last = Answer.objects.filter(response=OuterRef("pk"), question__version=version).order_by("-question__position")
    unfinished = rows.filter(finished_at=None).annotate(last=Subquery(last.values("question")[:1])).order_by()
    left = dict(unfinished.exclude(last=None).values_list(F("last")).annotate(n=Count("pk")))
    questions = version.questions.all()
    steps = [_step(each, counts[each.pk], left.get(each.pk, 0), least) for each in questions if each.pk in counts]
    opened = [_step(None, of.opened, max(0, of.opened - of.answered), least)] if of.opened else []
    return [*opened, *steps] if of.answered >= max(1, least) else []


def _step(question: Question | None, answered: int, left: int, least: int) -> Step:
    return Step(question, answered, left, _rate(left, answered, least))
