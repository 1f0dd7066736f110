"""Background steps. Each takes a primary key, reads again what is to be done, and may run twice."""

from __future__ import annotations

import structlog

from channels_app import certification, files, inbox, measures, naming, outbox
from channels_app.models import Channel
from channels_app.platforms.base import PlatformError
from crm import handoff

log = structlog.get_logger(__name__)

POLL_LIMIT = 200


def drain(channel_id: int) -> None:
    inbox.drain(Channel.objects.get(pk=channel_id))


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
    channel = Channel.objects.get(pk=channel_id)
    trouble = ""
    try:
        page = channel.connect().fetch_since(channel.cursor, limit=POLL_LIMIT)
    except PlatformError as error:
        trouble = str(error)[:300]
    else:
        if page.payloads or page.cursor != channel.cursor:
            inbox.keep(channel=channel, payloads=page.payloads, cursor=page.cursor)
        if page.more:
            handoff.nudge("channels_app.jobs.poll", channel_id)
    if trouble != channel.trouble:
        Channel.objects.filter(pk=channel_id).update(trouble=trouble)


def poll_all() -> None:
    """Each few seconds: nudge a fetch on every channel that has to be asked."""
    for pk in Channel.objects.polled().values_list("pk", flat=True):
        handoff.nudge("channels_app.jobs.poll", pk)


def poll_mailboxes() -> None:
    """Less often: the same of those that take a while to answer."""
    for pk in Channel.objects.polled(slow=True).values_list("pk", flat=True):
        handoff.nudge("channels_app.jobs.poll", pk)


def release() -> None:
    """Each second: nudge replies whose time to be taken back has run out."""
    outbox.release()


def sweep() -> None:
    """Each minute: find rows whose next step is missing, and nudge it."""
    waiting = inbox.unfinished()
    for pk in waiting["raw"] | waiting["unread"]:
        handoff.nudge(inbox.DRAIN_JOB, pk)
    for pk in waiting["unrouted"]:
        handoff.pass_on("message_ready", pk)
    outbox.sweep()
    files.sweep()
    measures.sweep()


def find_unnamed() -> None:
    """Each minute: nudge the naming of what was not named as it was read, behind what people wait for."""
    if naming.is_behind():
        handoff.nudge(naming.JOB, queue="default")


def name_messages() -> None:
    """A slice; where there is more, the next stands in line again."""
    if naming.catch_up(naming.SLICE):
        handoff.nudge(naming.JOB, queue="default")


def remind_of_certificates() -> None:
    """Each hour: tell who has to renew one."""
    certification.remind()
