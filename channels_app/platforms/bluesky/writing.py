"""A reply of ours becomes a record of our account: under a key made from its own, so that it is written once.

The server refuses to write it over one that stands there (`swapRecord` null): a second try finds the first one.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from channels_app.platforms import counting
from channels_app.platforms.archive import clean_text, moment
from channels_app.platforms.base import Capabilities, Carried, Idempotency, Json, Outgoing, Pace, Sent
from channels_app.platforms.bluesky import reading
from channels_app.platforms.bluesky.facets import facets
from channels_app.platforms.bluesky.names import POST, Place, key_of, place
from channels_app.platforms.bluesky.session import may_write
from channels_app.platforms.counting import Counting
from channels_app.platforms.errors import (
    Duplicate,
    Forbidden,
    ParentGone,
    Rejected,
    TryLater,
    Unreadable,
    repeatable,
)

if TYPE_CHECKING:
    from channels_app.platforms.bluesky.account import BlueskyPlatform

CAN = Capabilities(
    connected=True, reply_public=True, poll=True, pace=Pace.STEADY, text_limit=300, counts=Counting.BLUESKY,
    idempotency=Idempotency.NATIVE, attachments=4, attachment_bytes=1_000_000, thread_of_parts=True, alt_text=True,
    search=True, can_like=True, can_delete=True, can_mark_read=True, can_hide=True, can_block=True, can_report=True,
)  # fmt: skip
PICTURES = ("image/jpeg", "image/png", "image/webp", "image/gif")


def send(account: BlueskyPlatform, out: Outgoing) -> Sent:
    where = _place(account, out)
    try:
        record = _record(account, out)
        put(account, where, record, over=None)
    except Duplicate:
        return find(account, out) or Sent(str(where), datetime.now(UTC))
    except Rejected:  # what it answers may have gone since it was sent
        if sent := find(account, out):
            return sent
        raise
    return Sent(str(where), moment(record["createdAt"]))


def find(account: BlueskyPlatform, out: Outgoing) -> Sent | None:
    """Raises TryLater."""
    if out.private:
        return None
    where = _place(account, out)
    if (found := get(account, where)) is None:
        return None
    try:
        return Sent(str(where), moment(reading.of(found, "value").get("createdAt")))
    except Unreadable:
        return Sent(str(where), datetime.now(UTC))


def _place(account: BlueskyPlatform, out: Outgoing) -> Place:
    return Place(account.did, POST, key_of(out.key))


# --- records


def put(account: BlueskyPlatform, where: Place, record: Json, *, over: str | None) -> None:
    """Write it over what has the cid `over`, or where nothing is (None). Raises Duplicate where that is not so."""
    account.wire.act(
        "POST", "com.atproto.repo.putRecord",
        json={**_named(where), "record": record, "swapRecord": over},
    )  # fmt: skip


def take_away(account: BlueskyPlatform, where: Place) -> None:
    """What is not there is taken away already."""
    account.wire.act("POST", "com.atproto.repo.deleteRecord", json=_named(where))


def get(account: BlueskyPlatform, where: Place) -> Json | None:
    """A record as our own server has it: uri, cid, value."""
    try:
        found = account.wire.json(account.wire.look("com.atproto.repo.getRecord", _named(where)))
    except ParentGone:
        return None
    return found if isinstance(found, dict) else None


def _named(where: Place) -> Json:
    return {"repo": where.account, "collection": where.collection, "rkey": where.key}


def reference(item: Json) -> Json:
    return {"uri": item["uri"], "cid": item["cid"]}


def now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


# --- what it says


def _record(account: BlueskyPlatform, out: Outgoing) -> Json:
    """Raises Rejected where it cannot be said on this network, TryLater where what it needs cannot be had now."""
    _check(out)
    record: Json = {"$type": POST, "text": out.text, "createdAt": now()}
    if out.parent_id:
        record["reply"] = _reply(account, out.parent_id)
    if found := facets(out.text, lambda name: _resolved(account, name)):
        record["facets"] = found
    if out.files:
        images = [_picture(account, file) for file in out.files]
        record["embed"] = {"$type": "app.bsky.embed.images", "images": images}
    return record


def _check(out: Outgoing) -> None:
    if out.private:
        raise Rejected("Bluesky keeps direct messages apart: Hark cannot write them.")
    if counting.length(out.text, CAN.counts) > (CAN.text_limit or 0):
        raise Rejected("It is too long for Bluesky: 300 characters, or 3,000 bytes.")
    if len(out.files) > CAN.attachments or any(file.type not in PICTURES for file in out.files):
        raise Rejected("A post on Bluesky carries up to four pictures, and no other files.")


def _reply(account: BlueskyPlatform, parent_id: str) -> Json:
    """What it answers and with what the thread began, each as it was: its address and its cid."""
    parent = _answered(account, parent_id)
    reply = reading.of(reading.of(parent, "record") or reading.of(parent, "value"), "reply")
    root = reading.of(reply, "root")
    begun = reference(root) if place(root.get("uri")) and root.get("cid") else reference(parent)
    return {"root": begun, "parent": reference(parent)}


def _answered(account: BlueskyPlatform, parent_id: str) -> Json:
    """Ours is read from our own server: one just written may not have got round yet. Raises ParentGone, Forbidden."""
    where = place(parent_id)
    ours = where is not None and where.account == account.did
    found = get(account, where) if ours and where else account.post(parent_id)
    if not found and where and get(account, where):
        raise Forbidden("The author has blocked us on Bluesky, or we have blocked them.")
    if not found or not found.get("cid"):
        raise ParentGone("The post is not on Bluesky any more.")
    may_write(found)
    return found


def _resolved(account: BlueskyPlatform, name: str) -> str | None:
    try:
        told = account.wire.json(account.wire.look("com.atproto.identity.resolveHandle", {"handle": name}))
    except Rejected:
        return None
    found = told.get("did") if isinstance(told, dict) else None
    return found if isinstance(found, str) and found.startswith("did:") else None


def _picture(account: BlueskyPlatform, file: Carried) -> Json:
    """Kept by the server until a post shows it; one that nobody shows goes by itself."""
    body = file.read()
    if len(body) > CAN.attachment_bytes:
        raise Rejected("A picture is too large for Bluesky: one megabyte at most.")
    with repeatable("Bluesky did not take a picture."):
        answer = account.wire.act(
            "POST", "com.atproto.repo.uploadBlob", content=body, headers={"Content-Type": file.type}
        )
    blob = reading.of(account.wire.json(answer), "blob")
    if not blob:
        raise TryLater("Bluesky did not say where it keeps a picture.")
    return {"alt": clean_text(file.alt), "image": blob}
