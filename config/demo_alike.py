"""A flood in the demo: what one person posts from a train that stands still, and thirteen pass on in two hours.

Everything through the inbox: that they are alike is found as it is of any posts.
"""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from django.conf import settings
from django.utils import timezone

from channels_app import inbox
from channels_app.models import Channel
from channels_app.platforms.base import RawPayload
from channels_app.simulation.conversation import Act
from channels_app.simulation.people import passers_by
from channels_app.simulation.showing import as_event, iso
from channels_app.simulation.store import Store
from channels_app.simulation.world import World

ID = "flood"  # ids begin with it, and never meet those of the past and of the living world
FIRST = "ruth_abernethy"  # whom Skylark knows: her post stands in front of those of strangers
SAID = (
    "@skylark we are locked in a train outside Crewe for hours, no water, no word from the crew, and the lady beside "
    "me has no insulin left. Does anybody there even read this?"
)
SHORT = SAID[:-24] + "…"  # as a network cuts it off
BEGAN, APART = timedelta(minutes=125), timedelta(minutes=9)


def load() -> None:
    """To be called once, when channels, rules and clocks are there."""
    channel = Channel.objects.get(key="skylark")
    events = told(timezone.now())
    store = Store(Path(settings.HARK_STATE_DIR) / "simulator.sqlite3")
    World(0, store).remember(events)
    seen = {"after": store.newest_seq()}  # or the network would tell us of them a second time
    store.close()
    payloads = [RawPayload(json.dumps(event, ensure_ascii=False).encode(), "the demo's past") for event in events]
    inbox.keep(channel=channel, payloads=payloads, cursor=seen)
    inbox.work_off(channel)


def told(until: datetime) -> list[dict[str, Any]]:
    """Oldest first, in the shape of GET /events: the post, and how each passed it on."""
    says = (f"RT @{FIRST}: {SAID}", f"RT @{FIRST}: {SHORT}", SAID, f"RT @{FIRST}: {SAID} 😤")
    others = [(person.handle, says[number % len(says)]) for number, person in enumerate(passers_by())]
    return [
        _event(number, handle, text, until - BEGAN + number * APART)
        for number, (handle, text) in enumerate([(FIRST, SAID), *others])
    ]


def _event(number: int, handle: str, text: str, at: datetime) -> dict[str, Any]:
    post = f"{ID}-{number:02d}"
    common = {"kind": "message", "id": post, "thread": post, "parent": "", "recipient": "", "key": "", "story": ""}
    said = {"author": handle, "ours": 0, "text": text, "language": "en", "act": Act.OPENS, "at": iso(at)}
    return as_event({"seq": number + 1, **common, **said})
