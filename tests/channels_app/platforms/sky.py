"""A small Bluesky for tests: a server of accounts and what the network shows, as far as Hark asks for it."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from itertools import count
from urllib.parse import parse_qs

import httpx

from channels_app.platforms.abilities import Access
from channels_app.platforms.bluesky import BlueskyPlatform

US, MARIA, OTHER = "did:plc:skylark", "did:plc:maria", "did:plc:otto"
POST, LIKE = "app.bsky.feed.post", "app.bsky.feed.like"
HANDLES = {US: "skylark.example", MARIA: "maria.example", OTHER: "otto.example"}
Answer = httpx.Response


def iso(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def token(**claims: object) -> str:
    middle = base64.urlsafe_b64encode(json.dumps(claims).encode()).decode().rstrip("=")
    return f"head.{middle}.sign"


def refused(error: str, message: str = "", status: int = 400) -> Answer:
    return Answer(status, json={"error": error, "message": message})


def _person(did: str) -> dict:
    return {"did": did, "handle": HANDLES[did], "displayName": HANDLES[did].split(".")[0].title()}


class Sky:
    """`asked` is what was asked, in order; `next` what is answered instead, by the name of what is asked."""

    def __init__(self) -> None:
        self.now = datetime.now(UTC)
        self.records: dict[str, dict] = {}  # uri -> {"uri", "cid", "value"}
        self.indexed: dict[str, datetime] = {}
        self.told: list[dict] = []  # notifications
        self.viewer: dict[str, dict] = {}
        self.blocking: set[str] = set()  # who has blocked us: what they wrote is not shown to us
        self.asked: list[tuple[str, dict]] = []
        self.next: dict[str, list[Answer | Exception | Callable[[], Answer | None]]] = {}
        self.keys = {"access": "a0", "refresh": "r0"}
        self.password = "abcd-efgh"
        self.seen_at = ""
        self._number, self.page = count(1), 100

    def account(self, **secrets: str) -> BlueskyPlatform:
        access = Access(
            {"server": "https://pds.example", "did": US, "handle": HANDLES[US]},
            {"access": self.keys["access"], **secrets},
        )
        return BlueskyPlatform(access, httpx.MockTransport(self.answer))

    # --- what happens there

    def post(self, did: str, text: str, *, reply: str = "", at: datetime | None = None, key: str = "", **more) -> str:
        at = at or self.now
        record = {"$type": POST, "text": text, "createdAt": iso(at), "langs": ["en"], **more}
        if reply:
            parent = self.records[reply]
            root = parent["value"].get("reply", {}).get("root") or {"uri": parent["uri"], "cid": parent["cid"]}
            record["reply"] = {"root": root, "parent": {"uri": parent["uri"], "cid": parent["cid"]}}
        uri = f"at://{did}/{POST}/{key or f'3kpost{next(self._number):07d}'}"
        self.write(uri, record)
        self.indexed[uri] = at
        return uri

    def tell(self, uri: str, reason: str = "mention", **more) -> dict:
        found = self.records[uri]
        told = {
            "uri": uri, "cid": found["cid"], "author": _person(uri.split("/")[2]), "reason": reason,
            "record": found["value"], "isRead": False, "indexedAt": iso(self.indexed[uri]), **more,
        }  # fmt: skip
        self.told.append(told)
        return told

    def mention(self, text: str = "Where is my train?", **more) -> str:
        uri = self.post(MARIA, text, **more)
        self.tell(uri, "reply" if more.get("reply") else "mention")
        return uri

    def like(self, subject: str) -> str:
        uri = f"at://{MARIA}/{LIKE}/3klike{next(self._number):07d}"
        self.write(uri, {"$type": LIKE, "subject": {"uri": subject, "cid": self.records[subject]["cid"]}})
        self.indexed[uri] = self.now
        self.tell(uri, "like", reasonSubject=subject)
        return uri

    def write(self, uri: str, record: dict) -> dict:
        cid = "bafy" + hashlib.sha256(json.dumps(record, sort_keys=True).encode()).hexdigest()[:20]
        self.records[uri] = {"uri": uri, "cid": cid, "value": record}
        return self.records[uri]

    def ours(self, collection: str = POST) -> list[dict]:
        return [each["value"] for uri, each in self.records.items() if uri.startswith(f"at://{US}/{collection}/")]

    # --- what it answers

    def answer(self, request: httpx.Request) -> Answer:
        what = request.url.path.removeprefix("/xrpc/")
        said: dict = parse_qs(request.url.query.decode())
        if request.headers.get("content-type") == "application/json":
            said = json.loads(request.content)
        self.asked.append((what, said))
        if self.next.get(what):
            instead = self.next[what].pop(0)
            if isinstance(instead, Exception):
                raise instead
            answered = instead() if callable(instead) else instead
            if answered is not None:
                return answered
        name = what.rpartition(".")[2]
        if not name.endswith("Session") and request.headers.get("authorization") != f"Bearer {self.keys['access']}":
            return refused("ExpiredToken", "Token has expired")
        if name in ("refreshSession", "createSession"):
            said = {**said, "bearer": request.headers.get("authorization", "")}
        return getattr(self, f"_{re.sub('[A-Z]', lambda big: '_' + big[0].lower(), name)}")(said, request)

    def _session(self) -> Answer:
        number = next(self._number)
        self.keys = {
            "access": token(scope="com.atproto.appPass", sub=US, exp=int(self.now.timestamp()) + 7200, n=number),
            "refresh": token(exp=int(self.now.timestamp()) + 90 * 86400, n=number),
        }
        told = {"accessJwt": self.keys["access"], "refreshJwt": self.keys["refresh"], "did": US}
        return Answer(200, json={**told, "handle": HANDLES[US], "active": True})

    def _refresh_session(self, said, request) -> Answer:
        fits = said["bearer"] == f"Bearer {self.keys['refresh']}"
        return self._session() if fits else refused("ExpiredToken", "Token has been revoked")

    def _create_session(self, said, request) -> Answer:
        fits = (said["identifier"], said["password"]) == (HANDLES[US], self.password)
        return self._session() if fits else refused("AuthenticationRequired", "Invalid identifier or password", 401)

    def _get_session(self, said, request) -> Answer:
        if request.headers.get("authorization") != f"Bearer {self.keys['access']}":
            return refused("InvalidToken")
        return Answer(200, json={"did": US, "handle": HANDLES[US], "active": True})

    def _list_notifications(self, said, request) -> Answer:
        before, size = said.get("cursor", ["~"])[0], min(int(said["limit"][0]), self.page)
        rows = sorted((n for n in self.told if n["indexedAt"] < before), key=lambda n: n["indexedAt"], reverse=True)
        page = rows[:size]
        shown = [n for n in page if n["reason"] in said.get("reasons", [n["reason"]])]
        return Answer(200, json={"notifications": shown} | ({"cursor": page[-1]["indexedAt"]} if page else {}))

    def _list_records(self, said, request) -> Answer:
        start = f"at://{said['repo'][0]}/{said['collection'][0]}/"
        assert said["reverse"] == ["true"]
        found = sorted(uri for uri in self.records if uri.startswith(start) and uri > start + said["cursor"][0])
        page = [self.records[uri] for uri in found[: int(said["limit"][0])]]
        return Answer(200, json={"records": page} | ({"cursor": page[-1]["uri"].rpartition("/")[2]} if page else {}))

    def _view(self, uri: str) -> dict:
        found = self.records[uri]
        return {
            "uri": uri, "cid": found["cid"], "author": _person(uri.split("/")[2]), "record": found["value"],
            "indexedAt": iso(self.indexed.get(uri, self.now)), "viewer": {},
        } | self.viewer.get(uri, {})  # fmt: skip

    def _get_posts(self, said, request) -> Answer:
        assert len(said["uris"]) <= 25
        return Answer(200, json={"posts": [self._view(uri) for uri in said["uris"] if self._shows(uri)]})

    def _shows(self, uri: str) -> bool:
        return uri in self.records and uri.split("/")[2] not in self.blocking

    def _get_post_thread(self, said, request) -> Answer:
        uri = said["uri"][0]
        if uri not in self.records:
            return refused("NotFound", f"Post not found: {uri}")
        return Answer(200, json={"thread": self._thread(uri)})

    def _thread(self, uri: str) -> dict:
        if uri not in self.records:
            return {"$type": "app.bsky.feed.defs#notFoundPost", "uri": uri, "notFound": True}
        if not self._shows(uri):
            return {"$type": "app.bsky.feed.defs#blockedPost", "uri": uri, "blocked": True}
        above = self.records[uri]["value"].get("reply", {}).get("parent", {}).get("uri")
        return {"post": self._view(uri)} | ({"parent": self._thread(above)} if above else {})

    def _search_posts(self, said, request) -> Answer:
        words, first, size = said["q"][0].lower(), int(said.get("cursor", ["0"])[0]), int(said["limit"][0])
        found = [u for u, r in self.records.items() if words in str(r["value"].get("text", "")).lower()]
        found.sort(key=lambda uri: self.indexed[uri], reverse=True)
        page = [self._view(uri) for uri in found[first : first + size]]
        more = {"cursor": str(first + size)} if first + size < len(found) else {}
        return Answer(200, json={"posts": page, **more})

    def _get_record(self, said, request) -> Answer:
        uri = f"at://{said['repo'][0]}/{said['collection'][0]}/{said['rkey'][0]}"
        found = self.records.get(uri)
        return Answer(200, json=found) if found else refused("RecordNotFound", f"Could not locate record: {uri}")

    def _put_record(self, said, request) -> Answer:
        uri = f"at://{said['repo']}/{said['collection']}/{said['rkey']}"
        there = self.records.get(uri, {}).get("cid")
        if "swapRecord" in said and said["swapRecord"] != there:
            return refused("InvalidSwap", f"Record was at {there}")
        return Answer(200, json=self.write(uri, said["record"]) | {"commit": {"rev": "3k"}})

    def _delete_record(self, said, request) -> Answer:
        self.records.pop(f"at://{said['repo']}/{said['collection']}/{said['rkey']}", None)
        return Answer(200, json={})

    def _upload_blob(self, said, request) -> Answer:
        kind, size = request.headers["content-type"], len(request.content)
        link = "bafk" + hashlib.sha256(request.content).hexdigest()[:20]
        return Answer(200, json={"blob": {"$type": "blob", "ref": {"$link": link}, "mimeType": kind, "size": size}})

    def _resolve_handle(self, said, request) -> Answer:
        did = next((did for did, handle in HANDLES.items() if handle == said["handle"][0]), None)
        return Answer(200, json={"did": did}) if did else refused("InvalidRequest", "Unable to resolve handle")

    def _get_profile(self, said, request) -> Answer:
        if (did := said["actor"][0]) not in HANDLES:
            return refused("InvalidRequest", "Profile not found")
        return Answer(
            200, json=_person(did) | {"followersCount": 41, "description": "I write at https://maria.example/x."}
        )

    def _update_seen(self, said, request) -> Answer:
        self.seen_at = said["seenAt"]
        return Answer(200)

    def _create_report(self, said, request) -> Answer:
        return Answer(200, json={"id": 1, **said})


def minutes(number: float) -> timedelta:
    return timedelta(minutes=number)
