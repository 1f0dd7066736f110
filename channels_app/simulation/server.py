"""The network's HTTP interface on a unix socket, and the clock that makes its people act.

    GET  /events?after=<seq>&limit=<n>    {"events": [...], "cursor": seq, "more": bool}, oldest first
    POST /replies {key, parent, text}     201 {"id", "at", "thread"}; with "private": true only that person sees it;
                                          "files": [{"name", "type", "body" in base64}] come along
    GET  /search?q=&after=&limit=         the same shape: posts with all these words, also those that are not to us
    POST /moderation {kind, subject}      hide or like a post, block or report somebody; with "undo": true no longer;
                                          delete one of ours
    GET  /replies?key=&thread=            {"replies": [...]}: what arrived under that key
    GET  /stats                           what it received, by key; "twice" names the keys that came more than once
    POST /control {"action": ...}         post, edit, delete, remember, tick, speed, pause, resume, fault, clear

Refusals are {"error": sentence} with a 4xx status.
"""

from __future__ import annotations

import base64
import json
import logging
import socket
import socketserver
import threading
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, cast
from urllib.parse import parse_qs, urlsplit

from .faults import Fault, Faults, Order
from .world import Json, RefusalError, World, as_event

log = logging.getLogger(__name__)
LONGEST_PATH = 107
Endpoints = dict[str, Callable[[Json], Json]]
LARGEST_BODY = 32 * 1024 * 1024


class SocketTakenError(Exception):
    """Another simulator is alive on this socket, or no socket can be made there."""


class Simulator:
    """A world behind a socket. `every` is the number of seconds between two ticks at normal speed."""

    def __init__(self, world: World, socket_path: Path | str, every: float = 8.0) -> None:
        self.world = world
        self.every = every
        self.faults = Faults()
        self.paused = threading.Event()
        self._stopped = threading.Event()
        self._server = _Server(Path(socket_path), self)
        self._threads = [
            threading.Thread(target=self._server.serve_forever, args=(0.05,), name="simulator-http", daemon=True),
            threading.Thread(target=self._live, name="simulator-people", daemon=True),
        ]

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Stop answering and acting; the store stays open for whoever opened it."""
        self._stopped.set()
        self._server.shutdown()
        self._server.server_close()
        self._server.path.unlink(missing_ok=True)
        for thread in self._threads:
            thread.join(timeout=5)

    def wait(self) -> None:
        """Until `stop` is called, in another thread or a signal handler."""
        self._stopped.wait()

    def _live(self) -> None:
        while not self._stopped.wait(max(0.02, self.every / self.world.speed)):
            if self.paused.is_set():
                continue
            try:
                self.world.tick()
                self.world.mutter_perhaps()
            except Exception:
                log.exception("The simulated people missed a beat")  # the network stays up for those who write to it

    # --- what the endpoints do

    def events(self, query: Json) -> Json:
        after, limit = int(query.get("after", 0)), min(int(query.get("limit", 100)), 1000)
        rows = self.world.store.events_after(after, limit + 1)
        page = [as_event(row) for row in rows[:limit]]
        return {"events": page, "cursor": page[-1]["seq"] if page else after, "more": len(rows) > limit}

    def search(self, query: Json) -> Json:
        words, limit = str(query.get("q", "")).split(), min(int(query.get("limit", 100)), 1000)
        newest = self.world.store.newest_seq()
        rows = self.world.store.said(words, int(query.get("after", 0)), limit + 1) if words else []
        more = len(rows) > limit
        page = [as_event(row) for row in rows[:limit]]
        return {"events": page, "cursor": page[-1]["seq"] if more else newest, "more": more}

    def replies(self, query: Json) -> Json:
        rows = self.world.store.replies(query.get("key", ""), query.get("thread", ""))
        return {"replies": [as_event(row) for row in rows]}

    def stats(self, _query: Json) -> Json:
        store = self.world.store
        received = store.received()
        return {
            "posts": store.count(ours=False),
            "replies": store.count(ours=True),
            "received": received,
            "twice": [key for key, times in received.items() if times > 1],
            "ticks": int(store.figure("ticks")),
            "speed": self.world.speed,
        }

    def reply(self, body: Json) -> Json:
        key, parent, text = str(body.get("key", "")), str(body["parent"]), str(body["text"])
        private = body.get("private") is True
        files = [(str(f["name"]), str(f["type"]), base64.b64decode(f["body"])) for f in body.get("files") or ()]
        event = self.world.receive_reply(key, parent, text, private=private, files=files)
        if (
            private
        ):  # nobody but them sees it, and they have no screen: whoever tries Hark out looks over their shoulder
            log.info("%s reads, in private: %s", event["to"], text)
        return {name: event[name] for name in ("id", "at", "thread")}

    def moderation(self, body: Json) -> Json:
        kind, subject, undo = str(body["kind"]), str(body["subject"]), body.get("undo") is True
        self.world.moderate(kind, subject, reason=str(body.get("reason", "")), undo=undo)
        return {"kind": kind, "subject": subject, "undone": undo}

    def control(self, body: Json) -> Json:
        actions: dict[str, Callable[..., Any]] = {
            "post": self.world.post,
            "mutter": self.world.mutter,
            "edit": self.world.edit,
            "delete": self.world.delete,
            "remember": self.world.remember,
            "tick": self._tick,
            "speed": self._speed,
            "pause": self.paused.set,
            "resume": self.paused.clear,
            "fault": self._fault,
            "clear": self.faults.clear,
        }
        arguments = dict(body)
        action = arguments.pop("action", "")
        if action not in actions:
            raise RefusalError(f"There is no such action. Known are: {', '.join(actions)}.", 400)
        return {"done": action, "result": actions[action](**arguments)}

    def _tick(self, times: int = 1) -> list[Json]:
        return [event for _ in range(times) for event in self.world.tick()]

    def _speed(self, factor: float) -> None:
        self.world.speed = float(factor)

    def _fault(self, fault: str, **details: Any) -> None:
        self.faults.order(Order(Fault(fault), **details))


class _Server(ThreadingHTTPServer):
    address_family = socket.AF_UNIX
    daemon_threads = True
    block_on_close = False
    request_queue_size = 64

    def __init__(self, path: Path, simulator: Simulator) -> None:
        self.path = path
        self.simulator = simulator
        _clear_the_way(path)
        super().__init__(str(path), _Handler)  # type: ignore[arg-type]  # a unix address is a path

    def server_bind(self) -> None:
        """Not HTTPServer's own, which asks the resolver for the name of a host."""
        socketserver.TCPServer.server_bind(self)
        self.path.chmod(0o600)
        self.server_name, self.server_port = "simulator", 0


