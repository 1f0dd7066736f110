"""Posts and direct messages as API v2 gives them: {"data": one of them, "includes": whom and what it names}.

X is changing its words: "posts" for what it called "tweets". It may answer in either, whatever it was asked in.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

from channels_app.platforms.archive import clean_text
from channels_app.platforms.base import Author, Event, EventKind, Json, web_address
from channels_app.platforms.x import ids, media

HANDLE = re.compile(r"\w{1,15}", re.A)
LANGUAGE = re.compile(r"[a-z]{2}(-[A-Za-z]{2,4})?")
FORMER = {"in": "id", "iw": "he"}  # codes X still uses
FORMER_HOME = re.compile(r"^https?://(?:www\.|mobile\.)?twitter\.com/")
PICTURE = re.compile(r"//(?:x|twitter)\.com/.*/(?:photo|video)/\d+$")
ANSWERING = re.compile(r"^(?:@\w{1,15}\s+)+", re.A)
LONGEST_NAME, LONGEST_PLACE = 255, 120


def is_message(data: Json) -> bool:
    return "dm_conversation_id" in data or "event_type" in data


def events(body: Json, ours: str) -> list[Event]:
    """`ours` is the id of our account. Raises KeyError, TypeError, ValueError where it is none of X's."""
    data, includes = body["data"], body.get("includes") or {}
    return _message(data, includes, ours) if is_message(data) else _post(data, includes, ours)


def _post(data: Json, includes: Json, ours: str) -> list[Event]:
    named = {str(one["type"]): ids.number(one) for one in first_of(data, "referenced_posts", "referenced_tweets")}
    if "retweeted" in named:
        return []  # the post itself is what was said
    number, author, parent = ids.number(data), ids.number(data, "author_id"), named.get("replied_to", "")
    first = original(data)
    user = by_id(includes, "users").get(author, {})
    return [
        Event(
            kind=EventKind.EDIT if first != number else EventKind.MESSAGE,
            external_id=first,
            occurred_at=when(data.get("created_at"), number),
            author=None if author == ours else person(user, author),
            is_ours=author == ours,
            text=_text_of_post(data, named.get("quoted", ""), is_our_answer=bool(author == ours and parent)),
            language=language(data),
            parent_id=parent,
            quoted_id=named.get("quoted", ""),
            thread_id=ids.maybe(data, "conversation_id"),
            addressed_to=ids.maybe(data, "in_reply_to_user_id") if author == ours else "",
            url=address(number, user.get("username")),
            attachments=media.of_post(data, includes),
            extra={"version": number} if first != number else {},
        )
    ]


def _message(data: Json, includes: Json, ours: str) -> list[Event]:
    if data.get("event_type", "MessageCreate") != "MessageCreate":
        return []
    number, sender = ids.number(data), ids.number(data, "sender_id")
    thread, other = _conversation(str(data.get("dm_conversation_id") or ""), sender, ours)
    return [
        Event(
            kind=EventKind.MESSAGE,
            external_id=ids.MESSAGE + number,
            occurred_at=when(data.get("created_at"), number),
            author=None if sender == ours else person(by_id(includes, "users").get(sender, {}), sender),
            is_ours=sender == ours,
            text=words(data.get("text"), entities(data).get("urls")),
            private=True,
            thread_id=thread,
            addressed_to=other if sender == ours else "",
            attachments=media.of_post(data, includes),
        )
    ]


def _conversation(name: str, sender: str, ours: str) -> tuple[str, str]:
    """The thread, and who it is with besides us. X names one of two people by both their ids."""
    two = name.split("-")
    if len(two) == 2:
        other = next((each for each in two if each != ours), sender)
        return ids.WITH_ONE + other, other
    return (ids.WITH_SEVERAL + name if name else ids.WITH_ONE + sender), ""


def _text_of_post(data: Json, quoted: str, *, is_our_answer: bool) -> str:
    """All of it: "text" ends at 280. X puts whom we answer before our words, and shows it to nobody."""
    long: Json = first_of(data, "note_post", "note_tweet") or {}
    text = words(long.get("text") or data.get("text"), [*_urls(long), *_urls(data)], quoted)
    return ANSWERING.sub("", text) if is_our_answer else text


def _urls(data: Json) -> list[Any]:
    return list(entities(data).get("urls") or [])


# --- what both dialects share


def first_of(data: Json, *names: str) -> Any:
    return next((data[name] for name in names if data.get(name)), [])


def original(data: Json) -> str:
    """Each edit is a post with an id of its own; the first of them is what it goes by."""
    history = first_of(data, "edit_history_post_ids", "edit_history_tweet_ids")
    return next((one for one in history if ids.NUMBER.fullmatch(str(one))), "") or ids.number(data)


def entities(data: Json) -> Json:
    found = data.get("entities")
    return found if isinstance(found, dict) else {}


def words(text: object, urls: Iterable[Any] | None, quoted: str = "") -> str:
    """As people see it: nothing escaped, and each link where it really leads, not as X shortens it.

    The same whichever way it came, or it would look like an edit.
    """
    said = html.unescape(str(text or ""))
    for url in urls or ():
        short, leads_to = str(url.get("url") or ""), web_address(str(url.get("expanded_url") or ""))
        if short and (leads_to or url.get("media_key")):
            said = said.replace(
                short, "" if _is_shown(url, leads_to, quoted) else FORMER_HOME.sub("https://x.com/", leads_to)
            )
    return clean_text(said)


def _is_shown(url: Json, leads_to: str, quoted: str) -> bool:
    """A link X writes behind the words for what it shows below them: a picture, the post that is quoted."""
    return bool(url.get("media_key") or PICTURE.search(leads_to) or (quoted and leads_to.endswith(f"/status/{quoted}")))


def by_id(includes: Json, name: str) -> Mapping[str, Json]:
    found = includes.get(name)
    return {str(one.get("id")): one for one in found if isinstance(one, dict)} if isinstance(found, list) else {}


def person(user: Json, key: str) -> Author:
    """`user` in words of API v2, {} where X did not say more than the id."""
    handle = str(user.get("username") or "")
    metrics = user.get("public_metrics") or {}
    return Author(
        key=key,
        handle=handle[:LONGEST_NAME],
        name=clean_text(user.get("name"))[:LONGEST_NAME],
        profile_url=f"https://x.com/{handle}" if HANDLE.fullmatch(handle) else f"https://x.com/i/user/{key}",
        reach=whole(metrics.get("followers_count")),
        location=clean_text(user.get("location"))[:LONGEST_PLACE],
        links=tuple(_profile_links(user)),
    )


def _profile_links(user: Json) -> list[str]:
    shown = entities(user).get("url") or {}
    addresses = [web_address(str(one.get("expanded_url") or "")) for one in shown.get("urls") or ()]
    return [address for address in addresses if address]


def whole(value: object) -> int | None:
    return value if isinstance(value, int) and 0 <= value < 2**31 else None


def language(data: Json) -> str:
    """X says und, qme, zxx and the like where it does not know."""
    said = str(data.get("lang") or "")
    return FORMER.get(said, said) if LANGUAGE.fullmatch(said) else ""


def address(number: str, username: object = "") -> str:
    handle = str(username or "")
    return f"https://x.com/{handle if HANDLE.fullmatch(handle) else 'i'}/status/{number}"


def when(said: object, number: str) -> datetime:
    """What X says, else the time its id holds. Raises ValueError."""
    if said:
        at = datetime.fromisoformat(str(said))
        return at if at.tzinfo else at.replace(tzinfo=UTC)
    if at_id := ids.moment(number):
        return at_id
    raise ValueError("a post without its time")
