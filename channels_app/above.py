"""What is answered and not here: noted, so that it is fetched (channels_app/looking.py)."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from django.utils import timezone

from channels_app.models import Channel, Look, Message
from channels_app.platforms import registry
from channels_app.platforms.abilities import Looks
from crm import handoff

JOB = "channels_app.jobs.look"


def able() -> list[str]:
    """The kinds of platforms on which a post can be read again."""
    return [kind for kind, platform in registry.PLATFORMS.items() if isinstance(platform, Looks)]


def wish(messages: Collection[Message]) -> None:
    """What these answer is to be fetched. One query at most."""
    now = timezone.now()
    wanted = [Look(message=message, above_since=now) for message in messages if message.parent_external_id]
    Look.objects.bulk_create(
        wanted, update_conflicts=True, unique_fields=["message"], update_fields=["above_since"]
    )  # fmt: skip
    for pk in {message.channel_id for message in messages} if wanted else ():
        handoff.nudge(JOB, pk, queue="default")


def came(channel: Channel, made: Collection[Message], known: Mapping[str, Message]) -> None:
    """Of these new messages, what was said to us in answer to a post we do not have. One query, where there is any."""
    if channel.platform not in able():
        return
    here = {*known, *(message.external_id for message in made)}
    wish([message for message in made if _asks_what_is_above(message) and message.parent_external_id not in here])


def _asks_what_is_above(message: Message) -> bool:
    return not (message.is_ours or message.overheard or message.private or message.erased_at)
