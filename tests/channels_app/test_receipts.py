"""What a network says became of a message of ours is kept in its order, whatever order it comes in, and shown."""

from datetime import timedelta
from itertools import permutations

import pytest
from django.utils import timezone

from channels_app import jobs, live, outbox
from channels_app.models import Delivery, RawEvent, Receipt
from channels_app.outbox import receipts
from tests import factories
from tests.channels_app.posts import NOON, message, post, take_in
from tests.channels_app.told import receipt

pytestmark = pytest.mark.django_db
State, Told, RAW = Delivery.State, Delivery.Told, RawEvent.State


@pytest.fixture
def sent(fake, network, agent):
    """A reply of ours that the network has, as "reply-1"."""
    take_in(fake, post(1))
    delivery = outbox.write(answer_to=message(fake, 1), text="We are looking.", by=agent)
    outbox.deliver(delivery.pk)
    return again(delivery)


def again(delivery):
    return Delivery.objects.select_related("message").get(pk=delivery.pk)


def stands(delivery):
    current = again(delivery)
    return current.state, current.told


def test_a_receipt_says_what_became_of_a_reply(fake, sent):
    take_in(fake, receipt("delivered", "reply-1", minute=7))
    found = again(sent)
    assert (found.state, found.told, found.told_at) == (State.SENT, Told.DELIVERED, NOON + timedelta(minutes=7))


@pytest.mark.parametrize("order", list(permutations(["sent", "delivered", "read"])), ids=" ".join)
def test_receipts_go_forward_whatever_their_order(fake, sent, order):
    for state in order:
        take_in(fake, receipt(state, "reply-1"))
    assert stands(sent) == (State.SENT, Told.READ)


@pytest.mark.parametrize("batched", [False, True], ids=["one by one", "at once"])
@pytest.mark.parametrize("order", list(permutations(["sent", "failed", "delivered"])), ids=" ".join)
def test_who_has_got_it_has_got_it_whatever_was_said_of_a_failure(fake, sent, order, batched):
    rows = [receipt(state, "reply-1", said="Timeout") for state in order]
    for batch in [rows] if batched else [[row] for row in rows]:
        take_in(fake, *batch)
    found = again(sent)
    assert (found.state, found.told, found.reason) == (State.SENT, Told.DELIVERED, "")
    assert found.sent_at is not None


def test_what_could_not_be_delivered_has_failed_with_its_reason_and_the_case_is_told(fake, sent, monkeypatch):
    told = []
    monkeypatch.setitem(live._listeners, "delivery", [told.extend])
    take_in(
        fake, receipt("sent", "reply-1"), receipt("failed", "reply-1", said="Number not on WhatsApp", code="131026")
    )
    found = again(sent)
    assert (found.state, found.told, found.sent_at) == (State.FAILED, Told.FAILED, None)
    assert found.reason == "The network took it and could not deliver it: Number not on WhatsApp 131026"
    assert found.can_be_tried_again
    assert told == [sent.pk]


def test_the_same_receipt_again_changes_nothing(fake, sent):
    take_in(fake, receipt("read", "reply-1", minute=7))
    before = again(sent).told_at
    take_in(fake, receipt("read", "reply-1", minute=9), receipt("delivered", "reply-1", minute=8))
    assert (stands(sent), again(sent).told_at) == ((State.SENT, Told.READ), before)


def test_all_of_ours_up_to_a_moment_are_read(fake, sent, agent):
    second = outbox.write(answer_to=message(fake, 1), text="Found it.", by=agent)
    outbox.deliver(second.pk)
    second.message.__class__.objects.filter(delivery=second).update(occurred_at=NOON + timedelta(hours=2))
    thread = again(sent).message.thread.external_id
    until = (NOON + timedelta(hours=1)).isoformat()
    take_in(fake, receipt("read", thread=thread, until=until))
    assert (stands(sent), stands(second)) == ((State.SENT, Told.READ), (State.SENT, ""))


def test_of_two_moments_in_one_batch_each_says_its_own(fake, sent):
    thread = again(sent).message.thread.external_id
    early, late = ((NOON + timedelta(minutes=m)).isoformat() for m in (20, 50))
    rows = [receipt("read", thread=thread, until=early), receipt("delivered", thread=thread, until=late)]
    take_in(fake, *rows)
    assert stands(sent) == (State.SENT, Told.DELIVERED)  # sent at half past


def test_a_receipt_elsewhere_says_nothing_here(fake, sent, team):
    other = factories.ChannelFactory(platform="fake", place="elsewhere", team=team)
    take_in(other, receipt("read", "reply-1"), receipt("read", key=str(sent.key)))
    assert stands(sent) == (State.SENT, "")


# --- before its message


def test_a_receipt_that_comes_before_the_answer_waits_for_it(fake, network, agent):
    take_in(fake, post(1))
    delivery = outbox.write(answer_to=message(fake, 1), text="We are looking.", by=agent)
    (raw,) = take_in(fake, receipt("delivered", "reply-1"))
    assert (raw.state, raw.reason) == (RAW.STORED, "It waits for the message it is about.")
    take_in(fake, receipt("sent", "reply-1"), receipt("sent", "reply-1"))
    assert Receipt.objects.count() == 2
    outbox.deliver(delivery.pk)
    assert stands(delivery) == (State.SENT, Told.DELIVERED)
    assert not Receipt.objects.exists()


