"""Kill -9 in the middle of planning a wave: afterwards each of its people is invited exactly once."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from config.management.commands.measure_wave import fill
from crm.models import Customer
from surveys import building, sampling, waves
from surveys.models import Invitation, Wave
from tests import factories
from tests.processes.stack import Stack

pytestmark = pytest.mark.processes

PEOPLE = 8 * sampling.CHUNK
DAY = timedelta(days=1)


@pytest.fixture
def wave(stack: Stack) -> Wave:
    """A draft for everybody, half of whom are drawn."""
    fill(PEOPLE, "kill")
    lead, opens = factories.UserFactory(role="lead"), timezone.now() + DAY
    version = building.start(name="How are we doing?", kind="nps", by=lead)
    return waves.draft(
        by=lead, name="Spring", version=version, opens_at=opens, closes_at=opens + 21 * DAY, share=50,
        next_on=(opens + 182 * DAY).date(), rest_days=90,
    )  # fmt: skip


def test_a_plan_killed_again_and_again_invites_each_once(stack: Stack, wave: Wave):
    stack.start("worker", "cron")
    waves.start(wave=wave, by=wave.made_by)
    for pieces in (1, 3):
        stack.wait_until(f"{pieces} pieces are planned", lambda pieces=pieces: done(wave) >= pieces * sampling.CHUNK)
        stack.kill9("worker")
        assert done(wave) < PEOPLE
        assert not Invitation.objects.to_send(timezone.now() + 30 * DAY).exists()
        stack.restart("worker")
    stack.wait_until("it is planned", lambda: Wave.objects.get(pk=wave.pk).planned_at)
    wave.refresh_from_db()
    drawn = sum(each["drawn"] for each in wave.strata.values())
    assert wave.invitations.count() == wave.invitations.values("customer").distinct().count() == drawn
    assert sum(wave.invitations.values_list("weight", flat=True)) == pytest.approx(PEOPLE)


def done(wave: Wave) -> int:
    """How many customers planning has looked at."""
    wave.refresh_from_db()
    return Customer.objects.filter(pk__lte=wave.planned_to).count()
