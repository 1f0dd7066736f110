"""Which platforms there are. A new one is a module here and a line in `PLATFORMS`."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from django.conf import settings

from channels_app.platforms.archive import ArchivePlatform
from channels_app.platforms.by_hand import ByHandPlatform
from channels_app.platforms.email import EmailPlatform
from channels_app.platforms.simulator import SimulatorPlatform

if TYPE_CHECKING:
    from channels_app.platforms.base import Capabilities, Platform

PLATFORMS: dict[str, type[Platform]] = {
    p.kind: p for p in (ArchivePlatform, ByHandPlatform, EmailPlatform, SimulatorPlatform)
}


def choices() -> list[tuple[str, str]]:
    return [(kind, kind.replace("_", " ").capitalize()) for kind in PLATFORMS]


def polled(*, slow: bool = False) -> list[str]:
    able = {kind: platform.capabilities for kind, platform in PLATFORMS.items()}
    return [kind for kind, can in able.items() if can.poll and can.slow is slow]


def capabilities(kind: str) -> Capabilities:
    return PLATFORMS[kind].capabilities


@cache
def connect(kind: str) -> Platform:
    if kind == SimulatorPlatform.kind:
        return SimulatorPlatform(str(settings.HARK_SOCKET_DIR / "simulator.sock"))
    if kind == EmailPlatform.kind:
        return EmailPlatform(settings.MAILBOX_URL, settings.MAIL_RETURN_TO or settings.SURVEY_FROM)
    return PLATFORMS[kind]()
