"""The internet, for tests that connect accounts: each host answers as the network there would."""

from __future__ import annotations

import re
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult, LoginPassword

from channels_app.models import Channel
from tests import factories
from tests.channels_app.platforms import imap_server
from tests.channels_app.platforms.a_blog import Blog
from tests.channels_app.platforms.fake_mastodon import BRAND, FakeMastodon
from tests.channels_app.platforms.sky import HANDLES, US, Sky

Answer = Callable[[httpx.Request], httpx.Response]
SOMEWHERE = "93.184.215.14"
PAGE, INSTAGRAM, PHONE, ON_X = "111", "222", "333", "930524282358325248"
FEED = """<rss version="2.0"><channel><title>Skylark reviews</title><item><title>Late</title><guid>1</guid>
<pubDate>Sun, 22 Nov 2026 10:00:00 GMT</pubDate><description>Late.</description></item></channel></rss>"""
PASSWORD = "m-a-i-l-w-o-r-d"


class Internet:
    """`hosts` answer; `asked` is every request. Names under .example, and those of the big networks, are known."""

    def __init__(self) -> None:
        self.mastodon, self.sky, self.blog = mastodon(), Sky(), Blog()
        self.pages = [PAGE]
        self.asked: list[httpx.Request] = []
        self.hosts: dict[str, Answer] = {
            "social.example": self.mastodon, "pds.example": self.sky.answer, "blog.example": self.blog.answer,
            "feed.example": lambda request: httpx.Response(200, text=FEED, headers={"Content-Type": "text/xml"}),
            "graph.facebook.com": self.meta, "api.x.com": x,
        }  # fmt: skip

    def answer(self, request: httpx.Request) -> httpx.Response:
        request.read()
        self.asked.append(request)
        return self.hosts[request.url.host](request)

    def meta(self, request: httpx.Request) -> httpx.Response:
        path = request.url.path.partition("/v")[2].partition("/")[2]
        if path == "oauth/access_token":
            return httpx.Response(200, json={"access_token": "p-e-r-s-o-n"})
        if path == "me/accounts":
            return httpx.Response(200, json={"data": [page(each) for each in self.pages]})
        if path == "me/permissions":
            return httpx.Response(200, json={"data": [{"permission": "pages_messaging", "status": "granted"}]})
        if path.endswith("subscribed_apps"):
            return httpx.Response(200, json={"success": True})
        told = {"id": path, "name": "Skylark", "username": "skylark", "display_phone_number": "+49 30 1234"}
        return httpx.Response(200, json=told)


def page(number: str) -> dict[str, Any]:
    instagram = {"id": INSTAGRAM, "username": "skylark"}
    return {
        "id": number, "name": "Skylark", "access_token": "p-a-g-e-k-e-y", "instagram_business_account": instagram
    }  # fmt: skip


def mastodon() -> FakeMastodon:
    server = FakeMastodon()
    server.answer("POST", "/api/v1/apps", {"client_id": "c1", "client_secret": "c-l-i-e-n-t"})
    server.answer("POST", "/oauth/token", {"access_token": "m-a-s-t-o-k-e-y", "scope": "read write:statuses"})
    server.answer("POST", "/oauth/revoke", {})
    server.answer("GET", "/api/v1/accounts/verify_credentials", BRAND)
    server.answer("GET", "/api/v1/instance", {"uri": "social.example", "version": "4.3.0"})
    return server


def x(request: httpx.Request) -> httpx.Response:
    if request.url.path == "/2/oauth2/token":
        scope = "tweet.read tweet.write users.read offline.access"
        keys = {"access_token": "x-a-c-c-e-s-s", "refresh_token": "x-r-e-f-r-e-s-h"}
        return httpx.Response(200, json={**keys, "scope": scope, "expires_in": 7200})
    return httpx.Response(200, json={"data": {"id": ON_X, "username": "skylark", "name": "Skylark"}})


@pytest.fixture
def internet(monkeypatch: pytest.MonkeyPatch) -> Internet:
    """What Hark asks by HTTP is answered by this, through all of Hark's own code."""
    found, look_up = Internet(), socket.getaddrinfo

    def known(host: str, port: Any, *args: Any, **more: Any) -> Any:
        if str(host).endswith(".example") or host in found.hosts:
            return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (SOMEWHERE, port))]
        return look_up(host, port, *args, **more)

    monkeypatch.setattr(socket, "getaddrinfo", known)
    monkeypatch.setattr(httpx.HTTPTransport, "handle_request", lambda _way, request: found.answer(request))
    return found


