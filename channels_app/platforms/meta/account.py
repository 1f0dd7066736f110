"""What a Facebook Page and an Instagram account have in common: comments in public, messages in private, one key."""

from __future__ import annotations

import re
from typing import ClassVar

import httpx

from channels_app.platforms.abilities import Access, Health
from channels_app.platforms.base import Author, Event, Json, Measures, Moderation, Outgoing, RawPayload, Sent
from channels_app.platforms.errors import ParentGone, Rejected, Unreadable, repeatable
from channels_app.platforms.meta import graph_posts, login, messaging
from channels_app.platforms.meta.graph import line, node, posted
from channels_app.platforms.meta.reading import entries, needed, objects, within, word, words
from channels_app.platforms.meta.webhook import Webhook

PUBLIC = re.compile(r"\d+(_\d+)?")  # ids of posts and comments; those of messages hold letters
DAY = 24 * 3600
LOOKED_AT = 50  # answers to a comment, when one of ours is looked for


class Account(Webhook):
    """`setting` names the one of `access.settings` that holds our id; `platform` is what the Graph API calls it."""

    name: ClassVar[str]
    setting: ClassVar[str]
    platform: ClassVar[str]
    about: ClassVar[str]  # what the webhook calls it
    answers: ClassVar[str]  # the edge of a comment where its answers are
    answer_fields: ClassVar[str]
    post_fields: ClassVar[str]
    own_fields: ClassVar[str]  # what tells who we are
    profile_fields: ClassVar[str]
    hidden: ClassVar[str]  # what a comment that is hidden is set to
    scopes: ClassVar[tuple[str, ...]]
    fields: ClassVar[str]  # what the webhook is to bring

    def __init__(self, access: Access, transport: httpx.BaseTransport | None = None) -> None:
        self.access = access
        self.ours = access.settings.get(self.setting, "")
        self.wire = line(self.name, access, transport)

    def parse(self, body: bytes) -> list[Event]:
        """One payload of `split` or of `fetch_since`. Raises Unreadable."""
        return [event for entry in entries(body, self.about) for event in self._events(entry)]

    def _events(self, entry: Json) -> list[Event]:
        if self.ours and word(entry.get("id")) != self.ours:
            raise Unreadable(f"This is for another account at {self.name} than the channel’s.")
        found = [event for item in messaging.in_entry(entry) for event in messaging.events(item, entry)]
        found += [event for row in objects(entry.get("comments")) for event in graph_posts.comment(row, entry)]
        return found + self._changes(entry)

    def _changes(self, entry: Json) -> list[Event]:
        """What an entry of the webhook says of posts and comments."""
        raise NotImplementedError

    def send(self, out: Outgoing) -> Sent:
        """Raises Rejected, TryLater or UnknownOutcome. After the first day WindowClosed: see `send_by_person`."""
        return self._tell(out, messaging.STANDARD) if out.private else self._answer(out)

    def send_by_person(self, out: Outgoing) -> Sent:
        """A private message up to seven days after theirs, with the human agent tag. Meta allows it only for what a
        person wrote, and only to apps it has approved for that.
        """
        return self._tell(out, messaging.BY_PERSON)

    def find_sent(self, out: Outgoing) -> Sent | None:
        """None only where it certainly is not there. Raises TryLater."""
        if out.private:
            return messaging.find(self.wire, self.ours, self.platform, out)
        asked = {"fields": self.answer_fields, "limit": LOOKED_AT, **self._newest_first()}
        found = self.wire.json(self.wire.look(node(out.parent_id, self.answers), asked))
        rows = objects(found.get("data")) if isinstance(found, dict) else []
        for row in rows:
            if self._is_ours(row) and messaging.same(graph_posts.said(row), out.text):
                return Sent(needed(row, "id"), graph_posts.when(row))
        return None

    def _is_ours(self, row: Json) -> bool:
        return word(within(row, "from").get("id")) == self.ours

    def moderate(self, act: Moderation) -> None:
        """Twice is once. Raises Rejected or TryLater."""
        with repeatable():
            try:
                self._do(act)
            except ParentGone:
                if act.kind is not Measures.DELETE:
                    raise

    def _do(self, act: Moderation) -> None:
        match act.kind:
            case Measures.MARK_READ:
                messaging.mark_read(self.wire, self.ours, act.author)
            case Measures.HIDE:
                self.wire.act("POST", node(act.post_id), data={self.hidden: "false" if act.undo else "true"})
            case Measures.DELETE if not act.undo:
                self.wire.act("DELETE", node(act.post_id))
            case _:
                raise Rejected(f"{self.name} cannot be asked for this.")

    def check(self) -> Health:
        """Who we are there. Raises AccessExpired, AccessRevoked, TryLater."""
        row = self._row(self.ours, self.own_fields) or {}
        has = self.access.settings.get("scopes", "").split()
        missing = [scope for scope in self.scopes if scope not in has] if has else []
        handle = word(row.get("username")) or word(row.get("name"))
        return Health(handle, word(row.get("id")), has, missing, self.access.expires_at)

    def subscribe(self) -> None:
        """Have the webhook called for this account from now on; twice is once. Raises Rejected or TryLater."""
        with repeatable():
            page = self.access.settings.get("page_id", "")
            self.wire.act("POST", node(page, "subscribed_apps"), data={"subscribed_fields": self.fields})

    @classmethod
    def authorize_url(cls, access: Access, *, back: str, state: str) -> str:
        return login.authorize_url(access, cls.scopes, back=back, state=state)

    @classmethod
    def exchange(cls, access: Access, *, code: str, back: str, transport: httpx.BaseTransport | None = None) -> Access:
        return login.exchange(access, cls.setting, code=code, back=back, transport=transport)

    # --- looking again

    def fetch_item(self, external_id: str) -> RawPayload | None:
        """A post or a comment as it is now. Raises TryLater, and Rejected for a message."""
        if not PUBLIC.fullmatch(external_id):
            raise Rejected(f"{self.name} shows only posts and comments again.")
        row = self._row(external_id, self._fields_of(external_id))
        return graph_posts.payload(self.about, self.ours, row, self._post_of(row)) if row else None

    def fetch_context(self, external_id: str) -> list[RawPayload]:
        """The post it stands below and the comment it answers. Raises TryLater."""
        row = self._row(external_id, self._fields_of(external_id)) if PUBLIC.fullmatch(external_id) else None
        if row is None:
            return []
        post, parent = self._post_of(row), _parent(row)
        wanted = [(post, self.post_fields)] + ([(parent, self._fields_of(parent))] if parent else [])
        found = [self._row(one, fields) for one, fields in wanted if one not in ("", external_id)]
        return [graph_posts.payload(self.about, self.ours, each, post) for each in found if each]

    def profile(self, key: str) -> Author | None:
        """How somebody shows themselves to us, who have written to us. Raises TryLater."""
        row = self._row(key, self.profile_fields)
        if row is None:
            return None
        reach = row.get("follower_count")
        return Author(
            key=key,
            handle=word(row.get("username")),
            name=words(row.get("name"))[:255],
            reach=reach if isinstance(reach, int) else None,
        )

    def _row(self, external_id: str, fields: str) -> Json | None:
        try:
            found = self.wire.json(self.wire.look(node(external_id), {"fields": fields}))
        except ParentGone:
            return None
        return found if isinstance(found, dict) else None

    def _post_of(self, row: Json) -> str:
        raise NotImplementedError

    def _fields_of(self, external_id: str) -> str:
        raise NotImplementedError

    # --- the way out

    def _tell(self, out: Outgoing, how: Json) -> Sent:
        to = self._to(out)
        how = {} if "id" not in to else how  # what answers a comment stands outside the windows of messages
        self._fits(out)
        return messaging.send(self.wire, self.ours, to, out.text, how)

    def _to(self, out: Outgoing) -> Json:
        """Whom a private message is to: of a post or a comment its author, whom only its id names."""
        return {"comment_id": out.parent_id} if PUBLIC.fullmatch(out.parent_id) else {"id": out.recipient}

    def _fits(self, out: Outgoing) -> None:
        """Raises Rejected where the network counts a private message in another way."""

    def _answer(self, out: Outgoing) -> Sent:
        if not PUBLIC.fullmatch(out.parent_id):
            raise Rejected(f"{self.name} takes public words only in answer to a post or a comment.")
        return posted(self.wire.act("POST", node(out.parent_id, self.answers), data={"message": out.text}), "id")

    def _newest_first(self) -> Json:
        return {}


def _parent(row: Json) -> str:
    return word(within(row, "parent").get("id")) or word(row.get("parent_id"))
