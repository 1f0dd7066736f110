"""Background steps. Each takes a primary key, reads again what is to be done, and may run twice."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

import structlog
from django.utils import timezone

from channels_app import (
    access,
    certification,
    checking,
    files,
    health,
    inbox,
    listening,
    looking,
    measures,
    naming,
    outbox,
)
from channels_app.learning import rereading, training
from channels_app.models import Channel
from channels_app.outbox import receipts
from channels_app.platforms.abilities import left_of
from channels_app.platforms.errors import PlatformError
from crm import handoff

if TYPE_CHECKING:
    from channels_app.platforms.abilities import Budget
    from channels_app.platforms.base import Page, Platform

log = structlog.get_logger(__name__)

POLL_LIMIT = 200


def drain(channel_id: int) -> None:
    inbox.drain(Channel.objects.get(pk=channel_id))


def put_back(channel_id: int) -> None:
    inbox.put_back(Channel.objects.get(pk=channel_id))


def deliver(delivery_id: int) -> None:
    outbox.deliver(delivery_id)


def resolve_doubt(delivery_id: int) -> None:
    outbox.resolve_doubt(delivery_id)


def fetch_file(attachment_id: int) -> None:
    files.fetch(attachment_id)


def tell_measure(measure_id: int) -> None:
    measures.tell(measure_id)


def poll(channel_id: int) -> None:
    """Fetch what is new on one channel. What is wrong is kept on the channel, in the network's words."""
    channel = Channel.objects.listening().filter(pk=channel_id, broken_at=None).first()
    if channel is None:  # paused or shut since
        return

    def ask(platform: Platform) -> tuple[Page, Budget | None]:
        page = platform.fetch_since(channel.cursor, limit=POLL_LIMIT)
        return page, left_of(platform)

    try:
        page, budget = access.through(channel, ask)
    except PlatformError as error:
        health.failed(channel, error)
        return
    if page.payloads or page.cursor != channel.cursor:
        inbox.keep(channel=channel, payloads=page.payloads, cursor=page.cursor)
    health.answered(channel, budget, more=page.more)
    if page.more:
        handoff.nudge(health.POLL, channel_id)


def check(channel_id: int) -> None:
    """Whether a channel that nobody asks still lets us in. What is wrong is kept on it."""
    with suppress(PlatformError):
        checking.check(Channel.objects.get(pk=channel_id))


def poll_all() -> None:
    """Each second: nudge a fetch on every channel whose turn it is."""
    for pk in health.claim_due(timezone.now()):
        handoff.nudge(health.POLL, pk)


def listen(search_id: int) -> None:
    listening.ask(search_id)


def listen_all() -> None:
    """Every few seconds: nudge a question on every saved search whose turn it is."""
    for pk in listening.claim_due(timezone.now()):
        handoff.nudge(listening.JOB, pk, queue="default")


def look(channel_id: int) -> None:
    looking.look(channel_id)


def look_all() -> None:
    """Each minute: nudge a second look on every channel where one can be taken."""
    for pk in looking.channels():
        handoff.nudge(looking.JOB, pk, queue="default")


def mark_read() -> None:
    """Every few seconds: tell networks which private messages one of us has read."""
    measures.mark_read()


def watch_channels() -> None:
    """Each minute: renew keys before they run out, tell of channels that have failed for a while, check those that
    nobody asks.
    """
    access.renew_ahead()
    health.watch()
    for pk in checking.claim_due(timezone.now()):
        handoff.nudge(checking.JOB, pk, queue="default")


def release() -> None:
    """Each second: nudge replies whose time to be taken back has run out."""
    outbox.release()


def sweep() -> None:
    """Each minute: find rows whose next step is missing, and nudge it."""
    waiting = inbox.unfinished()
    for pk in waiting["raw"] | waiting["unread"]:
        handoff.nudge(inbox.DRAIN_JOB, pk)
    for pk in waiting["held_up"]:
        handoff.nudge(inbox.PUT_BACK_JOB, pk)
    for pk in waiting["unrouted"]:
        handoff.pass_on("message_ready", pk)
    outbox.sweep()
    files.sweep()
    receipts.sweep()
    measures.sweep()


def find_unnamed() -> None:
    """Each minute: nudge the naming of what was not named as it was read, behind what people wait for."""
    if naming.is_behind():
        handoff.nudge(naming.JOB, queue="default")


def name_messages() -> None:
    """A slice; where there is more, the next stands in line again."""
    if naming.catch_up(naming.SLICE):
        handoff.nudge(naming.JOB, queue="default")


def reread(rereading_id: int) -> None:
    """A slice; where there is more, the next stands in line again."""
    if rereading.advance(rereading_id, rereading.SLICE):
        handoff.nudge(rereading.JOB, rereading_id, queue="default")


def train(training_id: int) -> None:
    training.carry_on(training_id)


def sweep_learning() -> None:
    """Each minute: nudge a rereading, and the fitting of a model, that a worker left."""
    rereading.sweep()
    training.sweep()


def remind_of_certificates() -> None:
    """Each hour: tell who has to renew one."""
    certification.remind()
