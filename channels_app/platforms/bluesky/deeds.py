"""What else can be done about a post: like, hide, mark as read; block or report its author; delete one of ours.

Most are records of our own account under keys made from what they are about: twice is once, and the undo finds them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from channels_app.platforms.base import Json, Measures, Moderation
from channels_app.platforms.bluesky import reading
from channels_app.platforms.bluesky.names import BLOCK, GATE, LIKE, POST, Place, key_of, place
from channels_app.platforms.bluesky.writing import get, now, put, reference, take_away
from channels_app.platforms.errors import Duplicate, Forbidden, ParentGone, Rejected, TryLater

if TYPE_CHECKING:
    from channels_app.platforms.bluesky.account import BlueskyPlatform

MOST_HIDDEN, TRIES = 300, 3  # of app.bsky.feed.threadgate
REASONS = {"spam": "Spam", "abuse": "Rude", "threat": "Violation", "fraud": "Misleading", "private": "Violation"}


def do(account: BlueskyPlatform, act: Moderation) -> None:
    DEEDS[act.kind](account, act)


def _like(account: BlueskyPlatform, act: Moderation) -> None:
    """Undone also where the like was given in the network's own app."""
    post = account.post(act.post_id)
    where = Place(account.did, LIKE, key_of(f"like {act.post_id}"))
    if act.undo:
        given = place(reading.of(post, "viewer").get("like"))
        for each in {where, given or where}:
            take_away(account, each)
    elif not post:
        raise ParentGone("The post is not on Bluesky any more.")
    elif not reading.of(post, "viewer").get("like"):
        _once(account, where, {"$type": LIKE, "subject": reference(post), "createdAt": now()})


def _delete(account: BlueskyPlatform, act: Moderation) -> None:
    where = place(act.post_id)
    if where is None or where.collection != POST or where.account != account.did:
        raise Forbidden("Only a post of ours can be deleted.")
    if act.undo:
        raise Rejected("What was deleted on Bluesky does not come back.")
    take_away(account, where)


def _mark_read(account: BlueskyPlatform, act: Moderation) -> None:
    """The network knows no more than a moment up to which all was seen."""
    if not act.undo:
        account.wire.act("POST", "app.bsky.notification.updateSeen", json={"seenAt": now()})


def _hide(account: BlueskyPlatform, act: Moderation) -> None:
    """In the list that who began a thread keeps of answers not to be shown; only in threads that we began."""
    root = place(_root(account, act.post_id))
    if root is None:  # gone: there is nothing to be seen
        return
    if root.account != account.did:
        raise Forbidden("Only answers below a post of ours can be hidden.")
    for _try in range(TRIES):
        try:
            _rewrite(account, root, act)
        except Duplicate:  # somebody else wrote it meanwhile: read again
            continue
        return
    raise TryLater("The list of hidden answers is being changed by somebody else.")


def _root(account: BlueskyPlatform, post_id: str) -> str:
    post = account.standing(post_id)
    record = reading.of(post, "record") or reading.of(post, "value")
    return (reading.answered(record)[1] or post_id) if post else ""


def _rewrite(account: BlueskyPlatform, root: Place, act: Moderation) -> None:
    """Everything else in it stays: who may answer at all is not ours to change."""
    gate = Place(root.account, GATE, root.key)
    found = get(account, gate)
    record = reading.of(found, "value") or {"$type": GATE, "post": str(root), "createdAt": now()}
    kept = record.get("hiddenReplies")
    before = [each for each in kept if isinstance(each, str)] if isinstance(kept, list) else []
    hidden = [each for each in before if each != act.post_id] + ([] if act.undo else [act.post_id])
    if sorted(hidden) == sorted(before):
        return
    if len(hidden) > MOST_HIDDEN:
        raise Rejected("Bluesky hides no more answers in this conversation.")
    put(account, gate, record | {"hiddenReplies": hidden}, over=found["cid"] if found else None)


def _block(account: BlueskyPlatform, act: Moderation) -> None:
    where = Place(account.did, BLOCK, key_of(f"block {act.author}"))
    if act.undo:
        take_away(account, where)
    else:
        _once(account, where, {"$type": BLOCK, "subject": act.author, "createdAt": now()})


def _report(account: BlueskyPlatform, act: Moderation) -> None:
    """Only the kind of reason is told, no words. The network's moderators see two reports of one post as one matter."""
    if act.undo:
        raise Rejected("A report cannot be taken back on Bluesky.")
    post = account.standing(act.post_id)
    subject = (
        {"$type": "com.atproto.repo.strongRef", **reference(post)}
        if post
        else {"$type": "com.atproto.admin.defs#repoRef", "did": act.author}
    )
    reason = f"com.atproto.moderation.defs#reason{REASONS.get(act.reason, 'Other')}"
    account.wire.act("POST", "com.atproto.moderation.createReport", json={"reasonType": reason, "subject": subject})


def _once(account: BlueskyPlatform, where: Place, record: Json) -> None:
    try:
        put(account, where, record, over=None)
    except Duplicate:
        return


DEEDS: dict[Measures, Callable[[BlueskyPlatform, Moderation], None]] = {
    Measures.LIKE: _like, Measures.DELETE: _delete, Measures.MARK_READ: _mark_read, Measures.HIDE: _hide,
    Measures.BLOCK: _block, Measures.REPORT: _report,
}  # fmt: skip
