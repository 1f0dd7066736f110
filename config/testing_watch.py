"""As a pytest plugin of a whole run: how far it is and when, and an end to a run that stands still.

A process that hangs at the end of a run would otherwise keep it waiting for ever, without a word about where.
"""

from __future__ import annotations

import faulthandler
import os
import threading
import time
from typing import Any

TELLS_EVERY = 300.0  # seconds
STUCK = 1500.0  # seconds one test may be under way: pytest's own time limit ends it long before, where it can


class Watch:
    """Which tests are under way, since when, as the process that gives them out hears of it."""

    def __init__(self) -> None:
        self.begun, self.done = time.monotonic(), 0
        self.under_way: dict[str, float] = {}
        self.over = threading.Event()

    def pytest_runtest_logstart(self, nodeid: str) -> None:
        self.under_way[nodeid] = time.monotonic()

    def pytest_runtest_logfinish(self, nodeid: str) -> None:
        self.under_way.pop(nodeid, None)
        self.done += 1

    def pytest_sessionfinish(self) -> None:
        self.over.set()

    def run(self) -> None:
        while not self.over.wait(TELLS_EVERY):
            print(f"\n{time.monotonic() - self.begun:.0f} s: {self.done} tests done", flush=True)
            late = self.late(time.monotonic())
            for test, seconds in late.items():
                print(f"under way for {seconds:.0f} s, so the run ends here: {test}", flush=True)
            if late:
                faulthandler.dump_traceback()
                os._exit(1)

    def late(self, now: float) -> dict[str, float]:
        """The tests that are under way for too long, and for how many seconds."""
        return {test: now - since for test, since in self.under_way.copy().items() if now - since > STUCK}


def pytest_configure(config: Any) -> None:
    """Only where tests are given out to processes, and there only in the one that gives them out."""
    if config.getoption("numprocesses", None) and not hasattr(config, "workerinput"):
        watch = Watch()
        config.pluginmanager.register(watch, "watch")
        threading.Thread(target=watch.run, daemon=True).start()
