"""The words of a post that a network gives as HTML. Nothing of it is executed, fetched or believed.

nh3 reads it as a browser would and drops what is not a text; what is left is written as lines. A link is written as its
address, since its words may say another one.
"""

from __future__ import annotations

import re
from collections import Counter
from html import unescape
from html.parser import HTMLParser

import nh3

from channels_app.platforms.archive import clean_text
from crm.leading import INVISIBLE, address_of

LONGEST = 400_000  # characters of HTML that are read; the raw payload keeps the rest
DEEPEST = 200  # of elements in each other: what is deeper takes a parser longer than it is worth
PARAGRAPHS = {"p", "blockquote", "h1", "h2", "h3", "h4", "h5", "h6", "ul", "ol", "table", "pre", "figure"}
LINES = {"br", "div", "li", "tr", "hr", "dt", "dd", "section", "article", "figcaption"}
CELLS = {"td", "th"}
SILENT = {"script", "style", "head", "title", "template", "svg", "math", "iframe", "object", "noscript", "select"}
TAG, TAGS = re.compile(r"<[^<>]*>"), re.compile(r"<(/?)([a-zA-Z][a-zA-Z0-9]*)")
VOID = {"br", "hr", "img", "p", "li", "input", "meta", "link", "wbr", "source", "td", "tr", "th", "dt", "dd", "option"}
BLANK = re.compile(r"[ \t\r\n\f\xa0]+")
WRITTEN = re.compile(r"(?i)\bhttps?://\S+")
CALLED = re.compile(r"[@#]\S+")  # a mention or a hashtag: its address adds nothing


def text_of(html: str) -> str:
    """The words of `html`: <p> as paragraphs, <br> and other blocks as lines, links as their address. Pure."""
    readable = html[:LONGEST].encode("utf-8", "replace").decode("utf-8")
    words = unescape(TAG.sub("\n", readable)) if _is_deep(readable) else _read(readable)
    lines = (" ".join(line.split()) for line in words.splitlines())
    text = re.sub(r"\n{3,}", "\n\n", "\n".join(lines))
    return clean_text(WRITTEN.sub(lambda found: INVISIBLE.sub("", found[0]), text))


def _is_deep(html: str) -> bool:
    """Counted by the name of each tag, since only its own end ends one. Of what is deep only the words are read."""
    depth, open_now = 0, Counter[str]()
    for closing, written in TAGS.findall(html):
        tag = written.lower()
        if tag in VOID or (closing and not open_now[tag]):
            continue
        open_now[tag] += -1 if closing else 1
        depth += -1 if closing else 1
        if depth > DEEPEST:
            return True
    return False


def _read(html: str) -> str:
    clean = nh3.clean(
        html, tags=PARAGRAPHS | LINES | CELLS | {"a", "img"}, clean_content_tags=SILENT,
        attributes={"a": {"href"}, "img": {"alt"}}, url_schemes={"http", "https", "mailto"}, link_rel=None,
    )  # fmt: skip
    reader = _Reader()
    reader.feed(clean)
    reader.close()
    return "".join(reader.parts)


class _Reader(HTMLParser):
    """Walks what nh3 left, which is well-formed."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.parts: list[str] = []
        self.links: list[tuple[int, str]] = []  # where its words begin in `parts`, and where it leads
        self.kept = 0  # depth of <pre>, where line breaks count

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._break(tag)
        self.kept += tag == "pre"
        if tag == "li":
            self.parts.append("- ")
        elif tag == "a":
            self.links.append((len(self.parts), dict(attrs).get("href") or ""))
        elif tag == "img":
            self.parts.append(dict(attrs).get("alt") or "")

    def handle_endtag(self, tag: str) -> None:
        self.kept -= tag == "pre"
        if tag == "a" and self.links:
            start, href = self.links.pop()
            words = " ".join("".join(self.parts[start:]).split())
            self.parts[start:] = [_link(words, href)]
        elif tag not in ("br", "hr"):
            self._break(tag)

    def handle_data(self, data: str) -> None:
        if self.kept or not self._begins() or data.strip():
            self.parts.append(data if self.kept else BLANK.sub(" ", data))

    def _break(self, tag: str) -> None:
        if tag in PARAGRAPHS:
            self.parts.append("\n\n")
        elif tag == "br" or (tag in LINES and not self._begins()):
            self.parts.append("\n")
        elif tag in CELLS:
            self.parts.append(" ")

    def _begins(self) -> bool:
        """Whether a line begins here already."""
        return bool(self.parts) and self.parts[-1].endswith("\n")


def _link(words: str, href: str) -> str:
    to_write = href.lower().startswith("mailto:")
    address = INVISIBLE.sub("", href[7:].partition("?")[0]) if to_write else address_of(href)
    if not address or CALLED.fullmatch(words):
        return words
    if not words or _says(words, address) or _says(words, href):
        return address
    return f"{words} ({address})"


def _says(words: str, address: str) -> bool:
    """Whether the words of a link are its address, as they are shown: without https://, or with its end cut off."""
    said, meant = _bare(words), _bare(address)
    cut = said.rstrip("….")
    return said == meant or (said != cut and len(cut) > 3 and "/" in cut and meant.startswith(cut))


def _bare(address: str) -> str:
    return re.sub(r"^(?:mailto:|https?://)?(?:www\.)?", "", INVISIBLE.sub("", address).casefold()).rstrip("/")
