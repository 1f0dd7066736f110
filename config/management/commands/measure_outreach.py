"""`bin/manage measure_outreach --responses 100000`: what so many answers are owed, who calls, and the pages of it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from random import Random
from typing import Any
from uuid import uuid4

from django.conf import settings
from django.core.management.base import CommandError, CommandParser
from django.db import connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext, override_settings
from django.urls import reverse
from django.utils import timezone

from config.management.commands.measure_wave import fill
from crm import copying
from crm.measuring import Laps, MeasuringCommand
from crm.models import Customer, User
from crm.models.staff import LEADING_ROLES, Role
from surveys import building, jobs
from surveys.models import Call, Caller, CallRule, FollowUp, Invitation, Loop, Response, Version, Wave
from surveys.outreach import assigning, follow_ups, loops, rules

CHUNK, CALLERS, A_WEEK = 10_000, 100, 300
INVITATION = "id number customer_id version_id wave_id due_at sent_at ended_at expires_at state"
RESPONSE = "id invitation_id score language started_at finished_at"


class Command(MeasuringCommand):
    help = "Measure what so many responses are owed, in batches, and the pages that list it. All of it is rolled back."

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("--responses", type=int, default=10_000)

    def handle(self, *args: Any, **options: Any) -> None:
        lead = User.objects.filter(role__in=LEADING_ROLES, is_active=True).order_by("pk").first()
        if lead is None:
            raise CommandError("Nobody here leads; calls need somebody who answers for them.")
        self.laps = Laps()
        with transaction.atomic(), override_settings(**_as_in_a_test()):
            self._measure(lead, options["responses"])
            transaction.set_rollback(True)

    def _measure(self, lead: User, count: int) -> None:
        source = uuid4().hex[:8]
        self.laps.lap("writing the responses", lambda: answer(count, source, lead))
        callers = _callers(source)
        if not CallRule.objects.exists():
            rules.defaults()
        before = Call.objects.count()
        self.laps.lap("owing, and giving to callers", follow_ups.owe_missed)
        connection.cursor().execute("ANALYZE")  # as the database does by itself, but not within a transaction
        self.laps.lap("owing once more: nothing left", follow_ups.owe_missed)
        self.laps.lap("giving from the pool", assigning.assign_pool)
        self.laps.lap("the sweep: consent, merges, requests", jobs.sweep_follow_ups)
        self.laps.lap("loops with nothing left to do", loops.settle)
        made = Call.objects.count() - before
        given = Call.objects.filter(owner__in=callers).count()
        self._report(count, made, given, pages(lead, callers[0]))

    def _report(self, count: int, made: int, given: int, asked: dict[str, tuple[int, float]]) -> None:
        batches = -(-count // follow_ups.BATCH)
        queries = self.laps.taken["owing, and giving to callers"][1]
        rows = self.laps.rows()
        rows += [
            ("calls made", f"{made:,}", "", ""),
            ("of them given to somebody", f"{given:,}", "", ""),
            ("follow-ups", f"{FollowUp.objects.count():,}", "", ""),
            (f"queries a batch of {follow_ups.BATCH:,}", "", f"{queries / batches:.1f}", ""),
        ]
        rows += [(page, f"{took:.2f}", str(n), "") for page, (n, took) in asked.items()]
        figures = {
            "responses": count, "calls": made, "given": given, "queries_per_batch": round(queries / batches, 1),
            "pages": {page: n for page, (n, _took) in asked.items()},
        }  # fmt: skip
        self.report(f"What {count:,} responses are owed", rows, figures)


def _as_in_a_test() -> dict[str, Any]:
    """Pages are asked for within this process, also where nobody has collected static files yet."""
    plain = {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}
    storages = settings.STORAGES | {"staticfiles": plain}
    return {"ALLOWED_HOSTS": ["testserver"], "SECURE_SSL_REDIRECT": False, "STORAGES": storages}


# --- who answers


def answer(count: int, source: str, by: User) -> None:
    """A wave of customers of its own, who all answered within the last week."""
    newest = Customer.objects.order_by("-pk").values_list("pk", flat=True).first() or 0
    fill(count, source)
    version, now = building.start(name=f"Measured {source}", kind="nps", by=by), timezone.now()
    wave = Wave.objects.create(
        name=f"Measured {source}", version=version, audience="", opens_at=now - timedelta(8), share=100, made_by=by,
        closes_at=now + timedelta(12), next_on=now.date() + timedelta(182), rest_days=180, state=Wave.State.RUNNING,
    )  # fmt: skip
    people = list(Customer.objects.filter(pk__gt=newest).order_by("pk").values_list("pk", flat=True))
    for start in range(0, count, CHUNK):
        some = people[start : start + CHUNK]
        invited, answered = copying.reserve(Invitation, len(some)), copying.reserve(Response, len(some))
        copying.write(Invitation, INVITATION, _invitations(some, invited, wave, version))
        copying.write(Response, RESPONSE, _responses(invited, answered, len(some)))
    copying.settle()


def _invitations(people: list[int], first: int, wave: Wave, version: Version) -> Iterator[tuple[Any, ...]]:
    sent, expires = wave.opens_at, wave.closes_at
    for n, customer in enumerate(people):
        yield first + n, uuid4(), customer, version.pk, wave.pk, sent, sent, timezone.now(), expires, "answered"


def _responses(invited: int, first: int, count: int) -> Iterator[tuple[Any, ...]]:
    chance, now = Random(5), timezone.now()
    for n in range(count):
        at = now - timedelta(hours=chance.random() * 160)
        yield first + n, invited + n, chance.choice((0, 3, 6, 7, 8, 9, 9, 10, 10)), "en", at, at


def _callers(source: str) -> list[User]:
    """Executives and agents who take on more than anybody does, so that they have long lists."""
    users = User.objects.bulk_create(
        [
            User(username=f"{source}-{n}", role=Role.EXECUTIVE if n % 2 else Role.AGENT, is_active=True)
            for n in range(CALLERS)
        ]
    )
    Caller.objects.bulk_create([Caller(user=user, per_week=A_WEEK) for user in users])
    return users


# --- what they see


def pages(lead: User, caller: User) -> dict[str, tuple[int, float]]:
    """Each page → its queries and the seconds it took in this process."""
    own = Call.objects.filter(owner=caller).order_by("pk").first()
    found = {
        "page: my calls": (caller, reverse("surveys:calls")),
        "page: everybody's calls": (lead, reverse("surveys:calls") + "?show=all"),
        "page: far down in them": (lead, _deep()),
        "page: loops": (lead, reverse("surveys:loops")),
        "page: requests": (lead, reverse("surveys:requests")),
        "page: improvements": (lead, reverse("surveys:improvements")),
        "page: leads": (lead, reverse("cases:leads")),
        "page: advocates": (lead, reverse("surveys:advocates")),
    }
    if own:
        found["page: a call"] = (caller, own.get_absolute_url())
        found["page: a loop"] = (lead, Loop.objects.get(pk=own.loop_id).get_absolute_url())
    return {page: _asked(user, path) for page, (user, path) in found.items()}


def _deep() -> str:
    calls = Call.objects.live().order_by("due_at", "pk")
    middle = calls[calls.count() // 2 : calls.count() // 2 + 1].get()
    return reverse("surveys:calls") + f"?show=all&after={middle.due_at.isoformat()}~{middle.pk}"


def _asked(user: User, path: str) -> tuple[int, float]:
    client = Client()
    client.force_login(user, settings.AUTHENTICATION_BACKENDS[0])
    client.get(path)
    timed = Laps()
    with CaptureQueriesContext(connection) as asked:
        timed.lap(path, lambda: _found(client, path))
    return len(asked), timed.taken[path][0]


def _found(client: Client, path: str) -> None:
    answered = client.get(path)
    if answered.status_code != 200:
        raise CommandError(f"{path} answered {answered.status_code}.")
