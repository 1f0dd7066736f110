"""Files that come with a message and leave with one. What came is fetched by us: no browser asks the network for it."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import timedelta
from itertools import islice

import structlog
from django.conf import settings
from django.core.files.base import ContentFile
from django.db import transaction
from django.template.defaultfilters import filesizeformat
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from channels_app import live
from channels_app.models import Attachment, Channel, Message
from channels_app.platforms.base import Carried, Event
from crm import files, handoff
from crm.errors import Refused
from crm.files.checking import Checked, clean_name
from crm.models import User
from crm.webhooks import guard

log = structlog.get_logger(__name__)

JOB = "channels_app.jobs.fetch_file"
SECONDS = 30.0  # for one file: name, connection, question and answer
TRIED_FOR = timedelta(hours=1)  # then a network that does not answer is believed to have it no more
LONGEST_ADDRESS = 1000
AGAIN = (guard.Unreachable, guard.TooSlow, guard.NotFound)  # what may be otherwise in a minute


class CannotCarry(Refused):
    sentence = _("{channel} cannot carry files. Put what matters into words, or into a note for us.")


class TooManyThere(Refused):
    sentence = _("{channel} takes {most} files with a message; these are {n}.")


class TooLargeThere(Refused):
    sentence = _("{channel} takes files of at most {most}; “{name}” is larger.")


class Gone(Refused):
    sentence = _("The network did not hand it out (status {status}).")


class NotThere(Exception):
    """The network answers, but not with the file: it may do so in a minute."""


# --- out


def check(channel: Channel, found: Sequence[Checked]) -> None:
    """Raises what the channel has against these files."""
    can = channel.capabilities
    if found and not can.attachments:
        raise CannotCarry(channel=channel)
    if len(found) > can.attachments:
        raise TooManyThere(channel=channel, most=can.attachments, n=len(found))
    for file in found:
        if file.size > can.attachment_bytes:
            raise TooLargeThere(channel=channel, most=filesizeformat(can.attachment_bytes), name=file.name)


def attach(message: Message, found: Sequence[Checked], *, by: User) -> list[Attachment]:
    return [files.keep(Attachment, file, by=by, message=message) for file in found]


def carried(message: Message) -> list[Carried]:
    """What leaves with a message of ours; each is read when it is sent. One query."""
    return [Carried(row.name, row.content_type, row.read) for row in Attachment.objects.filter(message=message)]


# --- in


def came(made: Collection[Message], events: Mapping[str, Event]) -> None:
    """Note what came with these new messages, by event id, and have it fetched. One query, where there is any."""
    rows = [
        Attachment(message=message, source_url=url, name=clean_name(enclosed.name or url.partition("?")[0]), size=0)
        for message in made
        if not message.erased_at and (event := events.get(message.external_id or ""))
        for enclosed in islice(event.attachments, settings.ATTACHMENTS_PER_MESSAGE)
        if (url := _address(enclosed.url))
    ]
    for row in Attachment.objects.bulk_create(rows):
        handoff.nudge(JOB, row.pk)


def _address(url: str) -> str:
    address = url.strip()
    fits = len(address) <= LONGEST_ADDRESS and address.lower().startswith(("https://", "http://"))
    return address if fits else ""


def fetch(pk: int) -> None:
    """Fetch one file; safe to run twice. What is refused says why for good, what is not there is asked for again."""
    row = Attachment.objects.to_fetch().filter(pk=pk).first()
    if row is None:
        return
    try:
        found = files.checked(ContentFile(_body(row.source_url), name=row.name))
    except (*AGAIN, NotThere) as trouble:
        log.info("a file is not there yet", attachment=pk, why=type(trouble).__name__)
        if row.created_at < timezone.now() - TRIED_FOR:
            _give_up(row, str(trouble))
    except Refused as refusal:
        _give_up(row, str(refusal))
    else:
        _keep(row, found)


def _body(url: str) -> bytes:
    """Raises a refusal, or NotThere."""
    most = settings.ATTACHMENT_BYTES
    answer = guard.fetch("GET", url, most=most + 1, seconds=SECONDS)
    if answer.status >= 500 or answer.status == 429:
        raise NotThere(Gone(status=answer.status))
    if answer.status != 200:
        raise Gone(status=answer.status)
    return answer.body


@transaction.atomic
def _keep(row: Attachment, found: Checked) -> None:
    """Unless it was fetched or erased meanwhile."""
    current = Attachment.objects.to_fetch().select_for_update().filter(pk=row.pk).first()
    if current is None:
        return
    current.name, current.content_type, current.size = found.name, found.content_type, found.size
    current.sha256 = found.sha256
    current.file.save(found.name, found.file, save=False)
    current.save()
    live.announce("file", current.message_id)


def _give_up(row: Attachment, why: str) -> None:
    if Attachment.objects.to_fetch().filter(pk=row.pk).update(trouble=why[:300]):
        live.announce("file", row.message_id)


def sweep() -> None:
    """Files nobody has fetched yet."""
    for pk in Attachment.objects.to_fetch().order_by("pk").values_list("pk", flat=True)[:500]:
        handoff.nudge(JOB, pk)
