"""Whether an account still lets us in: asked by hand, and each hour of those that nothing else asks."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from channels_app import access, health
from channels_app.models import Channel, Credential
from channels_app.platforms import registry
from channels_app.platforms.abilities import Budget, Checked, Health, left_of
from channels_app.platforms.base import Platform
from channels_app.platforms.errors import PlatformError

JOB = "channels_app.jobs.check"


def can_be(channel: Channel) -> bool:
    return hasattr(registry.PLATFORMS[channel.platform], "check")


def check(channel: Channel) -> Health:
    """Who we are there. Raises PlatformError; what is wrong stands on the channel then."""
    try:
        found, budget = access.through(channel, _asked)
    except PlatformError as error:
        health.failed(channel, error)
        raise
    _keep(channel, found)
    if channel.broken_at:
        health.opened(channel)
    else:
        health.answered(channel, budget, more=False)
    return found


def _asked(platform: Platform) -> tuple[Health, Budget | None]:
    found = platform.check() if isinstance(platform, Checked) else Health("")
    return found, left_of(platform)


def _keep(channel: Channel, found: Health) -> None:
    """What the account says of itself now: a right that was taken back is missed here first."""
    if found.handle and found.handle[:120] != channel.our_handle:
        Channel.objects.filter(pk=channel.pk).update(our_handle=found.handle[:120])
    with transaction.atomic():
        held = Credential.objects.select_for_update(of=("self",)).filter(channel=channel).first()
        said = {"granted": " ".join(found.scopes), "missing": " ".join(found.missing)}
        if held and {name: held.settings.get(name, "") for name in said} != said:
            held.settings = {**held.settings, **said}
            held.save(update_fields=["settings"])


def claim_due(now: datetime) -> list[int]:
    """The channels that nobody polls and nobody has checked for an hour; each is nobody else's for a while."""
    return health.claimed(Channel.objects.to_check(now), now)
