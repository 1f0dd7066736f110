"""From a post to its words: what is not language (handles, links, mark-up) goes, the rest becomes tokens."""

import html
import re
from functools import lru_cache
from typing import NamedTuple

MAX_CHARS = 2_000
"""How much of a text is read. A longer one has said what it wants by then, and the time stays bounded."""

_PLAIN_QUOTES = str.maketrans({"’": "'", "‘": "'", "`": "'", "´": "'", "\ufe0f": None, "\u200d": None, "\x00": " "})

# Every repetition has an upper bound, so that a text made to be slow is not.
_NOT_LANGUAGE = re.compile(
    r"https?://\S*|\bwww\.\S+"
    r"|(?<![\w.+-])[\w.+-]{1,64}@[\w-]{1,63}\.[\w.-]{2,63}"
    r"|[@＠]\w[\w.]{0,62}"
    r"|</?[a-z][^<>\s]{0,30}/?>"
    r"|(?<![\w.-])[\w-]{2,40}\.(?:com|org|net|ly)\b\S*"
    r"|\b(?:RT|MT)\b"
)
_ESCAPED = re.compile(r"\\u([0-9a-fA-F]{4})")
"""A letter as JSON writes it ("don\\u2019t"): archives that were exported twice are full of them."""
_HASHTAG = re.compile(r"[#＃](\w{1,80})")
_HUMP = re.compile(r"(?<=[a-z])(?=[A-Z])|(?<=[A-Za-z])(?=\d)|_")
_EMOJI = "\u2300-\u23ff\u2600-\u27bf\u2b50\u2b55\U0001f170-\U0001f1ff\U0001f300-\U0001f3fa\U0001f400-\U0001faff"
_TOKEN = re.compile(
    r"(?P<word>[^\W\d_]{1,30}(?:'[^\W\d_]{1,10}){0,2})"
    r"|(?P<number>\d{1,20}(?:[.,:]\d{1,20}){0,4}(?:(?:st|nd|rd|th)\b)?)"
    r"|(?P<sign>>?[:;=]'?-?(?:[)(\]\[/\\|]{1,2}|[DPp](?!\w))|\(:|</?3|-_-|\^_\^"
    rf"|[{_EMOJI}])"
    r"|(?P<mark>[!?]{1,8}|\.{2,8}|…|[.,;\n])"
)
_STRETCHED = re.compile(r"(.)\1{2,}")
_SMALL_NUMBERS = "two three four five six seven eight nine ten eleven twelve fifteen twenty thirty forty fifty several"
_NUMBER_WORDS = frozenset(_SMALL_NUMBERS.split())


class Token(NamedTuple):
    """A word in small letters, a number ("2", "2nd", "two"), a sign (emoji, emoticon) or a mark; `loud` is ALL CAPS."""

    text: str
    kind: str
    loud: bool = False


def clean(text: str) -> str:
    """The language of a post: without handles, links, addresses and mark-up; hashtags taken apart into words."""
    text = text[:MAX_CHARS]
    if "&" in text:
        text = html.unescape(text)
    if "\\u" in text:
        text = _ESCAPED.sub(lambda match: chr(int(match.group(1), 16)), text)
    text = _NOT_LANGUAGE.sub(" ", text.translate(_PLAIN_QUOTES))
    return _HASHTAG.sub(_hashtag_words, text) if "#" in text or "＃" in text else text


def speaks_to_somebody(text: str) -> bool:
    """A post that begins with a handle is addressed to it."""
    return text[:MAX_CHARS].lstrip(" \"'“.").startswith(("@", "＠"))


def tokens(cleaned: str) -> list[Token]:
    """The tokens of a cleaned text, in order."""
    return [_token(str(match.lastgroup), match.group()) for match in _TOKEN.finditer(cleaned)]


@lru_cache(maxsize=20_000)
def _token(kind: str, text: str) -> Token:
    return _word(text) if kind == "word" else Token(text, kind)


def _word(text: str) -> Token:
    small = _STRETCHED.sub(r"\1\1", text.lower())
    kind = "number" if small in _NUMBER_WORDS else "word"
    return Token(small, kind, loud=len(text) > 2 and text.isupper())


def _hashtag_words(match: re.Match[str]) -> str:
    return f" {_HUMP.sub(' ', match.group(1))} "
