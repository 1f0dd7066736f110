"""`bin/manage retention --dry-run`: what would go; without it, what goes."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from crm.models import RetentionRule
from crm.privacy import retention


class Command(BaseCommand):
    help = "Run the retention rules that are on, or only say what each would remove."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--dry-run", action="store_true", help="remove nothing, and look at the rules that are off too"
        )

    def handle(self, *args: Any, dry_run: bool, **options: Any) -> None:
        if dry_run:
            self._look()
            return
        done = retention.run(by=None)
        if done is None:
            raise CommandError("Another process is removing things just now. Try again when it is done.")
        for name, number in done.removed.items():
            self.stdout.write(f"{name:<20} {number:>10,} removed")
        if not done.removed:
            self.stdout.write("Nothing was due.")

    def _look(self) -> None:
        rules = {rule.kind: rule for rule in RetentionRule.objects.all()}
        days = {name: rules[name].days if name in rules else kind.days for name, kind in retention.KINDS.items()}
        seen = retention.look(days=days, by=None).removed
        for name, found in seen.items():
            state = "on" if name in rules and rules[name].enabled_at else "off"
            many = f"over {retention.COUNTED:,}" if found["count"] > retention.COUNTED else f"{found['count']:,}"
            self.stdout.write(f"{name:<20} {state:<4} {found['days']:>6} days {many:>14} would go")
