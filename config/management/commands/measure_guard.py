"""How well the stock-reply guard tells copied replies from others."""

from typing import Any

from django.core.management.base import CommandParser

from cases.models import DeskSettings
from cases.wording.measuring import measure
from crm.measuring import MeasuringCommand


class Command(MeasuringCommand):
    help = "Make up replies, copy them with some words replaced, and count which of the copies the guard finds."
    needs_tables = False

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        default = DeskSettings._meta.get_field("guard_likeness").default
        parser.add_argument("--replies", type=int, default=300, help="for each number of replaced words")
        parser.add_argument("--words", type=int, default=40, help="in each reply")
        parser.add_argument("--likeness", type=int, default=default, help="percent from which one counts as a copy")

    def handle(self, *args: Any, **options: Any) -> None:
        threshold = options["likeness"] / 100
        found = list(measure(n=options["replies"], words=options["words"], threshold=threshold))
        rows = [["words replaced", "likeness", "candidates", "stopped"]]
        rows += [
            [str(one.replaced), f"{one.likeness:.2f}", f"{one.candidates / one.n:.1%}", f"{one.stopped / one.n:.1%}"]
            for one in found
        ]
        *copies, others = found
        near = [one for one in copies if one.likeness >= threshold]
        figures = {
            "recall": round(sum(one.stopped for one in near) / max(1, sum(one.n for one in near)), 4),
            "others_compared": round(others.candidates / others.n, 4),
            "others_stopped": round(others.stopped / others.n, 4),
        }
        self.report(f"Replies of {options['words']} words, stopped from {threshold:.0%}", rows, figures)
