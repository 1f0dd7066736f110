"""Kill -9 in the middle of planning a wave: afterwards each of its people is invited exactly once."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone

from config.management.commands.measure_wave import fill
from crm.models import Customer
from surveys import building, sampling, waves
from surveys.models import Invitation, Wave
from tests import factories
from tests.processes.stack import Stack

pytestmark = pytest.mark.processes

PEOPLE = 5 * sampling.CHUNK
DAY = timedelta(days=1)
LOCK = 7
STOP = """
    CREATE OR REPLACE FUNCTION stop_in_the_middle() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
        IF (SELECT count(*) FROM crm_customer WHERE id <= NEW.planned_to) > {customers} THEN
            PERFORM pg_advisory_xact_lock_shared({lock});
        END IF;
        RETURN NEW;
    END $$;
    CREATE OR REPLACE TRIGGER stop_in_the_middle BEFORE UPDATE OF planned_to ON surveys_wave
        FOR EACH ROW EXECUTE FUNCTION stop_in_the_middle();
"""


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


def stop_after(pieces: int) -> None:
    """So many pieces of the plan are committed; the next is written and then waits for our lock.

    The database stops it there, not a look at the right moment: on a busy machine that comes when all is planned.
    """
    with connection.cursor() as cursor:
        cursor.execute(STOP.format(customers=pieces * sampling.CHUNK, lock=LOCK))
        cursor.execute("SELECT pg_advisory_lock(%s)", [LOCK])


def let_go(stack: Stack) -> None:
    """Of whom we killed: only when it goes on does the database find that nobody is there any more."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_unlock(%s)", [LOCK])
    stack.wait_until("the database has given it up", lambda: not is_there())


def is_there() -> bool:
    """Somebody else has the lock or waits for it."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND objid = %s AND pid <> pg_backend_pid()"
            " AND database = (SELECT oid FROM pg_database WHERE datname = current_database())",
            [LOCK],
        )
        return cursor.fetchone() is not None


def test_a_plan_killed_again_and_again_invites_each_once(stack: Stack, wave: Wave):
    stack.start("cron")
    waves.start(wave=wave, by=wave.made_by)
    for pieces, bring in ((1, stack.start), (3, stack.restart)):
        stop_after(pieces)
        bring("worker")
        stack.wait_until("it is in the middle of the next piece", is_there)
        stack.kill9("worker")
        assert done(wave) == pieces * sampling.CHUNK
        assert not Invitation.objects.to_send(timezone.now() + 30 * DAY).exists()
        let_go(stack)
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
