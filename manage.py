"""Django's commands. The embedded servers run for as long as the command does, if they did not run before."""

import os
import signal
import sys

from config.places import CannotRun, state_folder

WITHOUT_SERVERS = {"help", "--help", "-h", "version", "--version", "collectstatic", "makemessages", "compilemessages"}


def main(arguments: list[str]) -> int:
    from django.core.management import execute_from_command_line

    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    if WITHOUT_SERVERS.intersection(arguments[1:2] or ["help"]):
        execute_from_command_line(arguments)
        return 0
    from config import embedded

    with embedded.using(state_folder()):
        execute_from_command_line(arguments)
    return 0


def _leave(number: int, frame: object) -> None:
    """SIGTERM as an exception: what the command holds is let go of in order."""
    raise SystemExit(128 + number)


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, _leave)
    try:
        sys.exit(main(sys.argv))
    except CannotRun as sentence:
        sys.exit(f"\n{sentence}")
    except KeyboardInterrupt:
        sys.exit(130)
