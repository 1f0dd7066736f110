"""What a stack stands on: databases copied from a migrated one, static files, folders. All of it named after the test
process that made it, or that started all of them, so that the next run can clear away what a killed one has left."""

from __future__ import annotations

import fcntl
import itertools
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
from django.conf import settings
from django.db import connections

from config import embedded
from config.local_servers import alive
from config.local_valkey import Valkey
from config.places import ROOT

OURS = re.compile(r"hark[-_]stack[-_](\d+)[-_].*")
QUICK = {
    "SWEEP_SECONDS": "1",
    "UNDO_SECONDS": "0",
    "POLL_SECONDS": "1",
    "OUTBOX_LEASE_SECONDS": "2",
    "STATIC_STORAGE": "django.contrib.staticfiles.storage.StaticFilesStorage",
    "PYTHONUNBUFFERED": "1",
}
_numbers = itertools.count(1)
# whose what is shared by a test run is: of several processes of pytest-xdist the one that started them
OWNER = os.getppid() if "PYTEST_XDIST_WORKER" in os.environ else os.getpid()


@dataclass(frozen=True)
class Prepared:
    """What all stacks of a test run are made from: a migrated database to copy, and the static files."""

    template: str
    static: Path


@contextmanager
def preparing() -> Iterator[Prepared]:
    """Once per test run, by the first of its processes that needs it; the last to need it clears it away."""
    shared = Path(tempfile.gettempdir()) / f"hark-stack-{OWNER}-shared"
    prepared = Prepared(f"hark_stack_{OWNER}_template", shared / "static")
    with _one_at_a_time(shared):
        if not (shared / "ready").exists():
            _clear_away()
            _prepare(prepared)
            (shared / "ready").touch()
        users = (shared / "users.lock").open("a")
        fcntl.flock(users, fcntl.LOCK_SH)
    with users:
        yield prepared
        with _one_at_a_time(shared), suppress(BlockingIOError):
            fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)
            _drop(prepared.template)
            shutil.rmtree(shared)


@contextmanager
def _one_at_a_time(shared: Path) -> Iterator[None]:
    shared.mkdir(mode=0o711, exist_ok=True)
    with (shared / "making.lock").open("a") as making:
        fcntl.flock(making, fcntl.LOCK_EX)
        shared.mkdir(mode=0o711, exist_ok=True)  # whom we waited for may have been the last
        yield


def _prepare(prepared: Prepared) -> None:
    """Migrate and collect."""
    _on_server(f"DROP DATABASE IF EXISTS {prepared.template}")  # of one that failed at it
    _on_server(f"CREATE DATABASE {prepared.template}")
    done = subprocess.run(
        [sys.executable, "-m", "config.prepare", "migrate", "static"],
        env=os.environ | QUICK | {"DATABASE_URL": database_url(prepared.template), "STATIC_ROOT": str(prepared.static),
                                  "HARK_SEALING_KEY": "of these tests"},
        cwd=ROOT, capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr


@contextmanager
def folder() -> Iterator[Path]:
    """Not tmp_path: sockets need a short one, and root's own folder lets the database account pass (config.places)."""
    made = Path(tempfile.mkdtemp(prefix=f"hark-stack-{os.getpid()}-"))
    made.chmod(0o711)
    yield made
    shutil.rmtree(made)


@contextmanager
def database(template: str) -> Iterator[str]:
    """A new database on the server of the test run; its name."""
    name = f"hark_stack_{os.getpid()}_{next(_numbers)}"
    _on_server(f"CREATE DATABASE {name} TEMPLATE {template}")
    try:
        yield name
    finally:
        _drop(name)


@contextmanager
def orm_on(name: str) -> Iterator[None]:
    """Inside, Django's ORM in this process works on that database."""
    connection = connections["default"]
    before = connection.settings_dict["NAME"]
    connection.close()
    connection.settings_dict["NAME"] = name
    try:
        yield
    finally:
        connection.close()
        connection.settings_dict["NAME"] = before


def database_url(name: str) -> str:
    address = urlsplit(os.environ.get("DATABASE_URL") or embedded.database_url(settings.HARK_STATE_DIR))
    return address._replace(path=f"{address.path.rpartition('/')[0]}/{name}").geturl()


def _on_server(statement: str) -> list[tuple]:
    place = settings.DATABASES["default"]
    address = {"host": place["HOST"], "port": place["PORT"], "user": place["USER"], "password": place["PASSWORD"]}
    with psycopg.connect(
        **{name: value for name, value in address.items() if value}, dbname="postgres", autocommit=True
    ) as server:
        found = server.execute(statement)
        return found.fetchall() if found.description else []


def _drop(name: str) -> None:
    """Not WITH (FORCE): that fails where the server's own autovacuum is at work, for which a plain DROP waits."""
    ours = f"datname = '{name}' AND usename = current_user"
    _on_server(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE {ours}")
    _on_server(f"DROP DATABASE IF EXISTS {name}")  # another run may clear away the same


def _clear_away() -> None:
    """What a killed test run has left."""
    for (name,) in _on_server("SELECT datname FROM pg_database"):
        if _is_left_behind(name):
            _drop(name)
    for path in Path(tempfile.gettempdir()).iterdir():
        if _is_left_behind(path.name):
            Valkey(path / "state").stop()
            shutil.rmtree(path, ignore_errors=True)


def _is_left_behind(name: str) -> bool:
    ours = OURS.fullmatch(name)
    return bool(ours) and not alive(int(ours[1]))
