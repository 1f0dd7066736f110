"""`bin/manage demo`: load the demo once. `--logins` only says how to sign in."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand

from config import demo
from crm.models.staff import Role


class Command(BaseCommand):
    help = (
        "Load the demo: a fictional brand's team, rules, causes and two weeks of posts. Does nothing when it is there."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--logins", action="store_true", help="only print the demo logins")

    def handle(self, *args: Any, **options: Any) -> None:
        if not options["logins"]:
            loaded = demo.load(lambda step: self.stdout.write(f"Demo: {step} …"))
            self.stdout.write("Demo: ready." if loaded else "Demo: it is there already.")
        for name, password, role in demo.LOGINS:
            self.stdout.write(f"{Role(role).label:<22} {name:<10} {password}")
