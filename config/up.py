"""bin/up: everything Hark needs, on this machine, in the foreground."""

import argparse
import errno
import fcntl
import http.client
import os
import shutil
import signal
import socket
import subprocess
import sys
import textwrap
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

from config.places import ROOT, CannotRun, home, make_state, sizes, sockets, state_folder
from config.supervisor import Program, Supervisor, say

DEFAULT_PORT = 8000
ROOM_NEEDED = 300_000_000  # bytes: a new database, its log ahead, and some work
MANAGE = [sys.executable, str(ROOT / "manage.py")]
# What a state folder holds. Only these are ever thrown away: HARK_STATE_DIR may point at a folder that has more in it.
STATE = (
    "pg",
    "pg.new",
    "postgres-*",
    "valkey",
    "run",
    "log",
    "static",
    "simulator*",
    "secret_key",
    "database_password",
)
TRY_FIRST = """\
  What to try first
    1. Sign in as the agent and open the queue: posts arrive by themselves.
    2. Press t to take a case and r to reply. The simulated customer answers, gladly or not.
    3. Sign in as the lead in another browser and watch the same queue change.
"""


def options(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="bin/up",
        description="Start Hark on this machine: its database and queue unless DATABASE_URL and REDIS_URL name others, "
        "the web pages, two workers, the clock and, with the demo, a simulated network. Ctrl-C stops all of it.",
        epilog="The state is in var/, or in HARK_STATE_DIR. docs/operations.md has the rest.",
    )
    parser.add_argument(
        "--port", type=int, help=f"port of the web pages (default {DEFAULT_PORT}, or the next free one)"
    )
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default %(default)s)")
    parser.add_argument("--workers", type=int, default=2, help="how many workers (default %(default)s)")
    parser.add_argument("--no-demo", action="store_true", help="start empty: no example data, no simulated network")
    parser.add_argument("--fresh", action="store_true", help="throw the state away first, after saying what it is")
    parser.add_argument(
        "--only", choices=["web", "worker", "cron"], help="run one kind of process, for several machines"
    )
    chosen = parser.parse_args(arguments)
    if chosen.only and chosen.fresh:
        parser.error("--fresh goes with a whole Hark, not with --only")
    return chosen


def main(arguments: Sequence[str]) -> int:
    chosen, state = options(arguments), state_folder()
    sys.stdout.reconfigure(line_buffering=True)  # type: ignore[union-attr] # in order with stderr, also in a log file
    try:
        make_state(state)
        check_room(state)
        with only_one(state, chosen), listening(chosen) as web:
            _run(chosen, state, web)
    except CannotRun as sentence:
        print(f"\n{sentence}", file=sys.stderr)
        return 1
    except OSError as error:  # no room, no right: the system's own words
        print(f"\n{error.filename or state}: {error.strerror}.", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


def _run(chosen: argparse.Namespace, state: Path, web: socket.socket | None) -> None:
    from config import embedded  # needs what is installed; `bin/up --help` does not

    if chosen.fresh:
        throw_away(state, stop=embedded.stop)
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _leave)
    if web:
        os.environ.setdefault("HARK_URL", address(web))
    with embedded.using(state, stop_adopted=True):
        logins = prepare(chosen)
        supervisor = Supervisor(programs(chosen, web), look_after=lambda: _mend_servers(state, embedded.ensure_running))
        if web:
            greeting = (web, greet(chosen, logins), supervisor.stopping)
            threading.Thread(target=_greet_when_ready, args=greeting, daemon=True).start()
        supervisor.run()
    print("Stopped.")


def programs(chosen: argparse.Namespace, web: socket.socket | None) -> list[Program]:
    """What to keep running. The listening socket stays ours: while the web process restarts, callers wait."""
    of_kind = {
        "web": [web_process(web)] if web else [],
        "worker": [Program(f"worker-{number}", [*MANAGE, "work"]) for number in range(1, chosen.workers + 1)],
        "cron": [Program("cron", [*MANAGE, "cron"])],
        "simulator": [] if chosen.no_demo else [Program("simulator", [*MANAGE, "simulate"])],
    }
    kinds = [chosen.only] if chosen.only else list(of_kind)
    return [program for kind in kinds for program in of_kind[kind]]


def web_process(listener: socket.socket) -> Program:
    number = listener.fileno()
    return Program("web", [sys.executable, "-m", "config.web", str(number)], pass_fds=(number,))


def prepare(chosen: argparse.Namespace) -> str:
    """Bring database and files up to date, in one process of its own; what it prints are the demo's logins."""
    steps = ["migrated"] if chosen.only else ["migrate"]
    steps += ["static"] if chosen.only in (None, "web") else []
    steps += [] if chosen.only or chosen.no_demo else ["demo", "logins"]
    done = subprocess.run(  # noqa: S603 - our own module
        [sys.executable, "-m", "config.prepare", *steps], cwd=ROOT, stdout=subprocess.PIPE, text=True
    )
    if done.returncode:
        raise CannotRun("Hark is not started: what stands above has to be mended first.")
    return done.stdout.strip("\n")


