"""How often a cause comes up before and after what is done about it: whether it helped, where that can be said.

A mention is a case whose cause it is, in the week in which it was opened, or a comment in a survey about it, in the
week in which it was given. Causes under it count, themes that a person took away do not. Of each week there are the
mentions, and all cases and comments that have any cause: what is compared is the share. A case has no cause before it
is resolved, so the last weeks have fewer of both.

Weeks are whole and counted from the day on which it changed, midnight on the clock of the house: eight before and at
most eight after, each 168 hours. The week that runs is not there. The interval of the difference between the two shares
is Newcombe's (1998, method 10), of Wilson's intervals, 95 %.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from math import sqrt

from django.db import connection
from django.utils import timezone
from django.utils.translation import gettext as _

from crm.shares import wilson
from surveys.models import ActionPlan

WEEKS = 8  # looked at on either side
LEAST_WEEKS, LEAST = 2, 10  # whole weeks after, and mentions on both sides together: below these nothing is said
WEEK = timedelta(days=7)
COUNTED = """
WITH plan (id, cause, start, first, last) AS (SELECT * FROM unnest(%s::bigint[], %s::bigint[], %s::timestamptz[],
    %s::timestamptz[], %s::timestamptz[])),
said (at, cause) AS (
    SELECT opened_at, cause_id FROM cases_case
    WHERE cause_id IS NOT NULL
        AND opened_at >= (SELECT min(first) FROM plan) AND opened_at < (SELECT max(last) FROM plan)
    UNION ALL
    SELECT answer.answered_at, theme.cause_id FROM surveys_theme AS theme
    JOIN surveys_answer AS answer ON answer.id = theme.answer_id
    WHERE theme.cause_id IS NOT NULL AND theme.dropped_at IS NULL
        AND answer.answered_at >= (SELECT min(first) FROM plan) AND answer.answered_at < (SELECT max(last) FROM plan)
)
SELECT plan.id, floor(extract(epoch FROM said.at - plan.start) / 604800)::int AS week,
    count(*) FILTER (WHERE plan.cause IN (cause.id, cause.parent_id)), count(*)
