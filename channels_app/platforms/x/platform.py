"""One account of ours on X.

Settings: "client_id", "account_id" (our number there), "handle", "scopes". Secrets: see oauth.py and proof.py.
Events come by the Account Activity API, and by asking as a net below it. X has no key for a request: whether
something arrived is looked up among our own posts and messages.
"""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, ClassVar

import httpx

from channels_app.platforms.abilities import Access, Answered, Health, RawRequest
from channels_app.platforms.base import (
    Author,
    Capabilities,
    Event,
    Idempotency,
    Json,
    Measures,
    Moderation,
    Outgoing,
    Pace,
    Page,
    RawPayload,
    Sent,
)
from channels_app.platforms.counting import Counting
from channels_app.platforms.errors import (
    AccessExpired,
    AccessRevoked,
    Duplicate,
    Forbidden,
    ParentGone,
    Rejected,
    TryLater,
    UnknownOutcome,
    Unreadable,
    repeatable,
)
from channels_app.platforms.wire import Wire
from channels_app.platforms.x import activity, ids, media, oauth, problems, proof, reading, sending
from channels_app.platforms.x.walking import Walk, alone, items

USER_FIELDS = "entities,id,location,name,public_metrics,username"
MEDIA_FIELDS = "alt_text,media_key,preview_image_url,type,url,variants"
OF_POSTS = {
    "post.fields": "attachments,conversation_id,created_at,entities,id,lang,note_post,text",
    "expansions": "attachments.media_keys,author_id,edit_history_post_ids,in_reply_to_user_id,referenced_posts",
    "user.fields": USER_FIELDS,
    "media.fields": MEDIA_FIELDS,
}
OF_MESSAGES = {
    "dm_event.fields": "attachments,created_at,dm_conversation_id,entities,event_type,id,text",
    "expansions": "attachments.media_keys,sender_id",
    "user.fields": USER_FIELDS,
    "media.fields": MEDIA_FIELDS,
}
PAGES = 5  # of posts, in one time of asking
MESSAGE_PAGES, MESSAGE_PAUSE = 2, 180.0  # they may be asked for 15 times in 15 minutes: some are for `find_sent`
ABOVE = 10  # posts that are read above one
SEARCHED_BACK = 6.9 * 86400  # seconds: X refuses to search on from what is older than a week


