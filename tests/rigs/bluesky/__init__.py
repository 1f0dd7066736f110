"""Bluesky's own development network, from npm: a server of accounts (PDS), the AppView, the directory, the moderators.

Not the whole network: no direct messages (a closed service), no limits of how often one may ask, and all accounts on
one server.
"""

from __future__ import annotations

import json
import secrets
from typing import Any

from channels_app.platforms.abilities import Access
from channels_app.platforms.base import Json
from channels_app.platforms.bluesky import BlueskyPlatform
from tests.rigs import place
from tests.rigs.bluesky import database, packages, tokens
from tests.rigs.bluesky.person import Person
from tests.rigs.door import Door, free_port
from tests.rigs.rig import Picture, Rig, Said, Server

STARTING = 180.0  # seconds; three on a machine that does nothing else, half a minute on a busy one


class Bluesky(Rig):
    name, network, server, kind = "bluesky", "bluesky", "Bluesky's PDS and AppView", "bluesky"
    hop = 30.0  # the AppView hears of a post in a moment, of one after a restart when it has come back to the PDS
    sending = b"com.atproto.repo.putRecord"
    customer_edits = customer_deletes = customer_pictures = we_delete = True

    @classmethod
    def install(cls) -> None:
        packages.install(place.cache(cls.name))

    def start(self) -> None:
        self.ports = {name: free_port() for name in ("plc", "view", "ozone", "pds")}
        self.run(database.made(self.folder / "pg"))
        network = self._network()
        self.pds = self.run(self._node("pds", {
            "port": self.ports["pds"], "folder": str(self.folder / "pds"), "rotation": secrets.token_hex(32),
            "network": network,
        }, self.ports["pds"]))  # fmt: skip
        self.door = Door(self.ports["pds"])
        self.brand, self.maria = (Person.born(self.url, name) for name in ("brand", "maria"))
        self.customer = self.maria.did
        self.maria.mentions = {f"@{self.brand.handle}": self.brand.did}
        for person in (self.brand, self.maria):
            self.wait_until(f"the AppView knows {person.handle}", person.is_known)

    @property
    def url(self) -> str:
        return f"http://localhost:{self.ports['pds']}"

    def _network(self) -> Json:
        """What the others are called, once they are at work."""
        told = self.folder / "network.json"
        asked = {"ports": self.ports, "database": database.address(self.folder / "pg"), "told": str(told)}
        self.run(self._node("network", asked, ready=told.exists))
        return json.loads(told.read_text())

    def _node(self, script: str, asked: Json, port: int = 0, **options: Any) -> Server:
        command = [packages.node(), "--import", packages.HERE / "loopback.mjs", packages.HERE / f"{script}.mjs"]
        told = {
            "HARK_RIG_PACKAGES": str(place.cache(self.name)), "LOG_ENABLED": "false", "NODE_NO_WARNINGS": "1",
            "TMPDIR": str(self.folder),
        }  # fmt: skip
        return Server(
            script, [*command, json.dumps(asked)], self.folder / f"{script}.log", port, told, self.folder,
            within=STARTING, **options,
        )  # fmt: skip

    def kill(self) -> None:
        """The server of our account and the customer's: the only one that they and we talk to."""
        self.pds.end()

    def restart(self) -> None:
        self.pds.start()

    # --- ours

    def access(self) -> Access:
        return self._with(access=self.brand.keys["accessJwt"], refresh=self.brand.keys["refreshJwt"])

    def wrong_access(self) -> Access:
        wrong = tokens.signed_by_another(self.brand.keys["accessJwt"])
        return self._with(access=wrong, refresh=wrong, app_password="wrong-wron-wron-wron")

    def expired_access(self) -> Access:
        return self._with(access=tokens.run_out(self.brand.keys["accessJwt"]), refresh=self.brand.keys["refreshJwt"])

    def _with(self, **keys: str) -> Access:
        settings = {"server": f"http://127.0.0.1:{self.door.port}", "handle": self.brand.handle, "did": self.brand.did}
        return Access(settings, {"app_password": self.brand.app_password, **keys})

    def platform(self, access: Access | None = None) -> BlueskyPlatform:
        return BlueskyPlatform(access or self.access())

    # --- the customer's

    def post(self, text: str, *, picture: Picture | None = None) -> str:
        return self.maria.post(self._to_us(text), picture=picture)

    def answer(self, to: str, text: str) -> str:
        return self.maria.post(self._to_us(text), answers=to)

    def edit(self, id: str, text: str) -> None:
        """The network calls it so where a program does: its own app offers none."""
        self.maria.rewrite(id, self._to_us(text))

    def delete(self, id: str) -> None:
        self.maria.delete(id)

    def thread(self, id: str) -> list[Said]:
        return [self._said(post) for post in self.maria.thread(id)]

    def _to_us(self, text: str) -> str:
        return f"@{self.brand.handle} {text}"

    def _said(self, post: Json) -> Said:
        record, embed = post["record"], post.get("embed") or {}
        return Said(
            id=post["uri"], text=record["text"], by_us=post["author"]["did"] == self.brand.did,
            parent=record.get("reply", {}).get("parent", {}).get("uri", ""),
            pictures=[each["alt"] for each in embed.get("images", ())],
        )  # fmt: skip
