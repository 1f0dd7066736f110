"""Some networks take a private answer for so long only after their last message; then perhaps what a person wrote."""

from datetime import timedelta

import pytest
from django.utils import timezone

from channels_app import outbox
from channels_app.models import Delivery, Message
from channels_app.platforms.base import Idempotency
from channels_app.platforms.errors import Forbidden, ParentGone, WindowClosed
from tests import factories
from tests.channels_app.fake_platform import FakePlatform

pytestmark = pytest.mark.django_db
State = Delivery.State
DAY = 24 * 3600


class Meta(FakePlatform):
    """Takes what a person wrote for a week."""

    def __init__(self, **can):
        super().__init__(Idempotency.RECONCILE, window=DAY, **({"window_extended": 7 * DAY} | can))
        self.by_person = []

    def send_by_person(self, out):
        self.by_person.append(out)
        return self.send(out)


@pytest.fixture
def network(connect):
    return connect(Meta())


@pytest.fixture
def asked(fake, network):
    """`asked(hours)` is what a customer asked so many hours ago, in private unless it says otherwise."""
    ann = factories.IdentityFactory(place="fake", value="ann", customer=factories.CustomerFactory())

    def ask(hours, *, private=True, **facts):
        at = timezone.now() - timedelta(hours=hours)
        return factories.MessageFactory(
            thread__channel=fake, identity=ann, private=private, occurred_at=at, external_id=f"q{hours}", **facts
        )

    return ask


def state_of(delivery):
    return Delivery.objects.get(pk=delivery.pk).state


def test_within_the_window_an_answer_leaves_as_any_other(network, asked, agent):
    delivery = outbox.write(answer_to=asked(23), text="We are looking.", by=agent)
    outbox.deliver(delivery.pk)
    assert (state_of(delivery), network.by_person) == (State.SENT, [])


def test_after_it_what_a_person_wrote_leaves_as_such(network, asked, agent):
    delivery = outbox.write(answer_to=asked(25), text="We are looking.", by=agent)
    outbox.deliver(delivery.pk)
    assert (state_of(delivery), len(network.by_person)) == (State.SENT, 1)


def test_what_nobody_wrote_for_them_alone_is_refused_by_then(network, asked, agent):
    with pytest.raises(outbox.TooLateToAnswer) as refusal:
        outbox.write(answer_to=asked(25), text="How did we do?", by=agent, by_person=False)
    assert str(refusal.value) == (
        "They wrote here more than 24 hours ago, and @brand on Fake takes no private answer after that."
        " Nothing was sent."
    )


def test_after_a_week_nothing_is_written(network, asked, agent):
    with pytest.raises(outbox.TooLateToAnswer) as refusal:
        outbox.write(answer_to=asked(8 * 24), text="We are looking.", by=agent)
    assert "more than 7 days ago" in str(refusal.value)
    assert not Delivery.objects.exists()


def test_where_no_person_is_let_in_later_a_day_is_all(connect, asked, agent):
    connect(Meta(window_extended=None))
    with pytest.raises(outbox.TooLateToAnswer):
        outbox.write(answer_to=asked(25), text="We are looking.", by=agent)


def test_what_counts_is_what_they_said_last_to_us_alone_in_whatever_thread(network, asked, agent):
    question = asked(9 * 24)
    with pytest.raises(outbox.TooLateToAnswer):
        outbox.write(answer_to=question, text="We are looking.", by=agent)
    asked(1, private=False)
    with pytest.raises(outbox.TooLateToAnswer):
        outbox.write(answer_to=question, text="We are looking.", by=agent)
    asked(2)
    assert outbox.write(answer_to=question, text="We are looking.", by=agent)


@pytest.mark.parametrize("aside", [False, True], ids=["in public", "in private"])
def test_what_was_asked_in_public_can_be_answered_for_ever(network, asked, agent, aside):
    asked(9 * 24)  # in private, long ago
    delivery = outbox.write(answer_to=asked(300, private=False), text="We are looking.", by=agent, private=aside)
    outbox.deliver(delivery.pk)
    assert (state_of(delivery), network.by_person) == (State.SENT, [])


def test_it_is_asked_again_when_it_leaves(network, asked, agent):
    question = asked(1)
    delivery = outbox.write(answer_to=question, text="We are looking.", by=agent)
    Message.objects.filter(pk=question.pk).update(occurred_at=timezone.now() - timedelta(days=8))
    outbox.deliver(delivery.pk)
    found = Delivery.objects.get(pk=delivery.pk)
    assert (found.state, network.asked) == (State.FAILED, {})
    assert "more than 7 days ago" in found.reason


def test_what_failed_for_it_is_tried_again_only_when_they_have_written(network, asked, agent):
    question = asked(1)
    delivery = outbox.write(answer_to=question, text="We are looking.", by=agent)
    Message.objects.filter(pk=question.pk).update(occurred_at=timezone.now() - timedelta(days=8))
    outbox.deliver(delivery.pk)
    with pytest.raises(outbox.TooLateToAnswer):
        outbox.try_again(delivery=delivery, by=agent)
    asked(2)
    outbox.try_again(delivery=delivery, by=agent)
    outbox.deliver(delivery.pk)
    assert state_of(delivery) == State.SENT


def test_later_parts_are_bound_by_the_same_window(connect, asked, agent):
    connect(Meta(text_limit=20, thread_of_parts=True))
    question = asked(1)
    parts = outbox.write_parts(answer_to=question, text="We are looking. We will write soon.", by=agent)
    outbox.deliver(parts[0].pk)
    Message.objects.filter(pk=question.pk).update(occurred_at=timezone.now() - timedelta(days=8))
    outbox.deliver(parts[1].pk)
    assert [state_of(part) for part in parts] == [State.SENT, State.FAILED]


@pytest.mark.parametrize(
    "refusal", [WindowClosed("Too late."), ParentGone("It is gone."), Forbidden("They blocked us.")]
)
def test_what_the_network_itself_refuses_is_shown_in_its_words(network, asked, agent, refusal):
    network.next = [refusal]
    delivery = outbox.write(answer_to=asked(1), text="We are looking.", by=agent)
    outbox.deliver(delivery.pk)
    found = Delivery.objects.get(pk=delivery.pk)
    assert (found.state, found.reason) == (State.FAILED, str(refusal))
