"""What a group is shown of a call note: the sentences in which its hashtag stands, and none that others are asked."""

from __future__ import annotations

import re
from collections.abc import Iterator

from surveys.models import GroupRequest
from surveys.outreach import hashtags

LONGEST: int = GroupRequest._meta.get_field("quote").max_length or 0
END = re.compile(r"(?<=[.!?…])\s+|(?<=[。！？])|\n+")
WORD = re.compile(r"\w")


def quote(note: str, tag: str) -> str:
    """The sentences around the tag, each once, at most `LONGEST` letters.

    One that is nothing but hashtags stands for the one before it: "They paid twice. #billing". So do those before a
    new sentence: "They paid twice. #billing We talked of trains too."
    """
    said = list(_sentences(note))
    wanted = {number for number, sentence in enumerate(said) if tag in hashtags.found_in(sentence)}
    before = {_before(said, number) for number in wanted}
    return _shortened(" ".join(said[number] for number in sorted(wanted | before)), tag)


def _sentences(note: str) -> Iterator[str]:
    pieces = [" ".join(piece.split()) for piece in END.split(note.replace("\x00", "")) if piece.strip()]
    for number, piece in enumerate(pieces):
        behind = _behind_tags(piece) if number else 0
        yield from (part for part in (piece[:behind].strip(), piece[behind:].strip()) if part)


def _behind_tags(sentence: str) -> int:
    """Where one begins anew behind the hashtags it starts with; 0 where these are its own: "#billing charged them"."""
    behind = 0
    for _tag, start, end in hashtags.places_in(sentence):
        if WORD.search(sentence[behind:start].replace("#", "")):
            break
        behind = end
    begun = WORD.search(sentence, behind)
    return behind if begun and begun.group().isupper() else 0


def _before(said: list[str], number: int) -> int:
    """The number of the sentence that says what a bare tag is about: itself, where it says so."""
    while number and not _says_something(said[number]):
        number -= 1
    return number


def _says_something(sentence: str) -> bool:
    places = list(hashtags.places_in(sentence))
    for _tag, start, end in reversed(places):
        sentence = sentence[:start] + sentence[end:]
    return bool(WORD.search(sentence))


def _shortened(text: str, tag: str) -> str:
    """Around the first mention of the tag, with … where something is left out."""
    if len(text) <= LONGEST:
        return text
    start = next((at for found, at, _end in hashtags.places_in(text) if found == tag), 0)
    begin = max(0, min(start - LONGEST // 2, len(text) - LONGEST + 1))
    return ("…" if begin else "") + text[begin : begin + LONGEST - 2] + ("…" if begin + LONGEST - 2 < len(text) else "")
