"""From a bare Python to the project's own environment in .venv, and on to the command that was asked for.

Standard library only. Installs when requirements.txt has changed since the last time; otherwise it costs a moment.
"""

import fcntl
import hashlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"
REQUIREMENTS = ROOT / "requirements.txt"
MARKER = VENV / "hark-installed"  # what is installed: the hash of requirements.txt, written last
ENOUGH = "import django, redis, psycopg"  # a quick look whether what was installed is still there
ROOM_NEEDED = 1_000_000_000  # bytes: what is installed, and its downloads on the way
BASE = getattr(sys, "_base_executable", sys.executable)  # not the .venv's own, which may be about to be remade

sys.path.insert(0, str(ROOT))


class NotPossible(Exception):
    """A finished sentence: what is in the way, and what to do."""


def main(task: str, arguments: list[str]) -> None:
    if task == "up":
        from config import up

        up.options(arguments)  # --help, and mistakes, before anything is installed
    with _one_at_a_time():
        ready()
    os.environ["HARK_STATE_DIR"] = str(Path(os.environ.get("HARK_STATE_DIR") or ROOT / "var").expanduser().resolve())
    if task == "manage":  # stays where it was called: its arguments may be files
        os.execv(PYTHON, [str(PYTHON), str(ROOT / "manage.py"), *arguments])  # noqa: S606
    os.chdir(ROOT)
    module = {"up": "config.up", "test": "config.testing", "rigs": "tests.rigs.installing"}[task]
    os.execv(PYTHON, [str(PYTHON), "-m", module, *arguments])  # noqa: S606


def ready() -> None:
    """Make .venv what requirements.txt says it is."""
    wanted = hashlib.sha256(REQUIREMENTS.read_bytes()).hexdigest()
    if MARKER.exists() and MARKER.read_text() == wanted and _runs(ENOUGH):
        return
    _check_room()
    if not _runs("import pip"):
        _make()
    MARKER.unlink(missing_ok=True)
    _install()
    MARKER.write_text(wanted)


def _make() -> None:
    if VENV.exists():
        print(f"{VENV} is not whole: making it again.", flush=True)
        shutil.rmtree(VENV)
    done = subprocess.run([BASE, *_maker(), VENV], capture_output=True, text=True)  # noqa: S603
    if done.returncode:
        raise NotPossible(f"{VENV} cannot be made:\n{_tail(done.stdout + done.stderr)}")


def _maker() -> list[str]:
    """How this Python makes an environment. Debian ships it without ensurepip; pip can then install from outside."""
    if find_spec("ensurepip"):
        return ["-m", "venv"]
    if find_spec("virtualenv"):
        return ["-m", "virtualenv"]
    if find_spec("pip"):
        return ["-m", "venv", "--without-pip"]
    raise NotPossible(
        f"{BASE} comes without venv and pip, so Hark cannot install what it needs. "
        "On Debian and Ubuntu: apt install python3-venv. Or point HARK_PYTHON at a Python that has them."
    )


def _install() -> None:
    pins = len(re.findall(r"^\S+==", REQUIREMENTS.read_text(), re.MULTILINE))
    print(f"Installing {pins} packages into {VENV} (once; about a minute) …", flush=True)
    pip = [PYTHON, "-I", "-m", "pip"] if _runs("import pip") else [BASE, "-I", "-m", "pip", "--python", PYTHON]
    options = ["install", "--require-hashes", "--no-input", "--disable-pip-version-check", "--progress-bar", "off"]
    process = subprocess.Popen(  # noqa: S603
        [*pip, *options, "-r", REQUIREMENTS],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
    )
    said = _follow(process, pins)
    if process.wait():
        raise NotPossible(f"{_tail(said)}\n\n{_why(said)} The next start goes on from here.")


def _follow(process: "subprocess.Popen[str]", pins: int) -> str:
    """Everything pip says, while a terminal sees how far it is."""
    lines, collected, step = [], 0, ""
    for line in process.stdout or ():
        lines.append(line)
        if line.startswith("Collecting "):
            collected += 1
            step = f"{collected} of {pins}"
        elif line.startswith("Installing collected"):
            step = "putting them in place"
        if sys.stdout.isatty():
            print(f"\r  {step:<24}", end="", flush=True)
    if sys.stdout.isatty():
        print("\r" + " " * 26 + "\r", end="", flush=True)
    return "".join(lines)


def _why(said: str) -> str:
    if "No space left" in said:
        return "The disk is full: make room."
    if "HASH" in said:
        return "A download is not the file that requirements.txt names: it is not installed."
    if "No matching distribution" in said or "onnection" in said or "resolve" in said:
        return "The packages could not be fetched: is there a network, and does pip know its way through it?"
    return "The packages could not be installed."


def _check_room() -> None:
    for folder in {ROOT, Path(tempfile.gettempdir())}:
        free = shutil.disk_usage(folder).free
        if free < ROOM_NEEDED:
            raise NotPossible(
                f"Only {free // 1_000_000} MB are free where {folder} is, and installing needs "
                f"{ROOM_NEEDED // 1_000_000} MB. Make room, or point TMPDIR at a larger disk if it is that one."
            )


def _runs(statement: str) -> bool:
    """Whether the environment's Python is there, new enough, and can do this."""
    check = f"import sys; assert sys.version_info >= (3, 11); {statement}"
    try:
        return subprocess.run([PYTHON, "-I", "-c", check], capture_output=True).returncode == 0  # noqa: S603
    except OSError:
        return False


def _tail(text: str, lines: int = 12) -> str:
    return "\n".join(text.strip().splitlines()[-lines:])


@contextmanager
def _one_at_a_time() -> Iterator[None]:
    """A lock on the project folder itself: no file to go stale, and the kernel frees it when we are killed."""
    folder = os.open(ROOT, os.O_RDONLY)
    try:
        fcntl.flock(folder, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        print("Another command is setting up the environment: waiting for it …", flush=True)
        fcntl.flock(folder, fcntl.LOCK_EX)
    try:
        yield
    finally:
        os.close(folder)


if __name__ == "__main__":
    try:
        main(sys.argv[1], sys.argv[2:])
    except NotPossible as sentence:
        sys.exit(f"\n{sentence}")
    except OSError as error:
        sys.exit(f"\n{error.filename or ROOT}: {error.strerror}.")
    except KeyboardInterrupt:
        print()
        sys.exit(130)
