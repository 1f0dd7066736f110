"""The seam between a change and the job that carries on from it.

PostgreSQL holds what is to be done; a job is only a nudge to do it now. So a lost job costs the minute until the sweep,
and a job may come twice. Nudges coalesce: while one is queued, the next is dropped.
"""

from __future__ import annotations

import functools

import django_rq
import redis
import structlog
from django.conf import settings
from django.db import transaction
from django.utils.module_loading import import_string

log = structlog.get_logger(__name__)

FLAG_SECONDS = 60  # a nudge lost by Redis may be sent again after this


@functools.cache
def wire() -> redis.Redis:
    """The Redis connection of this process, for what may be lost: nudges and presence."""
    return redis.Redis.from_url(settings.REDIS_URL)


def nudge(job: str, *args: int, queue: str = "now") -> None:
    """Enqueue the job at dotted path `job` once the current transaction commits. Never fails: the sweep comes behind."""
    transaction.on_commit(functools.partial(_enqueue, job, args, queue))


def pass_on(step: str, *args: int) -> None:
    """Nudge the next app up the order by the step's name in settings.HANDOFFS."""
    nudge(settings.HANDOFFS[step], *args)


def picked_up(job: str, *args: int) -> None:
    """A job's first act: from here on a new nudge queues another run, so that nothing committed later is missed."""
    wire().delete(_flag(job, args))


def _flag(job: str, args: tuple[int, ...]) -> str:
    return ":".join(["hark:nudge", job, *map(str, args)])


def _enqueue(job: str, args: tuple[int, ...], queue: str) -> None:
    try:
        if wire().set(_flag(job, args), 1, nx=True, ex=FLAG_SECONDS):
            django_rq.get_queue(queue).enqueue(job, args=args, result_ttl=0, failure_ttl=24 * 3600)
    except redis.RedisError as error:
        log.warning("nudge lost, the sweep will find it", job=job, args=args, error=type(error).__name__)


def carry_on(step: str, *args: int) -> None:
    """Run the next app's step here and now: for an agent who waits for the result, or a command without workers."""
    import_string(settings.HANDOFFS[step])(*args)
