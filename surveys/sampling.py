"""Who is asked in a wave: drawn by PostgreSQL, in a fixed number of statements, whatever the size of the audience.

Of those who may be asked (`surveys.reaching`), whoever would otherwise go a year unasked until the next wave has come
to them must be asked: their weight is 1. Of the others a share is drawn in each stratum (country, tier, account), in
the order of md5(seed:customer): the same seed draws the same people. Their weight is one over their chance, so that
the weights of a stratum add up to the people in it who may be asked.

That nobody goes a year unasked rests on two things that `waves.start` refuses to do without: a rest that, with the
time to the next wave, is shorter than a year (so that who rests need not be asked yet), and a pace at which all are
asked before the wave closes. See docs/waves.md for the proof.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from django.core.exceptions import EmptyResultSet
from django.db import connection
from django.db.models import Exists, OuterRef, Q
from django.utils.translation import gettext as _

from crm.models import Tier
from surveys import reaching
from surveys.models import Invitation, SurveySettings, Wave
from surveys.reaching import People, Reason, day_of

CHUNK = 5_000  # customers looked at in one statement of a plan
COLUMNS = ("id", "reason", "stratum", "due_on", "draw")


@dataclass(frozen=True)
class Stratum:
    """People of a wave who are alike: how many may be asked, must be, and are drawn of the others."""

    name: str
    there: int
    due: int
    drawn: int

    @property
    def asked(self) -> int:
        return self.due + self.drawn

    @property
    def label(self) -> str:
        """As people read it: "GB · Key · in an account"."""
        country, tier, account = [*self.name.split("|"), "", ""][:3]
        parts = [country or _("no country"), str(dict(Tier.choices).get(tier, tier))]
        return " · ".join([*parts, _("in an account")] if account else parts)

    @property
    def weight(self) -> float:
        """Of each who was drawn: one over their chance. 1 where nobody was."""
        return (self.there - self.due) / self.drawn if self.drawn else 1.0


@dataclass(frozen=True)
class Draw:
    """What comes of a wave. `strata` as `Wave.strata` keeps them, `left_out` by reason; `before`: who is due earlier,
    must be asked.
    """

    strata: dict[str, dict[str, Any]]
    left_out: dict[str, int]
    before: date

    @property
    def there(self) -> int:
        return sum(each["there"] for each in self.strata.values())

    @property
    def due(self) -> int:
        return sum(each["due"] for each in self.strata.values())

    @property
    def asked(self) -> int:
        return self.due + sum(each["drawn"] for each in self.strata.values())

    @property
    def audience(self) -> int:
        return self.there + sum(n for reason, n in self.left_out.items() if reason != Reason.NOT_DRAWN)


def people(wave: Wave) -> People:
    """The audience of a wave, each with why not, by when, stratum and lot. One query for the settings."""
    return reaching.people(wave.audience, opens_at=wave.opens_at, rest_days=wave.rest_days, seed=wave.seed)


def eligible(wave: Wave) -> People:
    """Those of the audience who may be asked."""
    return people(wave).filter(reason="")


def strata(wave: Wave) -> list[Stratum]:
    """As they were when the wave was drawn, the largest first."""
    return listed(wave.strata)


def listed(kept: Mapping[str, Mapping[str, Any]]) -> list[Stratum]:
    found = [Stratum(name, each["there"], each["due"], each["drawn"]) for name, each in kept.items()]
    return sorted(found, key=lambda stratum: (-stratum.there, stratum.name))


# --- days


def sending_days(wave: Wave, count: int) -> int:
    """How many days after the first the last of so many is asked."""
    return (day_of(last_at(wave, count)) - day_of(wave.opens_at)).days


def last_at(wave: Wave, count: int) -> datetime:
    """When the last of so many is due."""
    hours = max(0, count - 1) / wave.per_hour if wave.per_hour else 0
    return wave.opens_at + timedelta(hours=hours)


def until_next(wave: Wave) -> date:
    """The day on which the next wave asks its last, if it goes like this one: who is due before must be asked now.

    At a pace, as if all of the audience were asked, and a day more, since it may open at a later hour. One query then.
    """
    if not wave.per_hour:
        return wave.next_on
    return wave.next_on + timedelta(days=1 + sending_days(wave, reaching.audience(wave.audience).count()))


# --- drawing

COUNT = """
WITH people AS MATERIALIZED ({people}),
placed AS (
    SELECT stratum, draw, due_on < %(before)s AS due,
           row_number() OVER lot AS place, count(*) OVER (PARTITION BY stratum, due_on < %(before)s) AS among
    FROM people WHERE reason = '' WINDOW lot AS (PARTITION BY stratum, due_on < %(before)s ORDER BY draw)
)
SELECT '' AS reason, stratum, count(*), count(*) FILTER (WHERE due),
       count(*) FILTER (WHERE NOT due AND place <= (among * %(share)s + 99) / 100),
       max(draw) FILTER (WHERE NOT due AND place <= (among * %(share)s + 99) / 100)
