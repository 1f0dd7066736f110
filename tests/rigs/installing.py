"""bin/rigs: puts there what the rigs need, each in its own time. What is there already costs a moment."""

import os
import sys
import time

import django

from tests.rigs.registry import RIGS, NoSuchRig, checked, load

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")


def main(arguments: list[str]) -> int:
    from tests.rigs.rig import CannotInstall

    try:
        names = checked(",".join(arguments).split(",")) or list(RIGS)
    except NoSuchRig as sentence:
        print(sentence, file=sys.stderr)
        return 2
    django.setup()  # a rig knows its platform, and that speaks through what knows the models
    failed = 0
    for name in names:
        begun = time.monotonic()
        try:
            load(name).install()
        except CannotInstall as sentence:
            failed = 1
            print(f"{name:<12} cannot be put there: {sentence}", file=sys.stderr, flush=True)
        else:
            print(f"{name:<12} is there  {time.monotonic() - begun:.1f} s", flush=True)
    return failed


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
