"""Many loops: how many come to each step, how long that takes, how many are closed, and where and why they break off.

One definition of when a loop came to a step serves the board, the list and its export.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import connection
from django.utils.translation import gettext as _

from crm.drawing import Table
from surveys.outreach.loops.steps import Step

# When each of `loop` came to each step. `tells`: the second calls of a loop, and those it shares with another.
TIMES = """
WITH loop AS (SELECT id, state, died_at_step FROM surveys_loop WHERE {which}),
owed AS (
    SELECT call.loop_id, followup.response_id FROM surveys_followup AS followup
    JOIN surveys_call AS call ON call.id = followup.call_id JOIN loop ON loop.id = call.loop_id GROUP BY 1, 2
),
answered AS (
    SELECT owed.loop_id, min(response.finished_at) AS at FROM owed
    JOIN surveys_response AS response ON response.id = owed.response_id GROUP BY 1
),
called AS (
    SELECT call.loop_id, min(attempt.at) AS at FROM surveys_call AS call JOIN loop ON loop.id = call.loop_id
    JOIN surveys_attempt AS attempt ON attempt.call_id = call.id AND attempt.outcome = 'reached'
    WHERE call.kind = 'first' GROUP BY 1
),
requests AS (
    SELECT request.loop_id, min(request.asked_at) AS asked, min(answer.at) AS given
    FROM surveys_grouprequest AS request JOIN loop ON loop.id = request.loop_id
    LEFT JOIN surveys_groupanswer AS answer ON answer.id = request.answer_id GROUP BY 1
),
tells AS (
    SELECT loop.id AS loop_id, call.id AS call_id FROM loop
    JOIN surveys_call AS call ON call.loop_id = loop.id AND call.kind = 'second'
    UNION
    SELECT owed.loop_id, call.id FROM owed
    JOIN surveys_followup AS share ON share.response_id = owed.response_id AND share.step = 'share'
    JOIN surveys_call AS call ON call.id = share.call_id AND call.kind = 'second'
),
told AS (
    SELECT tells.loop_id, min(coalesce(attempt.at, call.ended_at)) AS at FROM tells
    JOIN surveys_call AS call ON call.id = tells.call_id
    LEFT JOIN surveys_attempt AS attempt ON attempt.call_id = call.id AND attempt.outcome = 'reached'
    WHERE attempt.id IS NOT NULL OR call.state = 'written' GROUP BY 1
),
times AS (
    SELECT loop.id, loop.state, loop.died_at_step, answered.at AS answered, called.at AS called, requests.asked,
           requests.given, told.at AS told
    FROM loop LEFT JOIN answered ON answered.loop_id = loop.id LEFT JOIN called ON called.loop_id = loop.id
    LEFT JOIN requests ON requests.loop_id = loop.id LEFT JOIN told ON told.loop_id = loop.id
)
"""
COUNTS = """
SELECT count(*), count(*) FILTER (WHERE state = 'open'), count(*) FILTER (WHERE state = 'closed'),
       count(*) FILTER (WHERE state = 'died'), {stages}
FROM times
"""
OPENED = "opened_at >= %(since)s AND opened_at < %(until)s"
REASONS = """
SELECT died_at_step, why, count(*) FROM surveys_loop
WHERE state = 'died' AND opened_at >= %(since)s AND opened_at < %(until)s
GROUP BY 1, 2 ORDER BY 3 DESC, 2, 1 LIMIT 10
"""
EACH = "SELECT id, answered, called, asked, given, told FROM times"
BEFORE = {Step.CALLED: Step.ANSWERED, Step.ASKED: Step.CALLED, Step.GIVEN: Step.ASKED, Step.TOLD: Step.GIVEN}


@dataclass(frozen=True)
class Stage:
    """How many loops came to a step, and the median days it took from the step before; None where none came.

    `died` broke off before they came to it.
    """

    step: Step
    came: int
    days: float | None
    died: int


@dataclass(frozen=True)
class Reason:
    step: str
    why: str
    loops: int

    @property
    def label(self) -> str:
        return str(Step(self.step).label) if self.step in Step.values else self.step


@dataclass(frozen=True)
class Board:
    """Loops that were opened in a period. `closed_share` is of those that have ended, from 0 to 100; None of none."""

    opened: int
    open: int
    closed: int
    died: int
    stages: list[Stage]
    reasons: list[Reason]

    @property
    def closed_share(self) -> float | None:
        ended = self.closed + self.died
        return round(100 * self.closed / ended, 1) if ended else None

    def table(self, key: str) -> Table:
        """One of TABLES. KeyError for any other."""
        return {"steps": self._of_steps, "reasons": self._of_reasons}[key]()

    def _of_steps(self) -> Table:
        rows: list[list[object]] = [
            [str(stage.step.label), stage.came, stage.days, stage.died] for stage in self.stages
        ]
        columns = [_("step"), _("came to it"), _("days since the step before, median"), _("broke off before it")]
        return Table(_("How far they come"), columns, rows)

    def _of_reasons(self) -> Table:
        rows: list[list[object]] = [[reason.why, reason.label, reason.loops] for reason in self.reasons]
        return Table(_("Why they break off"), [_("reason"), _("before"), _("loops")], rows)


TABLES = ("steps", "reasons")


def board(*, since: datetime, until: datetime) -> Board:
    """Two queries, whatever the number of loops."""
    period = {"since": since, "until": until}
    stages = ", ".join(map(_columns, Step))
    with connection.cursor() as cursor:
        cursor.execute(TIMES.format(which=OPENED) + COUNTS.format(stages=stages), period)
        opened, still_open, closed, died, *cells = cursor.fetchone()
        cursor.execute(REASONS, period)
        reasons = [Reason(*row) for row in cursor.fetchall()]
    return Board(
        opened, still_open, closed, died, [_stage(step, cells[3 * n : 3 * n + 3]) for n, step in enumerate(Step)],
        reasons,
    )  # fmt: skip


def _columns(step: Step) -> str:
    """Of one step: how many came to it, the median seconds since the one before, and how many broke off at it."""
    key, before = step.value, BEFORE.get(step)
    took = f"extract(epoch FROM {key} - {before.value})" if before else "NULL::float8"
    median = f"percentile_cont(0.5) WITHIN GROUP (ORDER BY {took})"
    return f"count({key}), {median}, count(*) FILTER (WHERE died_at_step = '{key}')"


def _stage(step: Step, cells: Sequence[float | None]) -> Stage:
    came, seconds, died = cells
    return Stage(step, int(came or 0), None if seconds is None else round(seconds / 86400, 1), int(died or 0))


def times_of(loops: Iterable[int]) -> dict[int, dict[Step, datetime | None]]:
    """When each of these came to each step, None where it did not. One query."""
    with connection.cursor() as cursor:
        cursor.execute(TIMES.format(which="id = ANY(%(pks)s)") + EACH, {"pks": list(loops)})
        return {pk: dict(zip(Step, times, strict=True)) for pk, *times in cursor.fetchall()}
