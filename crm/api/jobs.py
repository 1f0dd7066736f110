"""Background steps of the API."""

from __future__ import annotations

from crm.api import idempotency


def sweep() -> None:
    """By the clock: forget the keys of requests nobody will repeat any more."""
    idempotency.forget_old()
