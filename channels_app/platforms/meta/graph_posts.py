"""Comments as the Graph API gives them when it is asked: a net below the webhook, which drops what it cannot deliver.

The latest posts are looked through for comments newer than the cursor. Deletions are not found so, nor are comments
under older posts. A payload is one comment of the Graph API, in an entry like the webhook's, under `comments`.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta

from channels_app.platforms.base import Author, Enclosed, Event, EventKind, Json, Page, RawPayload, web_address
from channels_app.platforms.meta.graph import Graph, node
from channels_app.platforms.meta.reading import moment, needed, objects, within, word, words

POSTS, COMMENTS = 25, 50  # looked through: the latest posts, and of each the latest comments
OVERLAP = timedelta(minutes=10)  # comments may show up a little late
PAGE_FIELDS = "id,message,from,created_time,permalink_url,parent{id},attachment{media{image{src}}}"
MEDIA_FIELDS = "id,caption,owner,timestamp,permalink"
POST_FIELDS = "id,message,from,created_time,permalink_url"
INSTAGRAM_FIELDS = "id,text,from,username,timestamp,parent_id"
Found = tuple[Json, str]  # a comment, and the post it stands below


def of_page(wire: Graph, account: str, cursor: Json, limit: int) -> Page:
    """`cursor` is {"since": ISO time, "seen": ids of what was had around it}; {} at first: then from now on."""
    shape = f"comments.filter(stream).order(reverse_chronological).limit({COMMENTS}){{{PAGE_FIELDS}}}"
    answer = wire.json(wire.look(node(account, "feed"), {"fields": f"id,{shape}", "limit": POSTS}))
    return _page("page", account, _comments(answer), cursor, limit)


def of_instagram(wire: Graph, account: str, cursor: Json, limit: int) -> Page:
    shape = f"comments.limit({COMMENTS}){{{INSTAGRAM_FIELDS},replies{{{INSTAGRAM_FIELDS}}}}}"
    answer = wire.json(wire.look(node(account, "media"), {"fields": f"id,{shape}", "limit": POSTS}))
    found: list[Found] = []
    for row, post in _comments(answer):
        replies = [{"parent_id": row.get("id"), **each} for each in objects(within(row, "replies").get("data"))]
        found += [(each, post) for each in [row, *replies]]
    return _page("instagram", account, found, cursor, limit)


def _comments(answer: object) -> Iterator[Found]:
    for post in objects(answer.get("data")) if isinstance(answer, dict) else []:
        for row in objects(within(post, "comments").get("data")):
            yield row, word(post.get("id"))


def _page(about: str, account: str, comments: Iterable[Found], cursor: Json, limit: int) -> Page:
    found = [(when(row), row, post) for row, post in comments]
    if "since" not in cursor:
        return Page([], {"since": datetime.now(UTC).isoformat(), "seen": []})
    since, seen = datetime.fromisoformat(cursor["since"]), set(cursor.get("seen", ()))
    new = [each for each in found if each[0] > since - OVERLAP and word(each[1].get("id")) not in seen]
    taken = sorted(new, key=lambda each: each[0])[:limit]
    until = max([since, *(at for at, _, _ in taken)])
    seen |= {word(row.get("id")) for _, row, _ in taken}
    still = sorted(seen & {word(row.get("id")) for at, row, _ in found if at > until - OVERLAP})
    payloads = [payload(about, account, row, post, at) for at, row, post in taken]
    return Page(payloads, {"since": until.isoformat(), "seen": still}, more=len(new) > limit)


def payload(about: str, account: str, row: Json, post: str, at: datetime | None = None) -> RawPayload:
    """A comment, or a post, as `parse` reads it."""
    at = at or when(row)
    kind = {"page": "facebook"}.get(about, about)
    row = {name: value for name, value in row.items() if name != "replies"} | {"post_id": post}
    entry = {"id": account, "time": int(at.timestamp()), "comments": [row]}
    return RawPayload(json.dumps({"object": about, "entry": [entry]}).encode(), f"{kind} {account}")


def comment(row: Json, entry: Json) -> list[Event]:
    """A comment or a post of the Graph API, of a Page or of Instagram. Raises Unreadable."""
    post, by = word(row.get("post_id")), within(row, "from") or within(row, "owner")
    ours = word(by.get("id")) == word(entry.get("id"))
    parent = word(within(row, "parent").get("id")) or word(row.get("parent_id")) or post
    parent = parent if parent != word(row.get("id")) else ""
    picture = web_address(words(within(row, "attachment", "media", "image").get("src")))
    return [
        Event(
            kind=EventKind.MESSAGE,
            external_id=needed(row, "id"),
            occurred_at=when(row, entry.get("time")),
            author=None if ours else _author(row),
            is_ours=ours,
            text=said(row),
            parent_id=parent,
            thread_id=post,
            url=web_address(words(row.get("permalink_url")) or words(row.get("permalink"))),
            attachments=(Enclosed(picture),) if picture else (),
        )
    ]


def when(row: Json, *otherwise: object) -> datetime:
    """A Page calls it `created_time`, Instagram `timestamp`. Raises Unreadable."""
    return moment(row.get("created_time"), row.get("timestamp"), *otherwise)


def said(row: Json) -> str:
    """The same words have another name in each place."""
    return next(filter(None, (words(row.get(name)) for name in ("message", "text", "caption"))), "")


def _author(row: Json) -> Author | None:
    who = within(row, "from")
    handle = word(who.get("username")) or word(row.get("username"))
    key = word(who.get("id"))
    return Author(key=key, handle=handle, name=words(who.get("name"))[:255]) if key else None
