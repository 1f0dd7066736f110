"""`bin/manage measure_live --agents 500 --changes 20 --seconds 60`: from a commit to every open page."""

from __future__ import annotations

import asyncio
import json
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import CommandError, CommandParser

from config import measuring_live, serving
from config.measuring_live import Heard
from crm.measuring import MeasuringCommand
from crm.models import User

EVERY = 10  # seconds between two looks at the memory
LAST = 5  # seconds given to the last events


class Command(MeasuringCommand):
    help = (
        "Open the queue as many agents at once, change cases, and tell how long each change took to reach each of them."
        " For a database made for measuring: it adds people and teams, and gives them cases."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("--agents", type=int, default=500)
        parser.add_argument("--teams", type=int, default=10, help="each sees the changes of its own")
        parser.add_argument("--changes", type=float, default=20, help="a second")
        parser.add_argument("--seconds", type=int, default=60)
        parser.add_argument("--make", type=Path, help="make the changes alone, and tell this file when each was made")
        parser.add_argument("--cases", type=Path, help="a file that names their cases")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["make"]:
            cases = json.loads(options["cases"].read_text())
            measuring_live.make_changes(cases, options["changes"], options["make"])
            return
        wanted = int(options["changes"] * options["seconds"])
        users, cases = measuring_live.crowd(options["agents"], options["teams"], wanted)
        if len(cases) < wanted:
            raise CommandError(f"Only {len(cases)} cases are free; {wanted} are changed: run bin/manage fill first.")
        with tempfile.TemporaryDirectory() as folder, serving.served() as web:
            heard, moments, memory = asyncio.run(self._run(web, users, cases, options, Path(folder)))
        self._tell(heard, moments, memory, options)

    async def _run(
        self, web: serving.Served, users: list[User], cases: list[int], options: dict[str, Any], folder: Path
    ) -> tuple[list[Heard], dict[int, float], list[float]]:
        ready, done, named, made = asyncio.Event(), asyncio.Event(), folder / "cases", folder / "made"
        named.write_text(json.dumps(cases))
        clients = asyncio.create_task(measuring_live.listen(web.url, users, ready, done))
        await asyncio.wait({clients, asyncio.create_task(ready.wait())}, return_when=asyncio.FIRST_COMPLETED)
        command = [sys.executable, "manage.py", "measure_live", "--make", made, "--cases", named]
        changer = subprocess.Popen(  # noqa: S603 - our own command
            [*map(str, command), "--changes", str(options["changes"])], cwd=settings.BASE_DIR
        )
        memory = [measuring_live.memory(web.pid)]
        while changer.poll() is None:
            await asyncio.sleep(EVERY)
            memory.append(measuring_live.memory(web.pid))
        await asyncio.sleep(LAST)
        done.set()
        return await clients, {int(pk): at for pk, at in json.loads(made.read_text()).items()}, memory

    def _tell(
        self, heard: list[Heard], moments: dict[int, float], memory: list[float], options: dict[str, Any]
    ) -> None:
        ms = sorted((at - moments[case]) * 1000 for client in heard for case, at in client.at.items())
        expected = len(moments) * options["agents"] // options["teams"]
        figures = {
            "agents": options["agents"], "teams": options["teams"], "changes": len(moments), "events": len(ms),
            "expected": expected, "gaps": sum(client.gaps() for client in heard),
            "twice": sum(client.twice() for client in heard), "resyncs": sum(client.resyncs for client in heard),
            "p50_ms": round(statistics.median(ms), 1), "p95_ms": round(ms[int(0.95 * len(ms))], 1),
            "worst_ms": round(ms[-1], 1),
            "memory_mb": [round(each) for each in memory],
        }  # fmt: skip
        title = f"{options['agents']} agents, {options['changes']:g} changes a second: from commit to open page"
        self.report(title, [["figure", "value"], *figures.items()], figures)
        if figures["gaps"] or figures["resyncs"] or len(ms) != expected:
            raise CommandError("Some page did not hear of everything, or not in one piece.")
