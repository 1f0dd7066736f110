"""`bin/manage train [--dry-run]`: fit a model on what people put right, and put it in use if it is better."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from rich.console import Console
from rich.table import Table

from channels_app.learning import training, trials
from channels_app.models import FittedModel, Training
from crm.errors import Refused


class Command(BaseCommand):
    help = "Fit a model on what people put right, weigh it against the one in use, and put it in use if it is better."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--dry-run", action="store_true", help="fit and weigh it; keep nothing, change nothing")
        parser.add_argument("--keep-the-one-in-use", action="store_true", help="keep it, and let somebody decide")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            with Console(stderr=True).status("Fitting …") as status:
                if options["dry_run"]:
                    trial = trials.fit("dry-run", told=lambda step: status.update(f"{Training.Step(step).label} …"))
                    version, report = "The model", trial.report
                else:
                    made = training.train(put_live=not options["keep_the_one_in_use"])
                    version, report = made.version, made.report
        except Refused as refusal:
            raise CommandError(str(refusal)) from refusal
        self._show(version, report)
        self.stdout.write(self._outcome(version, report, options["dry_run"]))

    def _show(self, version: str, report: dict[str, Any]) -> None:
        table = Table(title=f"On {report['held_back']:,} examples held back of {report['examples']:,}")
        for heading in ("", "examples", "right, in use", "right, this", "macro F1, in use", "macro F1, this"):
            table.add_column(heading, justify="right" if heading else "left")
        for aspect, this in report["this"].items():
            used = report["in_use"][aspect]
            table.add_row(
                aspect, f"{this['n']:,}", f"{used['accuracy']:.1%}", f"{this['accuracy']:.1%}",
                f"{used['macro_f1']:.3f}", f"{this['macro_f1']:.3f}",
            )  # fmt: skip
        console = Console(width=100)
        with console.capture() as drawn:
            console.print(table)
        self.stdout.write(drawn.get())

    def _outcome(self, version: str, report: dict[str, Any], dry: bool) -> str:
        said = f"{version}: {str(trials.VERDICTS[report['verdict']]).lower()} ({report['in_use_version']})."
        if dry:
            return f"{said} Nothing was kept."
        live = FittedModel.objects.without_body().live()
        in_use = live is not None and live.version == version
        return f"{said} It is in use now." if in_use else f"{said} The one in use stays; this one is kept."