# --- what a person types, and what nobody may see again


def of_meta() -> dict[str, Any]:
    app = factories.AppFactory(
        network="meta", settings={"client_id": "42"}, secrets={"app_secret": "m-e-t-a-a-p-p", "verify_token": "v-e-r"}
    )
    return {"app": app.pk}


def of_x() -> dict[str, Any]:
    app = factories.AppFactory(network="x", settings={"client_id": "43"}, secrets={"client_secret": "x-a-p-p"})
    return {"app": app.pk}


TYPED: dict[str, Callable[[], dict[str, Any]]] = {
    "mastodon": lambda: {"server": "social.example"},
    "bluesky": lambda: {"server": "https://pds.example", "handle": HANDLES[US], "app_password": "abcd-efgh"},
    "feed": lambda: {"url": "https://feed.example/rss"},
    "wordpress": lambda: {"url": "https://blog.example", "user": "care", "password": "abcd efgh"},
    "own_channel": lambda: {"url": "https://chat.example/hark"},
    "facebook": of_meta,
    "instagram": of_meta,
    "whatsapp": lambda: {**of_meta(), "phone_id": PHONE, "access_token": "w-h-a-t-s-k-e-y"},
    "x": of_x,
}
SECRETS = {
    "mastodon": ["c-l-i-e-n-t", "m-a-s-t-o-k-e-y"], "bluesky": ["abcd-efgh", "head."], "feed": [],
    "wordpress": ["abcd efgh"], "own_channel": ["whsec_"], "email": [PASSWORD],
    "facebook": ["m-e-t-a-a-p-p", "v-e-r", "p-a-g-e-k-e-y", "p-e-r-s-o-n"],
    "instagram": ["m-e-t-a-a-p-p", "v-e-r", "p-a-g-e-k-e-y", "p-e-r-s-o-n"],
    "whatsapp": ["m-e-t-a-a-p-p", "v-e-r", "w-h-a-t-s-k-e-y"], "x": ["x-a-p-p", "x-a-c-c-e-s-s", "x-r-e-f-r-e-s-h"],
}  # fmt: skip


def state_in(response: Any) -> str:
    """The state under which the page sends a person to the network."""
    return parse_qs(urlsplit(response.context["url"]).query)["state"][0]


def back(client: Any, **told: str) -> Any:
    """The network brings them back."""
    return client.get("/channels/connected/", told)


def until_found(client: Any, kind: str, typed: dict[str, Any] | None = None) -> Any:
    """What is answered once the account has said who it is: a redirect to where it gets its name."""
    response = client.post(f"/channels/connect/{kind}/", typed or TYPED[kind]())
    if response.status_code == 200 and "url" in response.context:
        response = back(client, code="c-o-d-e", state=state_in(response))
    return response


def connected(client: Any, kind: str, typed: dict[str, Any] | None = None, **more: Any) -> Channel:
    """The whole way through the pages."""
    response = until_found(client, kind, typed)
    assert response.status_code == 302, response.context["form"].errors
    named = {"name": f"Skylark {kind}", "brand": "Skylark", "team": factories.TeamFactory().pk, "owner": "", **more}
    last = client.post(response["Location"], named)
    assert last.status_code == (200 if kind == "own_channel" else 302)
    return Channel.objects.get(name=named["name"])


# --- a mailbox


@contextmanager
def mail() -> Iterator[dict[str, Any]]:
    """Servers for IMAP and SMTP on this machine, and what is typed to connect their mailbox."""
    box = imap_server.Mailbox(password=PASSWORD)

    def may(_server: Any, _session: Any, _envelope: Any, _mechanism: str, said: Any) -> AuthResult:
        right = isinstance(said, LoginPassword) and said.password.decode() == PASSWORD
        return AuthResult(success=right, handled=False)

    post = Controller(
        object(), hostname="127.0.0.1", port=free_port(), authenticator=may, auth_require_tls=False, auth_required=True
    )
    post.start()
    try:
        with imap_server.serving(box):
            yield {
                "address": box.user, "password": PASSWORD, "imap_host": "127.0.0.1", "imap_port": box.port,
                "imap_security": "none", "folder": "INBOX", "backfill_days": 14, "smtp_host": "127.0.0.1",
                "smtp_port": post.port, "smtp_security": "none", "plus_addresses": "on",
            }  # fmt: skip
    finally:
        post.stop()


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        return int(taken.getsockname()[1])


def words(html: str) -> str:
    """The text of a page, without its tags."""
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", html))
