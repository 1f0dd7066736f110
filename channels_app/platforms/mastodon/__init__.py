"""Mastodon's API, as Mastodon and those who speak it too (snac, Pleroma, GoToSocial) answer it.

There is no webhook: notifications are asked for, and our own posts, so that what was written in another app is known.
Where a request was written and no answer came, the answers to the post are read (RECONCILE): Mastodon also honours the
Idempotency-Key that goes with each, others do not.

`settings`: server, account_id, handle, domain, scopes, and client_id, version and text_limit as `joining` finds them.
`secrets`: access_token, and client_secret.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any, ClassVar
from urllib.parse import quote

import httpx

from channels_app.platforms.abilities import Access, Health
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
    AccessRevoked,
    Forbidden,
    ParentGone,
    PlatformError,
    Rejected,
    TryLater,
    UnknownOutcome,
    repeatable,
)
from channels_app.platforms.mastodon import joining, reading, sending, walking
from channels_app.platforms.mastodon.joining import NAME
from channels_app.platforms.mastodon.sending import post_path
from channels_app.platforms.wire import Wire

NOTIFIED = "/api/v1/notifications"
REVOKED = f"{NAME} does not accept our key any more: connect the channel again."
NO_MASTODON = "The server does not answer as Mastodon does: look at its address."
WANTED = (*reading.SPEAKS, reading.LIKES)


class MastodonPlatform:
    """One account. `transport` is for tests."""

    kind: ClassVar[str] = "mastodon"
    capabilities: ClassVar[Capabilities] = Capabilities(
        connected=True,
        reply_public=True, reply_private=True, poll=True, pace=Pace.STEADY, text_limit=500, counts=Counting.MASTODON,
        idempotency=Idempotency.RECONCILE, direct="dm-{key}", attachments=4, attachment_bytes=10_000_000,
        private_from_public=True, thread_of_parts=True, names_them=True, alt_text=True, edits_seen=True,
        deletes_seen=True, search=True, can_like=True, can_delete=True, can_block=True, can_report=True,
    )  # fmt: skip

    register = staticmethod(joining.register)
    authorize_url = staticmethod(joining.authorize_url)
    exchange = staticmethod(joining.exchange)
    revoke = staticmethod(joining.revoke)

    def __init__(self, access: Access, transport: httpx.BaseTransport | None = None) -> None:
        self.access, self.us = access, reading.Us.at(access.settings)
        key = access.secrets.get("access_token", "")
        self.wire = Wire(
            NAME, access.settings.get("server", ""), {"Authorization": f"Bearer {key}"}, meaning, transport
        )  # fmt: skip

    def parse(self, body: bytes) -> list[Event]:
        """One notification, one post, or {"event": "delete", "payload": its id, "at": when it was missed}."""
        return reading.events(body, self.us)

    # --- reading

    def fetch_since(self, cursor: Json, *, limit: int) -> Page:
        """`cursor` holds what `walking` remembers of notifications ("told") and of our own posts ("own")."""
        told = walking.walk(self._list(NOTIFIED, {"types[]": WANTED}), remembered(cursor, "told"), limit=limit)
        room = limit - len(told.items)
        own = self._own(cursor, room) if room > 0 and self.us.account_id else None
        both = [told, own] if own else [told]
        items = sorted((item for walked in both for item in walked.items if wanted(item)), key=_when)
        return Page(
            [_payload(item) for item in items] + self._gone([entry for walked in both for entry in walked.missing]),
            {"told": told.seen, "own": own.seen if own else cursor.get("own")},
            room <= 0 or any(walked.more for walked in both),
        )

    def _own(self, cursor: Json, limit: int) -> walking.Walk:
        ours = f"/api/v1/accounts/{quote(self.us.account_id, safe='')}/statuses"
        return walking.walk(self._list(ours, {"exclude_reblogs": "true"}), remembered(cursor, "own"), limit=limit)

    def _gone(self, missing: Sequence[walking.Seen]) -> list[RawPayload]:
        """Of what vanished, where the post did: notifications vanish too where somebody tidies up."""
        posts = dict.fromkeys(entry.post for entry in missing if entry.post)
        at = datetime.now(UTC).isoformat()
        return [_payload({"event": "delete", "payload": post, "at": at}) for post in posts if not self.fetch_item(post)]

    def fetch_item(self, external_id: str) -> RawPayload | None:
        """As it is now; None where it is gone, or not for us any more. Raises TryLater."""
        try:
            return _payload(self._look(post_path(external_id)))
        except ParentGone:
            return None

    def fetch_context(self, external_id: str) -> list[RawPayload]:
        """What stands above it, oldest first; nothing where it is gone. Raises TryLater."""
        try:
            found = self._look(f"{post_path(external_id)}/context")
        except ParentGone:
            return []
        return [_payload(post) for post in _posts(found, "ancestors")]

    def profile(self, key: str) -> Author | None:
        """How somebody shows themselves now; None where they are gone. Raises TryLater."""
        try:
            return reading.author_of(self._account(key), self.us)
        except ParentGone:
            return None
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise TryLater(f"{NAME} answered something that is not a person.") from error

    def search(self, words: str, cursor: Json, *, limit: int) -> Page:
        """Posts with a #hashtag, or with these words where the server searches in posts at all."""
        tag = words.strip().removeprefix("#")
        if words.strip().startswith("#") and tag.replace("_", "").isalnum():
            ask = self._list(f"/api/v1/timelines/tag/{quote(tag, safe='')}")
        else:
            ask = self._list("/api/v2/search", {"q": words, "type": "statuses"}, under="statuses")
        found = walking.walk(ask, remembered(cursor, "found"), limit=limit)
        items = [item for item in found.items if not item.get("reblog")]
        return Page([_payload(item) for item in items], {"found": found.seen}, found.more)

    def check(self) -> Health:
        """Raises AccessRevoked, TryLater."""
        try:
            found = joining.who(self.wire)
        except ParentGone as error:
            raise TryLater(NO_MASTODON) from error
        except Rejected as error:  # snac says 422 where Mastodon says 401
            raise AccessRevoked(REVOKED) from error
        scopes = self.access.settings.get("scopes", "").split()
        return Health(
            found["handle"], reading.key_of(found["handle"], found["domain"]), scopes, joining.missing(scopes)
        )  # fmt: skip

    # --- writing

    def send(self, out: Outgoing) -> Sent:
        """Send once. Raises Rejected, TryLater or UnknownOutcome."""
        parent = self._parent(out.parent_id)
        body = sending.post(out, parent, self.us, self._limit())
        if out.files:
            body["media_ids"] = [sending.upload(self.wire, file) for file in out.files]
        answer = self.wire.act("POST", "/api/v1/statuses", json=body, headers={"Idempotency-Key": out.key})
        try:
            return sending.sent(answer.json(), self.us)
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise UnknownOutcome(f"{NAME} took the post, and its answer cannot be read.") from error

    def _limit(self) -> int:
        return self.access.text_limit or self.capabilities.text_limit or 500

    def _parent(self, external_id: str) -> Json:
        """The post to be answered, as it is now: it says whom to name and who may read the answer."""
        if not external_id:
            return {}
        try:
            return self._look(post_path(external_id))
        except ParentGone as error:
            raise ParentGone("The post that was to be answered is not there any more.") from error

    def find_sent(self, out: Outgoing) -> Sent | None:
        """A post of ours with these words below the same post. Raises TryLater."""
        found = [post for post in self._below(out.parent_id) if sending.is_it(post, out, self.us)]
        try:
            return sending.sent(found[-1], self.us) if found else None
        except (KeyError, TypeError, ValueError) as error:
            raise TryLater(f"{NAME} answered something that is not a post.") from error

    def _below(self, external_id: str) -> list[Json]:
        """What answers a post, and the newest of our own: one of them is enough where the other knows nothing."""
        found: list[Json] = []
        if external_id:
            with suppress(ParentGone):
                found = _posts(self._look(f"{post_path(external_id)}/context"), "descendants")
        if self.us.account_id:
            ours = f"/api/v1/accounts/{quote(self.us.account_id, safe='')}/statuses"
            found += reversed(self._list(ours)({"limit": "40"}))
        return found

    def moderate(self, act: Moderation) -> None:
        """Like, delete, block or report; a report cannot be taken back. Raises Rejected, TryLater."""
        try:
            with repeatable():  # twice is once; of a report, two that say the same
                self._do(act)
        except ParentGone as error:
            if act.kind is not Measures.DELETE:
                raise
            if self.fetch_item(act.post_id):  # snac answers so to every wish to delete
                raise Rejected("This server does not let programs delete a post.") from error

    def _do(self, act: Moderation) -> None:
        post = post_path(act.post_id)
        match act.kind, act.undo:
            case Measures.LIKE, undo:
                self.wire.act("POST", f"{post}/{'unfavourite' if undo else 'favourite'}")
            case Measures.DELETE, False:
                self.wire.act("DELETE", post)
            case Measures.BLOCK, undo:
                whom = quote(self._author_id(act), safe="")
                self.wire.act("POST", f"/api/v1/accounts/{whom}/{'unblock' if undo else 'block'}")
            case Measures.REPORT, False:
                self.wire.act("POST", "/api/v1/reports", json=self._report(act))
            case _:
                raise Rejected(f"{NAME} has no way to do this.")

    def _report(self, act: Moderation) -> Json:
        told = {"account_id": self._author_id(act), "comment": act.reason[:1000]}
        return told | ({"status_ids": [act.post_id]} if act.post_id else {})

    def _author_id(self, act: Moderation) -> str:
        """The server's own id for them: by the post, else by their name."""
        try:
            found = self._look(post_path(act.post_id)).get("account") if act.post_id else None
        except ParentGone:
            found = None
        account = found if isinstance(found, dict) else self._account(act.author)
        if not account.get("id"):
            raise TryLater(f"{NAME} answered something that is not a person.")
        return str(account["id"])

    # --- asking

    def _account(self, key: str) -> Json:
        return self._look("/api/v1/accounts/lookup", {"acct": self.us.called(key)})

    def _look(self, path: str, params: Mapping[str, Any] | None = None) -> Json:
        """Raises ParentGone, TryLater."""
        found = self._ask(path, params)
        if not isinstance(found, dict):
            raise TryLater(f"The answer of {NAME} cannot be read.")
        return found

    def _list(self, path: str, always: Mapping[str, Any] | None = None, under: str = "") -> walking.Ask:
        """Asks for a list, newest first. Raises TryLater."""

        def ask(params: Mapping[str, str]) -> list[Json]:
            found = self._ask(path, {**(always or {}), **params}, gone=False)
            found = found.get(under) if under and isinstance(found, dict) else found
            if not isinstance(found, list):
                raise TryLater(f"The answer of {NAME} cannot be read.")
            return [item for item in found if isinstance(item, dict)]

        return ask

    def _ask(self, path: str, params: Mapping[str, Any] | None = None, *, gone: bool = True) -> Any:
        """JSON. What the server refuses to tell is for later: a person has to look. Raises ParentGone if `gone`."""
        try:
            return self.wire.json(self.wire.look(path, params))
        except ParentGone as error:
            if gone:
                raise
            raise TryLater(NO_MASTODON) from error
        except Rejected as error:
            raise TryLater(str(error)) from error


