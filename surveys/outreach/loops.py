"""Loops: from what somebody answered to what they were told of it; how they end, and what is known of many.

A loop stands open while somebody still has to call, to answer or to tell. It is closed once they were told; or, where
nothing was asked of anybody, a day after the call, in which more may yet be written down. It breaks off where its call
was called off, or where nobody reached them: then it says at which step, and why.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import connection, transaction
from django.db.models import Exists, OuterRef, TextChoices
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from channels_app import live
from channels_app.live import News
from surveys.models import Call, FollowUp, GroupRequest, Loop
from surveys.models.calls import LoopQuerySet

BATCH = 500
GRACE = timedelta(days=1)  # in which a caller may add to the note of a call, and ask something after all
State = Call.State


class Step(TextChoices):
    """In the order in which a loop comes to them."""

    ANSWERED = "answered", gettext_lazy("Answered the survey")
    CALLED = "called", gettext_lazy("Was called")
    ASKED = "asked", gettext_lazy("A group was asked")
    GIVEN = "given", gettext_lazy("The group answered")
    TOLD = "told", gettext_lazy("Was told")


# --- how they end


@transaction.atomic
def close(loop: Loop) -> bool:
    """They were told. Whether it was open."""
    return bool(_end([loop.pk], Loop.State.CLOSED))


@transaction.atomic
def die(loops: Iterable[Loop], *, step: str, why: str) -> int:
    """They break off at this step. How many did."""
    return _end([loop.pk for loop in loops], Loop.State.DIED, step=step, why=why)


def _end(pks: Collection[int], state: str, *, step: str = "", why: str = "") -> int:
    now = timezone.now()
    held = Loop.objects.open().filter(pk__in=pks).select_for_update(of=("self",)).order_by("pk")
    ended = list(held.values_list("pk", flat=True))
    Loop.objects.filter(pk__in=ended).update(state=state, ended_at=now, died_at_step=step, why=why[:300])
    undone = FollowUp.objects.filter(call__loop__in=ended, done_at=None, cancelled_at=None)
    reason = why or _("Nothing was asked of anybody, so there is nothing to tell.")
    undone.update(cancelled_at=now, reason=reason[:300])
    live.tell([News(f"loop:{pk}", "loop", {"loop": pk}) for pk in ended])
    return len(ended)


def settle(now: datetime | None = None) -> int:
    """By the clock: end those in which nobody has anything left to do. How many. Each batch is one transaction."""
    now, ended, after = now or timezone.now(), 0, 0
    while found := list(_idle(now).filter(pk__gt=after).order_by("pk").values_list("pk", flat=True)[:BATCH]):
        ended += _settle(found, now)
        after = found[-1]
    return ended


def _idle(now: datetime) -> LoopQuerySet:
    """Open ones without a call to make or an answer to wait for, whose last call is over for longer than the grace."""
    calls = Call.objects.filter(loop=OuterRef("pk"))
    busy = Exists(calls.live()) | Exists(calls.filter(ended_at__gt=now - GRACE))
    waits = Exists(GroupRequest.objects.waiting().filter(loop=OuterRef("pk")))
    return Loop.objects.open().filter(~busy, ~waits)


@transaction.atomic
def _settle(pks: Sequence[int], now: datetime) -> int:
    """A fixed number of queries, and as many more as there are ways in which these ended."""
    calls: dict[int, list[Call]] = defaultdict(list)
    for call in Call.objects.filter(loop__in=pks).order_by("made_at", "pk"):
        calls[call.loop_id].append(call)
    asked = set(GroupRequest.objects.filter(loop__in=pks, answer__isnull=False).values_list("loop", flat=True))
    ways: dict[tuple[str, str, str], list[int]] = defaultdict(list)
    for pk in pks:
        ways[_way(calls[pk], pk in asked)].append(pk)
    return sum(_end(some, state, step=step, why=why) for (state, step, why), some in ways.items())


def _way(calls: Sequence[Call], was_answered: bool) -> tuple[str, str, str]:
    """How a loop with these calls, all over, ends: state, step and why."""
    last = calls[-1] if calls else None
    if last is None:
        return Loop.State.DIED, Step.CALLED, _("Its call is gone.")
    told = last.kind == Call.Kind.SECOND
    if last.state == State.CANCELLED:
        return Loop.State.DIED, Step.TOLD if told else Step.CALLED, last.reason
    if told:
        return Loop.State.CLOSED, "", ""
    if was_answered:
        return Loop.State.DIED, Step.TOLD, _("The group answered, and they may not be called any more.")
    if last.state == State.WRITTEN:
        return Loop.State.DIED, Step.CALLED, _("Nobody reached them: they were written to.")
    return Loop.State.CLOSED, "", ""


# --- the story of one


@dataclass(frozen=True)
class Dated:
    """One thing that happened in a loop: at which step, when, what in words, and the row to lead to."""

    step: Step
    at: datetime
    what: str
    row: object


def story(loop: Loop) -> list[Dated]:
    """All of it, in order of time. Four queries."""
    return sorted(_dated(loop), key=lambda each: each.at)


def _dated(loop: Loop) -> Iterator[Dated]:
    owed = FollowUp.objects.filter(call__loop=loop, step=FollowUp.Step.THANK).select_related("response__invitation")
    for follow_up in owed:
        answered = follow_up.response
        score = _("Answered {score}").format(score="–" if answered.score is None else answered.score)
        yield Dated(Step.ANSWERED, answered.finished_at or answered.started_at, score, answered)
    calls = loop.calls.prefetch_related("attempts__by")
    for call in calls:
        step = Step.TOLD if call.kind == Call.Kind.SECOND else Step.CALLED
        for attempt in call.attempts.all():
            said = _("{who}: {outcome}").format(who=attempt.by, outcome=attempt.get_outcome_display())
            yield Dated(step, attempt.at, said, call)
        if call.state == State.WRITTEN and call.ended_at:
            yield Dated(step, call.ended_at, _("Written to instead"), call)
    for request in loop.requests.select_related("group", "hashtag", "answer__group"):
        asked = _("{tag} asked {group}").format(tag=request.hashtag, group=request.group)
        yield Dated(Step.ASKED, request.asked_at, asked, request)
        if request.answer:
            given = _("{group}: {kind}").format(group=request.group, kind=request.answer.get_kind_display())
            yield Dated(Step.GIVEN, request.answer.at, given, request)


# --- many


@dataclass(frozen=True)
class Stage:
    """How many loops came to a step, and the median days it took from the step before; None where none came."""

    step: Step
    came: int
    days: float | None
    died: int


@dataclass(frozen=True)
class Board:
    """Loops that were opened in a period. `closed_share` is of those that have ended, from 0 to 100; None of none."""

    opened: int
    open: int
    closed: int
    died: int
    stages: list[Stage]
    reasons: list[tuple[str, int]]

    @property
    def closed_share(self) -> float | None:
        ended = self.closed + self.died
        return round(100 * self.closed / ended, 1) if ended else None


TIMES = """
WITH loop AS (SELECT id, state, died_at_step FROM surveys_loop WHERE opened_at >= %(since)s AND opened_at < %(until)s),
called AS (
    SELECT call.loop_id, call.kind, min(attempt.at) AS at FROM surveys_call AS call JOIN loop ON loop.id = call.loop_id
    JOIN surveys_attempt AS attempt ON attempt.call_id = call.id AND attempt.outcome = 'reached' GROUP BY 1, 2
),
written AS (
    SELECT call.loop_id, min(call.ended_at) AS at FROM surveys_call AS call JOIN loop ON loop.id = call.loop_id
    WHERE call.kind = 'second' AND call.state = 'written' GROUP BY 1
),
requests AS (
    SELECT request.loop_id, min(request.asked_at) AS asked, min(answer.at) AS given
    FROM surveys_grouprequest AS request JOIN loop ON loop.id = request.loop_id
    LEFT JOIN surveys_groupanswer AS answer ON answer.id = request.answer_id GROUP BY 1
),
answered AS (
    SELECT call.loop_id, min(response.finished_at) AS at FROM surveys_followup AS owed
    JOIN surveys_call AS call ON call.id = owed.call_id JOIN loop ON loop.id = call.loop_id
    JOIN surveys_response AS response ON response.id = owed.response_id GROUP BY 1
),
times AS (
    SELECT loop.state, loop.died_at_step, answered.at AS answered, first.at AS called, requests.asked, requests.given,
           coalesce(second.at, written.at) AS told
    FROM loop LEFT JOIN answered ON answered.loop_id = loop.id
    LEFT JOIN called AS first ON first.loop_id = loop.id AND first.kind = 'first'
    LEFT JOIN called AS second ON second.loop_id = loop.id AND second.kind = 'second'
    LEFT JOIN written ON written.loop_id = loop.id LEFT JOIN requests ON requests.loop_id = loop.id
)
SELECT count(*), count(*) FILTER (WHERE state = 'open'), count(*) FILTER (WHERE state = 'closed'),
       count(*) FILTER (WHERE state = 'died'),
       {stages}
