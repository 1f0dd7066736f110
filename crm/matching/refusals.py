"""Pairs a person has put apart: never proposed again, whatever identity would carry it and whoever was merged since."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping

from django.db import connection

Refused = Mapping[int, set[int]]

APART = "state IN ('rejected', 'withdrawn')"  # withdrawn: somebody said it belongs there, and took it back
# `others(mine, other)` are pairs; each other is followed to the record it was merged into
SURVIVORS = (
    " survivors(mine, other) AS (SELECT mine, other FROM others UNION SELECT s.mine, c.merged_into_id"
    " FROM survivors AS s JOIN crm_customer AS c ON c.id = s.other WHERE c.merged_into_id IS NOT NULL)"
    " SELECT mine, other FROM survivors"
)
OF_CUSTOMERS = (  # noqa: S608 - of constants alone
    "WITH RECURSIVE family(root, id) AS (SELECT id, id FROM crm_customer WHERE id = ANY(%s)"  # noqa: S608 - of constants alone
    " UNION SELECT f.root, c.id FROM family AS f JOIN crm_customer AS c ON c.merged_into_id = f.id),"
    " others(mine, other) AS (SELECT f.root, apart.customer_id FROM family AS f"
    "  JOIN crm_identitylink AS held ON held.customer_id = f.id AND held.state = 'confirmed'"
    f"  JOIN crm_identitylink AS apart ON apart.identity_id = held.identity_id AND apart.{APART}"
    " UNION SELECT f.root, held.customer_id FROM family AS f"
    f"  JOIN crm_identitylink AS apart ON apart.customer_id = f.id AND apart.{APART}"
    "  JOIN crm_identitylink AS held ON held.identity_id = apart.identity_id AND held.state = 'confirmed'),"
) + SURVIVORS
OF_IDENTITIES = (  # noqa: S608 - of constants alone
    "WITH RECURSIVE others(mine, other) AS"  # noqa: S608 - of constants alone
    f" (SELECT identity_id, customer_id FROM crm_identitylink WHERE identity_id = ANY(%s) AND {APART}),"
) + SURVIVORS


def of_customers(pks: Collection[int]) -> Refused:
    """For each customer those who were put apart from them, by either's identity. One query."""
    return _asked(OF_CUSTOMERS, pks)


def of_identities(pks: Collection[int]) -> Refused:
    """For each identity the customers it was said not to belong to. One query."""
    return _asked(OF_IDENTITIES, pks)


def _asked(sql: str, pks: Collection[int]) -> Refused:
    found: dict[int, set[int]] = defaultdict(set)
    if pks:
        with connection.cursor() as cursor:
            cursor.execute(sql, [list(pks)])
            for mine, other in cursor.fetchall():
                found[mine].add(other)
    return found