FROM placed GROUP BY stratum
UNION ALL SELECT reason, '', count(*), 0, 0, NULL FROM people WHERE reason <> '' GROUP BY reason
"""


def draw(wave: Wave) -> Draw:
    """Draw, and write nothing. One statement, two where invitations go at a pace."""
    before = until_next(wave)
    kept, left_out = {}, dict.fromkeys(Reason.values, 0)
    for reason, stratum, there, due, drawn, upto in _asked(COUNT, people(wave), before=before, share=wave.share):
        if reason:
            left_out[reason] = there
            continue
        kept[stratum] = {"there": there, "due": due, "drawn": drawn, "upto": upto or "", "before": before.isoformat()}
        left_out[Reason.NOT_DRAWN] += there - due - drawn
    return Draw(dict(sorted(kept.items())), {reason: n for reason, n in left_out.items() if n}, before)


def _asked(statement: str, customers: People, **facts: Any) -> list[tuple[Any, ...]]:
    """The rows of a statement around `{people}`."""
    try:
        inner, given = _as_sql(customers, *COLUMNS)
    except EmptyResultSet:
        return []
    with connection.cursor() as cursor:
        cursor.execute(statement.format(people=inner), {**given, **facts})
        return cursor.fetchall()


def _as_sql(customers: People, *columns: str) -> tuple[str, dict[str, Any]]:
    """A queryset as a statement with named parameters, to stand within another."""
    inner, given = customers.order_by("pk").values(*columns).query.sql_with_params()
    names = [f"inner{number}" for number in range(len(given))]
    inner = inner.replace("%%", "%%%%") % tuple(f"%({name})s" for name in names)
    return inner, dict(zip(names, given, strict=True))


# --- planning

PLAN = """
WITH people AS MATERIALIZED ({people}),
fresh AS (
    INSERT INTO surveys_invitation
        (number, customer_id, version_id, wave_id, by, identity_id, state, reason, stratum, weight, due_at, expires_at,
         reminded, came_back)
    SELECT gen_random_uuid(), id, %(version)s, %(wave)s, CASE WHEN mail IS NULL THEN 'private' ELSE 'email' END,
           coalesce(mail, aside), 'planned', '', stratum, CASE WHEN must THEN 1 ELSE weight END,
           coalesce(%(at)s::timestamptz, least(due_on::timestamp AT TIME ZONE %(zone)s, %(closes_at)s)),
           %(closes_at)s, 0, 0
    FROM (SELECT people.*, lot.upto, lot.weight, people.due_on < %(before)s AS must
          FROM people LEFT JOIN jsonb_to_recordset(%(lots)s::jsonb) AS lot(stratum text, upto text, weight float8)
               ON lot.stratum = people.stratum
          WHERE reason = '') AS able
    WHERE must OR draw <= upto COLLATE "C"
    ORDER BY id
    ON CONFLICT DO NOTHING RETURNING stratum
)
SELECT (SELECT max(id) FROM people), (SELECT count(*) FROM people),
       (SELECT jsonb_object_agg(stratum, n) FROM (SELECT stratum, count(*) AS n FROM fresh GROUP BY stratum) AS counts)
