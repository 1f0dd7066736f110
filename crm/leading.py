"""Where an address in somebody's words really leads."""

from __future__ import annotations

from urllib.parse import urlsplit, urlunsplit

import httpx
import regex

INVISIBLE = regex.compile(r"[\p{Cf}\p{Cc}\p{Z}\p{DI}]")  # zero-width, bidi controls, spaces: no part of an address
LONGEST = 2000


def address_of(href: str) -> str:
    """Where a link leads, as text: its host in ASCII, no name and password before it, no invisible signs.

    So letters of another alphabet are seen, and "https://bank.example@evil.example" is evil.example.
    "" where it is no web address.
    """
    shown = INVISIBLE.sub("", href).replace("\\", "/")  # as browsers read it
    if not shown.lower().startswith(("https://", "http://")):
        return ""
    try:
        where, host = urlsplit(shown), httpx.URL(shown[:LONGEST]).netloc.decode("ascii")
    except (httpx.InvalidURL, ValueError):
        return ""
    return urlunsplit(where._replace(netloc=host)) if host else ""
