"""What in a text is a link, a mention or a tag: the network is told, and tells us, by places counted in UTF-8 bytes."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from typing import Any, NamedTuple

from channels_app.platforms.base import Json, web_address
from channels_app.platforms.counting import WEB

KIND = "app.bsky.richtext.facet"
MENTION = re.compile(r"(?<![\w@./-])@((?:[a-z0-9](?:[a-z0-9-]*[a-z0-9])?\.)+[a-z](?:[a-z0-9-]*[a-z0-9])?)", re.I)
TAG = re.compile(r"(?<![\w&/#@])[#＃](\w*[^\W\d_]\w*)")
LONGEST_TAG = 64  # characters, of app.bsky.richtext.facet
MOST_ASKED = 10  # names looked up for one text
MOST_READ = 200  # facets of somebody else's text
UNSEEN = re.compile("[\\s\x00-\x1f\x7f\u00ad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]")
TRAILING = ".,;:!?…'\"’”»"


class Span(NamedTuple):
    start: int  # letters of the text, not bytes
    end: int
    feature: Json


def facets(text: str, resolve: Callable[[str], str | None]) -> list[Json]:
    """Those of a text of ours. `resolve` gives the account of a name, or None; it is asked for each name once."""
    links = list(_links(text))
    rest = [each for each in (*_mentions(text, resolve), *_tags(text)) if not _lies_in(each, links)]
    return [_facet(text, span) for span in sorted((*links, *rest), key=lambda span: span.start)]


def _links(text: str) -> Iterator[Span]:
    for found in WEB.finditer(text):
        address = found[0].rstrip(TRAILING)
        if address.endswith(")") and "(" not in address:
            address = address[:-1]
        full = address if "://" in address else f"https://{address}"
        yield Span(found.start(), found.start() + len(address), {"$type": f"{KIND}#link", "uri": full})


def _mentions(text: str, resolve: Callable[[str], str | None]) -> Iterator[Span]:
    asked: dict[str, str | None] = {}
    for found in MENTION.finditer(text):
        name = found[1].casefold()
        if name not in asked and len(asked) < MOST_ASKED:
            asked[name] = resolve(name)
        if account := asked.get(name):
            yield Span(found.start(), found.end(), {"$type": f"{KIND}#mention", "did": account})


def _tags(text: str) -> Iterator[Span]:
    for found in TAG.finditer(text):
        if len(found[1]) <= LONGEST_TAG:
            yield Span(found.start(), found.end(), {"$type": f"{KIND}#tag", "tag": found[1]})


def _lies_in(span: Span, others: Iterable[Span]) -> bool:
    return any(span.start < other.end and other.start < span.end for other in others)


def _facet(text: str, span: Span) -> Json:
    start = len(text[: span.start].encode())
    end = start + len(text[span.start : span.end].encode())
    return {"index": {"byteStart": start, "byteEnd": end}, "features": [span.feature]}


# --- reading theirs


def with_addresses(text: str, given: Any) -> str:
    """The text with each link's whole address where it shows another: nobody is led elsewhere by what is seen."""
    raw, end, parts = text.encode("utf-8", "replace"), 0, []
    for start, stop, address in sorted(_addresses(given)):
        if not end <= start < stop <= len(raw) or (shown := _decoded(raw[start:stop])) is None:
            continue
        parts += [raw[end:start].decode("utf-8", "replace"), _told(shown, address)]
        end = stop
    return "".join(parts) + raw[end:].decode("utf-8", "replace")


def _told(shown: str, address: str) -> str:
    """Programs shorten what they show: example.com/a-long… stands for its address. Other words stay, and it follows."""
    bare = address.partition("://")[2]
    short = UNSEEN.sub("", shown).removesuffix("…").removesuffix("...").partition("://")
    return address if bare.startswith(short[2] or short[0]) else f"{shown} ({address})"


def _addresses(given: Any) -> Iterator[tuple[int, int, str]]:
    for facet in given[:MOST_READ] if isinstance(given, list) else ():
        try:
            index, features = facet["index"], facet["features"]
            start, stop = int(index["byteStart"]), int(index["byteEnd"])
            address = next(each["uri"] for each in features if each["$type"] == f"{KIND}#link")
        except (KeyError, TypeError, ValueError, StopIteration, IndexError):
            continue
        if link := web_address(UNSEEN.sub("", str(address))):
            yield start, stop, link


def _decoded(part: bytes) -> str | None:
    try:
        return part.decode()
    except UnicodeDecodeError:  # it begins or ends within a letter
        return None
