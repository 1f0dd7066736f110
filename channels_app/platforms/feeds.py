"""RSS and Atom: what others publish, and comments where a site offers a feed of them. It listens and cannot answer.

Settings: `url` of the feed. A feed holds what is newest and forgets the rest, so what was taken is remembered by its
id, with what it said: an entry that says something else comes again, and the store keeps that as an edit. A server may
call a feed unchanged though it is not: WordPress does after an edit, and after a second comment within one second. So
now and then the feed is asked for whatever its marks (`WHOLE`).
"""

from __future__ import annotations

import hashlib
import io
import json
import re
from calendar import timegm
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Any, ClassVar
from urllib.parse import urljoin, urlsplit

import feedparser
import httpx

from channels_app.platforms.abilities import Access, Health
from channels_app.platforms.archive import clean_text
from channels_app.platforms.base import (
    Author,
    Capabilities,
    Enclosed,
    Event,
    EventKind,
    Json,
    Moderation,
    Outgoing,
    Pace,
    Page,
    RawPayload,
    Sent,
    web_address,
)
from channels_app.platforms.errors import PlatformError, Rejected, TryLater, Unreadable
from channels_app.platforms.html_text import text_of
from channels_app.platforms.wire import Wire

NAME = "The feed"
WANTED = "application/atom+xml, application/rss+xml, application/xml;q=0.9, text/xml;q=0.8, */*;q=0.1"
FIRST_LOOK = timedelta(days=14)  # how far back a feed is read that was just connected
WHOLE = timedelta(hours=1)  # between two times that it is read though its server may say it has not changed
LARGEST = 10_000_000  # bytes of a feed
REMEMBERED = 1_000  # entries besides those that stand in the feed now: its servers may not all say the same
HOPS = 3
LATER = 3600.0  # seconds, where a person has to look at it
ENCLOSED = 10  # files of an entry
COMMENT = "#comment-"  # in the ids and addresses of comments, as blogs write them
# In feeds of comments WordPress puts above an answer, in the site's language: In reply to <a href="…">Maria</a>.
ABOVE = re.compile(r"\s*<p>[^<]{1,60}<a href=\"([^\"]{1,500}#comment-\d+)\">[^<]{0,255}</a>[^<]{0,20}</p>")


class Moved(TryLater):
    """The feed is at another address: `to`."""

    def __init__(self, to: str) -> None:
        super().__init__(f"{NAME} has moved: look where it is now, and enter that address.", LATER)
        self.to = to


class FeedPlatform:
    """One feed. A payload is one entry in JSON, with what the feed says of itself, and when it was read."""

    kind: ClassVar[str] = "feed"
    capabilities: ClassVar[Capabilities] = Capabilities(connected=True, poll=True, pace=Pace.SLOW, edits_seen=True)

    def __init__(self, access: Access, transport: httpx.BaseTransport | None = None) -> None:
        self.url = access.settings.get("url", "")
        self.wire = Wire(NAME, "", {"Accept": WANTED}, means, transport)

    def parse(self, body: bytes) -> list[Event]:
        """Raises Unreadable."""
        try:
            raw = json.loads(body)
            return [_event(raw)]
        except (AttributeError, KeyError, TypeError, ValueError, RecursionError) as error:
            raise Unreadable(f"This is not an entry of a feed ({type(error).__name__}).") from error

    def fetch_since(self, cursor: Json, *, limit: int) -> Page:
        """`cursor` is {"etag", "modified": as the server gave them, "whole": when it was read last, "from": entries
        before it are not taken, "seen": {entry: what it said}}. Raises TryLater.
        """
        now = datetime.now(UTC).replace(microsecond=0)
        answer = self._fetch(_marks(cursor, now))
        if answer.status_code == httpx.codes.NOT_MODIFIED:
            return Page([], cursor)
        start = cursor.get("from") or (now - FIRST_LOOK).isoformat()
        standing, before = {mark(raw): raw for raw in self._entries(answer)}, dict(cursor.get("seen") or {})
        said = {key: digest(raw) for key, raw in standing.items()}
        fresh = [key for key in reversed(standing) if standing[key]["at"] >= start and before.get(key) != said[key]]
        fresh.sort(key=lambda key: (standing[key]["at"], _number(standing[key])))
        for waits in fresh[limit:]:
            del said[waits]
        after = {"from": start, "whole": now.isoformat(), "seen": _remembered(before, said)}
        more = len(fresh) > limit
        if not more:  # with its marks the server would not give again what waits
            after |= {"etag": answer.headers.get("ETag", ""), "modified": answer.headers.get("Last-Modified", "")}
        return Page([_payload(standing[key]) for key in fresh[:limit]], after, more)

    def check(self) -> Health:
        """Raises TryLater with what is wrong with the address."""
        found = _parsed(self._fetch({}), self.url)
        return Health(clean_text(found.feed.get("title"))[:255] or self._host, self.url)

    def send(self, out: Outgoing) -> Sent:
        raise Rejected("A feed can only be read.")

    def find_sent(self, out: Outgoing) -> Sent | None:
        return None

    def moderate(self, act: Moderation) -> None:
        raise Rejected("A feed can only be read.")

    @property
    def _host(self) -> str:
        return urlsplit(self.url).hostname or ""

    def _fetch(self, marks: Mapping[str, str]) -> httpx.Response:
        """Where it moved on the same host it is followed; elsewhere a person decides. Raises TryLater."""
        url = self.url
        try:
            for _ in range(HOPS):
                try:
                    return self.wire.look(url, headers=marks)
                except Moved as moved:
                    url = _followed(url, moved)
        except Rejected as error:
            raise TryLater(str(error), LATER) from error
        raise TryLater(f"{NAME} sends us round in circles.", LATER)

    def _entries(self, answer: httpx.Response) -> list[Json]:
        found, now = _parsed(answer, self.url), datetime.now(UTC)
        about = {
            "title": clean_text(found.feed.get("title"))[:255], "language": clean_text(found.feed.get("language")),
            "author": _named(found.feed), "host": self._host,
        }  # fmt: skip
        return [_entry(each, about, now) for each in found.entries]


