"""snac2, from Debian's backports: an ActivityPub server that speaks Mastodon's API. It keeps its posts in files.

Not Mastodon: it has no streaming, no /conversations, no grouped notifications and no rate-limit headers, and ignores
Idempotency-Key. What it does otherwise than Mastodon makes it a good hostile server.
"""

from __future__ import annotations

import html
import json
import os
import re
import shutil
import subprocess
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qs, urljoin, urlsplit

import httpx

from channels_app.platforms.abilities import Access
from channels_app.platforms.mastodon import MastodonPlatform
from tests.rigs import apt, place
from tests.rigs.door import Door, free_port
from tests.rigs.rig import Picture, Rig, Said, Server
from tests.rigs.words import plain

BACK = "http://127.0.0.1:9/back"  # nobody listens there: only where it sends people is read
NEEDS = ("libcurl4", "libssl3")
# it refuses to be root; --pdeathsig: it ends with us
AS_NOBODY = ("setpriv", "--reuid", "nobody", "--regid", "nogroup", "--clear-groups", "--pdeathsig", "KILL")
FIELD = re.compile(r'<input[^>]*name="([^"]+)"[^>]*value="([^"]*)"')


class Snac(Rig):
    name, network, server, kind = "snac", "mastodon", "snac2", "mastodon"
    hop = 30.0  # its queue is looked at each few seconds
    sending = b"POST /api/v1/statuses "
    customer_edits = customer_deletes = customer_pictures = True

    @classmethod
    def install(cls) -> None:
        folder = place.cache(cls.name)
        if not (folder / "usr/bin/snac").exists():
            print("Fetching snac2 …", flush=True)
            apt.fetch("snac2", folder)
        if "not found" in subprocess.run(["ldd", folder / "usr/bin/snac"], capture_output=True, text=True).stdout:
            apt.install(*NEEDS)

    def start(self) -> None:
        self.port = free_port()
        self.home, self.program = self.folder / "home" / "data", self.folder / "snac"
        shutil.copy(place.cache(self.name) / "usr/bin/snac", self.program)  # root's cache may be closed to others
        self.home.parent.mkdir()
        if os.geteuid() == 0:
            shutil.chown(self.home.parent, "nobody", "nogroup")
        self._snac("init", self.home, said=f"127.0.0.1\n{self.port}\n127.0.0.1:{self.port}\n\n\n")
        settings = self.home / "server.json"
        settings.write_text(json.dumps({**json.loads(settings.read_text()), "protocol": "http"}))
        self.passwords = passwords = {user: self._add(user) for user in ("brand", "maria")}
        self.run(Server("snac", [*self._as(), self.program, "httpd", self.home], self.folder / "snac.log", self.port))
        self.door = Door(self.port)
        self._ours = self._connected(passwords["brand"])
        self.customer = f"maria@127.0.0.1:{self.port}"
        self.maria = Person(self.url, "maria", passwords["maria"])

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def _as(self) -> tuple[str, ...]:
        return AS_NOBODY if os.geteuid() == 0 else ()

    def _snac(self, *command: Any, said: str = "") -> str:
        done = subprocess.run(
            [*self._as(), self.program, *map(str, command)], input=said, capture_output=True, text=True
        )
        assert done.returncode == 0, f"snac {command[0]}: {done.stdout}{done.stderr}"
        return done.stdout + done.stderr

    def _add(self, user: str) -> str:
        """Their password."""
        told = self._snac("adduser", self.home, said=f"{user}\n\n\n")
        found = re.search(r"password is (\S+)", told)
        assert found, told
        return found[1]

    # --- ours

    def _connected(self, password: str) -> Access:
        """As a person connects a channel: we are registered, they agree on the server's page, we get a key."""
        access = MastodonPlatform.register(f"http://127.0.0.1:{self.door.port}", back=BACK)
        page = MastodonPlatform.authorize_url(access, back=BACK, state="kept")
        sent_to = agree(page, "brand", password)
        asked = parse_qs(urlsplit(sent_to).query)
        assert asked["state"] == ["kept"], sent_to
        return MastodonPlatform.exchange(access, code=asked["code"][0], back=BACK)

    def access(self) -> Access:
        return self._ours

    def wrong_access(self) -> Access:
        return Access(self._ours.settings, {**self._ours.secrets, "access_token": "0" * 32})

    def platform(self, access: Access | None = None) -> MastodonPlatform:
        return MastodonPlatform(access or self.access())

    # --- the customer's

    def post(self, text: str, *, picture: Picture | None = None) -> str:
        media = [self.maria.upload(picture)] if picture else []
        said = {"status": f"@brand {text}", "media_ids": media}
        return _name(self.maria.ask("POST", "/api/v1/statuses", json=said)["id"])

    def answer(self, to: str, text: str) -> str:
        said = {"status": f"@brand {text}", "in_reply_to_id": to}
        return _name(self.maria.ask("POST", "/api/v1/statuses", json=said)["id"])

    def edit(self, id: str, text: str) -> None:
        self.maria.ask("PUT", f"/api/v1/statuses/{id}", json={"status": f"@brand {text}"})

    def delete(self, id: str) -> None:
        """On its web page: its API has none."""
        uri = self.maria.ask("GET", f"/api/v1/statuses/{id}")["uri"]
        self.maria.on_page({"id": uri, "actor": f"{self.url}/maria", "action": "Delete"})

    def thread(self, id: str) -> list[Said]:
        around = self.maria.ask("GET", f"/api/v1/statuses/{id}/context")
        own = self.maria.ask("GET", f"/api/v1/statuses/{id}")
        return [_said(post) for post in (*around["ancestors"], own, *around["descendants"])]

    def profile(self) -> list[Said]:
        ours = self._ours.settings["account_id"]
        return [_said(post) for post in self.maria.ask("GET", f"/api/v1/accounts/{ours}/statuses?limit=100")]


