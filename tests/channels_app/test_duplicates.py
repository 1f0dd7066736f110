"""Where the network has the words already: they arrived by an earlier try, or they are another reply's."""

import pytest

from channels_app import jobs, outbox
from channels_app.models import Delivery
from channels_app.platforms.base import Idempotency
from channels_app.platforms.errors import Duplicate, ParentGone
from tests.channels_app.fake_platform import FakePlatform
from tests.channels_app.posts import message, post, take_in

pytestmark = pytest.mark.django_db
State = Delivery.State
KNOWN = "It stands there already."


class Detecting(FakePlatform):
    """Refuses the same words below the same post; `names` whether it says which post that is."""

    def __init__(self, idempotency=Idempotency.DETECT, *, names=True):
        super().__init__(idempotency)
        self.names = names

    def _take(self, out):
        for external_id, other in self.posts.items():
            if (other.text, other.parent_id) == (out.text, out.parent_id):
                raise Duplicate(KNOWN, external_id if self.names else "")
        return super()._take(out)


@pytest.fixture(params=list(Idempotency), ids=str)
def any_detecting(request, connect):
    return connect(Detecting(request.param))


@pytest.fixture
def detecting(connect):
    return connect(Detecting())


@pytest.fixture
def write(fake, agent):
    def write(text="We are looking."):
        take_in(fake, post(1))
        return outbox.write(answer_to=message(fake, 1), text=text, by=agent)

    return write


def now(delivery):
    return Delivery.objects.select_related("message").get(pk=delivery.pk)


def stands(delivery):
    current = now(delivery)
    return current.state, current.message.external_id


def due(delivery):
    Delivery.objects.filter(pk=delivery.pk).update(not_before="2026-01-01T00:00:00Z")


@pytest.mark.parametrize("fate", ["SWALLOWED", "LOST"])
@pytest.mark.parametrize("names", [True, False], ids=["names it", "names nothing"])
def test_in_doubt_the_same_goes_out_again_and_stands_there_once(connect, write, fate, names):
    network = connect(Detecting(names=names))
    network.next = [getattr(network, fate)]
    delivery = write()
    outbox.deliver(delivery.pk)
    assert now(delivery).state == State.QUEUED
    outbox.deliver(delivery.pk)
    assert (stands(delivery), list(network.posts)) == ((State.SENT, "reply-1"), ["reply-1"])


def test_one_that_nobody_finds_is_held_and_never_sent_twice(connect, write):
    network = connect(Detecting(names=False))
    network.next, network.blind = [network.SWALLOWED], True
    delivery = write()
    outbox.deliver(delivery.pk)
    outbox.deliver(delivery.pk)
    found = now(delivery)
    assert (found.state, list(network.posts)) == (State.IN_DOUBT, ["reply-1"])
    assert found.reason.startswith(f"{KNOWN} It was probably sent by an earlier try")


def test_its_echo_settles_it(fake, connect, write):
    network = connect(Detecting(names=False))
    network.next, network.blind = [network.SWALLOWED], True
    delivery = write()
    outbox.deliver(delivery.pk)
    outbox.deliver(delivery.pk)
    take_in(fake, post("reply-1", "We are looking.", ours=True, reply_to="1"))
    assert stands(delivery) == (State.SENT, "reply-1")


def test_the_words_of_another_reply_were_not_sent_again(any_detecting, write):
    first, second = write(), write()
    outbox.deliver(first.pk)
    outbox.deliver(second.pk)
    assert (stands(first), stands(second)) == ((State.SENT, "reply-1"), (State.FAILED, None))
    assert now(second).reason == KNOWN


def test_words_that_were_there_without_us_knowing_are_ours(any_detecting, write):
    """A try of it was counted as never written, and was."""
    delivery = write()
    any_detecting.posts["reply-1"] = outbox.outgoing(delivery)
    outbox.deliver(delivery.pk)
    assert stands(delivery) == (State.SENT, "reply-1")


def test_what_it_answered_may_go_after_it_has_arrived(detecting, write):
    detecting.next = [detecting.SWALLOWED, ParentGone("It is not there any more.")]
    delivery = write()
    outbox.deliver(delivery.pk)
    outbox.deliver(delivery.pk)
    assert stands(delivery) == (State.SENT, "reply-1")


def test_what_never_arrived_and_cannot_any_more_has_failed(detecting, write):
    detecting.next = [detecting.LOST, ParentGone("It is not there any more.")]
    delivery = write()
    outbox.deliver(delivery.pk)
    outbox.deliver(delivery.pk)
    assert (stands(delivery), now(delivery).reason) == ((State.FAILED, None), "It is not there any more.")


def test_sending_it_again_and_again_has_its_end(detecting, write):
    detecting.next = [detecting.LOST] * 100
    delivery = write()
    for _ in range(outbox.MOST_ATTEMPTS + 3):
        due(delivery)
        jobs.deliver(delivery.pk)
        jobs.resolve_doubt(delivery.pk)
    assert (now(delivery).state, detecting.asked[str(delivery.key)]) == (State.IN_DOUBT, outbox.MOST_ATTEMPTS)
