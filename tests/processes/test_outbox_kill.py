"""A reply leaves once, whoever dies on the way. The simulated network counts what it received."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from itertools import count

import httpx
import pytest
from django.utils import timezone

from cases.models import Case, DeskSettings
from channels_app.models import Channel, Delivery, Message
from crm.models import User
from tests import factories
from tests.processes.stack import Stack

pytestmark = pytest.mark.processes

SENT, SENDING, QUEUED = Delivery.State.SENT, Delivery.State.SENDING, Delivery.State.QUEUED
LONG = 60  # seconds: longer than a worker would wait, and than the test takes
_numbers = count(1)


@pytest.fixture(scope="module")
def town(prepared, django_db_blocker) -> Iterator[Stack]:
    """One stack for the module: its simulated network, a worker, and an agent who answers in the browser."""
    with django_db_blocker.unblock(), Stack(prepared) as stack:
        team = factories.TeamFactory(name="Travel care")
        factories.ChannelFactory(key="chirp", team=team)
        factories.UserFactory(username="ana", teams=[team])
        DeskSettings.objects.create(pk=1, undo_seconds=0, guard_people=1_000)  # all are told the same
        stack.start("web", "worker", "cron", "simulator")
        yield stack


@pytest.fixture
def stack(town: Stack) -> Iterator[Stack]:
    """Whatever a test has killed runs again for the next one."""
    yield town
    town.restart(*(name for name, started in town.processes.items() if started.killed))
    town.network("clear")
    Channel.objects.update(paused_at=None)


@pytest.fixture
def case(stack: Stack) -> Case:
    return ask(stack)


def ask(stack: Stack) -> Case:
    return case_of(stack, post(stack))


def post(stack: Stack) -> str:
    """A customer asks; the id of the post."""
    handle, text = f"traveller{next(_numbers)}", "My train to Selby was cancelled. What now?"
    return stack.network("post", handle=handle, text=text)["id"]


def case_of(stack: Stack, post: str) -> Case:
    return stack.wait_until(
        "the post has its case", lambda: Case.objects.filter(entries__message__external_id=post).first()
    )


def ana() -> User:
    return User.objects.get(username="ana")


def answer(stack: Stack, case: Case) -> Delivery:
    with stack.visitor(ana()) as visitor:
        response = visitor.post(
            f"/cases/{case.pk}/reply/", data={"text": "Take any later train, your ticket is valid."}
        )
    assert response.status_code == 302, response.text
    return Delivery.objects.get(message__case_entry__case=case)


def no_echo(case: Case) -> None:
    """A channel that does not listen: our own post does not come back from the network to tell that it arrived."""
    Channel.objects.filter(pk=case.channel_id).update(paused_at=timezone.now())


def stands_at(delivery: Delivery, state: str) -> bool:
    delivery.refresh_from_db()
    return delivery.state == state


def arrived_once(stack: Stack, delivery: Delivery) -> None:
    """Over there and here, also after the network has told us of our own post."""
    stack.wait_until("the reply is sent", lambda: stands_at(delivery, SENT))
    Channel.objects.update(paused_at=None)
    stack.wait_until("the network was heard to its end", lambda: heard_all(stack))
    assert stack.received()[str(delivery.key)] == 1
    ours = Message.objects.filter(thread=delivery.message.thread_id, direction=Message.Direction.OUT)
    assert [message.pk for message in ours] == [delivery.message_id]


def heard_all(stack: Stack) -> bool:
    newest = stack.newest_event()
    return (
        Channel.objects.filter(key="chirp", cursor={"after": newest}).exists()
        and not Message.objects.filter(routed_at=None).exists()
    )


@pytest.mark.parametrize("listening", [True, False], ids=["which then hears of it", "which then asks"])
def test_a_reply_whose_worker_is_killed_before_it_notes_the_answer(stack: Stack, case: Case, listening: bool):
    """... is found by the next worker and not sent again."""
    if not listening:
        no_echo(case)
    stack.network("fault", fault="delay", seconds=LONG)
    delivery = answer(stack, case)
    stack.wait_until("the network has it", lambda: stack.received().get(str(delivery.key)))
    assert stands_at(delivery, SENDING)
    stack.kill9("worker")
    assert stands_at(delivery, SENDING)
    stack.restart("worker")
    arrived_once(stack, delivery)
    assert delivery.attempts == 1


def test_a_reply_that_got_no_answer_is_looked_for_and_found(stack: Stack, case: Case):
    no_echo(case)
    stack.network("fault", fault="swallow")
    delivery = answer(stack, case)
    arrived_once(stack, delivery)
    assert delivery.attempts == 1


def test_a_reply_that_got_lost_is_looked_for_and_sent_again(stack: Stack, case: Case):
    no_echo(case)
    stack.network("fault", fault="lose")
    delivery = answer(stack, case)
    arrived_once(stack, delivery)
    assert delivery.attempts == 2


def test_a_reply_waits_for_a_network_that_is_down(stack: Stack, case: Case):
    stack.kill9("simulator")
    delivery = answer(stack, case)
    stack.wait_until("it was tried", lambda: stands_at(delivery, QUEUED) and delivery.reason)
    assert delivery.reason == "The simulator cannot be reached."
    stack.restart("simulator")
    assert str(delivery.key) not in stack.received()
    Delivery.objects.filter(pk=delivery.pk).update(not_before=timezone.now())  # as if its half minute were over
    arrived_once(stack, delivery)


def test_a_reply_whose_worker_and_network_die_together_is_sent_by_the_next(stack: Stack, case: Case):
    stack.freeze("simulator")
    delivery = answer(stack, case)
    stack.wait_until("a worker has it", lambda: stands_at(delivery, SENDING))
    stack.kill9("worker")
    stack.kill9("simulator")
    stack.restart("simulator", "worker")
    arrived_once(stack, delivery)
    assert delivery.attempts == 2


def test_a_reply_nobody_was_nudged_for_is_found(stack: Stack, case: Case):
    """The web process could not reach Redis for it, or Redis has forgotten."""
    stack.kill9("worker")
    delivery = answer(stack, case)
    stack.redis.flushall()
    assert stands_at(delivery, QUEUED)
    stack.restart("worker")
    arrived_once(stack, delivery)


class Agent(threading.Thread):
    """Answers one case after the other in the browser; notes which answers the page confirmed."""

    def __init__(self, stack: Stack, cases: list[Case]) -> None:
        super().__init__()
        self.visitor, self.cases = stack.visitor(ana()), cases
        self.confirmed: set[int] = set()
        self.broken: set[int] = set()
        self.other: list[str] = []

    def run(self) -> None:
        with self.visitor:
            for case in self.cases:
                try:
                    response = self.visitor.post(f"/cases/{case.pk}/reply/", data={"text": "We look into it."})
                except httpx.TransportError:
                    self.broken.add(case.pk)
                else:
                    self.confirmed.add(case.pk) if response.status_code == 302 else self.other.append(response.text)


def test_replies_on_a_web_process_that_is_killed_are_there_if_it_said_so_and_leave_once(stack: Stack):
    cases = [case_of(stack, asked) for asked in [post(stack) for _ in range(20)]]
    agent = Agent(stack, cases)
    agent.start()
    stack.wait_until("a fifth is answered", lambda: len(agent.confirmed) >= len(cases) / 5)
    stack.kill9("web")
    assert len(agent.confirmed) <= len(cases) * 4 / 5
    stack.restart("web")
    agent.join()
    assert not agent.other
    replies = dict(
        Delivery.objects.filter(message__thread__in=[c.thread_id for c in cases]).values_list(
            "message__case_entry__case", "key"
        )
    )
    assert agent.confirmed <= set(replies) <= agent.confirmed | agent.broken
    stack.wait_until("all are sent", lambda: not Delivery.objects.exclude(state=SENT).exists())
    received = stack.received()
    assert {received[str(key)] for key in replies.values()} == {1}
