"""A server as a process of this machine: find it, adopt or start it, ask it, stop it."""

import os
import signal
import subprocess
import time
from collections.abc import Callable
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path
from typing import IO, Literal

from config.places import Account, CannotRun, make_private

Answer = Literal["ready", "starting", "silent"]
CLEAN = {"PATH": "/usr/local/bin:/usr/bin:/bin", "LC_ALL": "C", "TZ": "UTC"}
LOG_KEPT = 5_000_000  # bytes; a longer log begins anew at the next start

_spawned: list[subprocess.Popen[bytes]] = []  # kept, so that Python does not warn about servers that outlive us


class Server:
    """One server of a state folder. A subclass says how to find, ask, start and end it."""

    name: str
    log: Path
    pid_file: Path
    mark: str  # what its command line contains: a recycled process number is not our server
    endings: tuple[tuple[signal.Signals, float], ...]  # how to end it: signal, seconds to wait, then the next

    def answer(self) -> Answer:
        raise NotImplementedError

    def launch(self) -> None:
        raise NotImplementedError

    def pid(self) -> int | None:
        """The live process, whoever started it."""
        number = self.written_pid()
        return number if number and alive(number) and self.mark.encode() in _command_line(number) else None

    def written_pid(self) -> int | None:
        with suppress(OSError, ValueError, IndexError):
            return int(self.pid_file.read_text().split()[0])
        return None

    def ensure(self) -> bool:
        """Adopt the live server or start one; True if this call started it."""
        pid = self.pid()
        if pid and self._wait(pid, patience=2):
            return False
        self.stop()  # alive, but nobody can reach it: its socket was removed
        self.launch()
        return True

    def stop(self) -> None:
        pid = self.pid()
        for ending, patience in self.endings:
            if not pid or not alive(pid):
                return
            os.kill(pid, ending)
            wait_until(lambda: not alive(pid), patience)

    def spawn(self, command: list[str], account: Account) -> None:
        """Start it, detached from this terminal, and wait until it answers."""
        with self._open_log() as log:
            process = subprocess.Popen(  # noqa: S603 - binaries we chose
                command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd="/",
                env=CLEAN,
                start_new_session=True,  # Ctrl-C in the terminal is for the supervisor
                user=account.user,
                group=account.group,
                extra_groups=account.extra_groups,
            )
        _spawned.append(process)
        if not self._wait(process.pid, patience=60):
            raise CannotRun(f"{self.name} does not start. The end of {self.log} says:\n{self.last_words()}")

    def last_words(self, lines: int = 5) -> str:
        return "\n".join(f"  {line}" for line in self.log.read_text(errors="replace").splitlines()[-lines:])

    def _open_log(self) -> IO[bytes]:
        make_private(self.log.parent)
        keep = self.log.exists() and self.log.stat().st_size < LOG_KEPT
        return self.log.open("ab" if keep else "wb")

    def _wait(self, pid: int, *, patience: float) -> bool:
        """Until it is ready. A server that says it is starting (it replays its log) is given all the time it takes."""
        silent_since = time.monotonic()
        while alive(pid):
            answer = self.answer()
            if answer == "ready":
                return True
            if answer == "starting":
                silent_since = time.monotonic()
            if time.monotonic() - silent_since > patience:
                return False
            time.sleep(0.05)
        return False


def alive(pid: int) -> bool:
    """Whether the process runs. A child of ours that has ended is reaped on the way; a zombie counts as ended."""
    with suppress(ChildProcessError):
        os.waitpid(pid, os.WNOHANG)
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False


def wait_until(done: Callable[[], bool], patience: float) -> bool:
    """Whether it became true within so many seconds."""
    end = time.monotonic() + patience
    while not done():
        if time.monotonic() > end:
            return False
        time.sleep(0.05)
    return True


def in_wheel(package: str, folder: str) -> list[Path]:
    found = find_spec(package)
    return [Path(place) / folder for place in (found.submodule_search_locations or [])] if found else []


def first_with(program: str, folders: list[Path], *, setting: str) -> Path:
    """The first of the folders that holds the program."""
    for folder in folders:
        if os.access(folder / program, os.X_OK):
            return folder
    looked = ", ".join(str(folder) for folder in folders)
    raise CannotRun(f"There is no program {program} in {looked}. Set {setting} to the folder that has it.")


def _command_line(pid: int) -> bytes:
    with suppress(OSError):
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    return b""
