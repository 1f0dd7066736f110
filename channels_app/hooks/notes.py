"""When an app was asked whether it is us, when it was called, when a call was refused: for its page, and not often.

A note that cannot be taken is let go: what the network is answered does not hang on it.
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from typing import Literal

import structlog
from django.db import DatabaseError, transaction
from django.utils import timezone

from channels_app.hooks.desk import once_more
from channels_app.models import App

log = structlog.get_logger(__name__)

What = Literal["asked_at", "called_at", "refused_at"]
EVERY: dict[What, float] = {"asked_at": 1.0, "called_at": 60.0, "refused_at": 1.0}  # seconds


class Notes:
    """Of this process; `due` is asked before the database is."""

    def __init__(self) -> None:
        self._taken: dict[tuple[What, int], float] = {}

    def due(self, what: What, apps: Iterable[int]) -> list[int]:
        """Those of which it is to be noted, which counts as done from now on."""
        now = time.monotonic()
        due = [app for app in set(apps) if now - self._taken.get((what, app), float("-inf")) >= EVERY[what]]
        self._taken |= {(what, app): now for app in due}
        return due


def take(what: What, apps: Iterable[int]) -> None:
    """Waits for nobody's lock."""
    try:
        once_more(lambda: _take(what, list(apps)))
    except DatabaseError as error:
        log.warning("a webhook’s note was not taken", what=what, error=type(error).__name__)


@transaction.atomic
def _take(what: What, apps: list[int]) -> None:
    free = App.objects.select_for_update(skip_locked=True).filter(pk__in=apps).order_by()
    App.objects.filter(pk__in=free.values("pk")).update(**{what: timezone.now()})
