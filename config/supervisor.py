"""Keeps processes running in the foreground: starts, prefixes their output, restarts what ends, stops all together."""

import ctypes
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

GRACE = 10.0  # seconds between the polite signal and the other one
STEADY = 20.0  # a process that ran this long is well again: its next restart does not wait
LONGEST_WAIT = 30.0
LOOK_EVERY = 3.0
PR_SET_PDEATHSIG = 1

_libc = ctypes.CDLL(None)
_printing = threading.Lock()


@dataclass(frozen=True)
class Program:
    """What to run: a name for its lines, a command, what to add to the environment, files to hand over."""

    name: str
    command: Sequence[str]
    environment: Mapping[str, str] = field(default_factory=dict)
    pass_fds: tuple[int, ...] = ()


class Kept:
    """One program kept running. The wait before a restart doubles while it keeps ending young."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self.process: subprocess.Popen[str] | None = None
        self.due = 0.0
        self.wait = 0.0

    def tend(self, now: float, look_after: Callable[[], object]) -> None:
        """Notice an end; start when it is time."""
        if self.process and self.process.poll() is not None:
            self._ended(now, self.process.returncode)
        if not self.process and now >= self.due:
            look_after()
            self._start(now)

    def send(self, number: signal.Signals) -> None:
        """To the whole group: whatever the program started itself ends with it."""
        if self.process and self.process.poll() is None:
            with suppress(ProcessLookupError):
                os.killpg(self.process.pid, number)

    def running(self) -> bool:
        return self.process is not None and self.process.poll() is None

    def _start(self, now: float) -> None:
        self.started = now
        self.process = subprocess.Popen(  # noqa: S603 - our own programs
            self.program.command,
            env={**os.environ, "PYTHONUNBUFFERED": "1", **self.program.environment},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            process_group=0,  # Ctrl-C reaches only us, and we end them in order
            preexec_fn=_end_with_parent,  # one system call; nothing is imported after the fork
            pass_fds=self.program.pass_fds,
        )
        threading.Thread(target=_copy_lines, args=(self.program.name, self.process), daemon=True).start()

    def _ended(self, now: float, code: int) -> None:
        self.process = None
        # Grown old means well: a worker that has done its share of jobs ends with 0 and is simply replaced.
        self.wait = min(max(1.0, self.wait * 2), LONGEST_WAIT) if now - self.started < STEADY else 0.0
        self.due = now + self.wait
        say(self.program.name, f"{_ending(code)}; starts again {f'in {self.wait:.0f} s' if self.wait else 'now'}")


class Supervisor:
    """Runs the programs until it is told to stop.

    `look_after` sees to what the programs need. It is called before each start of one, and every few seconds: programs
    outlive a database that dies, and then nobody would bring it back.
    """

    def __init__(self, programs: Sequence[Program], *, look_after: Callable[[], object] = lambda: None) -> None:
        self.kept = [Kept(program) for program in programs]
        self.look_after = look_after
        self.look_again = 0.0
        self.stopping = threading.Event()
        self.impatient = threading.Event()

    def run(self) -> None:
        """Until SIGINT, SIGTERM or SIGHUP; a second signal ends the programs without waiting for them."""
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, self._told_to_stop)
        try:
            while not self.stopping.wait(0.1):
                self._tend()
        finally:
            self._stop()

    def _tend(self) -> None:
        if time.monotonic() >= self.look_again:
            self.look_after()
            self.look_again = time.monotonic() + LOOK_EVERY
        for kept in self.kept:
            if not self.stopping.is_set():
                kept.tend(time.monotonic(), self.look_after)

    def _told_to_stop(self, number: int, frame: object) -> None:
        (self.impatient if self.stopping.is_set() else self.stopping).set()

    def _stop(self) -> None:
        with _printing, suppress(OSError):
            print("Stopping …", flush=True)
        for kept in self.kept:
            kept.send(signal.SIGTERM)
        end = time.monotonic() + GRACE
        while any(kept.running() for kept in self.kept) and time.monotonic() < end and not self.impatient.is_set():
            time.sleep(0.05)
        for kept in self.kept:
            kept.send(signal.SIGKILL)
            if kept.process:
                kept.process.wait()


def say(name: str, line: str) -> None:
    """One line with its speaker. Output that nobody reads any more is no reason to stop."""
    with _printing, suppress(OSError):
        print(f"{name:<9} | {line}", file=sys.stdout, flush=True)


def _copy_lines(name: str, process: subprocess.Popen[str]) -> None:
    with suppress(ValueError):  # closed under us at the end
        for line in process.stdout or ():
            say(name, line.rstrip())


def _end_with_parent() -> None:
    """In the child: the kernel kills it when we are gone, even after kill -9."""
    _libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def _ending(code: int) -> str:
    return f"was ended by {signal.Signals(-code).name}" if code < 0 else f"ended with {code}"
