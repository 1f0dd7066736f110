"""The book of a merge: whatever it changes goes through here, and is written down value by value.

Rows are moved by the thousand in one statement; they are locked in the order of their keys, so that two who move at
once never wait for each other.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.core.exceptions import EmptyResultSet, FieldDoesNotExist
from django.db import DatabaseError, IntegrityError, OperationalError, connection, models, transaction
from django.utils.translation import gettext_lazy as _

from crm.errors import Refused
from crm.merging import values
from crm.merging.relations import LINKS, Relation, relations
from crm.models import Customer, Merge, Move

DEADLOCK = "40P01"
MOVES = Move._meta.db_table

# {rows} is a query for the keys of the rows, which it locks
CARRY = """
WITH theirs (pk) AS ({rows}),
went AS (UPDATE {table} SET {column} = %s FROM theirs WHERE {table}.{pk} = theirs.pk RETURNING theirs.pk)
INSERT INTO {moves} (merge_id, kind, "row", "column", was, became)
SELECT %s, %s, went.pk, %s, to_jsonb(%s::bigint), to_jsonb(%s::bigint) FROM went
ON CONFLICT (merge_id, kind, "row", "column") DO UPDATE SET became = excluded.became
"""
NEWEST = "(SELECT max({pk}) FROM {table})"
GIVE_BACK = """
WITH theirs (pk) AS ({rows}) UPDATE {table} SET {column} = %s FROM theirs WHERE {table}.{pk} = theirs.pk
"""


class AtThisMoment(Refused):
    sentence = _("Something came in for one of these records at this very moment. Nothing was changed; try again.")


@contextmanager
def all_or_nothing() -> Iterator[None]:
    """A transaction in which a race with somebody else ends as a sentence. Raises AtThisMoment."""
    try:
        with transaction.atomic():
            yield
    except IntegrityError as error:
        raise AtThisMoment from error
    except OperationalError as error:
        if _state(error) != DEADLOCK:
            raise
        raise AtThisMoment from error


def _state(error: DatabaseError) -> str:
    return str(getattr(error.__cause__, "sqlstate", ""))


def lock(*customers: int) -> dict[int, Customer]:
    """These records, until the transaction ends."""
    return Customer.objects.filter(pk__in=customers).hold()


def marks() -> dict[str, int]:
    """The newest row of each kind there is now, in one query."""
    tables = {relation.kind: relation.model._meta for relation in (*relations(), LINKS)}
    newest = [NEWEST.format(pk=_quoted(meta.pk.column), table=_quoted(meta.db_table)) for meta in tables.values()]
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {', '.join(newest)}")
        return {kind: pk or 0 for kind, pk in zip(tables, cursor.fetchone(), strict=True)}


def _quoted(name: str | None) -> str:
    return connection.ops.quote_name(name or "")


# --- rows


def carry(merge: Merge, relation: Relation, rows: models.QuerySet[Any], *, to: int) -> int:
    """Move the rows, all of the absorbed one's, `to` another, and write each down. Returns how many went."""
    return _run(CARRY, relation, rows, to, merge.pk, relation.kind, relation.column, merge.absorbed_id, to)


def give_back(relation: Relation, rows: models.QuerySet[Any], *, to: int) -> int:
    """Move the rows without a word: the way back, which is written down already."""
    return _run(GIVE_BACK, relation, rows, to)


def _run(text: str, relation: Relation, rows: models.QuerySet[Any], *parameters: Any) -> int:
    locked = rows.order_by("pk").select_for_update(no_key=True).values("pk")
    try:
        sql, of_rows = locked.query.get_compiler(connection=connection).as_sql()
    except EmptyResultSet:
        return 0
    meta = relation.model._meta
    names = {"table": meta.db_table, "column": relation.field.column, "pk": meta.pk.column, "moves": MOVES}
    with connection.cursor() as cursor:
        named = text.format(rows=sql, **{key: _quoted(name) for key, name in names.items()})
        cursor.execute(named, [*of_rows, *parameters])
        return int(cursor.rowcount)


# --- values


def change(merge: Merge, row: models.Model, **to: Any) -> None:
    """Set columns of one row, by the names of their attributes (`by_id`), and write down those that differ."""
    differing = {name: value for name, value in to.items() if getattr(row, name) != value}
    if not differing:
        return
    lines = []
    for name, value in differing.items():
        field = row._meta.get_field(name)
        was, became = values.written(field, getattr(row, name)), values.written(field, value)
        lines.append(_line(merge, row, name, was, became))
        setattr(row, name, value)
    _write(lines)
    type(row)._base_manager.filter(pk=row.pk).update(**differing)


def made(merge: Merge, row: models.Model) -> None:
    """Write down a row that the merge has made, as it is."""
    note(merge, row, row._meta.pk.attname, None, values.whole(row))


def note(merge: Merge, row: models.Model, column: str, was: Any, became: Any) -> None:
    _write([_line(merge, row, column, was, became)])


def _line(merge: Merge, row: models.Model, column: str, was: Any, became: Any) -> Move:
    return Move(merge=merge, kind=row._meta.label_lower, row=row.pk, column=column, was=was, became=became)


def _write(lines: list[Move]) -> None:
    """What a merge changes twice it was once, and became at last."""
    once = ["merge", "kind", "row", "column"]
    Move.objects.bulk_create(lines, update_conflicts=True, unique_fields=once, update_fields=["became"])


def is_made(move: Move, model: type[models.Model]) -> bool:
    """Whether this line says that the merge made the row."""
    try:
        return bool(model._meta.get_field(move.column).primary_key)  # type: ignore[union-attr]
    except FieldDoesNotExist:
        return False
