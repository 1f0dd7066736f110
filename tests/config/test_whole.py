"""The whole of bin/up, as a user starts and stops it, without the demo."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from config import embedded, places
from config.local_postgres import Postgres
from config.local_servers import alive, wait_until
from config.local_valkey import Valkey
from config.places import ROOT

pytestmark = pytest.mark.processes
Up = Callable[..., subprocess.Popen[str]]


@pytest.fixture
def port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as free:
        return free.getsockname()[1]


@pytest.fixture(scope="module")
def lived_in() -> Iterator[Path]:
    """The state folder of whoever starts Hark here, one after the other: who comes first makes and migrates the
    database, which takes longer than all else; the others find it made, as on every day but the first."""
    top = Path(tempfile.mkdtemp(prefix="hark-test-"))
    top.chmod(0o711)
    yield top / "state"
    shutil.rmtree(places.sockets(top / "state"), ignore_errors=True)
    shutil.rmtree(top)


@pytest.fixture
def home(lived_in: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """That folder; nothing of it runs before or after the test."""
    for name in ("DATABASE_URL", "REDIS_URL"):
        monkeypatch.delenv(name, raising=False)
    yield lived_in
    embedded.stop(lived_in)


@pytest.fixture
def up(home: Path) -> Iterator[Up]:
    """Starts `bin/up` with what it needs installed already."""
    started: list[subprocess.Popen[str]] = []

    def start(*arguments: str, **environment: str) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [sys.executable, "-m", "config.up", "--no-demo", *arguments],
            cwd=ROOT,
            env={**os.environ, "HARK_STATE_DIR": str(home), **environment},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.wait()
        if process.stdout:
            process.stdout.close()


def is_up(process: subprocess.Popen[str]) -> str:
    """What it printed until it said that it is there."""
    assert process.stdout
    said = ""
    while "Hark is at" not in said:
        line = process.stdout.readline()
        assert line, f"it stopped:\n{said}"
        said += line
    return said


def page(port: int, path: str) -> str:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=20) as answer:
        return answer.read().decode()


def programs(process: subprocess.Popen[str]) -> dict[str, int]:
    """The programs it runs, by the word that tells them apart."""
    found = {}
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            command = (entry / "cmdline").read_text().split("\0")
            parent = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
        except OSError:
            continue
        if parent == process.pid and sys.executable in command[0]:
            found["web" if "config.web" in command else command[2]] = int(entry.name)
    return found


def test_it_starts_once_serves_and_stops_without_a_trace(up: Up, port: int, home: Path) -> None:
    hark = up("--port", str(port))
    assert f"http://127.0.0.1:{port}" in is_up(hark)
    assert page(port, "/healthz") == "alive\n"
    assert "Hark" in page(port, "/login/")
    second = up("--port", str(port))
    assert "is running from" in second.communicate()[0]
    assert second.returncode == 1
    running = programs(hark)
    assert set(running) == {"web", "work", "cron"}
    hark.send_signal(signal.SIGINT)
    said = hark.communicate()[0]
    assert "\nStopping …\n" in said
    assert said.endswith("\nStopped.\n")
    assert hark.returncode == 0
    assert not any(alive(pid) for pid in running.values())
    assert Postgres(home, password="").pid() is Valkey(home).pid() is None


def test_after_kill_9_it_starts_again_and_adopts_its_servers(up: Up, port: int, home: Path) -> None:
    first = up("--port", str(port), "--workers", "1")
    is_up(first)
    running = programs(first)
    servers = (Postgres(home, password="").pid(), Valkey(home).pid())
    first.kill()
    assert wait_until(lambda: not any(alive(pid) for pid in running.values()), 20)
    second = up("--port", str(port), "--workers", "1")
    is_up(second)
    assert (Postgres(home, password="").pid(), Valkey(home).pid()) == servers
    second.terminate()
    second.communicate()
    assert Postgres(home, password="").pid() is None


def test_kill_9_of_web_and_database_is_mended_while_it_runs(up: Up, port: int, home: Path) -> None:
    hark = up("--port", str(port), "--workers", "1")
    is_up(hark)
    database = Postgres(home, password="").pid()
    assert database
    os.kill(programs(hark)["web"], signal.SIGKILL)
    os.kill(database, signal.SIGKILL)
    assert page(port, "/healthz") == "alive\n"  # the socket is the supervisor's: who calls meanwhile waits
    assert wait_until(lambda: Postgres(home, password="").pid() not in (None, database), 20)
    assert "Hark" in page(port, "/login/")


def test_one_kind_alone_waits_for_nobody_and_says_that_migrations_are_missing(up: Up, state: Path) -> None:
    worker = up("--only", "worker", HARK_STATE_DIR=str(state))
    said = worker.communicate()[0]
    assert "Run `bin/manage migrate` once, on one machine." in said
    assert "Traceback" not in said
    assert worker.returncode == 1


def test_with_a_database_of_ones_own_it_does_not_start_without_a_key_to_seal_with(up: Up, port: int) -> None:
    hark = up("--port", str(port), DATABASE_URL="postgres://hark:secret@127.0.0.1:1/hark")
    said = hark.communicate()[0]
    assert "There is no key to seal the secrets" in said
    assert "HARK_SEALING_KEY" in said
    assert hark.returncode == 1


def test_a_database_that_cannot_be_reached_is_a_sentence(up: Up, port: int) -> None:
    hark = up("--port", str(port), DATABASE_URL="postgres://hark:secret@127.0.0.1:1/hark", HARK_SEALING_KEY="any")
    said = hark.communicate()[0]
    assert "The database cannot be reached" in said
    assert "Traceback" not in said
    assert "secret" not in said