FROM times
"""
BEFORE = {Step.CALLED: Step.ANSWERED, Step.ASKED: Step.CALLED, Step.GIVEN: Step.ASKED, Step.TOLD: Step.GIVEN}


def board(*, since: datetime, until: datetime) -> Board:
    """Two queries, whatever the number of loops."""
    with connection.cursor() as cursor:
        cursor.execute(TIMES.format(stages=", ".join(map(_columns, Step))), {"since": since, "until": until})
        row = cursor.fetchone()
    opened, still_open, closed, died, *cells = row
    stages = [_stage(step, cells[3 * n : 3 * n + 3]) for n, step in enumerate(Step)]
    return Board(opened, still_open, closed, died, stages, _reasons(since, until))


def _columns(step: Step) -> str:
    """Of one step: how many came to it, the median seconds since the one before, and how many broke off at it."""
    key, before = step.value, BEFORE.get(step)
    took = f"extract(epoch FROM {key} - {before.value})" if before else "NULL::float8"
    median = f"percentile_cont(0.5) WITHIN GROUP (ORDER BY {took})"
    return f"count({key}), {median}, count(*) FILTER (WHERE died_at_step = '{key}')"


def _stage(step: Step, cells: Sequence[float | None]) -> Stage:
    came, seconds, died = cells
    return Stage(step, int(came or 0), None if seconds is None else round(seconds / 86400, 1), int(died or 0))


def _reasons(since: datetime, until: datetime) -> list[tuple[str, int]]:
    """Why they broke off, the commonest first."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT why, count(*) FROM surveys_loop WHERE state = 'died' AND opened_at >= %s AND opened_at < %s"
            " GROUP BY why ORDER BY 2 DESC, 1 LIMIT 10",
            [since, until],
        )
        return cursor.fetchall()
