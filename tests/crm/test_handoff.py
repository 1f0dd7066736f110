"""The seam between a change and its job: a nudge after the commit, one at a time, never worth a failure."""

import pytest
from django.db import transaction
from django.test import override_settings
from rq import Queue

from crm import handoff
from crm.handoff import wire
from crm.models import Team
from tests import factories
from tests.channels_app.own_wire import own_wire

enqueue = handoff._enqueue  # as it is, before the tests' own stands in for it
JOB = "channels_app.jobs.drain"


@pytest.fixture(autouse=True)
def _really(nudges, monkeypatch):
    """Nudges go to a Redis, one of the test's own."""
    monkeypatch.setattr(handoff, "_enqueue", enqueue)
    with own_wire():
        yield


def waiting(queue="now"):
    return [(job.func_name, *job.args) for job in Queue(queue, connection=wire()).jobs]


@pytest.fixture
def nudge(db, django_capture_on_commit_callbacks):
    """`nudge(JOB, 1)` nudges, in a transaction that has committed."""

    def nudge(*args, **more):
        with django_capture_on_commit_callbacks(execute=True):
            handoff.nudge(*args, **more)

    return nudge


@pytest.mark.django_db(transaction=True)
def test_a_job_is_nudged_only_once_the_change_has_committed():
    with transaction.atomic():
        handoff.nudge(JOB, 1)
        assert waiting() == []
    assert waiting() == [(JOB, 1)]


@pytest.mark.django_db(transaction=True)
def test_a_change_that_is_rolled_back_nudges_nobody():
    with transaction.atomic():
        handoff.nudge(JOB, 1)
        transaction.set_rollback(True)
    assert waiting() == []


def test_nudges_for_the_same_work_are_one_job(nudge):
    for _ in range(5):
        nudge(JOB, 1)
    nudge(JOB, 2)
    nudge("channels_app.jobs.poll", 1)
    assert waiting() == [(JOB, 1), (JOB, 2), ("channels_app.jobs.poll", 1)]


def test_what_comes_while_a_worker_is_at_it_is_nudged_again(nudge):
    """The worker may have looked before the change was there."""
    nudge(JOB, 1)
    Queue.dequeue_any([Queue("now", connection=wire())], timeout=None, connection=wire())
    nudge(JOB, 1)
    assert waiting() == [(JOB, 1)]


def test_a_wire_that_has_forgotten_everything_is_nudged_as_before(nudge):
    nudge(JOB, 1)
    wire().flushdb()
    nudge(JOB, 1)
    assert waiting() == [(JOB, 1)]


def test_a_job_can_wait_in_another_line(nudge):
    nudge(JOB, 1, queue="default")
    assert (waiting(), waiting("default")) == ([], [(JOB, 1)])


@pytest.mark.django_db(transaction=True)
def test_a_dead_redis_costs_the_nudge_and_not_the_change(tmp_path):
    with override_settings(REDIS_URL=f"unix://{tmp_path}/nobody-listens.sock"):
        wire.cache_clear()
        with transaction.atomic():
            factories.TeamFactory(name="Travel care")
            handoff.nudge(JOB, 1)
    wire.cache_clear()
    assert Team.objects.get().name == "Travel care"
    assert waiting() == []


def test_the_next_step_up_is_named_in_the_settings(settings, nudge, django_capture_on_commit_callbacks):
    settings.HANDOFFS = {"message_ready": "somewhere.jobs.next_step"}
    with django_capture_on_commit_callbacks(execute=True):
        handoff.pass_on("message_ready", 7)
    assert waiting() == [("somewhere.jobs.next_step", 7)]


def test_who_cannot_wait_carries_the_step_on_here_and_now(settings):
    settings.HANDOFFS = {"message_ready": "tests.crm.test_handoff.note_down"}
    handoff.carry_on("message_ready", 7)
    assert done == [7]
    assert waiting() == []


done: list[int] = []


def note_down(pk: int) -> None:
    done.append(pk)