class XPlatform:
    kind: ClassVar[str] = "x"
    capabilities: ClassVar[Capabilities] = Capabilities(
        connected=True,
        reply_public=True, reply_private=True, poll=True, pace=Pace.SLOW, webhook=True, private_from_public=True,
        text_limit=280, counts=Counting.WEIGHTED, idempotency=Idempotency.RECONCILE, direct=ids.WITH_ONE + "{key}",
        attachments=media.MOST, attachment_bytes=media.LARGEST, alt_text=True, thread_of_parts=True, receipts=True,
        edits_seen=True, search=True, can_like=True, can_delete=True, can_hide=True,
    )  # fmt: skip

    authorize_url = staticmethod(oauth.authorize_url)

    def __init__(self, access: Access, transport: httpx.BaseTransport | None = None) -> None:
        self.access, self.transport = access, transport
        key = {"Authorization": f"Bearer {access.secrets.get('access_token', '')}"}
        self.wire = Wire("X", oauth.API, headers=key, means=problems.means, transport=transport)

    @classmethod
    def exchange(
        cls, access: Access, *, code: str, back: str, state: str = "", transport: httpx.BaseTransport | None = None
    ) -> Access:
        """The key, and whose it is. Raises AccessRevoked, TryLater."""
        opened = oauth.exchange(access, code=code, back=back, state=state, transport=transport)
        me = cls(replace(opened, settings={**opened.settings, "account_id": ""}), transport).check()
        return replace(opened, settings={**opened.settings, "account_id": me.key, "handle": me.handle})

    @property
    def ours(self) -> str:
        """Our number. Raises AccessRevoked."""
        number = self.access.settings.get("account_id", "")
        if not ids.NUMBER.fullmatch(number):
            raise AccessRevoked("It is not known which account of X this is: connect it anew.")
        return number

    # --- in

    def handshake(self, request: RawRequest) -> Answered | None:
        return proof.answer_to_challenge(request, self.access.secrets)

    def verify(self, request: RawRequest) -> None:
        proof.must_be_theirs(request, self.access.secrets)

    def split(self, request: RawRequest) -> list[RawPayload]:
        return activity.split(request.body)

    def parse(self, body: bytes) -> list[Event]:
        """A post or message of API v2, or a call of the Account Activity API. Raises Unreadable."""
        try:
            raw = json.loads(body)
        except (ValueError, RecursionError) as error:
            raise Unreadable("This is not JSON.") from error
        if not isinstance(raw, dict) or not (activity.is_one(raw) or isinstance(raw.get("data"), dict)):
            raise Unreadable("This is JSON, but no event of X.")
        try:
            ours = self.access.settings.get("account_id", "")
            return activity.events(raw, ours) if activity.is_one(raw) else reading.events(raw, ours)
        except KeyError as error:
            raise Unreadable(f"The event has no {error.args[0]}.") from error
        except (TypeError, ValueError, AttributeError, OverflowError, OSError) as error:
            raise Unreadable("The event has a field that cannot be read.") from error

    def fetch_since(self, cursor: Json, *, limit: int) -> Page:
        """Mentions, and direct messages every three minutes. `cursor` is {"posts": a mark, "messages": a mark with the
        time ("next", seconds since 1970) before which they are not asked for again}. See walking.py for marks.
        """
        posts = Walk(cursor.get("posts") or {}, PAGES)
        posts.go(lambda since, token: self._posts(f"/2/users/{self.ours}/mentions", since, token, size=_size(limit, 5)))
        messages = self._new_messages(cursor.get("messages") or {}, _size(limit, 1))
        found = Walk({}, 0, found=posts.found | messages.found)
        return Page(found.oldest_first(), {"posts": posts.mark, "messages": messages.mark}, posts.more)

    def _new_messages(self, mark: Json, size: int) -> Walk:
        """Trouble with them does not hold up the mentions."""
        walk = Walk(mark, MESSAGE_PAGES)
        if time.time() < float(mark.get("next", 0)) or not self._may("dm.read"):
            return walk
        wait = MESSAGE_PAUSE
        try:
            walk.go(lambda _, token: self._messages("/2/dm_events", token, size))
        except (AccessExpired, AccessRevoked):
            raise
        except TryLater as error:
            wait = max(error.after, MESSAGE_PAUSE)
        walk.mark = {**walk.mark, "next": int(time.time() + wait)}
        return walk

    def _may(self, scope: str) -> bool:
        """True where X did not say what the key covers."""
        scopes = self.access.settings.get("scopes", "").split()
        return scope in scopes or not scopes

    def search(self, words: str, cursor: Json, *, limit: int) -> Page:
        """Posts of the last seven days. `words` as X's own search takes them."""
        asked = {"query": f"({words}) -is:retweet -from:{self.ours}", "sort_order": "recency"}
        walk, oldest = Walk(cursor, PAGES), ids.at(datetime.fromtimestamp(time.time() - SEARCHED_BACK, UTC))
        walk.go(
            lambda since, token: self._posts(
                "/2/tweets/search/recent", since if since > oldest else 0, token, size=_size(limit, 10), **asked
            )
        )
        return Page(walk.oldest_first(), walk.mark, walk.more)

    def _posts(self, path: str, since: int, token: str, *, size: int, **asked: Any) -> Json:
        asked |= {"max_results": size, **OF_POSTS}
        asked |= ({"since_id": str(since)} if since else {}) | ({"pagination_token": token} if token else {})
        return self._look(path, asked)

    def _messages(self, path: str, token: str, size: int) -> Json:
        asked = {"max_results": size, "event_types": "MessageCreate", **OF_MESSAGES}
        return self._look(path, asked | ({"pagination_token": token} if token else {}))

    def _look(self, path: str, asked: Json) -> Json:
        answer = self.wire.json(self.wire.look(path, asked))
        if not isinstance(answer, dict):
            raise TryLater("The answer of X cannot be read.")
        return answer

    # --- out

    def send(self, out: Outgoing) -> Sent:
        """Where X has the words already, Duplicate names the post if it answers the same one."""
        request = sending.of(out, lambda: media.upload(self.wire, out.files, private=out.private))
        try:
            answer = self.wire.act("POST", request.path, json=request.body)
        except Duplicate as known:
            raise Duplicate(str(known), self._known(out)) from known
        try:
            return sending.sent(self.wire.json(answer))
        except (TryLater, KeyError, TypeError, AttributeError) as error:
            raise UnknownOutcome("The answer of X cannot be read.") from error

    def _known(self, out: Outgoing) -> str:
        try:
            found = self.find_sent(out)
        except (TryLater, Rejected):
            return ""
        return found.external_id if found else ""

    def find_sent(self, out: Outgoing) -> Sent | None:
        """Among what we said to them last, with the same words. Raises TryLater, also where there is too much of it."""
        return self._sent_message(out) if out.private else self._sent_post(out)

    def _sent_post(self, out: Outgoing) -> Sent | None:
        since, token = int(ids.must_be_one(out.parent_id, "post")) if out.parent_id else 0, ""
        for _ in range(PAGES):
            page = self._posts(f"/2/users/{self.ours}/tweets", since, token, size=100)
            if found := self._same(page, out):
                return found
            token = str((page.get("meta") or {}).get("next_token") or "")
            if not token:
                return None
        raise TryLater("There are too many posts of ours to find one among them.")

    def _sent_message(self, out: Outgoing) -> Sent | None:
        return self._same(self._messages(f"{sending.conversation(out)}/dm_events", "", 100), out)

    def _same(self, page: Json, out: Outgoing) -> Sent | None:
        try:
            events = [event for one in items(page) for event in self.parse(alone(one).body)]
        except Unreadable as error:  # it might be the one
            raise TryLater("What X says of our posts cannot be read.") from error
        same = next((event for event in events if sending.is_it(event, out)), None)
        return Sent(same.external_id, same.occurred_at) if same else None

    def moderate(self, act: Moderation) -> None:
        """Like, delete or hide. What is gone need not be deleted, nor does a like on it have to be taken back."""
        method, path, body = sending.measure(act, self.ours)
        try:
            with repeatable("X was asked and did not answer."):
                problems.found_in(self.wire.json(self.wire.act(method, path, **({"json": body} if body else {}))))
        except ParentGone:
            if act.kind is not Measures.DELETE and not (act.kind is Measures.LIKE and act.undo):
                raise

    # --- one by one

    def fetch_item(self, external_id: str) -> RawPayload | None:
        item = self._item(external_id)
        return alone(item) if item else None

    def fetch_context(self, external_id: str) -> list[RawPayload]:
        """The nearest ten, as far up as X shows them to us."""
        above: list[Json] = []
        with suppress(Forbidden):
            item = self._item(external_id)
            while item and len(above) < ABOVE and (parent := _parent(item)):
                if item := self._item(parent):
                    above.append(item)
        return [alone(one) for one in reversed(above)]

    def _item(self, external_id: str) -> Json | None:
        """None where it is gone. Raises Forbidden where it is not for us, or our plan lets us read nothing."""
        if external_id.startswith(ids.MESSAGE):
            path, asked = f"/2/dm_events/{external_id.removeprefix(ids.MESSAGE)}", OF_MESSAGES
        else:
            path, asked = f"/2/tweets/{ids.must_be_one(external_id, 'post')}", OF_POSTS
        try:
            answer = self._look(path, dict(asked))
            data = problems.found_in(answer)
        except ParentGone:
            return None
        return next(items({"data": [data], "includes": answer.get("includes")}))

    def profile(self, key: str) -> Author | None:
        path = f"/2/users/{ids.must_be_one(key, 'account')}"
        try:
            return reading.person(problems.found_in(self._look(path, {"user.fields": USER_FIELDS})), key)
        except (ParentGone, Forbidden):
            return None

    # --- the key

    def check(self) -> Health:
        me = problems.found_in(self._look("/2/users/me", {"user.fields": "id,name,username"}))
        key, known = ids.maybe(me, "id"), self.access.settings.get("account_id", "")
        if known and key != known:
            raise AccessRevoked("The key opens another account of X: connect this one anew.")
        scopes: Sequence[str] = self.access.settings.get("scopes", "").split()
        missing = [scope for scope in oauth.SCOPES if scope not in scopes] if scopes else []
        return Health(f"@{me.get('username', '')}", key, scopes, missing, self.access.expires_at)

    def renew(self) -> Access:
        return oauth.renewed(self.access, transport=self.transport)


def _size(limit: int, least: int) -> int:
    """Of a page, as X takes it."""
    return min(max(limit, least), 100)


def _parent(item: Json) -> str:
    named = reading.first_of(item["data"], "referenced_posts", "referenced_tweets")
    return next((ids.maybe(one, "id") for one in named if one.get("type") == "replied_to"), "")
