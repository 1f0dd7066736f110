"""`manage.py simulate`: run the simulated network in the foreground until it is told to stop."""

from __future__ import annotations

import signal
import threading
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from channels_app.simulation.server import Simulator, SocketTakenError
from channels_app.simulation.store import Store
from channels_app.simulation.world import World


class Command(BaseCommand):
    help = "Run a little network of Skylark's customers, who post, answer replies, get angry and say thanks."
    requires_system_checks: list[str] = []  # it needs neither the database nor the pages

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--seed", type=int, default=7, help="the same seed gives the same people the same days")
        parser.add_argument("--every", type=float, default=8.0, help="seconds between two things that happen")
        parser.add_argument("--socket", type=Path, help="where to listen (default: simulator.sock with the others)")
        parser.add_argument(
            "--store", type=Path, help="where to remember (default: simulator.sqlite3 in the state folder)"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        socket_path = options["socket"] or Path(settings.HARK_SOCKET_DIR) / "simulator.sock"
        store = Store(options["store"] or Path(settings.HARK_STATE_DIR) / "simulator.sqlite3")
        try:
            simulator = Simulator(World(options["seed"], store), socket_path, options["every"])
        except SocketTakenError as error:
            raise CommandError(str(error)) from error
        _stop_on_signals(simulator)
        simulator.start()
        self.stdout.write(f"The simulated network listens on {socket_path} (seed {options['seed']}).")
        self.stdout.flush()
        simulator.wait()
        store.close()


def _stop_on_signals(simulator: Simulator) -> None:
    """Stop from another thread: the handler runs in the one that waits."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: threading.Thread(target=simulator.stop).start())
