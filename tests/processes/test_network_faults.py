"""What networks do on a bad day, with Hark's real processes: after each, nothing is lost, nothing is there twice, and
the page says what is going on."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import count

import pytest
from django.utils import timezone

from cases.models import Case, DeskSettings
from channels_app.models import Channel, Credential, Delivery, Message, RawEvent
from crm.models import User
from tests import factories
from tests.channels_app.platforms.fake_mastodon import MARIA, SETTINGS
from tests.processes.a_network import HANG, RESET, SWALLOW, Network, a_network, busy, status
from tests.processes.stack import Stack

pytestmark = pytest.mark.processes
SENT, SENDING, QUEUED, IN_DOUBT = (
    Delivery.State.SENT,
    Delivery.State.SENDING,
    Delivery.State.QUEUED,
    Delivery.State.IN_DOUBT,
)
_numbers = count(1)


@pytest.fixture(scope="module")
def network() -> Iterator[Network]:
    with a_network() as network:
        yield network


@pytest.fixture(scope="module")
def town(prepared, django_db_blocker, network: Network) -> Iterator[Stack]:
    wishes = {"HARK_ALLOW_LOOPBACK": "1", "NETWORK_SECONDS": "1"}
    with django_db_blocker.unblock(), Stack(prepared, wishes) as stack:
        team = factories.TeamFactory(name="Travel care")
        channel = factories.ChannelFactory(
            key="skylark",
            name="@skylark on Mastodon",
            platform="mastodon",
            place="mastodon",
            our_handle="brand",
            team=team,
        )
        factories.UserFactory(username="ana", teams=[team])
        factories.UserFactory(username="ada", role="admin")
        factories.CredentialFactory(
            channel=channel, settings=SETTINGS | {"server": network.url}, secrets={"access_token": "good"}
        )
        DeskSettings.objects.create(pk=1, undo_seconds=0, guard_people=1_000)
        stack.start("web", "worker", "cron")
        yield stack


@pytest.fixture
def stack(town: Stack, network: Network) -> Iterator[Stack]:
    """Whatever a test has broken is whole again for the next one."""
    yield town
    network.faults.clear()
    network.let_go.set()
    network.let_go.clear()
    town.restart(*(name for name, started in town.processes.items() if started.killed))
    at_once()


def at_once() -> None:
    """As if whatever waits had waited long enough."""
    Channel.objects.update(next_poll_at=timezone.now(), broken_at=None, failures=0)
    Delivery.objects.filter(state=QUEUED).update(not_before=timezone.now())


def asked(stack: Stack, network: Network) -> str:
    """A customer asks; the id of the post."""
    number = next(_numbers)
    at = (datetime.now(UTC) - timedelta(minutes=1)).isoformat()
    who = MARIA | {"id": f"c{number}", "acct": f"maria{number}@far.example"}
    return str(network.mention(number, f"My bag {number} is gone", by=who, created_at=at)["id"])


def case_of(stack: Stack, post: str) -> Case:
    return stack.wait_until("it has its case", lambda: Case.objects.filter(entries__message__external_id=post).first())


def answer(stack: Stack, case: Case) -> Delivery:
    with stack.visitor(User.objects.get(username="ana")) as visitor:
        text = f"We look for it, number {case.pk}."
        response = visitor.post(f"/cases/{case.pk}/reply/", data={"text": text})
    assert response.status_code == 302, response.text
    return Delivery.objects.get(message__case_entry__case=case)


def is_(delivery: Delivery, state: str) -> bool:
    delivery.refresh_from_db()
    return delivery.state == state


def arrived_once(stack: Stack, network: Network, delivery: Delivery) -> None:
    def sent() -> bool:
        late = timezone.now() + timedelta(seconds=10)  # than a network asks for: as if that were over
        Delivery.objects.filter(pk=delivery.pk, state=QUEUED, not_before__gt=late).update(not_before=timezone.now())
        return is_(delivery, SENT)

    stack.wait_until("it is sent", sent)
    heard_to_the_end(stack, network)
    text = delivery.message.text
    assert len([one for one in network.sent if text in one["content"]]) == 1
    assert Message.objects.filter(text=text).count() == 1


def heard_to_the_end(stack: Stack, network: Network) -> None:
    """It has asked once more since, and all that came of it is worked off."""
    before = timezone.now()
    stack.wait_until("it was asked again", lambda: Channel.objects.filter(polled_at__gt=before).exists())
    stack.wait_until("all is worked off", lambda: not RawEvent.objects.pending().exists())


def each_once(stack: Stack, network: Network) -> None:
    """Of whatever customers said there is one message, in one case."""
    heard_to_the_end(stack, network)
    said = sorted(one["status"]["id"] for one in network.fake.notifications)
    stack.wait_until(
        "each has a case",
        lambda: (
            sorted(
                Message.objects.filter(case_entry__isnull=False, direction="in").values_list("external_id", flat=True)
            )
            == said
        ),
    )
    assert sorted(Message.objects.filter(direction="in").values_list("external_id", flat=True)) == said


def page_says(stack: Stack, words: str) -> bool:
    channel = Channel.objects.get(key="skylark")
    with stack.visitor(User.objects.get(username="ada")) as visitor:
        pages = [visitor.get("/channels/"), visitor.get(f"/channels/{channel.pk}/")]
    assert [page.status_code for page in pages] == [200, 200]
    return all(words in page.text for page in pages)


# --- while it is asked


def test_a_worker_killed_in_the_middle_of_asking_loses_nothing(stack: Stack, network: Network):
    network.fail(HANG, on="GET")
    asked(stack, network)
    stack.wait_until("it is being asked", lambda: not network.faults)
    stack.kill9("worker")
    network.let_go.set()
    Channel.objects.update(next_poll_at=timezone.now())  # as if its two minutes were over
    stack.restart("worker")
    each_once(stack, network)


def test_resets_are_survived_and_the_page_says_so_meanwhile(stack: Stack, network: Network):
    network.fail(RESET, on="GET", times=100)
    asked(stack, network)
    stack.wait_until("the page says it", lambda: page_says(stack, "Mastodon cannot be reached."))
    network.faults.clear()
    at_once()
    each_once(stack, network)
    stack.wait_until("it is well again", lambda: not page_says(stack, "Mastodon cannot be reached."))


def test_a_server_that_stumbles_is_asked_again(stack: Stack, network: Network):
    network.fail(status(500), on="GET", times=100)
    asked(stack, network)
    stack.wait_until("the page says it", lambda: page_says(stack, "Mastodon has trouble of its own (status 500)."))
    network.faults.clear()
    at_once()
    each_once(stack, network)


def test_one_who_was_asked_too_often_is_left_alone_until_then(stack: Stack, network: Network):
    network.fail(busy(900), on="GET")
    asked(stack, network)
    stack.wait_until("it was told", lambda: page_says(stack, "Mastodon was asked too often."))
    waits = Channel.objects.get(key="skylark").next_poll_at - timezone.now()
    assert timedelta(minutes=13) < waits <= timedelta(minutes=15)
    at_once()
    each_once(stack, network)


def test_two_who_ask_at_once_store_each_once(stack: Stack, network: Network):
    stack.start("worker-2")
    network.fail(HANG, on="GET", times=2)
    asked(stack, network)
    channel = Channel.objects.get(key="skylark")
    for _ in range(2):
        stack.begin_job("channels_app.jobs.poll", channel.pk)
    stack.wait_until("both are asking", lambda: not network.faults)
    network.let_go.set()
    each_once(stack, network)
    stack.kill9("worker-2")
    stack.processes.pop("worker-2")


def test_a_name_that_nobody_knows_is_said_and_mended(stack: Stack, network: Network):
    held = Credential.objects.get()
    Credential.objects.update(settings=held.settings | {"server": "https://nowhere.invalid"})
    asked(stack, network)
    stack.wait_until("the page says it", lambda: page_says(stack, "nowhere.invalid"))
    Credential.objects.update(settings=held.settings)
    at_once()
    each_once(stack, network)


def test_what_comes_in_reverse_order_is_one_conversation(stack: Stack, network: Network):
    first, second = next(_numbers), next(_numbers)
    later = network.mention(first, "And my passport was in it", in_reply_to_id=f"s{second}", created_at=now(0))
    earlier = network.mention(second, "My bag is gone", created_at=now(-60))
    each_once(stack, network)
    assert case_of(stack, later["id"]) == case_of(stack, earlier["id"])


def test_a_clock_that_is_two_hours_ahead_loses_nothing(stack: Stack, network: Network):
    ahead = network.mention(next(_numbers), "From the future", created_at=now(7200))
    each_once(stack, network)
    case = case_of(stack, ahead["id"])
    with stack.visitor(User.objects.get(username="ana")) as visitor:
        assert "From the future" in visitor.get(f"/cases/{case.pk}/").text


def now(seconds: int) -> str:
    return (datetime.now(UTC) + timedelta(seconds=seconds)).isoformat()


# --- while it is told


def test_a_reply_whose_worker_is_killed_after_it_was_written_is_there_once(stack: Stack, network: Network):
    case = case_of(stack, asked(stack, network))
    network.fail(HANG, on="POST")
    delivery = answer(stack, case)
    stack.wait_until("the network has it", lambda: any(f"number {case.pk}." in one["content"] for one in network.sent))
    assert is_(delivery, SENDING)
    stack.kill9("worker")
    network.let_go.set()
    stack.restart("worker")
    arrived_once(stack, network, delivery)


@pytest.mark.parametrize("fault", [RESET, SWALLOW], ids=["before it was taken", "after it was taken"])
def test_a_reply_whose_line_broke_is_there_once(stack: Stack, network: Network, fault: str):
    case = case_of(stack, asked(stack, network))
    network.fail(fault, on="POST")
    arrived_once(stack, network, answer(stack, case))


def test_a_reply_to_one_who_was_asked_too_often_waits_and_leaves_once(stack: Stack, network: Network):
    case = case_of(stack, asked(stack, network))
    network.fail(busy(900), on="POST")
    delivery = answer(stack, case)
    stack.wait_until("it waits", lambda: is_(delivery, QUEUED) and delivery.reason)
    assert delivery.reason == "Mastodon was asked too often."
    assert delivery.not_before > timezone.now() + timedelta(minutes=13)
    arrived_once(stack, network, delivery)


def test_a_key_taken_back_holds_replies_until_it_is_connected_again(stack: Stack, network: Network):
    case = case_of(stack, asked(stack, network))
    network.fail(status(401), on="POST")
    delivery = answer(stack, case)
    stack.wait_until("it is shut", lambda: Channel.objects.filter(broken_at__isnull=False).exists())
    assert page_says(stack, "does not accept our key any more")
    stack.wait_until("it is put back", lambda: is_(delivery, QUEUED))
    assert (delivery.attempts, len([one for one in network.sent if f"number {case.pk}." in one["content"]])) == (0, 0)
    from channels_app import health

    health.opened(Channel.objects.get(key="skylark"))  # as connecting it again does
    arrived_once(stack, network, delivery)
