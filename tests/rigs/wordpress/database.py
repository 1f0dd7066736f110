"""A MariaDB of the rig's own: a folder and a socket, no port."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

from tests.rigs.rig import Server

# --pdeathsig: it ends with us
AS_NOBODY = ("setpriv", "--reuid", "nobody", "--regid", "nogroup", "--clear-groups", "--pdeathsig", "KILL")
SMALL = (
    "--innodb-buffer-pool-size=32M", "--innodb-log-file-size=8M", "--key-buffer-size=1M", "--performance-schema=OFF",
    "--innodb-flush-log-at-trx-commit=2", "--skip-log-bin", "--max-connections=40",
)  # fmt: skip


def made(folder: Path) -> Server:
    """Ready to be started; nobody may come in but over the socket, where everybody of this machine is root's equal."""
    folder.mkdir()
    if os.geteuid() == 0:
        shutil.chown(folder, "nobody", "nogroup")
    data = f"--datadir={folder / 'data'}"
    make = ["mariadb-install-db", "--no-defaults", data, "--auth-root-authentication-method=normal", "--skip-test-db"]
    done = subprocess.run([*_as(), *make], cwd="/", capture_output=True, text=True)
    assert done.returncode == 0, f"{done.stdout[-2000:]}{done.stderr[-2000:]}"
    run = [
        *_as(),
        "/usr/sbin/mariadbd",
        "--no-defaults",
        data,
        f"--socket={socket(folder)}",
        "--skip-networking",
        *SMALL,
    ]
    return Server("MariaDB", run, folder.with_suffix(".log"), ready=lambda: answers(folder))


def socket(folder: Path) -> Path:
    return folder / "mariadb.sock"


def answers(folder: Path) -> bool:
    ask = ["php", "-r", "mysqli_report(0); exit(@mysqli_connect('localhost', 'root', '', '', 0, $argv[1]) ? 0 : 1);"]
    return subprocess.run([*ask, str(socket(folder))], capture_output=True).returncode == 0


def _as() -> tuple[str, ...]:
    return AS_NOBODY if os.geteuid() == 0 else ()
