"""What goes wrong, with real processes: workers and servers that are killed, and two workers at once.

After each: nothing is lost, nothing is there twice, and the channel says what is going on.
"""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest
from django.db import connection
from django.utils import timezone

from channels_app import jobs, outbox
from channels_app.models import Delivery
from channels_app.platforms.base import Idempotency
from tests import factories
from tests.rigs.customers import Posts
from tests.rigs.desk import Desk
from tests.rigs.rig import Rig
from tests.rigs.steps import begin

State = Delivery.State


@pytest.fixture
def desk(rig: Rig, transactional_db: None) -> Desk:
    """As in conftest.py, where other processes see it too."""
    return Desk.opened(rig, factories.UserFactory(username="ana"))


def settled(desk: Desk, delivery: Delivery) -> None:
    """Nobody knows whether it left: it is looked for, sent again, or held for a person; the customer has it once."""
    desk.settle(delivery)
    wanted = State.IN_DOUBT if desk.idempotency is Idempotency.NONE else State.SENT
    assert delivery.state == wanted, delivery.reason
    desk.stands_once(delivery)


def at_once(*steps: Callable[[], object]) -> None:
    """Each in a thread with a connection of its own, all let go in one moment; what one raises is raised."""
    ready, failed = threading.Barrier(len(steps), timeout=60), []

    def run(step: Callable[[], object]) -> None:
        try:
            ready.wait()
            step()
        except BaseException as error:
            failed.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=(step,)) for step in steps]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failed:
        raise failed[0]


def test_a_worker_killed_between_request_and_commit_leaves_one_reply(desk: Desk, posts: Posts):
    delivery = desk.write(desk.message(posts["killed"]), "Nobody writes down that this was sent.")
    with desk.rig.door.loses_answer(desk.rig.sending, hold=True) as lost, begin("deliver", delivery.pk) as worker:
        lost.wait()
        worker.kill()
    delivery.refresh_from_db()
    assert delivery.state == State.SENDING
    desk.rig.wait_until("its claim has run out", lambda: Delivery.objects.abandoned(timezone.now()).exists())
    outbox.sweep()
    delivery.refresh_from_db()
    assert delivery.state == State.IN_DOUBT
    settled(desk, delivery)


def test_two_workers_at_once_send_once_and_keep_once(desk: Desk, posts: Posts):
    delivery = desk.write(desk.message(posts["raced"]), "Two of us want to say this.")
    at_once(*[lambda: outbox.deliver(delivery.pk)] * 2)
    delivery.refresh_from_db()
    assert (delivery.state, delivery.attempts) == (State.SENT, 1)
    desk.stands_once(delivery)

    other = Desk.opened(desk.rig, desk.agent)
    at_once(*[lambda: jobs.poll(other.channel.pk)] * 2)
    at_once(*[lambda: jobs.drain(other.channel.pk)] * 2)
    assert other.count(external_id=posts["raced"]) == 1


def test_a_server_that_was_away_has_lost_nothing(desk: Desk, posts: Posts):
    rig = desk.rig
    delivery = desk.write(desk.message(posts["seen"]), "We write while you are away.")
    late = rig.post("Just before the power fails")
    rig.kill()
    assert "cannot be reached" in desk.look().trouble
    assert desk.deliver(delivery).state == State.QUEUED
    rig.restart()
    assert not desk.look().trouble
    assert desk.message(late)
    desk.settle(delivery)
    assert delivery.state == State.SENT
    desk.stands_once(delivery)


def test_a_server_killed_with_our_reply_in_hand_has_it_once(desk: Desk, posts: Posts):
    delivery = desk.write(desk.message(posts["cut"]), "The power fails while you read this.")

    def kill() -> None:
        lost.wait()
        desk.rig.kill()
        lost.over.set()

    with desk.rig.door.loses_answer(desk.rig.sending, hold=True) as lost:
        at_once(lambda: outbox.deliver(delivery.pk), kill)
    delivery.refresh_from_db()
    assert delivery.state in (State.IN_DOUBT, State.QUEUED)  # queued: where the same key may simply go again
    desk.rig.restart()
    settled(desk, delivery)
