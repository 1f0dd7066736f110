"""A run of all tests tells how far it is, and ends where it would stand still."""

import subprocess
import sys
import time

from config import testing_watch
from config.places import ROOT

TESTS = """
import threading

def test_quick():
    pass

def test_that_hangs_where_no_signal_reaches_it():
    threading.Event().wait()
"""
IMPATIENT = "from config import testing_watch; testing_watch.TELLS_EVERY, testing_watch.STUCK = 0.2, 0.5"


def test_a_test_is_late_once_it_takes_far_too_long():
    watch = testing_watch.Watch()
    watch.pytest_runtest_logstart("tests/a.py::test_a")
    watch.pytest_runtest_logstart("tests/b.py::test_b")
    watch.pytest_runtest_logfinish("tests/b.py::test_b")
    now = time.monotonic()
    assert watch.late(now) == {}
    assert list(watch.late(now + testing_watch.STUCK + 1)) == ["tests/a.py::test_a"]
    assert watch.done == 1


def test_a_run_that_stands_still_ends_and_says_at_which_test(tmp_path):
    (tmp_path / "test_still.py").write_text(TESTS)
    asked = ["-n", "2", "-p", "config.testing_watch", "-p", "no:cacheprovider", "-p", "no:django", "-c", "/dev/null"]
    code = f"{IMPATIENT}; import pytest; pytest.main({[*asked, str(tmp_path)]})"
    run = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert run.returncode == 1
    assert "test_that_hangs_where_no_signal_reaches_it" in run.stdout.splitlines()[-1]
    assert "1 tests done" in run.stdout