def throw_away(state: Path, *, stop: Callable[[Path], None]) -> None:
    """The whole state, and nothing else that may be in that folder."""
    gone = {found for folder in (state, home(state)) for pattern in STATE for found in folder.glob(pattern)}
    gone |= {sockets(state)} if sockets(state).exists() else set()
    names = ", ".join(sorted(path.name for path in gone)) or "nothing"
    print(f"Throwing away {sizes(gone) / 1e6:.0f} MB in {state}: {names}.")
    if os.environ.get("DATABASE_URL"):
        print("DATABASE_URL names another database: that one is left as it is.")
    stop(state)
    for path in gone:
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink()


def check_room(state: Path) -> None:
    free = shutil.disk_usage(state).free
    if free < ROOM_NEEDED:
        raise CannotRun(
            f"Only {free // 1_000_000} MB are free where {state} is, and Hark needs {ROOM_NEEDED // 1_000_000} MB to "
            "start. Make room, or give HARK_STATE_DIR a folder on a larger disk."
        )


@contextmanager
def only_one(state: Path, chosen: argparse.Namespace) -> Iterator[None]:
    """One whole Hark for a state folder; single kinds may join it. The kernel frees the lock of a killed one."""
    with (state / "up.lock").open("a") as lock:
        try:
            if not chosen.only:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise CannotRun(
                f"Hark is running from {state} already. Stop that one with Ctrl-C in its terminal, or start a second "
                "one beside it with its own HARK_STATE_DIR."
            ) from error
        yield


@contextmanager
def listening(chosen: argparse.Namespace) -> Iterator[socket.socket | None]:
    """The web socket: on the port that was asked for, else on the first free one from the default upwards."""
    if chosen.only not in (None, "web"):
        yield None
        return
    wanted = chosen.port or DEFAULT_PORT
    listener = _listen(chosen.host, wanted)
    if not listener:
        free = next((port for port in range(wanted + 1, wanted + 100) if _is_free(chosen.host, port)), 0)
        if chosen.port or not free:
            raise CannotRun(f"Port {wanted} is in use by another program. Try: bin/up --port {free}")
        print(f"Port {wanted} is in use by another program: taking {free}.")
        listener = _listen(chosen.host, free)
    with listener or socket.socket() as web:
        yield web


def _listen(host: str, port: int) -> socket.socket | None:
    """A listening socket; None if somebody has that port."""
    try:
        return socket.create_server((host, port), family=_family(host), backlog=2048)
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            return None
        raise CannotRun(
            f"Hark cannot listen on {host}, port {port}: {error.strerror}. Try --host or --port."
        ) from error


def _is_free(host: str, port: int) -> bool:
    listener = _listen(host, port)
    if listener:
        listener.close()
    return listener is not None


def _family(host: str) -> socket.AddressFamily:
    return socket.AF_INET6 if ":" in host else socket.AF_INET


def address(web: socket.socket) -> str:
    """Where a browser on this machine finds it."""
    host, port = web.getsockname()[:2]
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104 - compared, not bound
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def greet(chosen: argparse.Namespace, logins: str) -> str:
    """What the terminal says once the first page answers."""
    if chosen.only:
        return ""
    if chosen.no_demo:
        return "\n  No demo was loaded. Make yourself an admin: bin/manage createsuperuser\n"
    return f"\n{textwrap.indent(logins, '  ')}\n\n{TRY_FIRST}"


def _greet_when_ready(web: socket.socket, text: str, stopping: threading.Event) -> None:
    while not stopping.wait(0.2):
        if _answers(web):
            print(f"\n  Hark is at  {os.environ['HARK_URL']}   (Ctrl-C stops it)\n{text}")
            return


def _answers(web: socket.socket) -> bool:
    """Any answer will do. Redirects are not followed: HARK_URL may be a name that only the world outside knows."""
    found = urlsplit(address(web))
    asking = http.client.HTTPConnection(found.hostname or "", found.port, timeout=5)
    try:
        asking.request("GET", "/healthz")
        asking.getresponse()
    except (OSError, http.client.HTTPException):
        return False
    finally:
        asking.close()
    return True


def _mend_servers(state: Path, ensure_running: Callable[[Path], bool]) -> None:
    """What a program misses may be its database: that is brought back first."""
    try:
        ensure_running(state)
    except CannotRun as sentence:
        say("servers", str(sentence))


def _leave(number: int, frame: object) -> None:
    raise SystemExit(128 + number)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
