"""A server that answers as Mastodon does, for httpx.MockTransport. With `newest_first` it reads min_id as snac does;
with `deaf` it does not heed min_id, max_id and types at all.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import httpx

from channels_app.platforms.abilities import Access
from channels_app.platforms.mastodon import MastodonPlatform

Json = dict[str, Any]
SERVER = "https://social.example"
SETTINGS = {"server": SERVER, "domain": "social.example", "account_id": "1", "handle": "brand@social.example"}
BRAND: Json = {"id": "1", "acct": "brand", "display_name": "Skylark", "url": f"{SERVER}/@brand"}
MARIA: Json = {
    "id": "2", "acct": "Maria@far.example", "username": "Maria", "display_name": "Maria", "followers_count": 120,
    "url": "https://far.example/@Maria", "fields": [],
}  # fmt: skip


def post(number: int, words: str = "help", *, by: Json = MARIA, **more: Any) -> Json:
    return {
        "id": f"s{number}", "created_at": f"2026-11-22T10:{number // 60:02}:{number % 60:02}.000Z", "account": by,
        "content": f"<p>{words}</p>", "visibility": "public", "in_reply_to_id": None, "in_reply_to_account_id": None,
        "spoiler_text": "", "edited_at": None, "reblog": None, "language": "en", "media_attachments": [],
        "mentions": [], "url": f"https://far.example/@Maria/{number}", "uri": f"https://far.example/posts/{number}",
        "poll": None,
    } | more  # fmt: skip


def notification(number: int, kind: str = "mention", *, status: Json | None = None, **more: Any) -> Json:
    status = status or post(number)
    return {
        "id": f"n{number}", "type": kind, "created_at": status["created_at"], "account": status["account"],
        "status": status,
    } | more  # fmt: skip


class FakeMastodon:
    def __init__(self, *, newest_first: bool = False, deaf: bool = False) -> None:
        self.newest_first, self.deaf = newest_first, deaf
        self.notifications: list[Json] = []  # oldest first
        self.own: list[Json] = []
        self.posts: dict[str, Json] = {}
        self.answers: dict[tuple[str, str], Callable[[httpx.Request], httpx.Response] | httpx.Response] = {}
        self.asked: list[httpx.Request] = []

    def platform(self, **settings: str) -> MastodonPlatform:
        access = Access(SETTINGS | settings, {"access_token": "t-o-k-e-n"})
        return MastodonPlatform(access, httpx.MockTransport(self))

    def mention(self, *numbers: int) -> None:
        for number in numbers:
            found = notification(number)
            self.notifications.append(found)
            self.posts[found["status"]["id"]] = found["status"]

    def answer(self, method: str, path: str, told: Any = None, status: int = 200) -> None:
        self.answers[method, path] = httpx.Response(status, json=told)

    def paths(self, method: str = "GET") -> list[str]:
        return [request.url.path for request in self.asked if request.method == method]

    def bodies(self) -> list[Json]:
        return [json.loads(request.content) for request in self.asked if request.method == "POST" and request.content]

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(request)
        path = request.url.path
        if set_up := self.answers.get((request.method, path)):
            return set_up(request) if callable(set_up) else set_up
        if path == "/api/v1/notifications":
            return httpx.Response(200, json=self._page(self.notifications, request))
        if path == "/api/v1/accounts/1/statuses":
            return httpx.Response(200, json=self._page(self.own, request))
        if request.method == "GET" and path.removeprefix("/api/v1/statuses/") in self.posts:
            return httpx.Response(200, json=self.posts[path.rpartition("/")[2]])
        return httpx.Response(404, json={"error": "Record not found"})

    def _page(self, items: list[Json], request: httpx.Request) -> list[Json]:
        wanted, limit = request.url.params, int(request.url.params["limit"])
        if not self.deaf:
            kinds = wanted.get_list("types[]")
            items = [item for item in items if not kinds or item["type"] in kinds]
            items = [item for item in items if _number(item) > int((wanted.get("min_id") or "n0")[1:])]
            items = [item for item in items if _number(item) < int((wanted.get("max_id") or "n99999")[1:])]
        next_above = "min_id" in wanted and not self.newest_first and not self.deaf
        return (items[:limit] if next_above else items[-limit:])[::-1]


def _number(item: Json) -> int:
    return int(item["id"][1:])
