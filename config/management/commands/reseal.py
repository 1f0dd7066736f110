"""bin/manage reseal: seal all secrets with the first of HARK_SEALING_KEY; the others only open."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from crm import resealing


class Command(BaseCommand):
    help = "Seal all secrets anew with the first of HARK_SEALING_KEY. Afterwards the others may be taken out of it."

    def handle(self, *args: Any, **options: Any) -> None:
        lost: list[str] = []
        for found in resealing.reseal():
            self.stdout.write(
                f"{found.kind}: {found.done} sealed anew, {found.already} already, {len(found.lost)} lost"
            )
            lost += [f"{found.kind}: {name}" for name in found.lost]
        if lost:
            raise CommandError(
                "No key opens these. Put the key they were sealed with into HARK_SEALING_KEY and run this again, or "
                "connect them anew:\n  " + "\n  ".join(lost)
            )
        self.stdout.write("All secrets are sealed with the first key.")
