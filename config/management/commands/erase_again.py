"""`bin/manage erase_again`: after a backup was restored, erases those who had been erased since it was made."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from crm.errors import Refused
from crm.models import User
from crm.models.staff import Role
from crm.privacy import receipts, working


class Command(BaseCommand):
    help = "Erase again whom a restored backup has brought back, by the receipts in the files folder."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--dry-run", action="store_true", help="only say whom it would be")

    def handle(self, *args: Any, dry_run: bool, **options: Any) -> None:
        admin = User.objects.filter(role=Role.ADMIN, is_active=True).order_by("pk").first()
        back = list(receipts.back())
        for one in back:
            self.stdout.write(f"customer {one.customer.pk}: {self._said(one, admin, dry_run)}")
        if not back:
            self.stdout.write("Nobody who was erased is back.")

    def _said(self, one: receipts.Back, admin: User | None, dry_run: bool) -> str:
        if dry_run:
            return "is back"
        if one.by is None and admin is None:
            raise CommandError("Nobody could have asked for it: make an administrator first.")
        try:
            request = working.erase_again(one, by=one.by or admin)  # type: ignore[arg-type]
        except Refused as refusal:
            return str(refusal)
        return request.trouble or "erased again"
