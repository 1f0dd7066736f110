"""Looking through an index without ever looking through a table.

What is common is found among the newest rows, at once. What is not is fetched through its index, and where that is
more than anybody reads, a part of it. So no words cost more than some thousand rows, and the planner's guess at how
common they are decides nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from django.db import OperationalError, connection, transaction
from django.db.models import F, Model, QuerySet, Subquery
from psycopg.errors import QueryCanceled

from crm.finding.reading import Asked
from crm.models.customers import CustomerQuerySet

WINDOW = 10_000  # of the newest rows
FETCHED = 2_000  # hits at most, where they are not among the newest rows
FETCHED_TO_NARROW = 20_000  # the same, where a filter leaves few of them
WORK_MEMORY = "64MB"  # a map of hits that has no room forgets which rows of a page it meant, and looks at all of them
TIMEOUT_MS = 3_000  # nothing we know of takes a tenth of it
RowsOf = Callable[[QuerySet[Any]], QuerySet[Any, Any]]


@dataclass(frozen=True)
class Search:
    """`customers` are those that may be found; `narrowed` says that a filter stands before them."""

    asked: Asked
    customers: CustomerQuerySet
    narrowed: bool
    most: int

    def newest(self, hits: QuerySet[Any], rows_of: RowsOf, by: str) -> list[Any]:
        return newest(hits, rows_of, by, most=self.most, narrowed=self.narrowed)


def newest(
    hits: QuerySet[Any], rows_of: RowsOf, by: str, *, most: int, narrowed: bool, enough: int | None = None,
    unindexed: QuerySet[Any] | None = None,
) -> list[Any]:  # fmt: skip
    """The newest rows of the hits, at most `most`: `rows_of(hits)` are those within the filter, `by` their column that
    holds the primary key of the hit.

    `enough` of them among the newest rows, and the others are not looked for. `unindexed` are the same hits, asked for
    so that no index answers: for several common words an index would bring all there are before the newest are taken.
    """
    asked = hits if unindexed is None else unindexed
    recent = rows_of(asked.filter(pk__gt=_since(hits.model))).order_by(f"-{by}")[:most]
    if len(found := list(recent)) >= (enough or most):
        return found
    # no order within: the order of an index would tempt the planner to walk all of it
    some = hits.order_by().values("pk")[: FETCHED_TO_NARROW if narrowed else FETCHED]
    return list(rows_of(hits.model._default_manager.filter(pk__in=some)).order_by((F(by) + 0).desc())[:most])


def _since(model: type[Model]) -> Any:
    return Subquery(model._default_manager.order_by("-pk").values("pk")[:1]) - WINDOW


class TookTooLong(Exception):
    """A query within `bounded` was stopped."""


@contextmanager
def bounded(milliseconds: int | None = None) -> Iterator[None]:
    """Queries that may not read a whole table, and of which none may take long; raises TookTooLong. What is written in
    it is rolled back.
    """
    try:
        with transaction.atomic():
            with connection.cursor() as cursor:
                cursor.execute(
                    "SELECT set_config('enable_seqscan', 'off', true), set_config('statement_timeout', %s, true),"
                    " set_config('work_mem', %s, true)",
                    [str(milliseconds or TIMEOUT_MS), WORK_MEMORY],
                )
            yield
            transaction.set_rollback(True)  # takes the settings back, also within a transaction that goes on
    except OperationalError as error:
        if isinstance(error.__cause__, QueryCanceled):
            raise TookTooLong from error
        raise
