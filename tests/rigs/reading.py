"""Our platform on a rig, reading on from where it stood when a test began."""

from __future__ import annotations

import json

from channels_app.platforms.base import Event, Json, Platform
from tests.rigs.rig import Rig


class Reader:
    def __init__(self, rig: Rig, platform: Platform | None = None) -> None:
        """`platform`: another one than ours of the rig, such as a feed."""
        self.rig, self.platform = rig, platform or rig.platform()
        self.cursor: Json = {}
        self.found = self.read()  # what stood there already

    def read(self, *, limit: int = 40) -> list[Event]:
        """All that is new, in the order in which it is given."""
        found: list[Event] = []
        more = True
        while more:
            page = self.platform.fetch_since(self.cursor, limit=limit)
            found += [event for payload in page.payloads for event in self.platform.parse(payload.body)]
            self.cursor, more = json.loads(json.dumps(page.cursor)), page.more
        return found

    def until(self, *ids: str) -> list[Event]:
        """What is new, as soon as all of these are among it."""
        found: list[Event] = []

        def all_there() -> bool:
            found.extend(self.read())
            return set(ids) <= {event.external_id for event in found}

        self.rig.wait_until(f"we have read {', '.join(ids)}", all_there)
        return found
