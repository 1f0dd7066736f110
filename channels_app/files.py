"""Files that come with a message and leave with one. What came is fetched by us: no browser asks the network for it."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import timedelta
from itertools import islice, repeat
from typing import cast

import structlog
from django.conf import settings
from django.core.files.base import ContentFile
from django.db import transaction
from django.template.defaultfilters import filesizeformat
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from channels_app import access, live
from channels_app.models import Attachment, Channel, Message
from channels_app.platforms import registry
from channels_app.platforms.abilities import Encloses
from channels_app.platforms.base import Carried, Event
from channels_app.platforms.errors import AccessRevoked, PlatformError, TryLater
from crm import files, handoff, private_links
from crm.errors import Refused
from crm.files.checking import Checked, clean_name
from crm.models import User
from crm.webhooks import guard

log = structlog.get_logger(__name__)

JOB = "channels_app.jobs.fetch_file"
SECONDS = 30.0  # for one file: name, connection, question and answer
TRIED_FOR = timedelta(hours=1)  # then a network that does not answer is believed to have it no more
LONGEST_ADDRESS, LONGEST_ALT = 1000, 1500
OVER = _("The network hands it out no more.")
AGAIN = (guard.Unreachable, guard.TooSlow, guard.NotFound)  # what may be otherwise in a minute


class CannotCarry(Refused):
    sentence = _("{channel} cannot carry files. Put what matters into words, or into a note for us.")


class TooManyThere(Refused):
    sentence = _("{channel} takes {most} files with a message; these are {n}.")


class TooLargeThere(Refused):
    sentence = _("{channel} takes files of at most {most}; “{name}” is larger.")


class Gone(Refused):
    sentence = _("The network did not hand it out (status {status}).")


class PrivateLinkInWords(Refused):
    sentence = _("What a picture shows is read by all: a link for one person alone cannot stand there.")


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


def check_alts(alts: Sequence[str], *, private: bool) -> None:
    """Raises what is against these words for who cannot see."""
    if not private and any(map(private_links.is_in, alts)):
        raise PrivateLinkInWords


def attach(message: Message, found: Sequence[Checked], *, by: User, alts: Sequence[str] = ()) -> list[Attachment]:
    """`alts` says of each what it shows, as far as it goes."""
    words = [*map(tidied, alts), *repeat("", len(found))]
    pairs = zip(found, words, strict=False)
    return [files.keep(Attachment, file, by=by, message=message, alt=alt) for file, alt in pairs]


def tidied(alt: str) -> str:
    return private_links.hide(" ".join(alt.replace("\x00", "").split()))[:LONGEST_ALT]


def carried(message: Message) -> list[Carried]:
    """What leaves with a message of ours; each is read when it is sent. One query."""
    rows = Attachment.objects.filter(message=message)
    return [Carried(row.name, row.content_type, row.read, row.alt) for row in rows]


# --- in


def came(made: Collection[Message], events: Mapping[str, Event]) -> None:
    """Note what came with these new messages, by event id, and have it fetched. One query, where there is any."""
    rows = [
        Attachment(
            message=message, source_url=url, name=clean_name(enclosed.name or url.partition("?")[0]), size=0,
            alt=tidied(enclosed.alt), expires_at=enclosed.expires_at,
        )
        for message in made
        if not message.erased_at and (event := events.get(message.external_id or ""))
        for enclosed in islice(event.attachments, settings.ATTACHMENTS_PER_MESSAGE)
        if (url := _address(enclosed.url, message.channel))
    ]  # fmt: skip
    for row in Attachment.objects.bulk_create(rows):
        handoff.nudge(JOB, row.pk)


def _address(url: str, channel: Channel) -> str:
    """Where we fetch it from: the web, or for some networks a place only the account knows."""
    address = url.strip()
    fits = address.lower().startswith(("https://", "http://")) or _hands_out(channel)
    return address if fits and len(address) <= LONGEST_ADDRESS else ""


def _hands_out(channel: Channel) -> bool:
    """Whether files are had from the account alone."""
    return hasattr(registry.PLATFORMS[channel.platform], "enclosed")


def fetch(pk: int) -> None:
    """Fetch one file; safe to run twice. What is refused says why for good, what is not there is asked for again."""
    row = Attachment.objects.to_fetch().filter(pk=pk).select_related("message__channel").first()
    if row is None:
        return
    try:
        found = files.checked(ContentFile(_body(row), name=row.name))
    except (*AGAIN, NotThere, TryLater) as trouble:
        log.info("a file is not there yet", attachment=pk, why=type(trouble).__name__)
        waits = isinstance(trouble, AccessRevoked)  # until the account is connected again, however long
        if _is_over(row) or (not waits and row.created_at < timezone.now() - TRIED_FOR):
            _give_up(row, str(trouble))
    except (Refused, PlatformError) as refusal:
        _give_up(row, str(refusal))
    else:
        _keep(row, found)


def _body(row: Attachment) -> bytes:
    """Raises a refusal, what the platform raises, or NotThere."""
    message, url = row.message, row.source_url
    if not _hands_out(message.channel):
        return _fetched(url)
    return access.through(
        message.channel, lambda platform: cast(Encloses, platform).enclosed(message.external_id or "", url)
    )


def _fetched(url: str) -> bytes:
    most = settings.ATTACHMENT_BYTES
    answer = guard.fetch("GET", url, most=most + 1, seconds=SECONDS)
    if answer.status >= 500 or answer.status == 429:
        raise NotThere(Gone(status=answer.status))
    if answer.status != 200:
        raise Gone(status=answer.status)
    return answer.body


def _is_over(row: Attachment) -> bool:
    return row.expires_at is not None and row.expires_at < timezone.now()


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
    why = str(OVER) if _is_over(row) else why
    if Attachment.objects.to_fetch().filter(pk=row.pk).update(trouble=why[:300]):
        live.announce("file", row.message_id)


def sweep() -> None:
    """Files nobody has fetched yet."""
    for pk in Attachment.objects.to_fetch().order_by("pk").values_list("pk", flat=True)[:500]:
        handoff.nudge(JOB, pk)
