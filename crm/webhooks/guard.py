"""Requests to addresses other people chose: they may reach the internet, and nothing of ours.

A name is looked up once and the connection goes to that very address, so that a second answer of the name server
(rebinding) changes nothing; the name itself stays in Host and in the TLS handshake. Nothing is followed, no proxy of
the environment is asked, and neither a slow nor an endless answer holds anybody up.
"""

from __future__ import annotations

import functools
import ipaddress
import socket
import ssl
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import SplitResult, urlsplit

import httpcore
import httpx
from django.conf import settings
from django.utils.translation import gettext_lazy as _

from crm.errors import Refused

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Resolver = Callable[[str, int], list[str]]

SECONDS = 10.0  # for all of it: name, connection, question and answer
MOST = 64 * 1024  # bytes of an answer we read

# What `ipaddress.is_global` of this Python lets through, and what only carries an address of the other kind inside
NOWHERE = [
    ipaddress.ip_network(block)
    for block in (
        *("0.0.0.0/8", "100.64.0.0/10", "192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24", "198.18.0.0/15"),
        *("198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4"),
        *("2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20"),
    )
]
UNICAST = ipaddress.ip_network("2000::/3")  # all of IPv6 that is given out: mapped, NAT64 and local ones lie elsewhere


class BadAddress(Refused):
    sentence = _("“{url}” is not a web address.")


class NotEncrypted(Refused):
    sentence = _("The address must begin with https://, so that nobody on the way reads what is sent.")


class NamesSomebody(Refused):
    sentence = _("Leave user name and password out of the address.")


class NotFound(Refused):
    sentence = _("The name {host} is not known: no address belongs to it.")


class NotPublic(Refused):
    sentence = _("{host} leads to {address}, which is not on the public internet. Hark sends nothing there.")


class InHouse(NotPublic):
    sentence = _("{address} is not on the public internet. Hark sends nothing there.")


class Unreachable(Refused):
    sentence = _("{host} cannot be reached ({why}).")


class NeverReached(Unreachable):
    """There was no connection at all: nothing was written."""


class TooSlow(Refused):
    sentence = _("{host} did not answer within {seconds} seconds.")


@dataclass(frozen=True)
class Answer:
    """What came back. `body` is cut at what was asked for; header names are in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes


def look_up(host: str, port: int) -> list[str]:
    """The addresses of a name, from the system's resolver; also of what only looks like none (2130706433, 0x7f.1)."""
    return [str(found[4][0]) for found in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]


def check(url: str, *, resolve: Resolver = look_up) -> str:
    """The address as it will be asked, if it may be: for a form. Raises the refusal that says what is wrong with it."""
    parts = _parts(url)
    _address(parts.hostname or "", _port(parts), plain=parts.scheme == "http", resolve=resolve)
    return url


def fetch(
    method: str, url: str, *, headers: Mapping[str, str] | None = None, content: bytes = b"", most: int = MOST,
    seconds: float = SECONDS, resolve: Resolver = look_up, trusted: ssl.SSLContext | None = None,
) -> Answer:  # fmt: skip
    """Ask once. Raises a refusal where it may not go there, or nobody answers in time; a redirect is an answer."""
    parts = _parts(url)
    host = parts.hostname or ""
    way = Pinned(resolve, plain=parts.scheme == "http", deadline=time.monotonic() + seconds)
    asked = [("accept", "*/*"), ("user-agent", "Hark"), *(headers or {}).items()]
    pool = httpcore.ConnectionPool(ssl_context=trusted or _vouched_for(), network_backend=way)
    try:
        with pool, pool.stream(method, url, headers=asked, content=content) as answer:
            return _read(answer, most)
    except httpcore.TimeoutException:
        raise TooSlow(host=host, seconds=f"{seconds:g}") from None
    except httpcore.ConnectError as error:
        raise NeverReached(host=host, why=_why(error)) from None
    except (httpcore.NetworkError, httpcore.ProtocolError, ssl.SSLError, OSError, ValueError) as error:
        raise Unreachable(host=host, why=_why(error)) from None


