"""A PostgreSQL of the rig's own: the binaries Hark brings, a folder of its own, a socket nobody else may open."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from urllib.parse import quote

from psycopg import pq

from config.local_postgres import find_binaries, within_reach
from config.local_servers import CLEAN
from config.places import Account, account_for
from tests.rigs.rig import Server

FAST = ("fsync=off", "full_page_writes=off", "synchronous_commit=off")  # nobody needs it after the tests


def made(folder: Path) -> Server:
    """Ready to be started; `address` says where it will be. It runs as `nobody` where we are root."""
    account, data = account_for(folder), folder / "data"
    binaries = within_reach(find_binaries(), account, folder)
    folder.mkdir(exist_ok=True)
    account.own(folder)
    command = [binaries / "initdb", "-D", data, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C"]
    done = subprocess.run(
        [*_as(account), *command], env={**os.environ, **CLEAN}, cwd="/", capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    settings = ("listen_addresses=", f"unix_socket_directories={folder}", "unix_socket_permissions=0700", *FAST)
    run = [*_as(account), binaries / "postgres", "-D", data, *(part for each in settings for part in ("-c", each))]
    log = folder.with_suffix(".log")
    return Server("PostgreSQL", run, log, environment=CLEAN, ready=lambda: _answers(folder))


def address(folder: Path) -> str:
    return f"postgres://postgres@localhost/postgres?host={quote(str(folder))}"


def _answers(folder: Path) -> bool:
    return pq.PGconn.ping(f"host='{folder}' dbname=postgres user=postgres".encode()) == pq.Ping.OK


def _as(account: Account) -> list[str]:
    """--pdeathsig: it ends with us."""
    if not account.lent:
        return []
    who = ["--reuid", str(account.uid), "--regid", str(account.gid), "--clear-groups"]
    return ["setpriv", *who, "--pdeathsig", "KILL"]
