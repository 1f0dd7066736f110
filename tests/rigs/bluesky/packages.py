"""The packages from npm: exactly those of package-lock.json, which names what each has to be and no place it is at."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
from pathlib import Path

from tests.rigs import apt
from tests.rigs.rig import CannotInstall

HERE = Path(__file__).resolve().parent
LISTS = ("package.json", "package-lock.json")
OLDEST = (18, 7)


def node() -> str:
    found = shutil.which("node")
    assert found, "There is no Node.js: bin/rigs bluesky puts it there."
    return found


def install(folder: Path) -> None:
    mark, wanted = folder / "installed", _digest()
    if mark.exists() and mark.read_text() == wanted and shutil.which("node"):
        return
    _tools()
    mark.unlink(missing_ok=True)
    for name in LISTS:
        shutil.copy(HERE / name, folder / name)
    print("Fetching Bluesky's network: some minutes, as part of it is compiled …", flush=True)
    done = subprocess.run(
        ["npm", "ci", "--no-audit", "--no-fund", "--no-progress"],
        cwd=folder, env={**os.environ, **_headers()}, capture_output=True, text=True,
    )  # fmt: skip
    if done.returncode:
        raise CannotInstall("npm ci did not work:\n" + "\n".join((done.stdout + done.stderr).splitlines()[-12:]))
    mark.write_text(wanted)


def _tools() -> None:
    """Node.js, and what compiles the one package that is no JavaScript; Debian's where there is none."""
    if not (shutil.which("node") and shutil.which("npm")):
        apt.install("nodejs", "npm", "libnode-dev")
    if not (shutil.which("g++") and shutil.which("make")):
        apt.install("g++", "make")
    told = subprocess.run([node(), "--version"], capture_output=True, text=True).stdout.strip()
    version = tuple(int(part) for part in told.lstrip("v").split(".")[:2])
    if version < OLDEST:
        raise CannotInstall(f"Bluesky's network needs Node.js {OLDEST[0]}.{OLDEST[1]}, and this machine has {told}.")


def _headers() -> dict[str, str]:
    """Where Node.js's own headers are, if they came with it: else npm would fetch them."""
    top = Path(node()).resolve().parent.parent
    return {"npm_config_nodedir": str(top)} if (top / "include/node/node.h").exists() else {}


def _digest() -> str:
    return hashlib.sha256(b"".join((HERE / name).read_bytes() for name in LISTS)).hexdigest()
