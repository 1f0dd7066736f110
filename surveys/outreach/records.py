"""Of many records of customers at once: which stand for them now."""

from __future__ import annotations

from collections.abc import Iterable

from django.db import connection

STANDING = (
    "WITH RECURSIVE line(asked, id, onward) AS ("
    " SELECT id, id, merged_into_id FROM crm_customer WHERE id = ANY(%s)"
    " UNION SELECT line.asked, c.id, c.merged_into_id FROM line JOIN crm_customer AS c ON c.id = line.onward"
    ") SELECT asked, id FROM line WHERE onward IS NULL"
)
FAMILY = (
    "WITH RECURSIVE family(id) AS (SELECT id FROM crm_customer WHERE id = ANY(%s)"
    " UNION SELECT c.id FROM family JOIN crm_customer AS c ON c.merged_into_id = family.id) SELECT id FROM family"
)


def standing(customers: Iterable[int]) -> dict[int, int]:
    """Each record → the one that stands for it now, itself where it was not merged. One query."""
    with connection.cursor() as cursor:
        cursor.execute(STANDING, [sorted(set(customers))])
        return dict(cursor.fetchall())


def family(customers: Iterable[int]) -> list[int]:
    """These, and all that were merged into them. One query."""
    with connection.cursor() as cursor:
        cursor.execute(FAMILY, [sorted(set(customers))])
        return sorted(pk for (pk,) in cursor.fetchall())
