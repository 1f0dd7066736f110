"""A call as it comes in, and what it is answered: as soon as what it brought is stored, and not before.

Beside Django's pages, because none of what stands before those is of use here (sessions, CSRF, sign-in): who calls is
known by a signature over the bytes as they came. What is not signed leaves no trace but when it came last.
"""

from __future__ import annotations

import asyncio
import re
import uuid
from collections.abc import Awaitable, Callable, Mapping
from typing import Any
from urllib.parse import parse_qsl

import structlog

from channels_app.hooks import PREFIX, notes, placing
from channels_app.hooks.desk import Desk
from channels_app.hooks.known import Caller, Directory, Unknown
from channels_app.hooks.line import Line, NotKept
from channels_app.hooks.reading import Gone, Reader, Turned, first_header
from channels_app.platforms.abilities import Answered, Called, RawRequest
from channels_app.platforms.base import RawPayload
from channels_app.platforms.errors import BadSignature, Unreadable
from crm import sealing

log = structlog.get_logger(__name__)

Scope = dict[str, Any]
Receive = Callable[[], Awaitable[Mapping[str, Any]]]
Send = Callable[[Mapping[str, Any]], Awaitable[None]]
Pages = Callable[[Scope, Receive, Send], Awaitable[None]]

ADDRESS = re.compile(re.escape(PREFIX) + r"([0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12})/?")
HEADS = [(b"x-content-type-options", b"nosniff"), (b"cache-control", b"no-store")]
LARGE = 64 * 1024  # bytes of a call that is taken apart beside the others, which it would hold up
TAKEN = Answered(200, "Taken.\n")
AGAIN = Answered(503, "Hark cannot store this just now. Send it again later.\n")
NOBODYS = Answered(404, "Nobody is called here. Look at the webhook’s address in Hark.\n")
UNSIGNED = Answered(401, "This is not signed with a secret that holds.\n")
NOT_ASKED = Answered(400, "This address takes signed webhooks. Nothing was asked that Hark could answer.\n")
NOT_ALLOWED = Answered(405, "This address takes POST, and GET for a network’s question.\n")
PACKED = Answered(415, "Send the body as it was signed, without a Content-Encoding.\n")


class Hooks:
    """`pages` gets whatever is not for a webhook's address."""

    def __init__(self, pages: Pages) -> None:
        self.pages, self.desk, self.reader = pages, Desk(), Reader()
        self.directory, self.line, self.noted = Directory(self.desk), Line(self.desk), notes.Notes()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        path = _path(scope)
        if not path.startswith(PREFIX):
            await self.pages(scope, receive, send)
            return
        try:
            answer = await self._answer(path, scope, receive)
        except Gone:  # nobody is there to be answered
            return
        except Turned as turned:
            answer = Answered(turned.status, turned.sentence)
        except (Unknown, NotKept):
            answer = AGAIN
        except sealing.CannotOpen as refusal:
            log.error("a webhook’s secrets cannot be opened", path=path)
            answer = Answered(503, f"{refusal}\n")
        await _send(send, answer, last=answer.status >= 400)

    async def _answer(self, path: str, scope: Scope, receive: Receive) -> Answered:
        """Raises Gone, Turned, Unknown, NotKept, sealing.CannotOpen."""
        found, method = ADDRESS.fullmatch(path), scope["method"]
        if method not in ("GET", "POST"):
            return NOT_ALLOWED
        hook = uuid.UUID(found[1]) if found else None
        caller = await self.directory.find(hook) if hook else None
        if hook is None or caller is None:
            return NOBODYS
        if method == "GET":
            return await self._asked(hook, caller, _request(scope, b""))
        if first_header(scope, b"content-encoding").lower() not in (b"", b"identity"):
            return PACKED
        return await self._called(hook, caller, _request(scope, await self.reader.body(scope, receive)))

    async def _asked(self, hook: uuid.UUID, caller: Caller, request: RawRequest) -> Answered:
        """A network asks whether this is us."""
        try:
            answer = caller.platform.handshake(request)
        except BadSignature:
            caller = await self.directory.find_anew(hook) or caller
            try:
                answer = caller.platform.handshake(request)
            except BadSignature:
                return await self._refused(caller)
        if answer is None:
            return NOT_ASKED
        await self._note("asked_at", caller)
        return answer

    async def _called(self, hook: uuid.UUID, caller: Caller, request: RawRequest) -> Answered:
        if not await _is_theirs(caller, request):
            caller = await self.directory.find_anew(hook) or caller
            if not await _is_theirs(caller, request):
                return await self._refused(caller)
        payloads = await _beside(request, lambda: taken_apart(caller.platform, request))
        if not all(placing.is_known(caller, payload) for payload in payloads):
            caller = await self.directory.find_anew(hook) or caller  # the account may have been connected just now
        if arrived := placing.placed(caller, payloads):
            await self._keep(caller, arrived)
        return TAKEN

    async def _keep(self, caller: Caller, arrived: list[tuple[int, RawPayload]]) -> None:
        """Raises NotKept."""
        try:
            await self.line.keep(caller.app.pk, arrived)
        except NotKept:
            self.directory.forget()  # perhaps a channel is not there any more
            raise

    async def _refused(self, caller: Caller) -> Answered:
        await self._note("refused_at", caller)
        return UNSIGNED

    async def _note(self, what: notes.What, caller: Caller) -> None:
        if due := self.noted.due(what, [caller.app.pk]):
            await self.desk.do(lambda: notes.take(what, due))


def taken_apart(platform: Called, request: RawRequest) -> list[RawPayload]:
    """What cannot be taken apart is kept whole, with the reason: it was signed."""
    try:
        return platform.split(request)
    except Unreadable as error:
        return [RawPayload(request.body, trouble=str(error))]
    except Exception as error:  # a bug of ours loses nobody's message
        log.exception("a webhook broke what takes it apart")
        return [RawPayload(request.body, trouble=f"Hark could not take it apart: {type(error).__name__}.")]


async def _is_theirs(caller: Caller, request: RawRequest) -> bool:
    platform = caller.platform
    try:
        await _beside(request, lambda: platform.verify(request))
    except BadSignature:
        return False
    return True


async def _beside(request: RawRequest, work: Callable[[], Any]) -> Any:
    """In a thread where it may take long."""
    return await asyncio.to_thread(work) if len(request.body) > LARGE else work()


def _path(scope: Scope) -> str:
    """Below the prefix under which a proxy may have put Hark."""
    path, prefix = str(scope["path"]), str(scope.get("root_path") or "")
    return path.removeprefix(prefix) if path.startswith(f"{prefix}/") else path


def _request(scope: Scope, body: bytes) -> RawRequest:
    """Raises Turned."""
    try:
        asked = parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True, max_num_fields=50)
    except ValueError:
        raise Turned(400, "The address asks for too much.\n") from None
    headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
    return RawRequest(scope["method"], dict(asked), headers, body)


async def _send(send: Send, answer: Answered, *, last: bool) -> None:
    """With `last` the line is closed: of the body there may be more, which nobody reads."""
    body = answer.body.encode()
    heads = [(b"content-type", f"{answer.type}; charset=utf-8".encode()), *HEADS]
    heads += [(b"content-length", str(len(body)).encode())] + ([(b"connection", b"close")] if last else [])
    heads += [(b"allow", b"GET, POST")] if answer.status == 405 else []
    await send({"type": "http.response.start", "status": answer.status, "headers": heads})
    await send({"type": "http.response.body", "body": body})