def test_a_failure_told_before_the_answer_counts_when_that_comes(fake, network, agent):
    take_in(fake, post(1), receipt("failed", "reply-1", said="Blocked"))
    delivery = outbox.write(answer_to=message(fake, 1), text="We are looking.", by=agent)
    outbox.deliver(delivery.pk)
    found = again(delivery)
    assert (found.state, found.reason) == (State.FAILED, "The network took it and could not deliver it: Blocked")


def test_a_receipt_waits_also_for_an_echo(fake, network, agent):
    take_in(fake, post(1))
    delivery = outbox.write(answer_to=message(fake, 1), text="We are looking.", by=agent)
    take_in(fake, receipt("read", "reply-1"))
    take_in(fake, post("reply-1", "We are looking.", ours=True, reply_to="1", minute=3))
    assert stands(delivery) == (State.SENT, Told.READ)


def test_a_receipt_and_the_echo_it_is_about_in_one_batch(fake, network, agent):
    take_in(fake, post(1))
    delivery = outbox.write(answer_to=message(fake, 1), text="We are looking.", by=agent)
    echo = post("reply-1", "We are looking.", ours=True, reply_to="1", minute=3)
    take_in(fake, receipt("read", "reply-1"), echo)
    assert stands(delivery) == (State.SENT, Told.READ)


def test_what_nobody_asks_for_is_swept_after_a_month(fake, network):
    take_in(fake, receipt("read", "somebody-elses"))
    jobs.sweep()
    assert Receipt.objects.exists()
    Receipt.objects.update(stored_at=timezone.now() - receipts.WAITS - timedelta(hours=1))
    jobs.sweep()
    assert not Receipt.objects.exists()


@pytest.mark.parametrize("of", ["1", "outside"])
def test_what_did_not_leave_from_here_has_no_receipt(fake, sent, of):
    take_in(fake, post("outside", "Written in the app.", ours=True, reply_to="1"))
    (raw,) = take_in(fake, receipt("read", of))
    assert (raw.state, raw.reason) == (RAW.DUPLICATE, "About a message that did not leave from here.")
    assert not Receipt.objects.exists()


def test_a_receipt_that_says_nothing_is_a_dead_letter(fake, network):
    (raw,) = take_in(fake, receipt("vanished", "reply-1"))
    assert (raw.state, raw.reason) == (RAW.REJECTED, "A receipt that does not say what became of it.")


# --- with our key


@pytest.mark.parametrize("state", ["in_doubt", "sending", "queued"])
def test_a_receipt_with_our_key_tells_that_a_reply_arrived(fake, network, agent, state):
    take_in(fake, post(1))
    delivery = outbox.write(answer_to=message(fake, 1), text="We are looking.", by=agent)
    Delivery.objects.filter(pk=delivery.pk).update(state=state, lease_until=timezone.now())
    take_in(fake, receipt("delivered", "wamid-1", key=str(delivery.key)))
    assert (stands(delivery), again(delivery).message.external_id) == ((State.SENT, Told.DELIVERED), "wamid-1")


def test_a_worker_that_comes_late_with_the_answer_changes_nothing(fake, network, agent):
    take_in(fake, post(1))
    delivery = outbox.write(answer_to=message(fake, 1), text="We are looking.", by=agent)
    rows = [receipt("failed", "reply-1", key=str(delivery.key), said="Blocked")]
    network.on_send = lambda out: take_in(fake, *rows)  # told while the request is answered
    outbox.deliver(delivery.pk)
    assert stands(delivery) == (State.FAILED, Told.FAILED)


def test_a_key_of_nobody_says_nothing(fake, sent):
    rows = [receipt("read", "x", key="not-one"), receipt("read", "y", key="5d3c1f6e-2b0a-4d8e-9d59-0a4c4b5d6e7f")]
    raws = take_in(fake, *rows)
    assert [raw.state for raw in raws] == [RAW.STORED, RAW.DUPLICATE]
    assert Receipt.objects.get().external_id == "x"


# --- tried again


def test_what_failed_there_is_tried_again_as_another_message(fake, sent, network, agent):
    take_in(fake, receipt("failed", "reply-1", key=str(sent.key)))
    outbox.try_again(delivery=sent, by=agent)
    outbox.deliver(sent.pk)
    found = again(sent)
    assert (found.state, found.told, found.message.external_id) == (State.SENT, "", "reply-2")
    assert found.key != sent.key
    take_in(fake, receipt("failed", "reply-1", key=str(sent.key), minute=9), receipt("failed", "reply-1", minute=9))
    assert stands(sent) == (State.SENT, "")


def test_of_an_erased_reply_nothing_more_is_kept(fake, sent):
    sent.message.__class__.objects.filter(pk=sent.message_id).update(erased_at=timezone.now(), text="")
    take_in(fake, receipt("failed", "reply-1", said="ann@example.com is unknown"))
    assert stands(sent) == (State.SENT, "")
    assert not Receipt.objects.exists()


@pytest.mark.parametrize("n", [1, 20])
def test_the_queries_do_not_grow_with_the_batch(fake, network, agent, django_assert_max_num_queries, n):
    take_in(fake, post(1))
    for _ in range(n):
        outbox.deliver(outbox.write(answer_to=message(fake, 1), text="We are looking.", by=agent).pk)
    rows = [receipt("read", f"reply-{k}") for k in range(1, n + 1)] + [receipt("read", f"none-{k}") for k in range(n)]
    with django_assert_max_num_queries(25):
        take_in(fake, *rows)
    assert Delivery.objects.filter(told=Told.READ).count() == n
