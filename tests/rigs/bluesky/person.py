"""Somebody on the network, as an app of theirs speaks for them: another client than Hark's."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any, Self

import httpx

from channels_app.platforms.base import Json
from tests.rigs.rig import Picture

POST, LIKE, BLOCK = "app.bsky.feed.post", "app.bsky.feed.like", "app.bsky.graph.block"
MENTION = "app.bsky.richtext.facet#mention"


@dataclass
class Person:
    url: str
    handle: str
    keys: Json
    app_password: str = ""
    mentions: Mapping[str, str] = field(default_factory=dict)  # what stands in a text for whom: {"@brand.test": did}

    @classmethod
    def born(cls, url: str, name: str) -> Self:
        asked = {"handle": f"{name}.test", "email": f"{name}@mail.test", "password": f"password of {name}"}
        answer = httpx.post(f"{url}/xrpc/com.atproto.server.createAccount", json=asked, timeout=20)
        assert answer.is_success, answer.text
        person = cls(url, asked["handle"], answer.json())
        person.app_password = person.tell("com.atproto.server.createAppPassword", {"name": "Hark"})["password"]
        # as an app opens it that was given that password
        opened = {"identifier": person.handle, "password": person.app_password}
        person.keys = person.tell("com.atproto.server.createSession", opened)
        return person

    @property
    def did(self) -> str:
        return self.keys["did"]

    def fresh(self) -> Self:
        """With a session that the account's own password opens: it may do what an app password may not."""
        opened = {"identifier": self.handle, "password": f"password of {self.handle.partition('.')[0]}"}
        return replace(self, keys=self.tell("com.atproto.server.createSession", opened))

    def is_known(self) -> bool:
        return self._call("GET", "app.bsky.actor.getProfile", params={"actor": self.did}).is_success

    def ask(self, what: str, params: Json) -> Json:
        return self._well(self._call("GET", what, params=params))

    def tell(self, what: str, body: Json) -> Json:
        answer = self._call("POST", what, json=body)
        return self._well(answer)

    def _call(self, method: str, what: str, headers: Mapping[str, str] | None = None, **options: Any) -> httpx.Response:
        whole = {"Authorization": f"Bearer {self.keys['accessJwt']}", **(headers or {})}
        return httpx.request(method, f"{self.url}/xrpc/{what}", headers=whole, timeout=20, **options)

    def _well(self, answer: httpx.Response) -> Json:
        assert answer.is_success, f"{answer.url}: {answer.status_code} {answer.text[:500]}"
        return answer.json() if answer.content else {}

    # --- posts

    def post(
        self, text: str, *, answers: str = "", quotes: str = "", picture: Picture | None = None,
        at: datetime | None = None,
    ) -> str:  # fmt: skip
        """`at`: when their program says that it was written; now, unless said otherwise."""
        record = self._record(text) | ({"createdAt": _written(at)} if at else {})
        if answers:
            record["reply"] = self._reply(answers)
        if quotes:
            record["embed"] = {"$type": "app.bsky.embed.record", "record": self._reference(quotes)}
        if picture:
            image = {"alt": picture.alt, "image": self._upload(picture)}
            record["embed"] = {"$type": "app.bsky.embed.images", "images": [image]}
        return self._write(POST, record)

    def post_many(self, texts: Sequence[str]) -> list[str]:
        """All in one write, each dated a millisecond after the one before; up to 200."""
        last = datetime.now(UTC)
        dates = [last - timedelta(milliseconds=len(texts) - number) for number in range(len(texts))]
        writes = [
            {"$type": "com.atproto.repo.applyWrites#create", "collection": POST,
             "value": {"$type": POST, **self._record(text), "createdAt": _written(at)}}
            for text, at in zip(texts, dates, strict=True)
        ]  # fmt: skip
        told = self.tell("com.atproto.repo.applyWrites", {"repo": self.did, "writes": writes})
        return [each["uri"] for each in told["results"]]

    def like(self, uri: str) -> str:
        return self._write(LIKE, {"subject": self._reference(uri)})

    def block(self, did: str) -> str:
        return self._write(BLOCK, {"subject": did})

    def _write(self, collection: str, record: Json) -> str:
        whole = {"$type": collection, "createdAt": _written(datetime.now(UTC)), **record}
        written = {"repo": self.did, "collection": collection, "record": whole}
        return self.tell("com.atproto.repo.createRecord", written)["uri"]

    def rewrite(self, uri: str, text: str) -> None:
        """What it answers and shows stays."""
        found = self._record_at(uri)["value"]
        now = self._record(text)
        record = {**found, "text": text, "facets": now["facets"]}
        self.tell("com.atproto.repo.putRecord", {**_named(uri), "record": record})

    def delete(self, uri: str) -> None:
        self.tell("com.atproto.repo.deleteRecord", _named(uri))

    def thread(self, uri: str) -> list[Json]:
        """The whole conversation, in the order in which it was written."""
        root = self._record_at(uri)["value"].get("reply", {}).get("root", {}).get("uri", uri)
        asked = {"uri": root, "depth": 100, "parentHeight": 0}
        found = list(_posts(self.ask("app.bsky.feed.getPostThread", asked)["thread"]))
        return sorted(found, key=lambda post: post["indexedAt"])

    def seen_below(self, uri: str) -> list[str]:
        """What the network's own app shows below a post before one asks for more."""
        told = self.ask("app.bsky.unspecced.getPostThreadV2", {"anchor": uri})
        return [each["uri"] for each in told["thread"] if each["depth"] > 0]

    def _record(self, text: str) -> Json:
        return {"text": text, "facets": self._facets(text)}

    def _facets(self, text: str) -> list[Json]:
        found = []
        for words, did in self.mentions.items():
            if words in text:
                start = len(text[: text.index(words)].encode())
                index = {"byteStart": start, "byteEnd": start + len(words.encode())}
                found.append({"index": index, "features": [{"$type": MENTION, "did": did}]})
        return found

    def _reply(self, uri: str) -> Json:
        parent = self._record_at(uri)
        this = {"uri": parent["uri"], "cid": parent["cid"]}
        return {"parent": this, "root": parent["value"].get("reply", {}).get("root", this)}

    def _reference(self, uri: str) -> Json:
        return {name: self._record_at(uri)[name] for name in ("uri", "cid")}

    def _record_at(self, uri: str) -> Json:
        return self.ask("com.atproto.repo.getRecord", _named(uri))

    def _upload(self, picture: Picture) -> Json:
        kind = {"Content-Type": picture.type}
        answer = self._call("POST", "com.atproto.repo.uploadBlob", headers=kind, content=picture.body)
        return self._well(answer)["blob"]


def _named(uri: str) -> Json:
    account, collection, key = uri.removeprefix("at://").split("/")
    return {"repo": account, "collection": collection, "rkey": key}


def _posts(node: Json) -> list[Json]:
    """That of a node and those below it; of one that is not shown only those below."""
    own = [node["post"]] if "post" in node else []
    return own + [post for below in node.get("replies") or () for post in _posts(below)]


def _written(at: datetime) -> str:
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")
