"""What stands in some tables, asked in one query: to tell whether anything has changed."""

from __future__ import annotations

from django.db import connection, models


def rows_of(*tables: type[models.Model], but: dict[str, list[str]] | None = None) -> dict[str, str]:
    """Name of each model → all its rows in the order of their pks, as one JSON text; less the columns in `but`."""
    rows = "(SELECT coalesce(jsonb_agg(to_jsonb(t) - %s::text[] ORDER BY t.id), '[]')::text FROM {} t)"
    asked = [rows.format(table._meta.db_table) for table in tables]
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {', '.join(asked)}", [(but or {}).get(table.__name__, []) for table in tables])
        return dict(zip((table.__name__ for table in tables), cursor.fetchone(), strict=True))
