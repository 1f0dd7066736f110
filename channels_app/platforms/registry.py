"""Which platforms there are. A new one is a module here and a line in `KINDS`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.utils.translation import gettext_lazy as _

from channels_app.platforms.archive import ArchivePlatform
from channels_app.platforms.bluesky import BlueskyPlatform
from channels_app.platforms.by_hand import ByHandPlatform
from channels_app.platforms.email import EmailPlatform
from channels_app.platforms.errors import AccessRevoked
from channels_app.platforms.feeds import FeedPlatform
from channels_app.platforms.generic import GenericPlatform
from channels_app.platforms.mastodon import MastodonPlatform
from channels_app.platforms.meta.instagram import InstagramPlatform
from channels_app.platforms.meta.page import FacebookPlatform
from channels_app.platforms.meta.whatsapp import WhatsAppPlatform
from channels_app.platforms.simulator import SimulatorPlatform
from channels_app.platforms.wordpress import WordPressPlatform
from channels_app.platforms.x import XPlatform

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise

    from channels_app.platforms.abilities import Access
    from channels_app.platforms.base import Capabilities, Idempotency, Platform

KINDS: list[tuple[type[Any], StrOrPromise]] = [
    (ArchivePlatform, _("Archive")),
    (BlueskyPlatform, "Bluesky"),
    (ByHandPlatform, _("By hand")),
    (EmailPlatform, _("E-mail")),
    (FacebookPlatform, _("Facebook Page")),
    (FeedPlatform, _("Feed (RSS, Atom)")),
    (GenericPlatform, _("A channel of your own")),
    (InstagramPlatform, "Instagram"),
    (MastodonPlatform, "Mastodon"),
    (SimulatorPlatform, _("Simulator")),
    (WhatsAppPlatform, "WhatsApp"),
    (WordPressPlatform, "WordPress"),
    (XPlatform, "X"),
]
PLATFORMS: dict[str, type[Platform]] = {platform.kind: platform for platform, _name in KINDS}
NOT_CONNECTED = "Nobody has connected this channel yet."


def choices() -> list[tuple[str, StrOrPromise]]:
    return [(platform.kind, name) for platform, name in KINDS]


def polled() -> list[str]:
    return [kind for kind, platform in PLATFORMS.items() if platform.capabilities.poll]


def idempotent(*how: Idempotency) -> list[str]:
    """The kinds of network that see in one of these ways to it that a reply stands there once."""
    return [kind for kind, platform in PLATFORMS.items() if platform.capabilities.idempotency in how]


def capabilities(kind: str) -> Capabilities:
    return PLATFORMS[kind].capabilities


def connect(kind: str, access: Access | None = None) -> Platform:
    """The platform as one account of ours speaks through it. Raises AccessRevoked where there is none yet."""
    platform: Any = PLATFORMS[kind]
    if platform is SimulatorPlatform:
        return SimulatorPlatform(str(settings.HARK_SOCKET_DIR / "simulator.sock"))
    if platform is EmailPlatform:
        return EmailPlatform(access)  # without one, the mailbox the settings name
    if not platform.capabilities.connected:
        return platform()  # type: ignore[no-any-return]
    if access is None:
        raise AccessRevoked(NOT_CONNECTED)
    return platform(access)  # type: ignore[no-any-return]
