"""A Facebook Page: comments and posts on it in public, Messenger in private."""

from __future__ import annotations

from typing import ClassVar

from channels_app.platforms.base import (
    Author,
    Capabilities,
    Enclosed,
    Event,
    EventKind,
    Idempotency,
    Json,
    Measures,
    Moderation,
    Outgoing,
    Pace,
    Page,
    web_address,
)
from channels_app.platforms.meta import graph_posts, messaging
from channels_app.platforms.meta.account import DAY, Account
from channels_app.platforms.meta.graph import node
from channels_app.platforms.meta.reading import moment, needed, objects, within, word, words

POSTS = {"post", "status", "photo", "video", "share", "link", "album", "reel", "note", "event"}
REACTIONS = {"reaction", "like"}
VERBS = {
    "add": EventKind.MESSAGE, "edited": EventKind.EDIT, "edit": EventKind.EDIT, "remove": EventKind.DELETE,
    "delete": EventKind.DELETE,
}  # fmt: skip


class FacebookPlatform(Account):
    """Messenger counts 2,000 characters, comments 8,000: the shorter holds for both."""

    kind: ClassVar[str] = "facebook"
    capabilities: ClassVar[Capabilities] = Capabilities(
        connected=True,
        reply_public=True, reply_private=True, poll=True, pace=Pace.SLOW, webhook=True, private_from_public=True,
        text_limit=2000, idempotency=Idempotency.RECONCILE, direct=messaging.DIRECT, window=DAY,
        window_extended=7 * DAY, receipts=True, edits_seen=True, deletes_seen=True, can_like=True, can_delete=True,
        can_mark_read=True, can_hide=True,
    )  # fmt: skip
    name, setting, platform = "Facebook", "page_id", "messenger"
    answers, answer_fields, profile_fields = "comments", "id,message,from,created_time", "name"
    about, post_fields, own_fields, hidden = "page", graph_posts.POST_FIELDS, "id,name", "is_hidden"
    fields = (
        "feed,mention,messages,message_echoes,message_edits,message_deliveries,message_reads,message_reactions,"
        "messaging_postbacks"
    )
    scopes = (
        "pages_show_list", "pages_manage_metadata", "pages_read_engagement", "pages_read_user_content",
        "pages_manage_engagement", "pages_messaging",
    )  # fmt: skip

    def fetch_since(self, cursor: Json, *, limit: int) -> Page:
        """Comments under the latest posts of the Page; messages come by the webhook alone. Raises TryLater."""
        return graph_posts.of_page(self.wire, self.ours, cursor, limit)

    def _changes(self, entry: Json) -> list[Event]:
        told = [each for each in objects(entry.get("changes")) if each.get("field") in ("feed", "mention")]
        return [event for change in told for event in _changed(within(change, "value"), entry)]

    def _to(self, out: Outgoing) -> Json:
        if self.ours and out.parent_id.startswith(f"{self.ours}_"):
            return {"post_id": out.parent_id}
        return super()._to(out)

    def _post_of(self, row: Json) -> str:
        """The first half of a comment's id is that of its post, without the Page's."""
        told = word(row.get("id"))
        return told if told.startswith(f"{self.ours}_") else f"{self.ours}_{told.partition('_')[0]}"

    def _fields_of(self, external_id: str) -> str:
        is_post = external_id.startswith(f"{self.ours}_")
        return self.post_fields if is_post else graph_posts.PAGE_FIELDS

    def _newest_first(self) -> Json:
        return {"order": "reverse_chronological", "filter": "stream"}

    def _do(self, act: Moderation) -> None:
        if act.kind is Measures.LIKE:
            self.wire.act("DELETE" if act.undo else "POST", node(act.post_id, "likes"))
        else:
            super()._do(act)


# --- what a change says


def _changed(value: Json, entry: Json) -> list[Event]:
    """Of the fields `feed` and `mention`. None where it says nothing to us: a like of a page, a comment hidden."""
    item, verb = word(value.get("item")), word(value.get("verb"))
    if item in REACTIONS:
        return _reaction(value, entry)
    kind = VERBS.get(verb)
    if kind is None or item not in {"comment", *POSTS} or _is_unpublished(value):
        return []
    return [_post(value, entry, kind, needed(value, "comment_id" if item == "comment" else "post_id"))]


def _is_unpublished(value: Json) -> bool:
    """A draft, or a post shown only as an advertisement."""
    return value.get("published") in (0, False)


def _post(value: Json, entry: Json, kind: EventKind, post_id: str) -> Event:
    author, ours = _author(value), _is_ours(value, entry)
    thread = word(value.get("post_id"))
    parent = word(value.get("parent_id")) or thread
    return Event(
        kind=kind,
        external_id=post_id,
        occurred_at=moment(value.get("created_time"), entry.get("time")),
        author=None if ours else author,
        is_ours=ours,
        text=words(value.get("message")),
        parent_id=parent if parent != post_id else "",
        thread_id=thread,
        url=web_address(words(value.get("permalink_url")) or words(within(value, "post").get("permalink_url"))),
        attachments=tuple(_enclosed(value)),
    )


def _author(value: Json) -> Author | None:
    """Nobody, where the app may not know who it was."""
    key = word(within(value, "from").get("id")) or word(value.get("sender_id"))
    return Author(key=key, name=words(within(value, "from").get("name"))[:255]) if key else None


def _is_ours(value: Json, entry: Json) -> bool:
    author = _author(value)
    return author is not None and author.key == word(entry.get("id"))


def _enclosed(value: Json) -> list[Enclosed]:
    photos = value.get("photos")
    found = [words(value.get("photo")), words(value.get("video"))]
    found += [words(each) for each in photos] if isinstance(photos, list) else []
    return [Enclosed(address) for each in dict.fromkeys(found) if (address := web_address(each))]


def _reaction(value: Json, entry: Json) -> list[Event]:
    target, author = word(value.get("comment_id")) or word(value.get("post_id")), _author(value)
    at = moment(value.get("created_time"), entry.get("time"))
    undo = {"undo": "yes"} if word(value.get("verb")) == "remove" else {}
    if not target or author is None:
        return []
    return [
        Event(
            kind=EventKind.REACTION,
            external_id=f"reaction:{target}:{author.key}:{at.timestamp():.0f}{':undo' * bool(undo)}"[:255],
            occurred_at=at,
            author=None if _is_ours(value, entry) else author,
            is_ours=_is_ours(value, entry),
            parent_id=target,
            thread_id=word(value.get("post_id")),
            extra={"emoji": word(value.get("reaction_type")) or "like", **undo},
        )
    ]
