"""Addresses on the web, so that the same page is the same text however it is written."""

from __future__ import annotations

from urllib.parse import urlsplit


def address(url: str) -> str:
    """`address("https://www.Example.org/Me/?x=1")` → "example.org/me"; "" where there is no host."""
    text = url.strip().lower()
    try:
        parts = urlsplit(text if "//" in text else f"//{text}")
        host = parts.hostname or ""
    except ValueError:
        return ""
    if "." not in host:
        return ""
    return f"{host.removeprefix('www.')}{parts.path.rstrip('/')}"


def host(page: str) -> str:
    """The host of an address made by `address`."""
    return page.partition("/")[0]


def own_label(page: str) -> str:
    """What somebody's own website is called: "cantwell" of cantwell.senate.gov. "" for a page on somebody's site."""
    return "" if "/" in page else host(page).partition(".")[0].replace("-", "")


def variants(page: str) -> list[str]:
    """How networks may write the address, for a look-up by equality."""
    hosts = (page, f"www.{page}")
    return [f"{scheme}{host}{end}" for scheme in ("https://", "http://") for host in hosts for end in ("", "/")]
