"""Comments below the articles of a WordPress site, over its REST API with an application password.

Settings: `url` of the site, `user`, and `account_id`, which `check` gives as its key: by it our own comments are known.
Secrets: `password`, an application password. The account has to be allowed to moderate comments (the role Editor).

WordPress refuses words that stand there already (`DETECT`): a reply that is sent again tells whether it arrived.
Nothing is said there of edits and deletions; a comment that is read again (`fetch_item`) shows them.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar
from urllib.parse import urlsplit

import httpx

from channels_app.platforms.abilities import Access, Health
from channels_app.platforms.archive import clean_id, clean_text
from channels_app.platforms.base import (
    Author,
    Capabilities,
    Event,
    EventKind,
    Idempotency,
    Json,
    Measures,
    Moderation,
    Outgoing,
    Pace,
    Page,
    RawPayload,
    Sent,
    web_address,
)
from channels_app.platforms.errors import (
    AccessRevoked,
    Duplicate,
    Forbidden,
    ParentGone,
    Rejected,
    TryLater,
    UnknownOutcome,
    Unreadable,
)
from channels_app.platforms.wire import Wire
from channels_app.platforms.wordpress.comment import (
    as_html,
    at_of,
    author_of,
    comments,
    id_of,
    moment,
    number,
    payload,
    raw_of,
    sent_of,
    words_of,
    written,
)
from channels_app.platforms.wordpress.meaning import GONE, MEANT, NAME, ON_HOLD, change, means

COMMENTS = "/wp/v2/comments"
# All Hark shows. Where somebody wrote from and with which program is not asked for.
FIELDS = "id,post,parent,author,author_name,author_email,author_url,date_gmt,content,link,status"
PER_PAGE = 100  # the most WordPress gives
FIRST_LOOK = timedelta(days=14)  # how far back a site is read that was just connected
LATE = timedelta(minutes=5)  # a comment is dated before the site's filters look at it, and stored after
# WordPress compares `after` with the site's own clock, which goes back by an hour once a year
CLOCK = timedelta(hours=1, seconds=1)
DEEPEST = 50  # comments above one another
NEEDED = "moderate_comments"


class WordPressPlatform:
    """One account on one site. A payload is one comment as the site gives it to who may moderate it."""

    kind: ClassVar[str] = "wordpress"
    capabilities: ClassVar[Capabilities] = Capabilities(
        connected=True, reply_public=True, poll=True, pace=Pace.STEADY, idempotency=Idempotency.DETECT,
        text_limit=13_000,  # 65,525 bytes as it is stored, where "&" takes five
        can_hide=True, can_delete=True, can_report=True,
    )  # fmt: skip

    def __init__(self, access: Access, transport: httpx.BaseTransport | None = None) -> None:
        self.access = access
        key = f"{access.settings.get('user', '')}:{access.secrets.get('password', '')}".encode()
        headers = {"Authorization": f"Basic {base64.b64encode(key).decode()}", "Accept": "application/json"}
        self.wire = Wire(NAME, access.settings.get("url", ""), headers, means, transport)

    # --- in

    def parse(self, body: bytes) -> list[Event]:
        """Raises Unreadable. A comment in the trash, or taken for spam, is one that was deleted."""
        try:
            raw = json.loads(body)
        except (ValueError, RecursionError) as error:
            raise Unreadable("This is not JSON.") from error
        if not isinstance(raw, dict):
            raise Unreadable("This is JSON, but not a comment.")
        try:
            return [self._event(raw)]
        except (AttributeError, TypeError, ValueError) as error:
            raise Unreadable(f"The comment has a field that cannot be read ({type(error).__name__}).") from error

    def _event(self, raw: Json) -> Event:
        external_id, at = clean_id(raw.get("id")), moment(raw.get("date_gmt"))
        if not external_id or at is None:
            raise Unreadable("The comment has no id, or no time.")
        status = clean_text(raw.get("status"))
        ours = bool(self._account_id) and clean_id(raw.get("author")) == self._account_id
        return Event(
            kind=EventKind.DELETE if status in GONE else EventKind.MESSAGE,
            external_id=external_id,
            occurred_at=at,
            author=None if ours else author_of(raw, self._place),
            is_ours=ours,
            text=words_of(raw.get("content") or {}),
            parent_id=id_of(raw.get("parent")),
            url=web_address(clean_text(raw.get("link"))),
            extra={"article": id_of(raw.get("post")), "status": status},
        )

    def fetch_since(self, cursor: Json, *, limit: int) -> Page:
        """`cursor` is {"at": the time of the newest comment taken, "seen": {id: time} of those of the last minutes}.

        What waits to be approved is taken too: a comment that is approved tomorrow is dated today. The last minutes are
        read again, since a comment may be stored after one with a later time.
        """
        now, seen = datetime.now(UTC), dict(cursor.get("seen") or {})
        since = moment(cursor.get("at")) or now - FIRST_LOOK
        found = list(self._newer(since, set(seen), limit + 1))
        taken = found[:limit]
        # somebody may date a comment into the future: the others come all the same
        newest = max([since, *(min(at_of(raw), now) for raw in taken)])
        seen |= {str(raw["id"]): at_of(raw).isoformat() for raw in taken}
        recent = {each: at for each, at in seen.items() if (moment(at) or now) >= newest - LATE}
        return Page([payload(raw) for raw in taken], {"at": newest.isoformat(), "seen": recent}, len(found) > limit)

    def _newer(self, since: datetime, seen: set[str], most: int) -> Iterator[Json]:
        asked = {"order": "asc", "orderby": "date_gmt", "status": "all", "after": written(since - LATE - CLOCK)}
        for raw in self._walk(asked):
            if at_of(raw) < since - LATE or str(raw["id"]) in seen:
                continue
            seen.add(str(raw["id"]))
            yield raw
            most -= 1
            if not most:
                return

    def _walk(self, asked: Mapping[str, Any]) -> Iterator[Json]:
        """All comments of this kind, page by page. Raises TryLater."""
        offset, total = 0, 1
        while offset < total:
            answer = self._list({**asked, "per_page": PER_PAGE, "offset": offset})
            if not (found := comments(self.wire.json(answer))):
                return
            yield from found
            # a page may hold less than it counts: what the account may not see is left out
            total = number(answer.headers.get("X-WP-Total"), otherwise=offset + len(found) + len(found) // PER_PAGE)
            offset += PER_PAGE

    def _list(self, asked: Mapping[str, Any]) -> httpx.Response:
        """Raises TryLater: a list that is refused is no fault of a single comment."""
        try:
            return self._look(COMMENTS, {"context": "edit", "_fields": FIELDS, **asked})
        except Forbidden as error:
            raise AccessRevoked(f"{NAME} does not let the account moderate comments any more.") from error
        except Rejected as error:
            raise TryLater(str(error)) from error

    # --- out

    def send(self, out: Outgoing) -> Sent:
        """Below the comment it answers, as the account. Duplicate names the comment that stands there already."""
        if out.private or out.files:
            raise Rejected("A comment is public, and carries no files.")
        if len(out.text) > (self.capabilities.text_limit or 0):
            raise Rejected("It is too long for a comment on WordPress: 13,000 characters.")
        parent = self._comment(out.parent_id)
        if parent.get("status") == ON_HOLD:
            raise Rejected("The comment is not shown on the site yet: approve it there, then send again.")
        said = {"post": parent.get("post"), "parent": parent["id"], "content": as_html(out.text)}
        try:
            answer = self._act("POST", COMMENTS, json=said)
        except Duplicate as error:
            there = self._standing(out)
            raise Duplicate(str(error), there.external_id if there else "") from error
        return sent_of(answer)

    def find_sent(self, out: Outgoing) -> Sent | None:
        """The comment of ours with these words below the same comment. Raises TryLater."""
        wanted, own = as_html(out.text), self._own_id()
        asked = {"parent": out.parent_id, "author": own, "status": "all", "order": "asc"}
        same = (raw for raw in self._walk(asked) if raw_of(raw).strip() == wanted)
        return next((Sent(str(raw["id"]), at_of(raw)) for raw in same), None)

    def _standing(self, out: Outgoing) -> Sent | None:
        try:
            return self.find_sent(out)
        except (AccessRevoked, TryLater):
            return None

    def moderate(self, act: Moderation) -> None:
        """HIDE holds it back, REPORT marks it as spam, DELETE moves a comment of ours to the trash.

        WordPress calls a state that is there already an error of its own, so the state is read before and after.
        """
        if act.kind not in MEANT:
            raise Rejected("WordPress cannot be asked for this.")
        try:
            raw = self._comment(act.post_id, also_gone=True)
        except ParentGone:
            if act.undo:
                raise
            return
        if act.kind is Measures.DELETE and id_of(raw.get("author")) != self._own_id():
            raise Rejected("Only a comment of ours can be deleted: hide it instead.")
        if asked := change(act, str(raw.get("status"))):
            self._put(act.post_id, asked, act)

    def _put(self, post_id: str, status: str, act: Moderation) -> None:
        try:
            self._act("POST", f"{COMMENTS}/{_id(post_id)}", json={"status": status})
        except UnknownOutcome as error:
            if change(act, str(self._comment(post_id, also_gone=True).get("status"))):
                raise TryLater(f"{NAME} did not do it.") from error

    # --- what it can besides

    def check(self) -> Health:
        """Raises AccessRevoked, TryLater."""
        try:
            me = self.wire.json(self._look("/wp/v2/users/me", {"context": "edit"}))
        except Rejected as error:
            raise TryLater(f"{NAME} does not say who we are there: is its REST API open?") from error
        if not isinstance(me, dict) or "id" not in me:
            raise TryLater(f"The answer of {NAME} cannot be read.")
        held = me.get("capabilities") or {}
        can = (NEEDED,) if isinstance(held, dict) and held.get(NEEDED) else ()
        handle = clean_text(me.get("slug") or me.get("name"))
        return Health(handle, clean_id(me["id"]), scopes=can, missing=() if can else (NEEDED,))

    def fetch_item(self, external_id: str) -> RawPayload | None:
        """Raises TryLater."""
        try:
            return payload(self._comment(external_id))
        except ParentGone:
            return None
        except Rejected as error:
            raise TryLater(str(error)) from error

    def fetch_context(self, external_id: str) -> list[RawPayload]:
        """The comments above it. Raises TryLater."""
        above: dict[str, RawPayload] = {}
        upper = self._parent_of(external_id)
        while upper and upper not in above and len(above) < DEEPEST:
            found = self.fetch_item(upper)
            if found is None:
                break
            above[upper] = found
            upper = id_of(json.loads(found.body).get("parent"))
        return list(reversed(above.values()))

    def _parent_of(self, external_id: str) -> str:
        found = self.fetch_item(external_id)
        return id_of(json.loads(found.body).get("parent")) if found else ""

    def profile(self, key: str) -> Author | None:
        """As they were when they wrote last; None where nothing of theirs is left. Raises TryLater."""
        kind, _, value = key.partition(":")
        asked = {"user": {"author": value}, "mail": {"author_email": value}, "comment": {"include": value}}.get(kind)
        if not asked:
            return None
        answer = self._list({**asked, "status": "all", "order": "desc", "per_page": 1})
        return next((author_of(raw, self._place) for raw in comments(self.wire.json(answer))), None)

    # --- the line

    @property
    def _account_id(self) -> str:
        return self.access.settings.get("account_id", "")

    @property
    def _place(self) -> str:
        return urlsplit(self.access.settings.get("url", "")).hostname or ""

    def _own_id(self) -> str:
        return self._account_id or self.check().key

    def _comment(self, external_id: str, *, also_gone: bool = False) -> Json:
        """Raises ParentGone where it is not there, or not there for anybody to see."""
        asked = {"context": "edit", "_fields": FIELDS}
        raw = self.wire.json(self._look(f"{COMMENTS}/{_id(external_id)}", asked))
        if not isinstance(raw, dict) or "id" not in raw:
            raise TryLater(f"The answer of {NAME} cannot be read.")
        if raw.get("status") in GONE and not also_gone:
            raise ParentGone("The comment is not on the site any more.")
        return raw

    def _look(self, route: str, asked: Mapping[str, Any]) -> httpx.Response:
        # rest_route works whatever the site's addresses look like
        return self.wire.look("/", {"rest_route": route, **asked})

    def _act(self, method: str, route: str, **body: Any) -> httpx.Response:
        return self.wire.act(method, "/", params={"rest_route": route}, **body)


def _id(external_id: str) -> str:
    """Only a number goes into a route."""
    if not external_id.isdecimal():
        raise ParentGone("The comment is not on the site any more.")
    return external_id
