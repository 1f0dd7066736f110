"""What the network says becomes events. Pure.

A payload is one item as the network gave it: a notification, a post with its author (of a thread or a search), or a
record: of our own account, or of who has blocked us. With a notification comes, under "post", the post as the network
shows it, where it has pictures: the notification alone does not say where they are.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from channels_app.platforms.archive import as_object, clean_id, clean_text, moment
from channels_app.platforms.base import Author, Enclosed, Event, EventKind, Json, RawPayload, web_address
from channels_app.platforms.bluesky.facets import UNSEEN, with_addresses
from channels_app.platforms.bluesky.names import LIKE, POST, Place, page_of, place
from channels_app.platforms.counting import SCHEMED
from channels_app.platforms.errors import Unreadable

SPOKEN = ("mention", "reply", "quote")  # why we are told of a post
TOLD = (*SPOKEN, "like")
MOST_LINKS, MOST_FILES = 10, 20


def payload(item: Json) -> RawPayload:
    return RawPayload(json.dumps(item, ensure_ascii=False).encode("utf-8", "replace"), f"Bluesky, {item.get('uri')}")


def events(body: bytes, *, ours: str, server: str = "") -> list[Event]:
    """`ours` is the DID of our account, `server` where the files of our own posts are. Raises Unreadable."""
    item = as_object(body)
    reason = item.get("reason")
    where = place(item.get("uri"))
    if where is None:
        raise Unreadable("The item has no address on the network.")
    if reason == "like" or where.collection == LIKE:
        return _liked(item, where)
    if (reason is not None and reason not in SPOKEN) or where.collection != POST:
        return []
    return [_post(item, where, ours, server)]


def _liked(item: Json, where: Place) -> list[Event]:
    subject = place(item.get("reasonSubject") or of(of(item, "record"), "subject").get("uri"))
    if subject is None or subject.collection != POST:  # a feed or a list of ours
        return []
    at = moment(item.get("indexedAt"))
    return [Event(EventKind.REACTION, str(where), at, author(item, where.account), parent_id=str(subject))]


def _post(item: Json, where: Place, ours: str, server: str) -> Event:
    record = of(item, "record") or of(item, "value")
    if not record:
        raise Unreadable("The item says nothing of the post.")
    is_ours = where.account == ours
    parent, root = answered(record)
    return Event(
        kind=EventKind.MESSAGE,
        external_id=str(where),
        occurred_at=_when(item, record),
        author=None if is_ours else author(item, where.account),
        is_ours=is_ours,
        text=_words(record),
        language=_language(record),
        parent_id=parent,
        quoted_id=_quoted(record),
        thread_id=root or str(where),
        addressed_to=parent.removeprefix("at://").partition("/")[0] if is_ours else "",
        url=page_of(where.account, where.key),
        attachments=tuple(_files(item, record, where, server if is_ours else ""))[:MOST_FILES],
        extra={"cid": clean_id(item.get("cid"))},
    )


def of(item: Any, name: str) -> Json:
    """The object called `name` in it; {} where there is none, whatever was sent instead."""
    found = item.get(name) if isinstance(item, Mapping) else None
    return dict(found) if isinstance(found, Mapping) else {}


def listed(item: Any, name: str) -> list[Json]:
    """The objects in the list called `name`; [] where there is none."""
    found = item.get(name) if isinstance(item, Mapping) else None
    return [dict(each) for each in found if isinstance(each, Mapping)] if isinstance(found, list) else []


def answered(record: Json) -> tuple[str, str]:
    """What a post answers, and with what its thread began; empty where it answers nothing, or says it badly."""
    reply = of(record, "reply")
    parent, root = (place(of(reply, name).get("uri")) for name in ("parent", "root"))
    return (str(parent), str(root or parent)) if parent else ("", "")


def _when(item: Json, record: Json) -> datetime:
    """As the network dates it; a record of our own has only what the program said that wrote it, never tomorrow."""
    return moment(item["indexedAt"]) if item.get("indexedAt") else min(moment(record.get("createdAt")), _now())


def dated(item: Json) -> datetime | None:
    """When the network says it was; None where it does not say."""
    try:
        return moment(item.get("indexedAt"))
    except Unreadable:
        return None


def _now() -> datetime:
    return datetime.now(UTC)


def _words(record: Json) -> str:
    """With the address of a card below the text, where the text does not hold it."""
    said = record.get("text")
    text = clean_text(with_addresses(said, record.get("facets")) if isinstance(said, str) else "")
    embed = of(record, "embed")
    card = of(embed, "external") or of(of(embed, "media"), "external")
    address = web_address(UNSEEN.sub("", clean_text(card.get("uri"))))
    return text if not address or address in text else f"{text}\n{address}".strip()


def _language(record: Json) -> str:
    named = record.get("langs")
    first = named[0] if isinstance(named, list) and named else ""
    return first.partition("-")[0].lower()[:8] if isinstance(first, str) else ""


def _quoted(record: Json) -> str:
    inner = of(of(record, "embed"), "record")
    found = place(inner.get("uri")) or place(of(inner, "record").get("uri"))  # the second: with pictures
    return str(found) if found and found.collection == POST else ""


def author(item: Json, account: str) -> Author:
    """Who wrote it: the account the address names. What is said of anybody else is not believed."""
    said = of(item, "author") if of(item, "author").get("did") == account else {}
    return person(said | {"did": account})


def person(said: Json) -> Author:
    handle = clean_text(said.get("handle"))[:255]
    followers = said.get("followersCount")
    account = clean_id(said["did"])
    return Author(
        key=account,
        handle="" if handle == "handle.invalid" else handle,
        name=clean_text(said.get("displayName"))[:255],
        profile_url=web_address(page_of(account)),
        reach=followers if isinstance(followers, int) and 0 <= followers < 2**31 else None,
        links=tuple(SCHEMED.findall(clean_text(said.get("description"))[:5000])[:MOST_LINKS]),
    )


def has_files(item: Json) -> bool:
    embed = of(of(item, "record"), "embed")
    return any(each.get(name) for each in (embed, of(embed, "media")) for name in ("images", "video"))


def _files(item: Json, record: Json, where: Place, server: str) -> Iterator[Enclosed]:
    shown = of(of(item, "post"), "embed") or of(item, "embed")
    if shown:
        yield from _shown(of(shown, "media") or shown)
    elif server:
        embed = of(record, "embed")
        yield from _kept(of(embed, "media") or embed, f"{server}/xrpc/com.atproto.sync.getBlob?did={where.account}")


def _shown(embed: Json) -> Iterator[Enclosed]:
    """As the network shows it. Of a film its first picture: the film itself comes in pieces."""
    for image in listed(embed, "images"):
        yield from _file(image, "fullsize")
    yield from _file(embed, "thumbnail")


def _file(said: Json, name: str) -> Iterator[Enclosed]:
    if address := web_address(clean_text(said.get(name))):
        kind = "image/jpeg" if address.endswith("@jpeg") else ""
        yield Enclosed(address, type=kind, alt=clean_text(said.get("alt"))[:2000])


def _kept(embed: Json, where: str) -> Iterator[Enclosed]:
    """As our own server keeps it."""
    for image in listed(embed, "images"):
        blob = of(image, "image")
        cid = clean_id(of(blob, "ref").get("$link"))
        if cid.isalnum() and (address := web_address(f"{where}&cid={cid}")):
            yield Enclosed(address, type=clean_id(blob.get("mimeType")), alt=clean_text(image.get("alt"))[:2000])
