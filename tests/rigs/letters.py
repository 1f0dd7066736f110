"""A mail of ours, and what arrives in our mailbox."""

from __future__ import annotations

import uuid
from collections.abc import Callable

from channels_app.platforms.base import Event, Outgoing
from channels_app.platforms.email import EmailPlatform
from tests.rigs.mailing import THEIRS, MailRig


def outgoing(**changes: str) -> Outgoing:
    said = {"key": str(uuid.uuid4()), "text": "We are looking.", "parent_id": "", "thread_id": "", "recipient": THEIRS}
    return Outgoing(**{**said, **changes}, private=True)


def arrives(rig: MailRig, platform: EmailPlatform, so: Callable[[Event], object]) -> Event:
    """The first event for which it is so."""

    def look() -> Event | None:
        payloads = platform.fetch_since({}, limit=200).payloads
        return next((event for raw in payloads for event in platform.parse(raw.body) if so(event)), None)

    return rig.wait_until("it is there", look)
