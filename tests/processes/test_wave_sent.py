"""A whole wave on its way to a real mail server, with its senders killed: nobody gets two, and nobody is forgotten.

    HARK_WAVE_PEOPLE=100000 bin/test tests/processes/test_wave_sent.py -s

runs it for so many, and says how long each step took.
"""

from __future__ import annotations

import os
import time
from collections import Counter
from collections.abc import Iterator
from datetime import timedelta

import pytest
from django.utils import timezone

from config.management.commands.measure_wave import fill
from crm.models import Identity
from surveys import building, waves
from surveys.models import Invitation, Wave
from tests import factories
from tests.processes.mail_server import Servers, Tally
from tests.processes.stack import Stack

pytestmark = pytest.mark.processes

PEOPLE = int(os.environ.get("HARK_WAVE_PEOPLE", "200"))
KILLS = (0.2, 0.5, 0.8) if PEOPLE > 1_000 else (0.5,)  # of those who are asked: so many have it when the senders die
PATIENCE = 120 + PEOPLE / 20  # seconds
DAY = timedelta(days=1)
State = Invitation.State


@pytest.fixture
def servers(tmp_path) -> Iterator[Servers]:
    with Servers(tmp_path, Tally).running() as servers:
        yield servers


@pytest.fixture
def stack(prepared, servers, django_db_blocker) -> Iterator[Stack]:
    with django_db_blocker.unblock(), Stack(prepared, servers.environment) as stack:
        yield stack


@pytest.fixture
def wave(stack: Stack) -> Wave:
    """A draft for everybody, all of whom are drawn."""
    fill(PEOPLE, "wave")
    lead, opens = factories.UserFactory(role="lead"), timezone.now()
    version = building.start(name="How are we doing?", kind="nps", by=lead)
    return waves.draft(
        by=lead, name="Spring", version=version, opens_at=opens, closes_at=opens + 21 * DAY, share=100,
        next_on=(opens + 182 * DAY).date(), rest_days=90,
    )  # fmt: skip


def test_a_wave_whose_senders_are_killed_gives_nobody_two(stack: Stack, servers: Servers, wave: Wave):
    begun = time.monotonic()
    stack.start("worker", "worker-2", "cron")
    waves.start(wave=wave, by=wave.made_by)
    stack.wait_until("it is planned", lambda: Wave.objects.get(pk=wave.pk).planned_at, within=PATIENCE)
    planned = time.monotonic()
    for part in KILLS:
        stack.wait_until(
            f"{part:.0%} have it", lambda part=part: len(servers.tallied()) >= part * PEOPLE, within=PATIENCE
        )
        for sender in ("worker", "worker-2"):
            stack.kill9(sender)
        assert wave.invitations.filter(state=State.PLANNED).exists()
        stack.restart("worker", "worker-2")
    on_their_way = wave.invitations.filter(state__in=[State.PLANNED, State.SENDING])
    stack.wait_until("nobody waits any more", lambda: not on_their_way.exists(), within=PATIENCE)
    sent = time.monotonic()

    states = Counter(wave.invitations.values_list("state", flat=True))
    print(
        f"\n{PEOPLE:,} customers: planned in {planned - begun:.0f} s; handed over in {sent - planned:.0f} s, "
        f"{PEOPLE / (sent - planned):.0f} a second, with {len(KILLS)} kills of two senders; {dict(states)}"
    )
    assert set(states) <= {State.SENT, State.DOUBT}
    assert states.total() == PEOPLE
    assert states[State.DOUBT] <= 2 * len(KILLS)
    arrived = Counter(servers.tallied())
    assert max(arrived.values()) == 1
    assert set(addresses_of(wave, State.SENT)) <= set(arrived) <= set(addresses_of(wave, State.SENT, State.DOUBT))


def addresses_of(wave: Wave, *states: str) -> list[str]:
    boxes = Identity.objects.filter(pk__in=wave.invitations.filter(state__in=states).values("identity"))
    return list(boxes.values_list("value", flat=True))
