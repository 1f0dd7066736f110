"""What a message praises or blames, by the words of who asks: named as it is read, and again when the words change.

The channels know no topics. The app above that counts them gives itself a name here, from its app's `ready()`. A
message is named in the statement that stores its mood (`inbox.read_batch`); `catch_up` names what came in another way,
and all of them once the words are others. Each row says by which words it was named: one may be killed anywhere.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from typing import NamedTuple

from django.db import connection, transaction

from channels_app.models import Message
from channels_app.models.messages import MOODS

BATCH = 500
SLICE = 20  # batches of a job: some seconds, then others come in between
MOST_COUNTED = 100_000
JOB = "channels_app.jobs.name_messages"


class Namer(NamedTuple):
    """`names(texts, languages)` gives the topics of each text, in order: words of at most 12 letters. Other words, or
    another way to look for them, have another `version`, of at most 20."""

    version: str
    names: Callable[[Sequence[str], Sequence[str]], Sequence[Collection[str]]]


_namers: list[Namer] = []
NOBODY = Namer("", lambda texts, _languages: [()] * len(texts))


def named_by(version: str, names: Callable[[Sequence[str], Sequence[str]], Sequence[Collection[str]]]) -> None:
    """One only: a message has one list of topics."""
    _namers[:] = [Namer(version, names)]


def namer() -> Namer:
    return _namers[0] if _namers else NOBODY


def topics(by: Namer, said: Sequence[tuple[str, str, str]]) -> list[str]:
    """Of each (text, language, mood) its topics, with spaces between; none where it has no mood."""
    felt = [(text, language) for text, language, mood in said if mood in MOODS]
    named = iter(by.names([text for text, _ in felt], [language for _, language in felt]))
    return [" ".join(sorted(next(named))) if mood in MOODS else "" for _, _, mood in said]


# --- what was not named as it was read


def waiting() -> int:
    """How many are still to be named; MOST_COUNTED may be more."""
    return Message.objects.to_name(namer().version)[:MOST_COUNTED].count()


def is_behind() -> bool:
    return Message.objects.to_name(namer().version).exists()


def catch_up(batches: int = SLICE) -> bool:
    """Name so many batches at most, each on its own. Whether there may be more."""
    return all(_batch() == BATCH for _each in range(batches))


@transaction.atomic
def _batch() -> int:
    """Name some that no other process holds: three statements, however many. Returns how many it took."""
    by = namer()
    found = _next(named_by__lt=by.version)
    found += _next(named_by__gt=by.version)[: BATCH - len(found)]
    named = topics(by, [row[1:] for row in found])
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE channels_app_message AS m SET topics = n.topics, named_by = %s"
            " FROM unnest(%s::bigint[], %s::text[]) AS n(id, topics) WHERE m.id = n.id",
            [by.version, [pk for pk, *_ in found], named],
        )
    return len(found)


def _next(**other: str) -> list[tuple[int, str, str, str]]:
    """In the order of the index, one side of the version at a time: so no batch looks at what is done."""
    rows = Message.objects.with_a_mood().filter(**other).order_by("named_by", "pk").select_for_update(skip_locked=True)
    return list(rows.values_list("pk", "text", "language", "sentiment")[:BATCH])
