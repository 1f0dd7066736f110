"""`bin/manage measure_wave --customers 100000`: a wave to so many, drawn, planned and handed to a mailer."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from random import Random
from typing import Any
from uuid import uuid4

from django.core.management.base import CommandError, CommandParser
from django.db import transaction
from django.test.utils import override_settings
from django.utils import timezone

from config.filling import FIRST, LAST
from crm import copying
from crm.measuring import Laps, MeasuringCommand
from crm.models import Customer, Identity, IdentityLink, User
from crm.models.staff import LEADING_ROLES
from surveys import building, inviting, planning, rehearsing, waves
from surveys.models import Invitation, Wave
from surveys.wire import Wire

CHUNK = 10_000
TIERS, COUNTRIES = ("standard", "standard", "valued", "key"), "GB DE FR ES IT NL PL SE US JP".split()
CUSTOMER, IDENTITY = "id name tier country created_at known_at", "id kind value handle matched_at"
LINK = "identity_id customer_id state method"


class Command(MeasuringCommand):
    help = "Measure a wave to so many customers of its own. All of it is rolled back; no mail leaves."

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("--customers", type=int, default=10_000)
        parser.add_argument("--send", type=int, default=500, help="of how many the handing over is measured")

    def handle(self, *args: Any, **options: Any) -> None:
        by = User.objects.filter(role__in=LEADING_ROLES, is_active=True).order_by("pk").first()
        if by is None:
            raise CommandError("Nobody here leads; a wave needs somebody who answers for it.")
        self.laps = Laps()
        with transaction.atomic(), override_settings(**_mail_to_nowhere()):
            self._measure(by, options["customers"], options["send"])
            transaction.set_rollback(True)

    def _measure(self, by: User, customers: int, send: int) -> None:
        source = uuid4().hex[:8]
        self.laps.lap("writing the customers", lambda: fill(customers, source))
        wave = _draft(by, source)
        self.laps.lap("dry run", lambda: rehearsing.dry_run(Wave.objects.get(pk=wave.pk)))
        self.laps.lap("drawing", lambda: waves.start(wave=wave, by=by))
        self.laps.lap("planning", lambda: planning.plan(wave.pk, seconds=float("inf")))
        invited = wave.invitations.count()
        self.laps.lap("handing over", lambda: _send(wave, send))
        left = wave.invitations.left().count()
        self._report(customers, invited, left)

    def _report(self, customers: int, invited: int, left: int) -> None:
        rows = self.laps.rows()
        rate = left / self.laps.taken["handing over"][0] if left else 0
        rows += [("invited", f"{invited:,}", "", ""), ("handed over a second", f"{rate:.0f}", "", "")]
        rows.append(("peak of the whole process", "", "", f"{self.laps.peak():.0f} MB"))
        figures = {"customers": customers, "invited": invited, "sent": left, "sent_per_second": round(rate)}
        for step in ("drawing", "planning"):
            took, n, rose = self.laps.taken[step]
            figures |= {f"{step}_seconds": round(took, 1), f"{step}_queries": n, f"{step}_megabytes": round(rose)}  # type: ignore[dict-item]
        self.report(f"A wave to {customers:,} customers", rows, figures)


def _mail_to_nowhere() -> dict[str, Any]:
    return {"EMAIL_BACKEND": "django.core.mail.backends.dummy.EmailBackend"}


def fill(count: int, source: str) -> None:
    """Customers with an address each, in thirty strata."""
    chance, now = Random(7), timezone.now()
    for start in range(0, count, CHUNK):
        size = min(CHUNK, count - start)
        people, mails = copying.reserve(Customer, size), copying.reserve(Identity, size)
        copying.write(Customer, CUSTOMER, _people(chance, people, size))
        addresses = (f"person.{people + n}@{source}.example" for n in range(size))
        copying.write(Identity, IDENTITY, ((mails + n, "email", mail, mail, now) for n, mail in enumerate(addresses)))
        copying.write(IdentityLink, LINK, ((mails + n, people + n, "confirmed", "import") for n in range(size)))
    copying.settle()


def _people(chance: Random, first: int, size: int) -> Iterator[tuple[Any, ...]]:
    now = timezone.now()
    for pk in range(first, first + size):
        name = f"{chance.choice(FIRST)} {chance.choice(LAST)}"
        yield pk, name, chance.choice(TIERS), chance.choice(COUNTRIES), now, now


def _draft(by: User, source: str) -> Wave:
    """Of everybody first seen today: those who were just written."""
    now = timezone.now()
    version = building.start(name=f"Measured {source}", kind="nps", by=by)
    return waves.draft(
        by=by, name=f"Measured {source}", version=version, audience=f"since={now.date()}", opens_at=now, share=100,
        closes_at=now + timedelta(days=21), next_on=now.date() + timedelta(days=182), rest_days=180,
    )  # fmt: skip


def _send(wave: Wave, count: int) -> None:
    due = Invitation.objects.filter(wave=wave).order_by("due_at", "id").values_list("pk", flat=True)[:count]
    wire = Wire()
    for read in inviting.in_groups(list(due)):
        inviting.send(read.pk, wire, read)
    wire.close()
