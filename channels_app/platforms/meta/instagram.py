"""An Instagram account: comments on what it shows and where it is mentioned, in public; messages in private."""

from __future__ import annotations

from typing import ClassVar

from channels_app.platforms.base import (
    Author,
    Capabilities,
    Event,
    EventKind,
    Idempotency,
    Json,
    Outgoing,
    Pace,
    Page,
    Sent,
)
from channels_app.platforms.errors import Rejected
from channels_app.platforms.meta import graph_posts, messaging
from channels_app.platforms.meta.account import DAY, Account
from channels_app.platforms.meta.graph import node, posted
from channels_app.platforms.meta.reading import moment, needed, objects, within, word, words

MESSAGE_BYTES = 1000  # of a private message
MENTION = "mention"  # mention:media:comment; a mention in a caption has no comment
UNTOLD = "(Somebody mentioned us. Instagram tells only where: look at it there.)"


class InstagramPlatform(Account):
    """Comments are not told to be edited or deleted; messages are."""

    kind: ClassVar[str] = "instagram"
    capabilities: ClassVar[Capabilities] = Capabilities(
        connected=True,
        reply_public=True, reply_private=True, poll=True, pace=Pace.SLOW, webhook=True, private_from_public=True,
        text_limit=1000, idempotency=Idempotency.RECONCILE, direct=messaging.DIRECT, window=DAY,
        window_extended=7 * DAY, receipts=True, edits_seen=True, deletes_seen=True, can_delete=True,
        can_mark_read=True, can_hide=True,
    )  # fmt: skip
    name, setting, platform = "Instagram", "instagram_id", "instagram"
    answers, answer_fields = "replies", "id,text,username,from,timestamp"
    own_fields, hidden = "id,name,username", "hide"
    post_fields, profile_fields, about = graph_posts.MEDIA_FIELDS, "name,username,follower_count", "instagram"
    fields = "feed,messages,message_echoes,message_edits,message_reads,message_reactions,messaging_postbacks"
    scopes = (
        "pages_show_list", "pages_manage_metadata", "pages_read_engagement", "instagram_basic",
        "instagram_manage_comments", "instagram_manage_messages",
    )  # fmt: skip

    def fetch_since(self, cursor: Json, *, limit: int) -> Page:
        """Comments on the latest media; messages come by the webhook alone. Raises TryLater."""
        return graph_posts.of_instagram(self.wire, self.ours, cursor, limit)

    def _changes(self, entry: Json) -> list[Event]:
        # with Instagram's own login the change may stand in the entry itself
        told = [entry, *objects(entry.get("changes"))]
        return [event for change in told for event in _changed(change, entry)]

    def _answer(self, out: Outgoing) -> Sent:
        mention, _, where = out.parent_id.partition(":")
        if mention == MENTION:
            media, _, comment = where.partition(":")
            told = {"media_id": media, "message": out.text} | ({"comment_id": comment} if comment else {})
            return posted(self.wire.act("POST", node(self.ours, "mentions"), data=told), "id")
        return super()._answer(out)

    def _fits(self, out: Outgoing) -> None:
        if len(out.text.encode("utf-8", "replace")) > MESSAGE_BYTES:
            raise Rejected("Instagram takes private messages of at most 1,000 bytes: letters with accents count twice.")

    def _post_of(self, row: Json) -> str:
        return word(within(row, "media").get("id")) or word(row.get("id"))

    def _fields_of(self, external_id: str) -> str:
        return f"{graph_posts.INSTAGRAM_FIELDS},media{{id}}"

    def _is_ours(self, row: Json) -> bool:
        return super()._is_ours(row) or word(row.get("username")) == self.access.settings.get("username", "") != ""


def _changed(change: Json, entry: Json) -> list[Event]:
    match change.get("field"):
        case "comments" | "live_comments":
            return [_comment(within(change, "value"), entry)]
        case "mentions":
            return [_mention(within(change, "value"), entry)]
    return []


def _comment(value: Json, entry: Json) -> Event:
    """It carries no time of its own."""
    who, media = within(value, "from"), word(within(value, "media").get("id"))
    key, handle = word(who.get("id")), word(who.get("username"))
    ours = key in (word(entry.get("id")), word(who.get("self_ig_scoped_id"))) and key != ""
    return Event(
        kind=EventKind.MESSAGE,
        external_id=needed(value, "id"),
        occurred_at=moment(value.get("timestamp"), entry.get("time")),
        author=None if ours or not key else Author(key=key, handle=handle),
        is_ours=ours,
        text=words(value.get("text")),
        parent_id=word(value.get("parent_id")) or media,
        thread_id=media,
    )


def _mention(value: Json, entry: Json) -> Event:
    """Where we are named below the media of others; nobody says by whom and with which words."""
    media, comment = needed(value, "media_id"), word(value.get("comment_id"))
    return Event(
        kind=EventKind.MESSAGE,
        external_id=f"{MENTION}:{media}:{comment}",
        occurred_at=moment(entry.get("time")),
        text=UNTOLD,
        thread_id=f"{MENTION}:{media}",
    )
