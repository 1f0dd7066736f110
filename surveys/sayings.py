"""Who praised or criticised which topic, counted by the database: the one place that says what counts as said.

Somebody said it when a comment of theirs has a standing theme of that topic and tone, or when a message of theirs is
about the topic (`Message.topics`) and was read as positive or negative, written in the SAID_DAYS before they answered.
A person counts once for a topic and a tone, however often and wherever they said it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from django.db import connection
from django.db.models import Count, F, Sum
from django.db.models.functions import Coalesce

from channels_app.models import Message, Sentiment
from surveys.models import Theme, Tone
from surveys.models.answers import ResponseQuerySet

SAID_DAYS = 182  # of messages: waves come twice a year
TONES = (Tone.PRAISE, Tone.CRITICISM)
COUNTED = "counted (response, place, weight, customer, at)"
IN_COMMENTS = "SELECT themed.* FROM ({}) AS themed (response, topic, tone) JOIN counted USING (response)"
IN_MESSAGES = f"""
    SELECT counted.response, unnest(string_to_array(written.topics, ' ')),
        CASE written.mood WHEN '{Sentiment.POSITIVE.value}' THEN '{Tone.PRAISE.value}' ELSE '{Tone.CRITICISM.value}' END
    FROM counted
    JOIN crm_identitylink AS link ON link.customer_id = counted.customer AND link.state = 'confirmed'
    JOIN ({{}}) AS written (identity, at, mood, topics) ON written.identity = link.identity_id
        AND written.at > counted.at - interval '{SAID_DAYS} days' AND written.at <= counted.at"""  # noqa: S608 - of constants alone
HEARD = """
    SELECT topic, tone, place, count(*), sum(weight)
    FROM said JOIN counted USING (response) GROUP BY topic, tone, place
    UNION ALL SELECT '', '', '', count(DISTINCT response), 0 FROM said"""


class Size(NamedTuple):
    """So many people; what they weigh; and Σw²."""

    people: int = 0
    weight: float = 0.0
    squares: float = 0.0


@dataclass(frozen=True)
class Sayings:
    """`said`: of which topic, in what tone, by which group. `heard`: people who said anything."""

    said: dict[tuple[str, str, str], Size]
    heard: int


def bases(counted: ResponseQuerySet) -> dict[str, Size]:
    """Group → how many answers count. One query."""
    groups = counted.order_by().values_list("group")
    weight = F("invitation__weight")
    sizes = groups.annotate(n=Count("pk"), weighed=Sum(weight), squared=Sum(weight * weight))
    return {group: Size(*size) for group, *size in sizes}


def sayings(counted: ResponseQuerySet, *, comments: bool = True, messages: bool = True) -> Sayings:
    """What the people of these answers said, in comments, in messages or in both. One query."""
    sql, params = _query(counted, [part() for part, asked in ((_comments, comments), (_messages, messages)) if asked])
    with connection.cursor() as cursor:
        cursor.execute(sql, params)
        rows = cursor.fetchall()
    said = {(topic, tone, group): Size(people, weight) for topic, tone, group, people, weight in rows if topic}
    return Sayings(said, next(people for topic, _tone, _group, people, _weight in rows if not topic))


Sql = tuple[str, tuple[Any, ...]]


def _query(counted: ResponseQuerySet, parts: Sequence[Sql]) -> Sql:
    """Whose answers count, what stands and what has a mood is said by the ORM, once each, and joined."""
    said_at = Coalesce("finished_at", "started_at")
    rows = counted.order_by().values_list("pk", "group", "invitation__weight", "invitation__customer", said_at)
    counted_sql, counted_params = rows.query.sql_with_params()
    said_sql = " UNION ".join(sql for sql, _params in parts)
    sql = f"WITH {COUNTED} AS MATERIALIZED ({counted_sql}), said (response, topic, tone) AS ({said_sql}) {HEARD}"
    return sql, (*counted_params, *(each for _sql, params in parts for each in params))


def _comments() -> Sql:
    themes = Theme.objects.standing().filter(tone__in=TONES).exclude(topic="").order_by()
    sql, params = themes.values_list("answer__response", "topic", "tone").query.sql_with_params()
    return IN_COMMENTS.format(sql), params


def _messages() -> Sql:
    """Public or private, and on whatever channel."""
    written = Message.objects.with_a_mood().exclude(topics="").order_by()
    sql, params = written.values_list("identity", "occurred_at", "sentiment", "topics").query.sql_with_params()
    return IN_MESSAGES.format(sql), params
