"""What comes back, and what takes our access away."""

import pytest
from django.utils import timezone

from channels_app import came_back, outbox
from channels_app.models import Channel, Credential, Delivery, Message, RawEvent
from crm.models import Identity, Notice
from crm.models.staff import Role
from tests import factories
from tests.channels_app.posts import NOON, message, post, take_in
from tests.channels_app.told import about

pytestmark = pytest.mark.django_db
RAW, State = RawEvent.State, Delivery.State


@pytest.fixture
def sent(fake, network, agent):
    take_in(fake, post(1))
    delivery = outbox.write(answer_to=message(fake, 1), text="We are looking.", by=agent)
    outbox.deliver(delivery.pk)
    return delivery


def bounce(status="5.1.1", said="no such user", **more):
    return about("returned", f"mail-{status}#0", "", 9, status=status, said=said, **more)


def now(delivery):
    return Delivery.objects.select_related("message__identity").get(pk=delivery.pk)


@pytest.mark.parametrize("naming", ["key", "message_id"])
def test_a_reply_that_comes_back_has_failed_and_its_address_is_closed(fake, sent, naming):
    named = {"key": str(sent.key)} if naming == "key" else {"message_id": "reply-1"}
    (raw,) = take_in(fake, bounce(**named))
    found = now(sent)
    assert (found.state, found.told) == (State.FAILED, "failed")
    assert found.reason == "The mail came back, so they have not got it: 5.1.1 no such user"
    assert found.message.identity.unreachable_why == "5.1.1 no such user"
    assert (raw.state, raw.reason) == (RAW.STORED, "A reply came back: the address is closed.")


def test_an_address_that_cannot_be_reached_for_now_stays_open(fake, sent):
    (raw,) = take_in(fake, bounce("4.4.1", "connection timed out", key=str(sent.key)))
    assert now(sent).state == State.FAILED
    assert not Identity.objects.exclude(unreachable_at=None).exists()
    assert raw.reason == "A reply came back."


def test_a_report_read_twice_says_the_same(fake, sent):
    take_in(fake, bounce(key=str(sent.key)), bounce(key=str(sent.key)))
    take_in(fake, bounce(key=str(sent.key)))
    assert (now(sent).state, Message.objects.count()) == (State.FAILED, 2)


def test_a_report_tells_of_a_reply_whose_outcome_nobody_knew(fake, network, agent):
    take_in(fake, post(1))
    delivery = outbox.write(answer_to=message(fake, 1), text="We are looking.", by=agent)
    Delivery.objects.filter(pk=delivery.pk).update(state=State.IN_DOUBT)
    take_in(fake, bounce(key=str(delivery.key), message_id="<ours@example.com>"))
    assert now(delivery).state == State.FAILED


def test_what_nobody_here_sent_says_so(fake, sent):
    (raw,) = take_in(fake, bounce(message_id="<somebody@else>"))
    assert (raw.state, raw.reason) == (RAW.STORED, came_back.NOBODYS)
    assert now(sent).state == State.SENT


# --- access taken away


def test_where_our_access_is_taken_away_the_channel_is_shut_and_its_owner_told(fake, network):
    admin = factories.UserFactory(role=Role.ADMIN)
    (raw,) = take_in(fake, about("revoked", "revoked-1", "", 5))
    fake.refresh_from_db()
    assert fake.broken_at is not None
    assert "taken away" in fake.trouble
    assert raw.state == RAW.STORED
    assert Notice.objects.filter(user=admin).count() == 1
    take_in(fake, about("revoked", "revoked-1", "", 5))
    assert Notice.objects.filter(user=admin).count() == 1


def test_what_was_said_before_the_account_was_connected_again_shuts_nothing(fake, network, agent):
    Credential.objects.create(channel=fake, sealed="", connected_at=timezone.now(), connected_by=agent)
    assert timezone.now() > NOON
    (raw,) = take_in(fake, about("revoked", "revoked-1", "", 5))
    assert (raw.state, raw.reason) == (RAW.DUPLICATE, "The account was connected again since.")
    assert Channel.objects.get(pk=fake.pk).broken_at is None
