"""The seam between a change and the job that carries on from it.

PostgreSQL holds what is to be done; a job is only a nudge to do it now. So a lost job costs the minute until the sweep,
and a job may come twice. Nudges coalesce: while a job waits in line, the next like it is dropped.
"""

from __future__ import annotations

import functools

import django_rq
import redis
import structlog
from django.conf import settings
from django.db import transaction
from django.utils.module_loading import import_string
from rq import Queue
from rq.utils import as_text

log = structlog.get_logger(__name__)

NOTE_SECONDS = 3600  # what counts is whether the noted job stands in line; a line longer than this gets some jobs twice


@functools.cache
def wire() -> redis.Redis:
    """The Redis connection of this process, for what may be lost: nudges and presence."""
    return redis.Redis.from_url(settings.REDIS_URL)


def nudge(job: str, *args: int, queue: str = "now") -> None:
    """Enqueue the job at dotted path `job` once the transaction has committed. Never fails: the sweep comes behind."""
    transaction.on_commit(functools.partial(_enqueue, job, args, queue))


def pass_on(step: str, *args: int) -> None:
    """Nudge the next app up the order by the step's name in settings.HANDOFFS."""
    nudge(settings.HANDOFFS[step], *args)


def _enqueue(job: str, args: tuple[int, ...], queue: str) -> None:
    """The job, with a note of which one stands for this nudge: in one step, or a kill between would leave one alone."""
    note = ":".join(["hark:nudge", job, *map(str, args)])
    try:
        line = django_rq.get_queue(queue, connection=wire(), commit_mode="auto")
        if _is_waiting(line, note):
            return
        with wire().pipeline() as both:
            made = line.enqueue(job, args=args, result_ttl=0, failure_ttl=24 * 3600, pipeline=both)
            both.set(note, made.id, ex=NOTE_SECONDS)
            both.execute()
    except redis.RedisError as error:
        log.warning("nudge lost, the sweep will find it", job=job, args=args, error=type(error).__name__)


def _is_waiting(line: Queue, note: str) -> bool:
    """Whether the noted job still stands in line. One that a worker has taken may have read before what is new now."""
    noted = wire().get(note)
    return noted is not None and wire().lpos(line.key, as_text(noted)) is not None


def carry_on(step: str, *args: int) -> None:
    """Run the next app's step here and now: for an agent who waits for the result, or a command without workers."""
    import_string(settings.HANDOFFS[step])(*args)
