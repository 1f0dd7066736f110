"""Rows in bulk: primary keys reserved first, then written with COPY."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from functools import cache
from typing import Any

from django.db import connection, models


def reserve(model: type[models.Model], count: int) -> int:
    """The first of `count` primary keys nobody else will get."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT setval(s, nextval(s) + %s) FROM pg_get_serial_sequence(%s, 'id') AS s",
            [count, model._meta.db_table],
        )
        return int(cursor.fetchone()[0]) - count


def write(model: type[models.Model], columns: str, rows: Iterable[Sequence[Any]]) -> None:
    """COPY rows of these columns (names with spaces between). What is not named gets the model's default."""
    names = columns.split()
    others, values = _defaults(model, columns)
    listed = ", ".join([*names, *others])
    with connection.cursor() as cursor, cursor.copy(f"COPY {model._meta.db_table} ({listed}) FROM STDIN") as copy:
        for row in rows:
            copy.write_row((*row, *values))


def settle() -> None:
    """After a bulk: figures for the planner, and what the indexes still hold back put in its place."""
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE" if connection.in_atomic_block else "VACUUM (ANALYZE)")


@cache
def _defaults(model: type[models.Model], columns: str) -> tuple[list[str], tuple[Any, ...]]:
    """The columns that may not be empty and are not named, and what stands in them."""
    fields = [
        field
        for field in model._meta.concrete_fields
        if not (field.primary_key or field.null or field.generated or field.column in _bare(columns))
    ]
    values = [field.get_default() for field in fields]
    written = (
        json.dumps(v) if isinstance(field, models.JSONField) else v for field, v in zip(fields, values, strict=True)
    )
    return [str(field.column) for field in fields], tuple(written)


def _bare(columns: str) -> list[str]:
    """Column names without the quotes that one needs which is a word of SQL."""
    return [name.strip('"') for name in columns.split()]
