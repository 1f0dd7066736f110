"""The embedded default: a real PostgreSQL and a real Valkey, on sockets in the state folder, no server to install.

Each is used only while its address is not given: DATABASE_URL set means that PostgreSQL is never touched here, and
REDIS_URL set means the same of Valkey. Several processes may use one state folder: the first starts the servers, the
others adopt them, and whoever started them stops them only if nobody else is left.

    python -m config.embedded pg_dump --format=custom --file=hark.dump      any PostgreSQL program, on that database
"""

import fcntl
import os
import secrets
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

from config.local_postgres import Postgres, find_binaries
from config.local_servers import Server
from config.local_valkey import Valkey
from config.places import CannotRun, database_password, make_sockets, make_state, once, sockets, state_folder

__all__ = ["CannotRun", "database_url", "ensure_running", "redis_url", "secret_key", "socket_dir", "stop", "using"]


def database_url(state: Path) -> str:
    """postgres://hark:PASSWORD@//the/socket/folder/hark: the form of a socket that django-environ reads.

    What stands before the last slash of the path is the host, and libpq takes a host that begins with a slash as a
    socket folder. Makes the password where there is none yet: settings ask before the server has ever run.
    """
    return f"postgres://hark:{database_password(state.resolve())}@/{quote(str(socket_dir(state)))}/hark"


def redis_url(state: Path) -> str:
    """unix:///the/socket?db=0, as redis-py reads it."""
    return f"unix://{quote(str(socket_dir(state) / 'valkey.sock'))}?db=0"


def socket_dir(state: Path) -> Path:
    """Where the sockets are: in the state folder, or in a short folder where that path is too long for a socket."""
    return sockets(make_state(state.resolve()))  # made first: where it lies depends on who can pass through it


def secret_key(state: Path) -> str:
    """Django's secret key for this state folder, made once."""
    return once(state.resolve() / "secret_key", lambda: secrets.token_urlsafe(50))


def ensure_running(state: Path, *, durable: bool = True) -> bool:
    """Adopt or start what has no address in the environment; True if anything was started.

    `durable=False` is for the tests: a power cut may lose their data, and they are faster for it.
    """
    state = make_state(state.resolve())
    make_sockets(state)
    with _locked(state / "start.lock"):
        servers = _servers(state, durable=durable).items()
        started = [server.ensure() for name, server in servers if not os.environ.get(name)]
    return any(started)


def stop(state: Path) -> None:
    """Stop what runs from this state folder, whoever started it and whatever the environment names now."""
    state = state.resolve()
    if not state.is_dir():
        return
    with _locked(state / "start.lock"):
        for server in _servers(state).values():
            server.stop()


@contextmanager
def using(state: Path, *, durable: bool = True, stop_adopted: bool = False) -> Iterator[None]:
    """The servers are there inside. Afterwards they are stopped if we started them and are the last to use them.

    `stop_adopted` is for the supervisor: what it found running was left behind by a killed one.
    """
    with (make_state(state.resolve()) / "users.lock").open("a") as users:
        fcntl.flock(users, fcntl.LOCK_SH)
        started = ensure_running(state, durable=durable)
        try:
            yield
        finally:
            if (started or stop_adopted) and _is_last(users.fileno()):
                stop(state)


def _is_last(users: int) -> bool:
    try:
        fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _servers(state: Path, *, durable: bool = True) -> dict[str, Server]:
    """By the variable that names another one instead."""
    postgres = Postgres(state, password=database_password(state), durable=durable)
    return {"DATABASE_URL": postgres, "REDIS_URL": Valkey(state)}


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    """One at a time. The kernel lets go of the lock when its holder dies, so there is no stale one."""
    with path.open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _run_program(program: str, arguments: list[str]) -> int:
    """A PostgreSQL program (psql, pg_dump, pg_restore …) on the embedded database."""
    state = state_folder()
    place = {
        "PGHOST": str(socket_dir(state)),
        "PGUSER": "hark",
        "PGDATABASE": "hark",
        "PGPASSWORD": database_password(state.resolve()),
    }
    with using(state):
        return subprocess.run([find_binaries() / program, *arguments], env={**os.environ, **place}).returncode  # noqa: S603


if __name__ == "__main__":
    sys.exit(_run_program(sys.argv[1], sys.argv[2:]))
