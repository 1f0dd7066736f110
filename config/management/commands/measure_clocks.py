"""Reckons promise clocks twice, by crm.hours and by counting off the wall clock, and says how often both agree."""

import random
import time
from typing import Any

from django.core.management.base import CommandError, CommandParser

from config.measuring_clocks import disagreement, random_case
from crm.measuring import MeasuringCommand


class Command(MeasuringCommand):
    help = "Random calendars, zones, holidays and starts near changes of the clocks: how many agree to the second."
    needs_tables = False

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("--cases", type=int, default=10_000)
        parser.add_argument("--seed", type=int, default=27)

    def handle(self, *args: Any, cases: int, seed: int, **options: Any) -> None:
        chance, begun = random.Random(seed), time.perf_counter()
        wrong = [told for _ in range(cases) if (told := disagreement(random_case(chance)))]
        took, agree = time.perf_counter() - begun, cases - len(wrong)
        for told in wrong[:5]:
            self.stderr.write(told)
        rows = [("Working time", "Value"), ("Cases", f"{cases:,}"), ("Agree to the second", f"{agree:,}")]
        self.report("Clocks", [*rows, ("Seconds", f"{took:.1f}")], {"cases": cases, "agree": agree, "seed": seed})
        if wrong:
            raise CommandError(f"{len(wrong)} of {cases} disagree.")
