"""The values a column has, in a table of any size: by stepping through an index, one row for each value."""

from django.db import connection

MOST = 300


def values(table: str, column: str, condition: str = "TRUE") -> list[str]:
    """The values that are not empty, in order, at most MOST. An index must begin with what `condition` fixes and then
    with the column. The names come from the code alone.
    """
    following = f"(SELECT {column} FROM {table} WHERE {condition} AND {column} > {{}} ORDER BY {column} LIMIT 1)"  # noqa: S608
    first, then = following.format("''"), following.format("step.found")
    steps = f"WITH RECURSIVE step (found) AS ({first} UNION ALL SELECT {then} FROM step WHERE found <> '')"  # noqa: S608
    with connection.cursor() as cursor:
        cursor.execute(f"{steps} SELECT found FROM step WHERE found <> '' LIMIT {MOST}")  # noqa: S608
        return [found for (found,) in cursor.fetchall()]