class Person:
    """A customer with an app of their own: another client than ours."""

    def __init__(self, url: str, user: str, password: str) -> None:
        self.url, self.user, self.password = url, user, password
        told = self._call("POST", "/api/v1/apps", data={"client_name": "An app", "redirect_uris": BACK}).json()
        asked = {"response_type": "code", "client_id": told["client_id"], "redirect_uri": BACK, "scope": "read write"}
        sent_to = agree(str(httpx.URL(f"{url}/oauth/authorize", params=asked)), user, password)
        code = parse_qs(urlsplit(sent_to).query)["code"][0]
        proof = {"client_id": told["client_id"], "client_secret": told["client_secret"], "redirect_uri": BACK}
        given = self._call("POST", "/oauth/token", data={**proof, "grant_type": "authorization_code", "code": code})
        self.key = given.json()["access_token"]

    def ask(self, method: str, path: str, **options: Any) -> Any:
        return self._call(method, path, headers={"Authorization": f"Bearer {self.key}"}, **options).json()

    def upload(self, picture: Picture) -> str:
        file = (picture.name, picture.body, picture.type)
        return self.ask("POST", "/api/v2/media", files={"file": file}, data={"description": picture.alt})["id"]

    def on_page(self, form: Mapping[str, str]) -> None:
        self._call("POST", f"/{self.user}/admin/action", data=form, auth=(self.user, self.password))

    def _call(self, method: str, path: str, headers: Mapping[str, str] | None = None, **options: Any) -> httpx.Response:
        """Its kept connections are reset now and then."""
        whole = {"Connection": "close", **(headers or {})}
        answer = httpx.request(method, urljoin(self.url, path), headers=whole, timeout=20, **options)
        assert answer.status_code < 400, f"{method} {path}: {answer.status_code} {answer.text[:300]}"
        return answer


def agree(page: str, user: str, password: str) -> str:
    """Open the page as a browser does, fill in its form and send it. Where the browser is sent then."""
    shown = httpx.get(page, headers={"Connection": "close"}, timeout=20)
    form = {name: html.unescape(value) for name, value in FIELD.findall(shown.text)}
    action = re.search(r'<form[^>]*action="([^"]*)"', shown.text)
    where = urljoin(page, html.unescape(action[1])) if action else page
    answer = httpx.post(where, data={**form, "login": user, "passwd": password}, timeout=20)
    assert answer.is_redirect, f"{answer.status_code} {answer.text[:500]}"
    return answer.headers["Location"]


def _name(id: str) -> str:
    """What stays of a post's id: its first ten characters are when it was last written."""
    return "0" * 10 + id[10:] if id else ""


def _said(post: Mapping[str, Any]) -> Said:
    return Said(
        id=_name(post["id"]), text=plain(post["content"]), by_us=post["account"]["username"] == "brand",
        parent=_name(post.get("in_reply_to_id") or ""), html=post["content"],
        pictures=[file.get("description") or "" for file in post["media_attachments"]],
    )  # fmt: skip
