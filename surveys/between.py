"""What each person lived through between two waves: the one place that says who stood where, and what counts.

A person stands in each wave in one place: promoter, passive or detractor by the answer that counts; without an answer;
or not asked. Between the waves means, for each person on their own, from the moment of their first answer (else the
opening of the first wave) to that of their second (else the end of the second wave).

A **bad experience** is a case, or a conversation without a case, in which the customer wrote something negative in that
time: ten angry messages of one case are one experience. Hand-overs count when they were accepted, promises when they
were broken.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from django.db import connection, models
from django.db.models import Q
from django.db.models.functions import Coalesce
from django.utils.translation import gettext_lazy as _

from surveys.models import Group, Invitation, Response, Wave
from surveys.models.answers import ResponseQuerySet
from surveys.segments import Cut

SEVERAL = 2  # bad experiences from which on they are why somebody moved; fewer: the delight has gone


class Place(models.TextChoices):
    """Where somebody stands in a wave."""

    PROMOTER = Group.PROMOTER.value, Group.PROMOTER.label
    PASSIVE = Group.PASSIVE.value, Group.PASSIVE.label
    DETRACTOR = Group.DETRACTOR.value, Group.DETRACTOR.label
    SILENT = "silent", _("No answer")
    UNASKED = "unasked", _("Not asked")


class Why(models.TextChoices):
    FEW = "few", _("Fewer than two bad experiences")
    SEVERAL = "several", _("Several bad experiences")


GROUPS = (Place.PROMOTER, Place.PASSIVE, Place.DETRACTOR)

PERSON = ("customer", "was", "became", "since", "until", "scored", "scores")
# Who stood where: a place of the answer that counts, else whether they were asked at all.
PERSONS = f"""
person ({", ".join(PERSON)}) AS MATERIALIZED (
    SELECT customer,
        coalesce(max(place) FILTER (WHERE wave = %s), max('silent') FILTER (WHERE wave = %s), 'unasked'),
        coalesce(max(place) FILTER (WHERE wave = %s), max('silent') FILTER (WHERE wave = %s), 'unasked'),
        coalesce(max(at) FILTER (WHERE wave = %s), %s), coalesce(max(at) FILTER (WHERE wave = %s), %s),
        max(score) FILTER (WHERE wave = %s), max(score) FILTER (WHERE wave = %s)
    FROM invited LEFT JOIN counted USING (invitation) GROUP BY customer HAVING count(score) > 0
)"""  # noqa: S608 - of constants alone
# What each person of `person` lived through: `hurt` has a row per bad experience, `lived` one per person.
BETWEEN = "{0} > person.since AND {0} <= person.until"
LIVED = f"""
hurt AS (
    SELECT DISTINCT person.customer, entry.case_id, CASE WHEN entry.case_id IS NULL THEN said.thread_id END AS thread_id
    FROM person
    JOIN crm_identitylink AS link ON link.customer_id = person.customer AND link.state = 'confirmed'
    JOIN channels_app_message AS said ON said.identity_id = link.identity_id AND said.direction = 'in'
        AND said.sentiment = 'negative' AND {BETWEEN.format("said.occurred_at")}
    LEFT JOIN cases_casemessage AS entry ON entry.message_id = said.id
), bad AS (
    SELECT customer, count(*) AS n FROM hurt GROUP BY customer
), handed AS (
    SELECT person.customer, count(*) AS n FROM person JOIN cases_case AS held ON held.customer_id = person.customer
    JOIN cases_handover AS given ON given.case_id = held.id AND given.state = 'accepted'
        AND {BETWEEN.format("given.decided_at")}
    GROUP BY person.customer
), broken AS (
    SELECT person.customer, count(*) AS n FROM person JOIN cases_case AS held ON held.customer_id = person.customer
    JOIN cases_clock AS clock ON clock.case_id = held.id AND {BETWEEN.format("clock.broken_at")}
    GROUP BY person.customer
), lived AS (
    SELECT person.*, coalesce(bad.n, 0) AS bad, coalesce(handed.n, 0) AS handed, coalesce(broken.n, 0) AS broken
    FROM person LEFT JOIN bad USING (customer) LEFT JOIN handed USING (customer) LEFT JOIN broken USING (customer)
)
"""  # noqa: S608 - of constants alone


@dataclass(frozen=True)
class Asked:
    """What is compared: two waves, the earlier one first; and of whom, by what stands on their record (`cut`)."""

    first: Wave
    last: Wave
    cut: Cut = field(default_factory=Cut)

    @property
    def counted(self) -> ResponseQuerySet:
        """The answers that place somebody."""
        return self.cut.people(Response.objects.scored().filter(invitation__wave__in=(self.first, self.last)))


def rows(asked: Asked, select: str, which: Q | None = None) -> list[tuple[Any, ...]]:
    """What `select` says of `person`, `hurt` and `lived`. One query."""
    sql, params = query(asked, select, which)
    with connection.cursor() as cursor:
        cursor.execute(sql, params)
        return cursor.fetchall()


def query(asked: Asked, select: str, which: Q | None = None) -> tuple[str, list[Any]]:
    """`person` has a row for each person who answered one of the two at least (and is `which`), with PERSON.

    Who was asked and whose answers count is said by the ORM, once each, and joined: within the counts of a place it
    would be asked again for each of them.
    """
    waves = (asked.first, asked.last)
    invited = Invitation.objects.left().filter(which or Q(), wave__in=waves).order_by()
    invited_sql, invited_params = invited.values_list("pk", "customer", "wave").query.sql_with_params()
    said_at = Coalesce("finished_at", "started_at")
    counted = asked.counted.order_by().values_list("invitation", "group", "score", said_at)
    counted_sql, counted_params = counted.query.sql_with_params()
    sql = f"""WITH invited (invitation, customer, wave) AS MATERIALIZED ({invited_sql}),
        counted (invitation, place, score, at) AS MATERIALIZED ({counted_sql}), {PERSONS}, {LIVED} {select}"""
    opened, over = asked.first.opens_at, asked.last.closed_at or asked.last.closes_at
    first, last = asked.first.pk, asked.last.pk
    return sql, [*invited_params, *counted_params, first, first, last, last, first, opened, last, over, first, last]
