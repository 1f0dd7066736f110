"""What has to be right before the programs start, in one process: Django is loaded once for all of it.

    python -m config.prepare migrate static demo logins

Whatever the steps say goes to stderr; stdout carries only what `logins` prints.
"""

import hashlib
import os
import sys
from collections.abc import Callable
from contextlib import redirect_stdout
from pathlib import Path

import django
from django.conf import settings
from django.core.management import CommandError, call_command
from django.db import OperationalError, ProgrammingError

from config import checks
from config.places import ROOT


class NotReady(Exception):
    """A finished sentence."""


def may_start() -> None:
    for error in checks.sealing_key():
        raise NotReady(f"{error.msg} {error.hint}")


def migrate() -> None:
    try:
        call_command("migrate", interactive=False, verbosity=0)
    except OperationalError as error:
        raise NotReady(f"The database cannot be reached: {error}") from error
    except ProgrammingError as error:
        if "permission denied" not in str(error):
            raise
        raise NotReady(
            f"The database refuses a step ({str(error).strip()}). Let its owner grant the right, or make the "
            "extensions pg_trgm, unaccent, btree_gin and citext once by hand; then start again."
        ) from error


def migrated() -> None:
    """For one kind of process among several machines: one of them migrates, this one only looks."""
    try:
        call_command("migrate", check_unapplied=True, verbosity=0)
    except OperationalError as error:
        raise NotReady(f"The database cannot be reached: {error}") from error
    except SystemExit as error:
        raise NotReady("The database is not up to date. Run `bin/manage migrate` once, on one machine.") from error


def static() -> None:
    """Collect the static files, unless neither ours nor the packages' have changed."""
    mark, now = Path(settings.STATIC_ROOT) / ".collected", _fingerprint()
    if mark.exists() and mark.read_text() == now:
        return
    call_command("collectstatic", interactive=False, verbosity=0)
    mark.write_text(now)


def demo() -> None:
    from config import demo as example  # its models are there only after django.setup()

    example.load(lambda step: print(f"Demo: {step} …"))


def logins() -> None:
    call_command("demo", logins=True, stdout=sys.__stdout__)


def _fingerprint() -> str:
    seen = hashlib.sha256((ROOT / "requirements.txt").read_bytes())
    for path in sorted((ROOT / "static").rglob("*")):
        found = path.stat()
        seen.update(f"{path} {found.st_size} {found.st_mtime_ns}\n".encode())
    return seen.hexdigest()


STEPS: dict[str, Callable[[], None]] = {
    step.__name__: step for step in (migrate, migrated, static, demo, logins)
}  # fmt: skip


def main(steps: list[str]) -> int:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    with redirect_stdout(sys.stderr):
        try:
            django.setup()
            may_start()
            for step in steps:
                STEPS[step]()
        except (NotReady, CommandError) as sentence:
            print(f"\n{sentence}")
            return 1
        except KeyboardInterrupt:
            return 130
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
