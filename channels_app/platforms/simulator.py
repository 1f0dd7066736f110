"""The simulator as a network: JSON over HTTP on a unix socket.

It does not know requests it has seen before (`RECONCILE`), and echoes our own replies in its events, with the key they
were sent under.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any, ClassVar

import httpx

from channels_app.platforms.errors import Rejected, TryLater, UnknownOutcome, Unreadable

from .base import (
    Author,
    Capabilities,
    Carried,
    Enclosed,
    Event,
    EventKind,
    Idempotency,
    Json,
    Measures,
    Moderation,
    Outgoing,
    Page,
    RawPayload,
    Sent,
)
from .counting import Counting

_RETRY_AFTER = 30.0
_LONGEST_PAUSE = 3600.0


class SimulatorPlatform:
    """One account on the simulated network. `timeout` is in seconds and holds for each call."""

    kind: ClassVar[str] = "simulator"
    capabilities: ClassVar[Capabilities] = Capabilities(
        reply_public=True, reply_private=True, poll=True, text_limit=500, counts=Counting.GRAPHEMES,
        idempotency=Idempotency.RECONCILE, direct="dm-{key}", attachments=4, attachment_bytes=5_000_000, can_hide=True,
        can_block=True, can_report=True, can_like=True, can_delete=True, search=True,
    )  # fmt: skip

    def __init__(self, socket_path: str, timeout: float = 5.0) -> None:
        self.socket_path = socket_path
        self.timeout = timeout

    def parse(self, body: bytes) -> list[Event]:
        """One event as GET /events gives it. Raises Unreadable."""
        try:
            raw = json.loads(body)
        except ValueError as error:
            raise Unreadable("This is not JSON.") from error
        if not isinstance(raw, dict):
            raise Unreadable("This is JSON, but not an event.")
        return [_event(raw)]

    def fetch_since(self, cursor: Json, *, limit: int) -> Page:
        """The next events after `cursor` ({"after": number}). Raises TryLater."""
        asked = {"after": int(cursor.get("after", 0)), "limit": limit}
        return self._page("/events", asked)

    def search(self, words: str, cursor: Json, *, limit: int) -> Page:
        """Posts with all these words, also those nobody told us of. Raises TryLater."""
        return self._page("/search", {"q": words, "after": int(cursor.get("after", 0)), "limit": limit})

    def _page(self, path: str, asked: dict[str, Any]) -> Page:
        page = self._look(path, asked)
        try:
            payloads = [_payload(event) for event in page["events"]]
            return Page(payloads, {"after": int(page["cursor"])}, bool(page["more"]))
        except (KeyError, TypeError, ValueError) as error:
            raise TryLater("The simulator answered something that is not a page of events.") from error

    def send(self, out: Outgoing) -> Sent:
        """Send once. Raises Rejected, TryLater or UnknownOutcome."""
        reply = {
            "key": out.key, "parent": out.parent_id, "thread": out.thread_id, "text": out.text, "private": out.private,
            "files": [_packed(file) for file in out.files],
        }  # fmt: skip
        try:
            with self._client() as client:
                response = client.post("/replies", json=reply)
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout) as error:
            raise TryLater("The simulator cannot be reached.") from error
        except httpx.RequestError as error:
            # From here on the request was on its way: only the network knows what became of it.
            raise UnknownOutcome("The simulator took the reply and did not answer.") from error
        _refuse(response)
        try:
            return _sent(response.json())
        except (KeyError, TypeError, ValueError) as error:
            raise UnknownOutcome("The simulator's answer to the reply cannot be read.") from error

    def find_sent(self, out: Outgoing) -> Sent | None:
        """The first reply that arrived under this key. Raises TryLater."""
        found = self._look("/replies", {"key": out.key, "thread": out.thread_id})
        try:
            return next((_sent(reply) for reply in found["replies"]), None)
        except (KeyError, TypeError, ValueError) as error:
            raise TryLater("The simulator answered something that is not a list of replies.") from error

    def moderate(self, act: Moderation) -> None:
        """Raises Rejected or TryLater; what it has done already it does again without harm."""
        subject = act.author if act.kind in (Measures.BLOCK, Measures.REPORT) else act.post_id
        asked = {"kind": act.kind.value, "subject": subject, "reason": act.reason, "undo": act.undo}
        try:
            with self._client() as client:
                response = client.post("/moderation", json=asked)
        except httpx.RequestError as error:
            raise TryLater("The simulator cannot be reached.") from error
        _refuse(response)

    def _look(self, path: str, parameters: dict[str, Any]) -> Json:
        """Ask something that changes nothing: whatever goes wrong, it can be asked again."""
        try:
            with self._client() as client:
                response = client.get(path, params=parameters)
            _refuse(response)
            answer = response.json()
        except httpx.RequestError as error:
            raise TryLater("The simulator cannot be reached.") from error
        except (Rejected, ValueError) as error:
            raise TryLater("The simulator's answer cannot be read.") from error
        return answer if isinstance(answer, dict) else {}

    @contextmanager
    def _client(self) -> Iterator[httpx.Client]:
        # A socket in our own folder has no certificate, and reading the system's takes longer than the whole call.
        transport = httpx.HTTPTransport(uds=self.socket_path, verify=False)
        with httpx.Client(transport=transport, base_url="http://simulator", timeout=self.timeout) as client:
            yield client


def _refuse(response: httpx.Response) -> None:
    """Turn an answer that is not a success into what the outbox understands."""
    if response.is_success:
        return
    if response.is_client_error and response.status_code not in (408, 425, 429):
        raise Rejected(f"The simulator refused it: {_reason(response)}")
    raise TryLater(f"The simulator is busy (status {response.status_code}).", after=_pause(response))


def _reason(response: httpx.Response) -> str:
    try:
        return str(response.json()["error"])
    except (KeyError, TypeError, ValueError):
        return f"status {response.status_code}."


def _pause(response: httpx.Response) -> float:
    """Retry-After in seconds; a date or nonsense counts as not given."""
    try:
        return min(max(float(response.headers.get("Retry-After", _RETRY_AFTER)), 0.0), _LONGEST_PAUSE)
    except ValueError:
        return _RETRY_AFTER


def _payload(event: Json) -> RawPayload:
    return RawPayload(json.dumps(event, ensure_ascii=False).encode(), f"simulator, event {event['seq']}")


def _sent(reply: Json) -> Sent:
    return Sent(str(reply["id"]), datetime.fromisoformat(reply["at"]))


def _event(raw: Json) -> Event:
    try:
        ours = bool(raw.get("ours"))
        return Event(
            kind=EventKind(raw.get("kind", "message")),
            external_id=_required(raw, "id"),
            occurred_at=_moment(_required(raw, "at")),
            author=None if ours else _author(raw["author"]),
            is_ours=ours,
            text=str(raw.get("text") or ""),
            language=str(raw.get("language") or ""),
            private=bool(raw.get("private")),
            parent_id=str(raw.get("parent") or ""),
            thread_id=str(raw.get("thread") or ""),
            addressed_to=str(raw.get("to") or ""),
            url=str(raw.get("url") or ""),
            attachments=tuple(_enclosed(file) for file in raw.get("files") or ()),
            extra={"key": str(raw["key"])} if raw.get("key") else {},
        )
    except KeyError as error:
        raise Unreadable(f"The event has no {error.args[0]}.") from error
    except (TypeError, ValueError, AttributeError) as error:
        raise Unreadable(f"The event has a field that cannot be read: {error}.") from error


def _enclosed(raw: Json) -> Enclosed:
    return Enclosed(_required(raw, "url"), str(raw.get("name") or ""), str(raw.get("type") or ""))


def _packed(file: Carried) -> Json:
    return {"name": file.name, "type": file.type, "body": base64.b64encode(file.read()).decode()}


def _required(raw: Json, name: str) -> str:
    value = raw[name]
    if value in (None, ""):
        raise KeyError(name)
    return str(value)


def _moment(text: str) -> datetime:
    at = datetime.fromisoformat(text)
    if at.tzinfo is None:
        raise ValueError("a time without its zone")
    return at


def _author(raw: Json) -> Author:
    followers = raw.get("followers")
    return Author(
        key=_required(raw, "key"),
        handle=str(raw.get("handle") or ""),
        name=str(raw.get("name") or ""),
        profile_url=str(raw.get("url") or ""),
        reach=int(followers) if followers is not None else None,
        location=str(raw.get("city") or ""),
        links=tuple(str(link) for link in raw.get("links") or ()),
    )