def _clear_the_way(path: Path) -> None:
    """Remove a socket that a killed simulator left behind, but never one that answers."""
    if len(str(path).encode()) > LONGEST_PATH:
        raise SocketTakenError(
            f"The path of the socket is too long for this system (at most {LONGEST_PATH} bytes): {path}"
        )
    path.parent.mkdir(parents=True, exist_ok=True)
    with socket.socket(socket.AF_UNIX) as probe:
        try:
            probe.connect(str(path))
        except FileNotFoundError:
            return
        except OSError:
            path.unlink(missing_ok=True)
            return
    raise SocketTakenError(f"A simulator is already running on {path}.")


class _Handler(BaseHTTPRequestHandler):
    server_version = "Simulator"
    sys_version = ""

    @property
    def simulator(self) -> Simulator:
        return cast(_Server, self.server).simulator

    def do_GET(self) -> None:
        simulator = self.simulator
        endpoints: Endpoints = {
            "/events": simulator.events,
            "/search": simulator.search,
            "/replies": simulator.replies,
            "/stats": simulator.stats,
        }
        self._answer(endpoints)

    def do_POST(self) -> None:
        simulator = self.simulator
        endpoints: Endpoints = {
            "/replies": simulator.reply,
            "/moderation": simulator.moderation,
            "/control": simulator.control,
        }
        self._answer(endpoints)

    def _answer(self, endpoints: Endpoints) -> None:
        address = urlsplit(self.path)
        body = self._body(address.query)  # read it first: who hangs up early leaves a broken pipe behind
        endpoint = endpoints.get(address.path)
        if endpoint is None:
            self._send(404, {"error": "There is nothing here."})
        elif body is None:
            self._send(400, {"error": "The body is not a JSON object."})
        else:
            order = self.simulator.faults.strike(address.path.strip("/")) if address.path != "/control" else None
            self._with_fault(order, endpoint, body)

    def _body(self, query: str) -> Json | None:
        if self.command == "GET":
            return {name: values[-1] for name, values in parse_qs(query).items()}
        length = int(self.headers.get("Content-Length") or 0)
        if length > LARGEST_BODY:
            return None
        try:
            body = json.loads(self.rfile.read(length) or b"{}")
        except ValueError:
            return None
        return body if isinstance(body, dict) else None

    def _with_fault(self, order: Order | None, endpoint: Callable[[Json], Json], body: Json) -> None:
        fault = order.fault if order else None
        if order and fault is Fault.BUSY:
            self._send(order.status, {"error": "Too busy."}, retry_after=order.seconds)
        elif fault is Fault.REFUSE:
            self._send(403, {"error": "You may not answer this person."})
        elif fault is Fault.LOSE:
            self.close_connection = True
        else:
            status, answer = self._call(endpoint, body)
            if order and fault is Fault.DELAY:
                time.sleep(order.seconds)
            if fault is not Fault.SWALLOW:
                self._send(status, answer)

    def _call(self, endpoint: Callable[[Json], Json], body: Json) -> tuple[int, Json]:
        try:
            return 201 if self.command == "POST" else 200, endpoint(body)
        except RefusalError as refusal:
            return refusal.status, {"error": str(refusal)}
        except (KeyError, TypeError, ValueError) as error:
            return 400, {"error": f"Something is missing or of the wrong kind: {error}"}

    def _send(self, status: int, answer: Json, retry_after: float | None = None) -> None:
        content = json.dumps(answer, ensure_ascii=False).encode()
        try:
            self.send_response(status)
            self.send_header("Content-Type", "application/json; charset=utf-8")
            self.send_header("Content-Length", str(len(content)))
            if retry_after is not None:
                self.send_header("Retry-After", f"{retry_after:g}")
            self.end_headers()
            self.wfile.write(content)
        except (BrokenPipeError, ConnectionResetError):
            self.close_connection = True  # whoever asked has left

    def address_string(self) -> str:
        return "socket"

    def log_message(self, format: str, *args: Any) -> None:
        log.debug(format, *args)
