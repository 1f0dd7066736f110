"""Many rows written at once."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from django.db import connection, models


def write(rows: Sequence[models.Model], changed: Sequence[str]) -> None:
    """What `bulk_update` does to rows of one model, in a tenth of its time: it took three quarters of routing a batch.

    One statement; none for no rows.
    """
    if rows:
        fields: list[Any] = [rows[0]._meta.get_field(name) for name in changed]
        names = ["id", *(field.attname for field in fields)]
        put(type(rows[0]), changed, [[getattr(row, name) for name in names] for row in rows])


def put(model: type[models.Model], changed: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
    """The same for rows that are not at hand as records: each is its id, and the value of each field of `changed`."""
    if not rows:
        return
    meta, quoted = model._meta, connection.ops.quote_name
    fields: list[Any] = [meta.get_field(name) for name in ("id", *changed)]
    columns = [quoted(field.column) for field in fields]
    # without its length: a cast to varchar(10) cuts what is longer, where the column would refuse it
    types = [str(field.db_type(connection)).partition("(")[0] for field in fields]
    values = [
        [field.get_db_prep_save(value, connection) for value in column] for field, column in _by_field(fields, rows)
    ]
    moves = ", ".join(f"{name} = n.{name}" for name in columns[1:])
    with connection.cursor() as cursor:
        cursor.execute(
            f"UPDATE {quoted(meta.db_table)} AS c SET {moves}"  # noqa: S608 - table, columns and types are ours
            f" FROM unnest({', '.join(f'%s::{kind}[]' for kind in types)}) AS n({', '.join(columns)})"
            " WHERE c.id = n.id",
            values,
        )


def _by_field(fields: Sequence[Any], rows: Sequence[Sequence[Any]]) -> Iterable[tuple[Any, Sequence[Any]]]:
    return zip(fields, zip(*rows, strict=True), strict=True)