def remembered(cursor: Json, name: str) -> list[walking.Seen] | None:
    return walking.remembered(cursor.get(name))


def wanted(item: Json) -> bool:
    """Some servers do not heed which kinds of notifications are asked for."""
    return item.get("type") in WANTED if "content" not in item else not item.get("reblog")


def _when(item: Json) -> str:
    return str(item.get("created_at") or "")


def _payload(item: Json) -> RawPayload:
    named = item.get("id") or item.get("payload")
    kind = "deletion of" if "event" in item else item.get("type") or "post"
    return RawPayload(json.dumps(item, ensure_ascii=False).encode("utf-8", "replace"), f"{NAME}, {kind} {named}"[:300])


def _posts(found: Json, name: str) -> list[Json]:
    posts = found.get(name)
    return [post for post in posts if isinstance(post, dict)] if isinstance(posts, list) else []


def meaning(answer: httpx.Response) -> PlatformError | None:
    """What Mastodon's refusals say beyond their status. Its words stay away: they may hold a customer's."""
    said = answer.text[:2000].lower() if answer.is_client_error else ""
    if answer.status_code == 401:
        return AccessRevoked(REVOKED)
    if answer.status_code == 403 and "scope" in said:
        return Forbidden("The key does not allow this: connect the channel again and agree to all it asks for.")
    if answer.status_code == 403 and any(word in said for word in ("login", "disabled", "suspended", "confirm")):
        return AccessRevoked(f"{NAME} has locked our account: look at it there.")
    if answer.status_code == 422 and "processing" in said:
        return TryLater(f"{NAME} is still preparing the files.", 10.0)
    if answer.status_code == 422 and ("character" in said or "too long" in said):
        return Rejected("It is too long for this server.")
    return None
