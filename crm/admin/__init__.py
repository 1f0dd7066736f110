"""The admin's pages about people, teams, customers and what was done."""

from crm.admin import (
    accounts,
    activity,
    consent,
    customers,
    exchange,
    groups,
    hours,
    imports,
    notices,
    people,
    privacy,
    staff,
)

__all__ = [
    "accounts",
    "activity",
    "consent",
    "customers",
    "exchange",
    "groups",
    "hours",
    "imports",
    "notices",
    "people",
    "privacy",
    "staff",
]
