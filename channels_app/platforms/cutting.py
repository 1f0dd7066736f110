"""A text that is too long for one post, cut into several. static/js/cutting.js does the same in the browser.

A cut stands at the end of a sentence or line where that leaves a post at least half full, else at the end of a word,
else, in a language without blanks, between two characters as people see them; never inside an address, a name or an
emoji.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Sequence
from itertools import accumulate

import regex

from channels_app.platforms import counting

MOST = 99  # pieces; of what is longer the last one is too long
# what is never cut, besides what people see as one character: addresses and names
MAIL = r"(?<![\w.+-])[\w.+-]{1,64}@[\w-]+(?:\.[\w-]+)+"
WHOLE = regex.compile(rf"{counting.WEB.pattern}|{counting.MENTION.pattern}|{MAIL}|[@#]\w{{1,100}}(?!\w)", regex.I)
SENTENCE = regex.compile(r"[.!?…][\"'”’»)\]]*(?=\s)|[。！？]|(?=\n)")


class TooWide(Exception):
    """Something in it is longer than a post and cannot be cut."""


def cut(text: str, limit: int, how: str, *, numbered: bool = False, most: int = MOST) -> list[str]:
    """The posts, each within `limit` as the network counts (`how`); more than `most` only in that the last is too long.

    Raises TooWide.
    """
    found = pieces(text, limit, how, most=most)
    for digits in (1, 2) if numbered and len(found) > 1 else ():
        found = pieces(text, limit, how, most=most, ending=place("9" * digits, "9" * digits))
        if len(found) < 10**digits:
            return [piece.strip() + place(n, len(found)) for n, piece in enumerate(found, 1)]
    return [piece.strip() for piece in found]


def place(n: object, of: object) -> str:
    return f" {n}/{of}"


def joined(parts: Sequence[str]) -> str:
    """One text again. Between two characters of a language without blanks there was none."""
    whole = ""
    for part in parts:
        wide = whole and part and all(unicodedata.east_asian_width(sign) in "WF" for sign in (whole[-1], part[0]))
        whole += part if wide or not whole else f" {part}"
    return whole


def pieces(text: str, limit: int, how: str, *, most: int = MOST, ending: str = "") -> list[str]:
    """The same with the blanks around them: together they are `text`. Each has room for `ending`."""
    ends, start, first = _ends(text), 0, 0
    found: list[str] = []
    while start < len(text):
        begins = start

        def fits(end: int, begins: int = begins) -> bool:
            return counting.length(text[begins:end].strip() + ending, how) <= limit

        last = _last_that_fits(ends, first, fits) if len(found) < most else len(ends) - 1
        if last < len(ends) - 1:
            last = _best(text, start, ends, first, last)
            while last + 1 < len(ends) and text[ends[last] : ends[last + 1]].isspace():
                last += 1
        found.append(text[start : ends[last]])
        start, first = ends[last], last + 1
    return found


def _ends(text: str) -> list[int]:
    """Where it may be cut, in ascending order; the last is its end."""
    within = {at for found in WHOLE.finditer(text) for at in range(found.start() + 1, found.end())}
    return [end for end in accumulate(map(len, counting.CLUSTER.findall(text))) if end not in within]


def _last_that_fits(ends: Sequence[int], first: int, fits: Callable[[int], bool]) -> int:
    """The place of the furthest end that still fits, looked for in growing steps. Raises TooWide."""
    if not fits(ends[first]):
        raise TooWide
    low, step = first, 16
    while (high := low + step) < len(ends) and fits(ends[high]):
        low, step = high, step * 2
    high = min(high, len(ends))
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if fits(ends[middle]) else (low, middle)
    return low


def _best(text: str, start: int, ends: Sequence[int], first: int, last: int) -> int:
    """The place of the best end among these: that of a sentence or line, of a word, or the last."""
    places = {end: n for n, end in enumerate(ends[first : last + 1], first)}
    half, ahead = (start + ends[last]) / 2, text[start : ends[last] + 1]
    sentences = (start + found.end() for found in SENTENCE.finditer(ahead))
    if whole := [end for end in sentences if half <= end <= ends[last] and end in places]:
        return places[whole[-1]]
    before_blanks = (end for end in reversed(places) if text[end : end + 1].isspace())
    return places[next((end for end in before_blanks if text[start:end].strip()), ends[last])]
