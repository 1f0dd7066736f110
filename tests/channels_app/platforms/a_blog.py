"""A WordPress site, as far as its comments go, with the habits that matter to who talks to it (its source, 6.1 to 6.8).

It compares `after` with its own clock, strips backslashes before it looks for duplicates, answers 500 to a status that
is there already, and leaves out of a page what it counts.
"""

from __future__ import annotations

import base64
import json
import re
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import httpx

EDITOR = 7
BERLIN = ZoneInfo("Europe/Berlin")
ITEM = re.compile(r"/wp/v2/comments/(\d+)$")


def refused(status: int, code: str, message: str = "Sorry.") -> httpx.Response:
    return httpx.Response(status, json={"code": code, "message": message, "data": {"status": status}})


@dataclass
class Blog:
    """`asked` holds every request; `lost` makes the site die after it has done what it was asked to change."""

    comments: dict[int, dict] = field(default_factory=dict)
    asked: list[httpx.Request] = field(default_factory=list)
    password: str = "abcd efgh"
    role: tuple[str, ...] = ("moderate_comments", "edit_posts")
    closed: bool = False
    lost: bool = False
    unseen: set[int] = field(default_factory=set)
    now: datetime = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)

    def comment(self, text: str = "My bag is lost.", *, at: datetime | None = None, **told: object) -> int:
        """Somebody comments. Its id."""
        number = len(self.comments) + 1
        at = (at or self.now).replace(microsecond=0)
        self.comments[number] = {
            "id": number, "post": 12, "parent": 0, "author": 0, "author_name": "Maria Kent",
            "author_email": "Maria@Example.com", "author_url": "https://maria.example", "status": "approved",
            "date_gmt": at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S"),
            "link": f"https://blog.example/seats/#comment-{number}",
            "content": {"rendered": f"<p>{text}</p>\n", "raw": text},
            "_local": at.astimezone(BERLIN).replace(tzinfo=None),
        } | told  # fmt: skip
        return number

    @property
    def transport(self) -> httpx.MockTransport:
        return httpx.MockTransport(self.answer)

    def answer(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(request)
        key = base64.b64decode(request.headers["Authorization"].removeprefix("Basic ")).decode()
        if key != f"care:{self.password}":
            return refused(401, "incorrect_password")
        answer = self._routed(request)
        if self.lost and request.method != "GET":
            raise httpx.ReadError("the site died")
        return answer

    def _routed(self, request: httpx.Request) -> httpx.Response:
        asked = dict(request.url.params)
        route = asked["rest_route"]
        if route == "/wp/v2/users/me":
            return httpx.Response(
                200, json={"id": EDITOR, "slug": "care", "capabilities": dict.fromkeys(self.role, True)}
            )
        if asked.get("context") == "edit" and "moderate_comments" not in self.role:
            return refused(403, "rest_forbidden_context")
        if route == "/wp/v2/comments":
            return self._list(asked) if request.method == "GET" else self._create(json.loads(request.content))
        found = ITEM.match(route)
        if not found:
            return refused(404, "rest_no_route")
        return self._item(request, int(found[1]))

    def _list(self, asked: dict[str, str]) -> httpx.Response:
        shown = {"all": ("approved", "hold")}.get(asked.get("status", ""), ("approved",))
        rows = [row for row in self.comments.values() if row["status"] in shown]
        for name in ("parent", "author", "author_email", "include"):
            if name in asked:
                key = {"include": "id"}.get(name, name)
                rows = [row for row in rows if str(row[key]).casefold() == asked[name].casefold()]
        if "after" in asked:
            after = (
                datetime.fromisoformat(asked["after"].replace("Z", "+00:00")).astimezone(BERLIN).replace(tzinfo=None)
            )
            rows = [row for row in rows if row["_local"] > after]
        rows.sort(key=lambda row: (row["date_gmt"], row["id"]), reverse=asked.get("order") == "desc")
        start, most = int(asked.get("offset", 0)), int(asked.get("per_page", 10))
        page = [self._shown(row, asked) for row in rows[start : start + most] if row["id"] not in self.unseen]
        return httpx.Response(200, json=page, headers={"X-WP-Total": str(len(rows))})

    def _shown(self, row: dict, asked: dict[str, str]) -> dict:
        return {name: row[name] for name in asked["_fields"].split(",")}

    def _create(self, said: dict) -> httpx.Response:
        if self.closed:
            return refused(403, "rest_comment_closed")
        compared = re.sub(r"\\(.?)", r"\1", said["content"])
        for row in self.comments.values():
            same = (row["parent"], row["author"], row["content"]["raw"]) == (said["parent"], EDITOR, compared)
            if same and row["status"] != "trash":
                return refused(409, "comment_duplicate", "Duplicate comment detected")
        number = self.comment(
            said["content"], author=EDITOR, author_name="Care", **{k: said[k] for k in ("post", "parent")}
        )
        return httpx.Response(201, json=self.comments[number] | {"_local": ""})

    def _item(self, request: httpx.Request, number: int) -> httpx.Response:
        row = self.comments.get(number)
        if row is None:
            return refused(404, "rest_comment_invalid_id")
        if request.method == "GET":
            return httpx.Response(200, json=self._shown(row, dict(request.url.params)))
        wanted = json.loads(request.content)["status"]
        meant = {"untrash": "approved", "unspam": "approved"}.get(wanted, wanted)
        if row["status"] == meant:
            return refused(500, "rest_comment_failed_edit")
        row["status"] = meant
        return httpx.Response(200, json={"id": number, "status": meant})


def soon(blog: Blog, seconds: float) -> datetime:
    return blog.now + timedelta(seconds=seconds)
