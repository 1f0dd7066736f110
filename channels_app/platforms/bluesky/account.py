"""One account of ours on Bluesky, over the server it lives on.

Not here: direct messages (chat.bsky is a service of its own), and what becomes of a post later. A deletion is not told,
nor is an edit but within the first minutes: they show when the post is read again.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from functools import cached_property
from typing import ClassVar

import httpx

from channels_app.platforms.abilities import Access, Health
from channels_app.platforms.base import (
    Author,
    Capabilities,
    Event,
    Json,
    Moderation,
    Outgoing,
    Page,
    RawPayload,
    Sent,
)
from channels_app.platforms.bluesky import deeds, reading, session, walking, writing
from channels_app.platforms.bluesky.names import POST, place
from channels_app.platforms.bluesky.walking import Dated, Layer, Progress
from channels_app.platforms.errors import ParentGone, TryLater
from channels_app.platforms.wire import Wire

MOST_A_PAGE, MOST_AT_ONCE = 100, 25  # of lists; of posts asked for by name
HIGHEST = 80  # posts above one


class BlueskyPlatform:
    """`settings`: server, handle, did; `secrets`: app_password, and the session's access and refresh (`renew`)."""

    kind: ClassVar[str] = "bluesky"
    capabilities: ClassVar[Capabilities] = writing.CAN

    def __init__(self, access: Access, transport: httpx.BaseTransport | None = None) -> None:
        self.access, self.transport = access, transport

    @cached_property
    def wire(self) -> Wire:
        """Raises AccessExpired where no session was opened yet."""
        return session.line(self.access, self.transport)

    @property
    def did(self) -> str:
        return session.has_opened(self.access)

    # --- in

    def parse(self, body: bytes) -> list[Event]:
        """One item as the network gave it (`reading`). Raises Unreadable."""
        ours = self.access.settings.get("did", "")
        return reading.events(body, ours=ours, server=session.server(self.access))

    def fetch_since(self, cursor: Json, *, limit: int) -> Page:
        """What we were told of, and what we wrote elsewhere; at first of the last days. Raises TryLater."""
        now = datetime.now(UTC)
        progress = Progress.at(cursor, now)
        told, more = walking.notified(progress, self._notifications, limit=limit, now=now)
        ours: list[Dated] = []
        if left := limit - len(told):
            ours, others = walking.own(progress, self._written, limit=left, now=now)
            more = more or others
        items = [item for _, item in sorted((*self._with_pictures(told), *ours), key=lambda dated: dated[0])]
        return Page([reading.payload(item) for item in items], progress.cursor(), more or not left)

    def _notifications(self, at: str) -> Layer:
        asked = {"limit": MOST_A_PAGE, "reasons": reading.TOLD} | ({"cursor": at} if at else {})
        return _layer(self._look("app.bsky.notification.listNotifications", asked), "notifications", reading.TOLD)

    def _written(self, at: str) -> Layer:
        asked = {"repo": self.did, "collection": POST, "limit": MOST_A_PAGE, "reverse": "true", "cursor": at}
        told = self._look("com.atproto.repo.listRecords", asked)
        dated = [found for each in reading.listed(told, "records") if (found := walking.by_key(each))]
        return Layer(dated, str(told.get("cursor") or ""))

    def _with_pictures(self, told: Sequence[Dated]) -> list[Dated]:
        """With where their pictures are, for those that have any."""
        shown = {str(p["uri"]): p for p in self._posts([str(n["uri"]) for _, n in told if reading.has_files(n)])}
        return [(at, item | ({"post": shown[item["uri"]]} if item["uri"] in shown else {})) for at, item in told]

    def _posts(self, addresses: Sequence[str]) -> Iterator[Json]:
        for first in range(0, len(addresses), MOST_AT_ONCE):
            asked = {"uris": addresses[first : first + MOST_AT_ONCE]}
            yield from reading.listed(self._look("app.bsky.feed.getPosts", asked), "posts")

    def post(self, address: str) -> Json | None:
        """As the network shows it to us; None where it is gone. Raises TryLater."""
        return next(self._posts([address]), None)

    def standing(self, address: str) -> Json | None:
        """Also a post not shown to us, as its author has blocked us, or we them: its record. Raises TryLater."""
        where = place(address)
        return self.post(address) or (writing.get(self, where) if where else None)

    def _look(self, what: str, asked: Json) -> Json:
        """Raises TryLater where the answer is no object."""
        told = self.wire.json(self.wire.look(what, asked))
        if not isinstance(told, dict):
            raise TryLater("The answer of Bluesky cannot be read.")
        return told

    # --- Looks, Searches

    def fetch_item(self, external_id: str) -> RawPayload | None:
        post = self.standing(external_id)
        return reading.payload(post) if post else None

    def fetch_context(self, external_id: str) -> list[RawPayload]:
        """As far up as the network shows: what is gone, or written by who has blocked us, ends it."""
        asked = {"uri": external_id, "depth": 0, "parentHeight": HIGHEST}
        try:
            above = reading.of(reading.of(self._look("app.bsky.feed.getPostThread", asked), "thread"), "parent")
        except ParentGone:
            return []
        found: list[RawPayload] = []
        while post := reading.of(above, "post"):
            found.append(reading.payload(post))
            above = reading.of(above, "parent")
        return found[::-1]

    def profile(self, key: str) -> Author | None:
        try:
            said = self._look("app.bsky.actor.getProfile", {"actor": key})
        except ParentGone:
            return None
        return reading.person(said) if said.get("did") else None

    def search(self, words: str, cursor: Json, *, limit: int) -> Page:
        """Ours are left out. What mentions us is found as well: it is the same post, with the same id."""
        progress = Progress.at(cursor, datetime.now(UTC))
        found, more = walking.hits(progress, lambda at: self._found(words, at), limit=limit)
        return Page([reading.payload(item) for _, item in found], progress.cursor(), more)

    def _found(self, words: str, at: str) -> Layer:
        asked = {"q": words, "sort": "latest", "limit": MOST_A_PAGE} | ({"cursor": at} if at else {})
        layer = _layer(self._look("app.bsky.feed.searchPosts", asked), "posts")
        return Layer([d for d in layer.items if reading.of(d[1], "author").get("did") != self.did], layer.below)

    # --- out

    def send(self, out: Outgoing) -> Sent:
        """The same key is the same post: a second try changes nothing. Raises Rejected, TryLater or UnknownOutcome."""
        return writing.send(self, out)

    def find_sent(self, out: Outgoing) -> Sent | None:
        return writing.find(self, out)

    def moderate(self, act: Moderation) -> None:
        """Raises Rejected, TryLater or UnknownOutcome; all but a report may be told twice without harm."""
        deeds.do(self, act)

    # --- Checked, Renews

    def check(self) -> Health:
        """Asked of our own server, which answers also where the rest of the network does not."""
        told = self._look("com.atproto.server.getSession", {})
        session.must_be_active(told)
        refresh = self.access.secrets.get("refresh", "")
        ends = None if self.access.secrets.get("app_password") else session.runs_out(refresh)
        return Health(str(told.get("handle") or ""), str(told.get("did") or ""), session.scopes(self.access), (), ends)

    def renew(self) -> Access:
        """Opens a session at first. Raises AccessRevoked where nothing opens the account any more, TryLater."""
        return session.renewed(self.access, self.transport)


def _layer(told: Json, name: str, reasons: Sequence[str] = ()) -> Layer:
    dated = [(at, each) for each in reading.listed(told, name) if (at := reading.dated(each))]
    wanted = [(at, each) for at, each in dated if not reasons or each.get("reason") in reasons]
    return Layer(wanted, str(told.get("cursor") or ""))
