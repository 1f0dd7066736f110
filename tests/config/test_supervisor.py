"""The supervisor with small programs of its own: kept running, labelled, ended together."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from config import supervisor
from config.local_servers import alive, wait_until
from config.places import ROOT
from config.supervisor import Kept, Program

processes = pytest.mark.processes
SUPERVISE = """
import sys
from config.supervisor import Program, Supervisor
programs = [Program(name, [sys.executable, "-c", code]) for name, code in zip(sys.argv[1::2], sys.argv[2::2])]
Supervisor(programs).run()
print("all stopped")
"""
TELL_PID = "import os, time; print('pid', os.getpid()); time.sleep(600)"
STUBBORN = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); " + TELL_PID


def supervise(**programs: str) -> subprocess.Popen[str]:
    arguments = [part for pair in programs.items() for part in pair]
    command = [sys.executable, "-c", SUPERVISE, *arguments]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)


def pids(running: subprocess.Popen[str], count: int) -> list[int]:
    """The numbers its programs tell, as many as asked for."""
    assert running.stdout
    found: list[int] = []
    while len(found) < count:
        line = running.stdout.readline()
        assert line, "it stopped too early"
        if "| pid " in line:
            found.append(int(line.rsplit(" ", 1)[1]))
    return found


@processes
def test_each_line_names_the_process_that_said_it() -> None:
    running = supervise(one=f"print('häl\\u26a1lo'); {TELL_PID}", two=TELL_PID)
    assert running.stdout
    lines = {running.stdout.readline().strip() for _ in range(3)}
    assert "one       | häl⚡lo" in lines
    assert any(line.startswith("two       | pid ") for line in lines)
    running.terminate()
    running.wait()


@processes
def test_what_dies_is_started_again() -> None:
    running = supervise(web=TELL_PID)
    (first,) = pids(running, 1)
    os.kill(first, signal.SIGKILL)
    assert running.stdout
    assert running.stdout.readline().strip() == "web       | was ended by SIGKILL; starts again in 1 s"
    (second,) = pids(running, 1)
    assert second != first
    running.terminate()
    running.wait()


@processes
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_one_signal_stops_all_cleanly(number: signal.Signals) -> None:
    running = supervise(one=TELL_PID, two=TELL_PID)
    children = pids(running, 2)
    running.send_signal(number)
    assert running.communicate()[0].endswith("all stopped\n")
    assert running.returncode == 0
    assert not any(alive(pid) for pid in children)


@processes
def test_a_second_signal_does_not_wait_for_the_stubborn() -> None:
    running = supervise(one=STUBBORN)
    (child,) = pids(running, 1)
    begun = time.monotonic()
    running.send_signal(signal.SIGINT)
    time.sleep(0.3)
    running.send_signal(signal.SIGINT)
    running.communicate()
    assert time.monotonic() - begun < supervisor.GRACE
    assert not alive(child)


@processes
def test_the_stubborn_are_killed_after_the_grace(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(supervisor, "GRACE", 0.2)
    keeper = supervisor.Supervisor([Program("one", [sys.executable, "-c", STUBBORN])])
    keeper._tend()
    process = keeper.kept[0].process
    assert process
    keeper._stop()
    assert process.returncode in (-signal.SIGKILL, -signal.SIGTERM)  # TERM if it came before the program ignored it


@processes
def test_what_a_program_started_itself_ends_with_it() -> None:
    nested = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {TELL_PID!r}])"
    running = supervise(one=nested)
    (grandchild,) = pids(running, 1)
    running.terminate()
    running.communicate()
    assert wait_until(lambda: not alive(grandchild), 10)


@processes
def test_kill_9_of_the_supervisor_takes_its_programs_along() -> None:
    running = supervise(one=STUBBORN, two=TELL_PID)
    children = pids(running, 2)
    running.kill()
    running.wait()
    assert wait_until(lambda: not any(alive(pid) for pid in children), 10)


@processes
def test_output_nobody_reads_any_more_stops_nothing(tmp_path: Path) -> None:
    done = tmp_path / "done"
    code = (
        f"import pathlib\nfor n in range(20000): print('a line of some length', n)\npathlib.Path({str(done)!r}).touch()"
    )
    running = supervise(one=code)
    assert running.stdout
    running.stdout.close()
    assert wait_until(done.exists, 20)
    running.kill()
    running.wait()


@processes
def test_the_wait_doubles_while_a_program_ends_young_and_is_forgotten_once_it_lasts() -> None:
    kept, now, waits = Kept(Program("one", [sys.executable, "-c", "raise SystemExit(3)"])), 0.0, []
    for _ in range(7):
        _run_once(kept, now, lasting=1)
        waits.append(kept.wait)
        now = kept.due
    assert waits == [1, 2, 4, 8, 16, 30, 30]
    _run_once(kept, now, lasting=supervisor.STEADY + 1)
    assert kept.wait == 0


def _run_once(kept: Kept, now: float, *, lasting: float) -> None:
    kept.tend(now, lambda: None)
    assert kept.process
    kept.process.wait()
    kept._ended(now + lasting, 3)


@processes
def test_nothing_is_started_before_what_it_needs_was_seen_to() -> None:
    order: list[str] = []
    kept = Kept(Program("one", [sys.executable, "-c", ""]))
    kept.tend(0, lambda: order.append("servers" if kept.process is None else "too late"))
    assert order == ["servers"]  # and nothing after the start
    assert kept.process
    kept.process.wait()


@processes
def test_what_the_programs_need_is_looked_after_while_they_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(supervisor, "LOOK_EVERY", 0.01)
    looks: list[int] = []
    keeper = supervisor.Supervisor(
        [Program("one", [sys.executable, "-c", TELL_PID])], look_after=lambda: looks.append(1)
    )
    for _ in range(3):
        keeper._tend()
        time.sleep(0.02)
    keeper._stop()
    assert len(looks) == 4  # once more for the start
