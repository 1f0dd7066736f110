"""What opens an account: kept, renewed before it runs out, and what happens where it opens nothing any more.

Whoever speaks to a network does so `through` its channel: a key that has run out is renewed once and what was asked is
asked again; where a person has to connect the account anew, the channel says so (channels_app/health.py).
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import TYPE_CHECKING, TypeVar, cast

import structlog
from django.db import transaction
from django.utils import timezone

from channels_app import health
from channels_app.models import Channel, Credential
from channels_app.platforms import registry
from channels_app.platforms.abilities import Access, Renews
from channels_app.platforms.errors import AccessExpired, AccessRevoked, PlatformError
from crm import sealing

if TYPE_CHECKING:
    from channels_app.platforms.base import Platform

log = structlog.get_logger(__name__)

AHEAD = timedelta(minutes=10)  # a key is renewed so long before it runs out
Answer = TypeVar("Answer")


def through(channel: Channel, ask: Callable[[Platform], Answer]) -> Answer:
    """What `ask` gets from the network. Raises what it raises; a channel that is shut is marked so."""
    try:
        return _asked(channel, ask)
    except AccessRevoked as refusal:
        health.shut(channel, str(refusal))
        raise
    except sealing.CannotOpen as refusal:
        health.shut(channel, str(refusal))
        raise AccessRevoked(str(refusal)) from refusal


def _asked(channel: Channel, ask: Callable[[Platform], Answer]) -> Answer:
    platform = channel.connect()
    try:
        return ask(platform)
    except AccessExpired as refusal:
        if not isinstance(platform, Renews):
            raise AccessRevoked(str(refusal)) from refusal
    return ask(renewed(channel, platform))


def renewed(channel: Channel, before: Platform) -> Platform:
    """The platform with a new key; with the one another worker got meanwhile, where one did.

    The row is locked while the network is asked: a key that may be used once is used once, and the new one is kept
    before anything is asked with it. Raises AccessRevoked, TryLater.
    """
    with transaction.atomic():
        held = Credential.objects.select_for_update(of=("self",)).select_related("app").get(channel=channel)
        access = held.access()
        platform = registry.connect(channel.platform, access)
        if dict(access.secrets) != _secrets_of(before):
            return platform
        fresh = cast(Renews, platform).renew()
        keep(held, fresh)
    log.info("a key was renewed", channel=channel.key)
    return registry.connect(channel.platform, fresh)


def _secrets_of(platform: Platform) -> dict[str, str]:
    access: Access | None = getattr(platform, "access", None)
    return dict(access.secrets) if access else {}


def keep(held: Credential, access: Access) -> None:
    held.put(access)
    held.renewed_at, held.told_at = timezone.now(), None
    held.save(update_fields=["settings", "sealed", "expires_at", "renewed_at", "told_at"])


def renew_ahead() -> None:
    """Renew what runs out soon, so that nobody has to wait for it."""
    now = timezone.now()
    soon = Credential.objects.running_out(now + AHEAD).filter(channel__broken_at=None)
    for held in soon.select_related("channel"):
        _renew_one(held.channel)


def _renew_one(channel: Channel) -> None:
    try:
        platform = channel.connect()
        if isinstance(platform, Renews):
            renewed(channel, platform)
    except (AccessRevoked, sealing.CannotOpen) as refusal:
        health.shut(channel, str(refusal))
    except PlatformError as error:
        log.info("a key could not be renewed yet", channel=channel.key, error=type(error).__name__)