FROM plan JOIN said ON said.at >= plan.first AND said.at < plan.last JOIN cases_cause AS cause ON cause.id = said.cause
GROUP BY 1, 2
"""


@dataclass(frozen=True)
class Week:
    """From `since` on for seven days: `n` mentions among `of` cases and comments that have a cause."""

    since: date
    n: int
    of: int
    after: bool

    @property
    def share(self) -> float | None:
        return percent(self.n, self.of)


def percent(n: int, of: int) -> float | None:
    """With one decimal; None of nothing."""
    return round(100 * n / of, 1) if of else None


@dataclass(frozen=True)
class Mentions:
    """The weeks before and after, the oldest first. `changed_on` None: it has not come yet, all are before."""

    weeks: list[Week]
    changed_on: date | None

    @property
    def before(self) -> Week:
        return self._sum(after=False)

    @property
    def after(self) -> Week:
        return self._sum(after=True)

    def _sum(self, *, after: bool) -> Week:
        weeks = [week for week in self.weeks if week.after is after]
        since = weeks[0].since if weeks else self.changed_on or timezone.localdate()
        return Week(since, sum(week.n for week in weeks), sum(week.of for week in weeks), after)

    @property
    def weeks_after(self) -> int:
        return sum(week.after for week in self.weeks)

    @property
    def known(self) -> bool:
        """Whether there is enough to say anything."""
        enough = self.weeks_after >= LEAST_WEEKS and self.before.n + self.after.n >= LEAST
        return enough and bool(self.before.of and self.after.of)

    @property
    def difference(self) -> tuple[float, float] | None:
        """The 95 % interval of how much the share has changed, in points; None where nothing can be said."""
        return _newcombe(self.before, self.after) if self.known else None

    @property
    def fell(self) -> bool:
        """Mentioned less since, beyond chance."""
        return self.difference is not None and self.difference[1] < 0

    @property
    def rose(self) -> bool:
        return self.difference is not None and self.difference[0] > 0

    @property
    def sentence(self) -> str:
        """What can be said, and what cannot."""
        if self.changed_on is None:
            return _("It has not come yet: these are the {n} mentions of the last {weeks} weeks.").format(
                n=self.before.n, weeks=WEEKS
            )
        if self.weeks_after < LEAST_WEEKS:
            return _("It is too early to say: {least} whole weeks have to pass first.").format(least=LEAST_WEEKS)
        if not self.known:
            said = _("There are too few mentions to say: {before} in the weeks before and {after} after.")
            return said.format(before=self.before.n, after=self.after.n)
        return self._compared()

    def _compared(self) -> str:
        said = _("There is no difference beyond chance: {before} % before, {after} % after.")
        if self.fell:
            said = _("It is mentioned less: {before} % before, {after} % after.")
        elif self.rose:
            said = _("It is mentioned more: {before} % before, {after} % after.")
        low, high = self.difference or (0.0, 0.0)
        reach = _("The difference lies between {low} and {high} points.").format(low=_signed(low), high=_signed(high))
        return f"{said.format(before=self.before.share, after=self.after.share)} {reach}"


def _signed(points: float) -> str:
    return f"{points:+.1f}".replace("-", "−")


def _newcombe(before: Week, after: Week) -> tuple[float, float]:
    """After less before, in points."""
    was, became = before.n / before.of, after.n / after.of
    (low1, high1), (low2, high2) = wilson(before.n, before.of), wilson(after.n, after.of)
    change = became - was
    low = change - sqrt((became - low2) ** 2 + (high1 - was) ** 2)
    high = change + sqrt((high2 - became) ** 2 + (was - low1) ** 2)
    return round(100 * low, 1), round(100 * high, 1)


def of(plan: ActionPlan) -> Mentions | None:
    """None where nobody has said which cause it is about."""
    return of_plans([plan]).get(plan.pk)


def of_plans(plans: Iterable[ActionPlan], today: date | None = None) -> dict[int, Mentions]:
    """Of each that has a cause. One query, however many."""
    today = today or timezone.localdate()
    about = [plan for plan in plans if plan.cause_id]
    if not about:
        return {}
    starts = {plan.pk: plan.shipped_on or today for plan in about}
    weeks = {pk: min(WEEKS, max(0, (today - start) // WEEK)) for pk, start in starts.items()}
    counts = _counts(about, starts, weeks)
    return {plan.pk: _mentions(plan, starts[plan.pk], weeks[plan.pk], counts.get(plan.pk, {})) for plan in about}


def _counts(
    about: list[ActionPlan], starts: Mapping[int, date], weeks: Mapping[int, int]
) -> dict[int, dict[int, tuple[int, int]]]:  # fmt: skip
    """Plan → week, 0 the first after → (mentions, all that have a cause)."""
    midnights = [_midnight(starts[plan.pk]) for plan in about]
    lasts = [at + weeks[plan.pk] * WEEK for plan, at in zip(about, midnights, strict=True)]
    firsts = [at - WEEKS * WEEK for at in midnights]
    pks, causes = [plan.pk for plan in about], [plan.cause_id for plan in about]
    found: dict[int, dict[int, tuple[int, int]]] = {}
    with connection.cursor() as cursor:
        cursor.execute(COUNTED, [pks, causes, midnights, firsts, lasts])
        for pk, week, n, of_all in cursor.fetchall():
            found.setdefault(pk, {})[week] = (n, of_all)
    return found


def _midnight(day: date) -> datetime:
    return timezone.make_aware(datetime.combine(day, time.min), timezone.get_default_timezone())


def _mentions(plan: ActionPlan, start: date, after: int, counts: Mapping[int, tuple[int, int]]) -> Mentions:
    weeks = [Week(start + n * WEEK, *counts.get(n, (0, 0)), n >= 0) for n in range(-WEEKS, after)]
    return Mentions(weeks, plan.shipped_on)


# --- drawn


@dataclass(frozen=True)
class Bar:
    """One week as it is drawn, in the units of the picture."""

    week: Week
    x: int
    height: float

    @property
    def top(self) -> float:
        return round(HEIGHT + 2 - self.height, 1)


HEIGHT, STEP = 80, 24  # of the whole picture, and the width of a week


def bars(found: Mentions) -> list[Bar]:
    """The share of each week; the highest fills the picture."""
    most = max((week.share or 0.0 for week in found.weeks), default=0.0) or 1.0
    return [
        Bar(week, n * STEP, round((week.share or 0.0) / most * HEIGHT, 1)) for n, week in enumerate(found.weeks)
    ]  # fmt: skip