class Way(httpx.HTTPTransport):
    """The same for who speaks httpx: to the internet alone, and in `seconds` altogether. Raises refusals, and httpx's.

    For one client and address: `plain` says whether it is http.
    """

    def __init__(self, *, plain: bool, seconds: float, resolve: Resolver = look_up) -> None:
        backend = Pinned(resolve, plain=plain, deadline=time.monotonic() + seconds)
        # httpx hands a backend of its own choice to its pool, and takes none from others
        self._pool = httpcore.ConnectionPool(ssl_context=_vouched_for(), network_backend=backend)


@functools.cache
def _vouched_for() -> ssl.SSLContext:
    """Whom we trust to say who somebody is. Kept: reading the list takes longer than asking."""
    return httpx.create_ssl_context()


def _why(error: Exception) -> str:
    return (str(error) or type(error).__name__)[:120]


def _read(answer: httpcore.Response, most: int) -> Answer:
    named = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in answer.headers}
    body = bytearray()
    for piece in answer.iter_stream():
        body += piece
        if len(body) >= most:
            break
    return Answer(answer.status, named, bytes(body[:most]))


# --- where it may go


def _parts(url: str) -> SplitResult:
    try:
        parts = urlsplit(url)
        port, host = parts.port, parts.hostname
    except ValueError:
        raise BadAddress(url=url) from None
    printable = url.isascii() and url.isprintable() and " " not in url
    if parts.scheme not in ("http", "https") or not host or port == 0 or not printable:
        raise BadAddress(url=url)
    if parts.username is not None or parts.password is not None:
        raise NamesSomebody
    if parts.scheme == "http" and not settings.ALLOW_LOOPBACK:
        raise NotEncrypted
    return parts


def _port(parts: SplitResult) -> int:
    return parts.port or (443 if parts.scheme == "https" else 80)


def _address(host: str, port: int, *, plain: bool, resolve: Resolver) -> str:
    """The first address of the name, where each of them may be asked: a name that also leads inside is refused."""
    try:
        found = resolve(host, port)
    except (OSError, UnicodeError):
        found = []
    if not found:
        raise NotFound(host=host)
    for address in found:
        if not _may_ask(address):
            raise (InHouse if host == address else NotPublic)(host=host, address=address)
        if plain and not ipaddress.ip_address(address).is_loopback:
            raise NotEncrypted
    return found[0]


def _may_ask(text: str) -> bool:
    try:
        address = ipaddress.ip_address(text)
    except ValueError:  # with a scope (fe80::1%eth0), or no address at all
        return False
    return is_public(address) or (settings.ALLOW_LOOPBACK and address.is_loopback)


def is_public(address: Address) -> bool:
    """Whether it is on the public internet, and does not carry an address of the other kind that is not."""
    given_out = address.version == 4 or address in UNICAST
    elsewhere = any(address.version == block.version and address in block for block in NOWHERE)
    return given_out and not elsewhere and address.is_global and not address.is_multicast


class Pinned(httpcore.NetworkBackend):
    """Looks a name up once, judges what it finds and connects to just that; all before `deadline` (monotonic)."""

    def __init__(self, resolve: Resolver, *, plain: bool, deadline: float) -> None:
        self.resolve, self.plain, self.deadline = resolve, plain, deadline

    def connect_tcp(self, host: str, port: int, timeout: float | None = None, *args: Any, **kwargs: Any) -> Timed:
        address = _address(host, port, plain=self.plain, resolve=self.resolve)
        stream = httpcore.SyncBackend().connect_tcp(address, port, left(self.deadline, timeout), *args, **kwargs)
        return Timed(stream, self.deadline)


class Timed(httpcore.NetworkStream):
    """A connection on which every wait ends at the deadline, so that one byte a second does not last for ever."""

    def __init__(self, stream: httpcore.NetworkStream, deadline: float) -> None:
        self.stream, self.deadline = stream, deadline

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self.stream.read(max_bytes, left(self.deadline, timeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self.stream.write(buffer, left(self.deadline, timeout))

    def close(self) -> None:
        self.stream.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> Timed:
        inner = self.stream.start_tls(ssl_context, server_hostname, left(self.deadline, timeout))
        return Timed(inner, self.deadline)

    def get_extra_info(self, info: str) -> Any:
        return self.stream.get_extra_info(info)


def left(deadline: float, timeout: float | None) -> float:
    """Seconds that may still pass, at most `timeout`. Raises what a connection raises that waited too long."""
    rest = deadline - time.monotonic()
    if rest <= 0:
        raise httpcore.ReadTimeout
    return rest if timeout is None else min(rest, timeout)
