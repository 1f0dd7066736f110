"""A step of Hark's as a process of its own, which can be killed: `begin("deliver", 7)` runs jobs.deliver(7)."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from config.places import ROOT


@contextmanager
def begin(step: str, pk: int) -> Iterator[subprocess.Popen[bytes]]:
    """On the database of the test that runs, which must have committed what the step is about; ended in the end."""
    from django.conf import settings
    from django.db import connection

    from tests.processes import ground

    environment = {
        "DATABASE_URL": ground.database_url(connection.settings_dict["NAME"]), "SECRET_KEY": settings.SECRET_KEY,
        "HARK_SEALING_KEY": ",".join(settings.SEALING_KEYS), "HARK_ALLOW_LOOPBACK": "1", "OUTBOX_LEASE_SECONDS": "1",
    }  # fmt: skip
    command = [sys.executable, "-m", "tests.rigs.steps", step, str(pk)]
    with subprocess.Popen(command, env={**os.environ, **environment}, cwd=ROOT) as process:
        try:
            yield process
        finally:
            process.kill()


def main(step: str, pk: str) -> None:
    import django

    django.setup()
    from channels_app import jobs

    getattr(jobs, step)(int(pk))


if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    main(*sys.argv[1:])