# --- the answer of its server


def means(answer: httpx.Response) -> PlatformError | None:
    if answer.is_redirect:
        return Moved(answer.headers.get("Location", ""))
    if answer.status_code in (401, 403):
        return TryLater(f"{NAME} is not open to everybody, so Hark cannot read it.", LATER)
    if answer.status_code in (404, 410):
        return TryLater(f"{NAME} is not at its address any more.", LATER)
    return None


def _marks(cursor: Json, now: datetime) -> dict[str, str]:
    """What keeps the server from sending again what has not changed; nothing where it is to be read in any case."""
    read = cursor.get("whole")
    if not read or datetime.fromisoformat(read) + WHOLE <= now:
        return {}
    asked = {"If-None-Match": cursor.get("etag"), "If-Modified-Since": cursor.get("modified")}
    return {name: value for name, value in asked.items() if value}


def _followed(url: str, moved: Moved) -> str:
    """Its new address on the same server, as far as its name says; raises `moved` for another, which could be one that
    only we can reach.
    """
    try:
        to = urljoin(url, moved.to)
        before, after = urlsplit(url), urlsplit(to)
        ports = [each.port or {"https": 443, "http": 80}.get(each.scheme) for each in (before, after)]
    except ValueError:
        raise moved from None
    same = len({(each.hostname or "").removeprefix("www.") for each in (before, after)}) == 1
    safer = (before.scheme, after.scheme, *ports) == ("http", "https", 80, 443)
    if same and (safer or (before.scheme == after.scheme and ports[0] == ports[1])):
        return to
    raise moved


def _parsed(answer: httpx.Response, url: str) -> Any:
    """Raises TryLater where it is no feed. A broken one is read as far as it goes.

    Ids may be relative, so they are always completed by the address that was entered, not by where it led today.
    """
    if len(answer.content) > LARGEST:
        raise TryLater(f"{NAME} is larger than {LARGEST // 1_000_000} MB.", LATER)
    headers = {"content-type": answer.headers.get("Content-Type", ""), "content-location": url}
    # markup stays, and is read where it is shown as text: `text_of`
    try:
        found = feedparser.parse(io.BytesIO(answer.content), response_headers=headers, sanitize_html=False)
    except Exception as error:  # it guesses at what anybody may have written
        raise TryLater(f"{NAME} cannot be read.", LATER) from error
    if not found.get("version") and not found.entries:
        raise TryLater("At this address is no feed: look for “RSS” or “Atom” on its page.", LATER)
    return found


# --- an entry as we keep it


def _entry(each: Any, about: Json, now: datetime) -> Json:
    link, title = clean_text(each.get("link")), clean_text(each.get("title"))
    kept = {
        "link": link, "title": title, "html": _html(each), "author": _named(each), "feed": about,
        "at": _at(each, now).isoformat(), "answers": _answered(each), "files": list(islice(_files(each), ENCLOSED)),
    }  # fmt: skip
    unnamed = f"{title}\n{kept['html']}"
    kept |= {"id": clean_text(each.get("id")) or link or hashlib.sha256(unnamed.encode()).hexdigest()}
    return kept | _taken_apart(kept)


def _html(each: Any) -> str:
    """The whole text where the feed has it, else its summary."""
    whole = next((str(part.get("value") or "") for part in each.get("content") or ()), "")
    return clean_text(whole or each.get("summary"))


