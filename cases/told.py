"""What other systems are told of cases, in the transaction in which they change."""

from __future__ import annotations

from collections.abc import Iterable

from cases.models import Case
from crm import webhooks


def opened(pks: Iterable[int]) -> None:
    _tell("case.opened", pks)


def changed(pks: Iterable[int]) -> None:
    """State, owner, team or priority; or somebody said something."""
    _tell("case.changed", pks)


def resolved(pks: Iterable[int]) -> None:
    _tell("case.resolved", pks)


def _tell(event: str, pks: Iterable[int]) -> None:
    """The rows are read again by who writes the event, and only where somebody listens."""
    if webhooks.wanted(event):
        webhooks.tell(event, *(Case(pk=pk) for pk in pks))
