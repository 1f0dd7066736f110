"""WordPress from Debian, on PHP's own server and a MariaDB of its own: one article, its comments, and their feed.

Otherwise than on a site in the world: who comments first is shown at once, and may comment twice within 15 seconds.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from functools import cached_property
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx

from channels_app.platforms.abilities import Access
from channels_app.platforms.base import Json
from channels_app.platforms.wordpress import WordPressPlatform
from tests.rigs import apt, place
from tests.rigs.door import Door, free_port
from tests.rigs.rig import Picture, Rig, Said, Server
from tests.rigs.wordpress import database
from tests.rigs.words import plain

HERE = Path(__file__).resolve().parent
SYSTEM = ("php-cli", "php-mysql", "php-gd", "php-xml", "php-mbstring", "mariadb-server-core", "mariadb-client-core")
UNPACKED = ("wordpress", "php-getid3")  # not installed: that would bring a web server that starts by itself
COMMENTS = "/wp/v2/comments"
ARTICLE = 1
AS_WRITTEN = str.maketrans("“”‘’", "\"\"''")  # WordPress shows other quotation marks than were written


class WordPress(Rig):
    name, network, server, kind = "wordpress", "wordpress", "WordPress", "wordpress"
    hop = 10.0
    sending = b"POST /?rest_route=%2Fwp%2Fv2%2Fcomments HTTP"
    customer_edits = customer_deletes = we_delete = True
    customer = "mail:maria@customer.test"

    @classmethod
    def install(cls) -> None:
        folder = place.cache(cls.name)
        apt.install(*SYSTEM)
        if not (folder / "complete").exists():
            print("Fetching WordPress …", flush=True)
            for package in UNPACKED:
                apt.fetch(package, folder)
            (folder / "complete").touch()

    @property
    def program(self) -> Path:
        return place.cache(self.name) / "usr/share/wordpress"

    def start(self) -> None:
        assert (self.program / "wp-load.php").exists(), "There is no WordPress: bin/rigs wordpress puts it there."
        shutil.copy(HERE / "wp-config.php", self.program / "wp-config.php")
        self.port = free_port()
        self.run(database.made(self.folder / "db"))
        (self.folder / "content").mkdir()
        self.made = self._installed("Our new timetable")
        run = ["php", "-S", f"127.0.0.1:{self.port}", "-t", self.program]
        self.run(Server("php", run, self.folder / "php.log", self.port, self._environment))
        self.door = Door(self.port)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def _environment(self) -> dict[str, str]:
        socket, content = database.socket(self.folder / "db"), self.folder / "content"
        return {"RIG_URL": self.url, "RIG_SOCKET": str(socket), "RIG_CONTENT": str(content)}

    def _installed(self, article: str) -> Json:
        done = subprocess.run(
            ["php", HERE / "install.php", self.program, article],
            env={**os.environ, **self._environment}, capture_output=True, text=True,
        )  # fmt: skip
        assert done.returncode == 0, done.stdout + done.stderr
        return json.loads(done.stdout.splitlines()[-1])

    # --- ours

    def access(self) -> Access:
        settings = {"url": f"http://127.0.0.1:{self.door.port}", "user": "brand", "account_id": str(self.made["brand"])}
        return Access(settings, {"password": self.made["brand_key"]})

    def wrong_access(self) -> Access:
        return Access(self.access().settings, {"password": "abcd EFGH ijkl MNOP qrst UVWX"})

    def platform(self, access: Access | None = None) -> WordPressPlatform:
        return WordPressPlatform(access or self.access())

    # --- the customer's

    def post(self, text: str, *, picture: Picture | None = None) -> str:
        assert picture is None, "A comment carries no pictures."
        return self.comment(text)

    def answer(self, to: str, text: str) -> str:
        return self.comment(text, parent=to)

    def comment(self, text: str, *, parent: str = "0", name: str = "Maria", mail: str = "maria@customer.test") -> str:
        """By the form below the article, which sends the reader back to what they wrote."""
        form = {"comment": text, "author": name, "email": mail, "url": "", "comment_parent": parent}
        answer = httpx.post(f"{self.url}/wp-comments-post.php", data={**form, "comment_post_ID": ARTICLE}, timeout=20)
        assert answer.is_redirect, f"{answer.status_code} {plain(answer.text)[:500]}"
        back = urlsplit(answer.headers["Location"])
        waits = parse_qs(back.query).get("unapproved")  # it has to be approved
        return waits[0] if waits else back.fragment.removeprefix("comment-")

    def edit(self, id: str, text: str) -> None:
        """Customers cannot: it is the owner of the site who does, as for a customer that asks for it."""
        self.owner("POST", f"{COMMENTS}/{id}", json={"content": text})

    def delete(self, id: str) -> None:
        """As `edit`."""
        self.owner("DELETE", f"{COMMENTS}/{id}", params={"force": "true"})

    def thread(self, id: str) -> list[Said]:
        """As anybody sees it who is not logged in: nothing that is held back."""
        everything = sorted((self._said(raw) for raw in self._public()), key=lambda said: int(said.id))
        parents = {said.id: said.parent for said in everything}
        return [said for said in everything if _top(said.id, parents) == _top(id, parents)]

    def _public(self) -> Iterator[Json]:
        asked, page, pages = {"rest_route": COMMENTS, "post": ARTICLE, "order": "asc", "orderby": "id"}, 0, 1
        while page < pages:
            page += 1
            answer = httpx.get(self.url, params={**asked, "per_page": 100, "page": page}, timeout=20)
            assert answer.is_success, answer.text
            yield from answer.json()
            pages = int(answer.headers["X-WP-TotalPages"])

    def _said(self, raw: Json) -> Said:
        html = raw["content"]["rendered"]
        return Said(
            id=str(raw["id"]), text=plain(html).translate(AS_WRITTEN), by_us=raw["author"] == self.made["brand"],
            parent=str(raw["parent"] or ""), html=html,
        )  # fmt: skip

    # --- the owner of the site

    def owner(self, method: str, route: str, params: Mapping[str, Any] | None = None, **options: Any) -> Any:
        answer = self._owner.request(method, "/", params={"rest_route": route, **(params or {})}, **options)
        assert answer.is_success, f"{method} {route}: {answer.status_code} {answer.text[:500]}"
        return answer.json()

    @cached_property
    def _owner(self) -> httpx.Client:
        return httpx.Client(base_url=self.url, auth=("owner", self.made["owner_key"]), timeout=20)


def _top(id: str, parents: Mapping[str, str]) -> str:
    while parents.get(id):
        id = parents[id]
    return id
