"""A whole Hark for a test: its real processes, on a database and a Valkey of its own.

    with Stack(prepared) as stack:                      # or the fixture `stack` of tests/processes/conftest.py
        stack.start("web", "worker", "cron", "simulator")
        agent = factories.UserFactory(teams=[...])      # in here Django's ORM works on the stack's database
        page = stack.visitor(agent).get("/queue/")      # httpx, signed in; a browser takes stack.session(agent)
        stack.kill9("worker")
        stack.restart("worker")
        stack.wait_until("the case is there", Case.objects.exists)

Names are kinds of process as bin/up knows them, with a number for another of the kind: "worker-2", "web-2". A web
process keeps its address (`stack.url`, `stack.address("web-2")`) over a restart. The simulated people are silent: what
they say is ordered with `stack.network("post", handle=..., text=...)`. The clock is quick: a sweep and a poll each
second, leases of two (ground.QUICK; `Stack(prepared, {"SWEEP_SECONDS": "60"})` has other wishes).

The fixture that opens a stack also lifts pytest-django's ban on the database (`django_db_blocker.unblock()`); its tests
do not ask for `db`. Jobs that a test nudges in its own process go nowhere, as in every test: the sweep finds the rows.
Start processes from the main thread: they end with the thread that started them.
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack, suppress
from itertools import chain, repeat
from pathlib import Path
from typing import Any, Self, TypeVar

import httpx
import redis
from django.conf import settings
from django.test import Client
from rq import Queue, Worker
from rq.cron import CronScheduler

from config import embedded, up
from config.local_valkey import Valkey
from config.places import ROOT, sockets
from config.supervisor import Program, _end_with_parent
from crm.models import User
from tests.processes import ground

T = TypeVar("T")
TOKEN = "c" * 32
PAUSES = (0.01, 0.02, 0.03, 0.05)  # seconds between two looks: short beside the work that is to be caught in its middle


class Started:
    """One process of the stack and where its output goes."""

    def __init__(self, program: Program, log: Path, environment: Mapping[str, str]) -> None:
        self.program, self.log, self.environment = program, log, environment
        self.start()

    def start(self) -> None:
        self.killed = False
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                self.program.command, env={**self.environment, **self.program.environment}, cwd=ROOT,
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, pass_fds=self.program.pass_fds,
                process_group=0, preexec_fn=_end_with_parent,
            )  # fmt: skip

    def check(self, *well: int) -> None:
        """Fails if it has ended by itself, with another code than these."""
        code = self.process.poll()
        assert self.killed or code in (None, *well), (
            f"{self.program.name} ended by itself with {code}:\n{self.last_words()}"
        )

    def kill(self) -> None:
        self.killed = True
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()

    def last_words(self, size: int = 4000) -> str:
        return self.log.read_text(errors="replace")[-size:]


class Stack:
    """See the top of this file."""

    standing: list[Stack] = []

    def __init__(self, prepared: ground.Prepared, environment: Mapping[str, str] | None = None) -> None:
        self.prepared, self.wishes = prepared, environment or {}
        self.processes: dict[str, Started] = {}
        self._listeners: dict[str, socket.socket] = {}
        self._after = ExitStack()

    def __enter__(self) -> Self:
        with ExitStack() as after:
            self.folder = after.enter_context(ground.folder())
            self.state = self.folder / "state"
            self.valkey = Valkey(self.state)
            after.callback(self.valkey.stop)
            self.valkey.ensure()
            self.redis = after.enter_context(redis.Redis.from_url(embedded.redis_url(self.state)))
            self.database = after.enter_context(ground.database(self.prepared.template))
            after.enter_context(ground.orm_on(self.database))
            after.callback(self._end_all)
            self.standing.append(self)
            after.callback(self.standing.remove, self)
            self._after = after.pop_all()
        return self

    def __exit__(self, *error: object) -> None:
        self._after.close()

    # --- processes

    def start(self, *names: str) -> None:
        """Start these, together, and wait until each is at work."""
        for name in names:
            self._start(name, self._program(name))
        self._wait_for(names)

    def begin(self, name: str, *command: str | Path) -> None:
        """Start a command of manage.py under this name, and wait for nothing."""
        self._start(name, Program(name, [*up.MANAGE, *map(str, command)]))

    def begin_job(self, job: str, *args: int) -> None:
        """Have a worker do this, as a nudge does; twice is twice."""
        Queue("now", connection=self.redis).enqueue(job, args=args, result_ttl=0)

    def kill9(self, name: str) -> None:
        self.processes[name].check()
        self.processes[name].kill()

    def freeze(self, name: str) -> None:
        """It takes connections and does nothing, until it is killed."""
        self.processes[name].check()
        os.killpg(self.processes[name].process.pid, signal.SIGSTOP)

    def restart(self, *names: str) -> None:
        """Start again what was killed, as the supervisor does, and wait until it is at work."""
        for name in names:
            self.processes[name].start()
        self._wait_for(names)

    def finish(self, name: str, *, within: float = 120) -> None:
        """Wait until a command that was begun has ended well."""
        code = self.processes[name].process.wait(within)
        assert code == 0, f"{name} ended with {code}:\n{self.processes[name].last_words()}"

    def manage(self, *command: str | Path) -> str:
        """Run a command of manage.py to its end; what it printed."""
        done = subprocess.run(
            [*up.MANAGE, *map(str, command)], env=self._environment("manage"), cwd=ROOT, capture_output=True, text=True
        )
        assert done.returncode == 0, f"manage.py {command[0]} ended with {done.returncode}:\n{done.stdout}{done.stderr}"
        return done.stdout

    def wait_until(self, what: str, condition: Callable[[], T], *, within: float = 120) -> T:
        """The condition's answer, once it is true. Fails after so many seconds, and when a process breaks down.

        It asks quickly at first and then every so often (PAUSES): asking without a break took as much of the processor
        as what was waited for.
        """
        end = time.monotonic() + within
        pauses = chain(PAUSES, repeat(PAUSES[-1]))
        while not (answer := condition()):
            assert time.monotonic() < end, f"Waited {within:.0f} s in vain until {what}"
            for started in self.processes.values():
                started.check(0)
            time.sleep(next(pauses))
        return answer

    def last_words(self) -> str:
        """The ends of all logs."""
        return "\n".join(f"--- {name}\n{started.last_words()}" for name, started in self.processes.items())

    # --- the web

    @property
    def url(self) -> str:
        return self.address("web")

    def address(self, name: str) -> str:
        return up.address(self._listener(name))

    def session(self, user: User) -> str:
        """The value of the cookie `sessionid` that signs this person in."""
        client = Client()
        client.force_login(user)
        return client.cookies[settings.SESSION_COOKIE_NAME].value

    def visitor(self, user: User, *, at: str = "web") -> httpx.Client:
        """A signed-in client that may post forms. It follows no redirects."""
        cookies = {settings.SESSION_COOKIE_NAME: self.session(user), settings.CSRF_COOKIE_NAME: TOKEN}
        headers = {"X-CSRFToken": TOKEN, "Referer": self.address(at)}
        return _client(base_url=self.address(at), cookies=cookies, headers=headers)

    # --- the simulated network

    def network(self, action: str, **details: Any) -> Any:
        """Order something: post, edit, delete, remember, fault, clear … (channels_app/simulation/server.py)."""
        with self._network() as network:
            answer = network.post("/control", json={"action": action, **details})
        assert answer.is_success, answer.text
        return answer.json()["result"]

    def newest_event(self) -> int:
        """The number of the last thing that happened there."""
        with self._network() as network:
            return network.get("/events", params={"after": 0, "limit": 1000}).json()["cursor"]

    def events(self, after: int = 0) -> list[dict[str, Any]]:
        """What happened there since, as the network tells it."""
        with self._network() as network:
            return network.get("/events", params={"after": after, "limit": 1000}).json()["events"]

    def received(self) -> dict[str, int]:
        """How often each reply came in there, by its key."""
        with self._network() as network:
            return network.get("/stats").json()["received"]

    def _network(self) -> httpx.Client:
        path = str(sockets(self.state) / "simulator.sock")
        return _client(transport=httpx.HTTPTransport(uds=path, verify=False), base_url="http://simulator")

    # --- the wire

    def kill9_valkey(self) -> None:
        os.kill(self.valkey.pid() or 0, signal.SIGKILL)
        self.wait_until("Valkey is gone", lambda: self.valkey.pid() is None)

    def restart_valkey(self) -> None:
        self.valkey.ensure()

    # --- the works

    def _start(self, name: str, program: Program) -> None:
        log = self.folder / f"{name}.log"
        self.processes[name] = Started(program, log, self._environment(name))

    def _program(self, name: str) -> Program:
        """As bin/up would run it."""
        kind = name.partition("-")[0]
        listener = self._listener(name) if kind == "web" else None
        programs = {p.name.partition("-")[0]: p for p in up.programs(up.options(["--workers", "1"]), listener)}
        found = programs[kind]
        silent = ["--every", "3600"] if kind == "simulator" else []
        return Program(name, [*found.command, *silent], found.environment, found.pass_fds)

    def _environment(self, name: str) -> dict[str, str]:
        ours = {
            "HARK_STATE_DIR": str(self.state),
            "DATABASE_URL": ground.database_url(self.database),
            "REDIS_URL": embedded.redis_url(self.state),
            "STATIC_ROOT": str(self.prepared.static),
            "SECRET_KEY": settings.SECRET_KEY,
            "HARK_SEALING_KEY": ",".join(settings.SEALING_KEYS),
            "HARK_URL": self.url,
            "PGAPPNAME": name,
        }
        return {**os.environ, **ground.QUICK, **ours, **self.wishes}

    def _listener(self, name: str) -> socket.socket:
        """Ours over all restarts, as bin/up's: while the web process is away, callers wait."""
        if name not in self._listeners:
            self._listeners[name] = self._after.enter_context(socket.create_server(("127.0.0.1", 0), backlog=2048))
        return self._listeners[name]

    def _wait_for(self, names: tuple[str, ...]) -> None:
        for name in names:
            self.wait_until(f"{name} is at work", lambda name=name: self._is_at_work(name))

    def _is_at_work(self, name: str) -> bool:
        self.processes[name].check()
        pid = self.processes[name].process.pid
        match name.partition("-")[0]:
            case "web":
                return _answers(_client(base_url=self.address(name)), "/healthz")
            case "simulator":
                return _answers(self._network(), "/stats")
            case "worker":
                return pid in {worker.pid for worker in Worker.all(self.redis)}
        return pid in {scheduler.pid for scheduler in CronScheduler.all(self.redis)}

    def _end_all(self) -> None:
        for started in self.processes.values():
            started.kill()


def _client(**details: Any) -> httpx.Client:
    """Without the system's certificates: reading them takes longer than a whole call."""
    return httpx.Client(verify=False, timeout=30, **details)


def _answers(client: httpx.Client, path: str) -> bool:
    with client, suppress(httpx.HTTPError):
        return client.get(path).is_success
    return False