def _at(each: Any, now: datetime) -> datetime:
    """When it was published, else changed, else read; never later than now."""
    stated = each.get("published_parsed") or each.get("updated_parsed")
    try:
        at = datetime.fromtimestamp(timegm(stated), UTC) if stated else now
    except (OSError, OverflowError, TypeError, ValueError):
        return now
    return min(at, now) if at.year >= 1990 else now


def _named(each: Any) -> Json:
    who = each.get("author_detail") or {}
    said = {"name": who.get("name") or each.get("author"), "email": who.get("email"), "url": who.get("href")}
    return {key: clean_text(value)[:255] for key, value in said.items() if value}


def _answered(each: Any) -> str:
    """RFC 4685: the id of the entry that this one answers."""
    answered = each.get("thr_in-reply-to")
    return clean_text(answered.get("ref")) if isinstance(answered, dict) else ""


def _taken_apart(kept: Json) -> Json:
    """What a comment answers, where that stands above its words as a link to another comment of the same page."""
    above = ABOVE.match(kept["html"])
    if above is None or above[1].partition(COMMENT)[0] != kept["id"].partition(COMMENT)[0] or above[1] == kept["id"]:
        return {}
    return {"answers": kept["answers"] or above[1], "html": kept["html"][above.end() :]}


def _number(raw: Json) -> int:
    """Of two comments of one second the feed may have either above; of other entries the lower is the older."""
    number = raw["id"].rpartition(COMMENT)[2]
    return int(number) if number.isdecimal() and len(number) < 20 else 0


def _files(each: Any) -> Iterable[Json]:
    for file in [*(each.get("enclosures") or ()), *(each.get("media_content") or ())]:
        if address := web_address(clean_text(file.get("href") or file.get("url"))):
            yield {"url": address, "type": clean_text(file.get("type"))[:100]}


def _payload(raw: Json) -> RawPayload:
    return RawPayload(json.dumps(raw, ensure_ascii=False).encode("utf-8", "replace"), f"{NAME}, {raw['id'][:200]}")


def mark(raw: Json) -> str:
    """By what an entry is known again, short: the cursor holds many."""
    return hashlib.sha256(raw["id"].encode("utf-8", "replace")).hexdigest()[:16]


def digest(raw: Json) -> str:
    return hashlib.sha256(_words(raw).encode("utf-8", "replace")).hexdigest()[:8]


def _remembered(before: Mapping[str, str], now: Mapping[str, str]) -> dict[str, str]:
    """All that stands in the feed, and of what stood there before the latest."""
    gone = [(key, said) for key, said in before.items() if key not in now]
    return dict([*gone[-REMEMBERED:], *now.items()])


# --- an entry as an event


def _event(raw: Json) -> Event:
    files = tuple(Enclosed(file["url"], type=file["type"]) for file in raw["files"])
    return Event(
        kind=EventKind.MESSAGE,
        external_id=_short(raw["id"]),
        occurred_at=datetime.fromisoformat(raw["at"]),
        author=_author(raw),
        text=_words(raw),
        language=raw["feed"]["language"][:8],
        parent_id=_short(raw["answers"]),
        url=web_address(raw["link"]),
        attachments=files,
        extra={"feed": raw["feed"]["title"]},
    )


def _short(name: str) -> str:
    return name if len(name) <= 255 else hashlib.sha256(name.encode("utf-8", "replace")).hexdigest()


def _words(raw: Json) -> str:
    """Title and text; of a comment the text alone, since its title only says who wrote it, and of a note that has its
    first words for a title too.
    """
    title, text = text_of(raw["title"]), text_of(raw["html"])
    bare = title.rstrip("….").strip()
    if not text or not title or _is_comment(raw) or text.startswith(bare):
        return text or title
    return clean_text(f"{title}\n\n{text}")


def _is_comment(raw: Json) -> bool:
    return bool(raw["answers"]) or any(COMMENT in raw[name] for name in ("id", "link"))


def _author(raw: Json) -> Author:
    """By the address the feed gives of them, else by their name in this feed; without a name it is the feed itself.

    Anybody may sign a comment with any name, so who is only named below a comment is a stranger of that comment alone.
    """
    who, feed = raw["author"] or raw["feed"]["author"], raw["feed"]
    address = web_address(who.get("url", ""))
    name = who.get("name") or who.get("email") or feed["title"] or feed["host"]
    key = address or who.get("email", "").casefold() or who.get("name", "").casefold() or feed["host"]
    if _is_comment(raw) and not address and not who.get("email"):
        key = f"comment:{mark(raw)}"
    return Author(key=_short(key), handle=name, name=name, place=feed["host"], profile_url=address)