"""


@dataclass(frozen=True)
class Planned:
    """One step of a plan: the last customer looked at, how many that were, and how many were invited, by stratum."""

    to: int
    looked_at: int
    fresh: dict[str, int]


def plan(wave: Wave, *, after: int, size: int) -> Planned:
    """Invite whom the draw says among the next customers. One statement; who is invited already stays as they are.

    Until `pace` has set when each is asked, `due_at` holds by when they have to be.
    """
    some = people(wave).filter(pk__gt=after)
    return _plan(wave, some, size=size)


def plan_late(wave: Wave, *, after: int, at: datetime, size: int) -> Planned:
    """Invite at once who must be asked and could not be when the wave was planned: without address, or a survey open.

    Nobody is drawn any more. Each stands for themselves alone.
    """
    invited = Exists(Invitation.objects.filter(wave=wave, customer=OuterRef("pk")))
    late = people(wave).filter(~invited, pk__gt=after, due_on__lt=due_before(wave))
    return _plan(wave, late, size=size, lots={}, at=at)


def _plan(
    wave: Wave, customers: People, *, size: int, lots: Mapping[str, Mapping[str, Any]] | None = None,
    at: datetime | None = None,
) -> Planned:  # fmt: skip
    lots = wave.strata if lots is None else lots
    known = {stratum.name: stratum for stratum in listed(lots)}
    facts: dict[str, Any] = {
        "wave": wave.pk, "version": wave.version_id, "closes_at": wave.closes_at, "zone": reaching.house().key,
        "before": due_before(wave), "at": at,
        "lots": json.dumps(
            [{"stratum": n, "upto": lot["upto"], "weight": known[n].weight} for n, lot in lots.items() if lot["upto"]]
        ),
    }  # fmt: skip
    try:
        inner, given = _as_sql_of_some(customers, size)
    except EmptyResultSet:
        return Planned(0, 0, {})
    with connection.cursor() as cursor:
        cursor.execute(PLAN.format(people=inner), {**given, **facts})
        to, looked_at, fresh = cursor.fetchone()
    return Planned(to or 0, looked_at, json.loads(fresh) if isinstance(fresh, str) else fresh or {})


def _as_sql_of_some(customers: People, size: int) -> tuple[str, dict[str, Any]]:
    inner, given = _as_sql(customers, *COLUMNS, "mail", "aside")
    return f"{inner} LIMIT {size:d}", given


def due_before(wave: Wave) -> date:
    """As it was when the wave was drawn."""
    days = [lot["before"] for lot in wave.strata.values()]
    return date.fromisoformat(days[0]) if days else wave.next_on


# --- when each is asked

PACE = """
UPDATE surveys_invitation AS invitation
SET due_at = line.at, expires_at = least(%(closes_at)s, line.at + %(valid)s)
FROM (SELECT id, %(since)s + (row_number() OVER lot - 1) * %(gap)s AS at
      FROM surveys_invitation WHERE wave_id = %(wave)s AND state = 'planned'
      WINDOW lot AS (ORDER BY due_at, md5(%(seed)s || ':' || customer_id))) AS line
WHERE line.id = invitation.id
"""


def pace(wave: Wave, *, since: datetime) -> int:
    """Line up those who were not asked yet, from `since` on: who has to be asked first stands first. How many.

    One statement. Those with the same day stand in the order of the lot, so that no part of a wave that is closed early
    is unlike the rest.
    """
    facts: dict[str, Any] = {
        "wave": wave.pk, "since": since, "seed": wave.seed, "closes_at": wave.closes_at,
        "gap": timedelta(hours=1) / wave.per_hour if wave.per_hour else timedelta(),
        "valid": timedelta(days=SurveySettings.current().valid_days),
    }  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute(PACE, facts)
        return cursor.rowcount


# --- who is left out


def customers_left_out(wave: Wave, reason: str) -> People:
    """Those of the audience this wave does not ask for this reason, as it stands now, to page through by `pk`."""
    invited = Exists(Invitation.objects.filter(wave=wave, customer=OuterRef("pk")))
    left = people(wave).filter(~invited)
    if reason != Reason.NOT_DRAWN:
        return left.filter(reason=reason)
    return left.filter(_not_drawn(wave), reason="")


def _not_drawn(wave: Wave) -> Q:
    """Who may be asked and is not: of a draft, whom the draw would leave."""
    if wave.state != Wave.State.DRAFT:
        return Q()
    return ~drawn_of(draw(wave))


def drawn_of(found: Draw) -> Q:
    """Of `people`: whom the draw asks."""
    drawn = Q(due_on__lt=found.before)
    for name, lot in found.strata.items():
        if lot["upto"]:
            drawn |= Q(stratum=name, draw__lte=lot["upto"])
    return drawn
