"""How a channel is asked: in its pace, once at a time, slower where it fails, not at all where it is shut."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from django.utils import timezone

from channels_app import access, health, jobs
from channels_app.models import Channel, Credential
from channels_app.platforms import registry
from channels_app.platforms.abilities import Access, Budget
from channels_app.platforms.errors import AccessExpired, AccessRevoked, RateLimited, TryLater
from crm.models import Notice
from tests import factories

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)


def again(channel: Channel) -> Channel:
    return Channel.objects.get(pk=channel.pk)


def is_due(channel: Channel, at: datetime) -> bool:
    return Channel.objects.to_poll(at).filter(pk=channel.pk).exists()


class TestWhoIsAsked:
    def test_each_is_asked_by_one_worker_at_a_time(self, fake, network):
        assert health.claim_due(timezone.now()) == [fake.pk]
        assert health.claim_due(timezone.now()) == []

    def test_one_whose_worker_died_is_asked_again_after_a_while(self, fake, network):
        health.claim_due(timezone.now())
        assert health.claim_due(timezone.now() + health.LEASE + timedelta(seconds=1)) == [fake.pk]

    def test_who_has_waited_longest_comes_first_and_a_second_has_room_for_so_many(self, network, team, settings):
        settings.POLLS_AT_ONCE = 2
        now = timezone.now()
        made = [
            factories.ChannelFactory(platform="fake", team=team, next_poll_at=now - timedelta(minutes=m))
            for m in (1, 3, 2)
        ]
        assert health.claim_due(now) == [made[1].pk, made[2].pk]
        assert health.claim_due(now) == [made[0].pk]

    def test_after_an_answer_it_waits_for_its_pace(self, fake, network):
        jobs.poll(fake.pk)
        assert not is_due(fake, timezone.now())
        assert is_due(fake, timezone.now() + timedelta(seconds=2))

    def test_a_paused_or_shut_channel_is_not_asked(self, fake, network):
        Channel.objects.update(paused_at=timezone.now())
        assert health.claim_due(timezone.now()) == []
        Channel.objects.update(paused_at=None, broken_at=timezone.now())
        assert health.claim_due(timezone.now()) == []


class TestOneThatFails:
    def test_is_asked_ever_later_and_says_why(self, fake, network):
        network.fetch_since = refusing(TryLater("Fake cannot be reached."))
        waits = []
        for _ in range(14):
            jobs.poll(fake.pk)
            waits.append(again(fake).next_poll_at - timezone.now())
        assert waits[0] < waits[3] < waits[8]
        assert waits[-1] <= health.LONGEST
        assert (again(fake).trouble, again(fake).failures) == ("Fake cannot be reached.", 14)

    def test_waits_as_long_as_the_network_says(self, fake, network):
        network.fetch_since = refusing(RateLimited("Asked too often.", after=3000))
        jobs.poll(fake.pk)
        assert again(fake).next_poll_at > timezone.now() + timedelta(seconds=2900)

    def test_is_well_again_with_the_first_answer(self, fake, network):
        found, network.fetch_since = network.fetch_since, refusing(TryLater("Gone."))
        jobs.poll(fake.pk)
        network.fetch_since = found
        jobs.poll(fake.pk)
        assert (again(fake).trouble, again(fake).failures, again(fake).failing_since) == ("", 0, None)

    def test_its_owner_is_told_once_after_a_while_and_when_it_is_well(self, fake, network, agent):
        Channel.objects.update(owner=agent)
        found, network.fetch_since = network.fetch_since, refusing(TryLater("Gone."))
        jobs.poll(fake.pk)
        health.watch()
        assert not Notice.objects.exists()
        Channel.objects.update(failing_since=timezone.now() - health.PATIENCE - timedelta(seconds=1))
        health.watch()
        health.watch()
        [told] = Notice.objects.all()
        assert (told.user, told.text) == (agent, f"{fake} has not answered for a while: Gone.")
        network.fetch_since = found
        Notice.objects.update(read_at=timezone.now())
        jobs.poll(fake.pk)
        jobs.poll(fake.pk)
        assert [n.text for n in Notice.objects.filter(read_at=None)] == [f"{fake} works again."]

    def test_nobody_is_told_that_it_works_by_a_poll_that_began_before_it_was_shut(self, fake, network, agent):
        Channel.objects.update(owner=agent, alerted_at=timezone.now())
        asked = again(fake)
        health.shut(again(fake), "The key is void.")
        health.answered(asked, None, more=False)
        [told] = Notice.objects.all()
        assert told.text.endswith("The key is void.")
        assert again(fake).alerted_at is not None


class TestBudget:
    def test_what_is_left_lasts_until_it_is_filled_up_and_a_third_is_kept_for_answers(self):
        left = Budget(limit=300, left=200, resets_at=NOW + timedelta(seconds=300))
        assert health.spared(left, NOW) == timedelta(seconds=3)

    def test_where_nothing_may_be_spent_it_waits_until_then(self):
        assert health.spared(Budget(300, 90, NOW + timedelta(seconds=60)), NOW) == timedelta(seconds=60)

    def test_nothing_is_known_of_it(self):
        assert health.spared(None, NOW) == timedelta()
        assert health.spared(Budget(None, 5, None), NOW) == timedelta()


class TestKeys:
    """A network whose key runs out: `Opened` accepts the newest key alone, and gives another for the one before."""

    def test_a_key_that_has_run_out_is_renewed_once_and_kept_before_it_is_used(self, opened):
        channel, network = opened
        network.good = "second"
        assert access.through(channel, lambda platform: platform.ask()) == "asked with second"
        assert (network.renewals, held(channel)) == (1, "second")

    def test_who_comes_second_uses_what_the_first_has_got(self, opened):
        channel, network = opened
        before = channel.connect()
        network.good = "second"
        access.through(channel, lambda platform: platform.ask())
        assert access.renewed(channel, before).ask() == "asked with second"
        assert network.renewals == 1

    def test_a_key_that_opens_nothing_shuts_the_channel_and_its_owner_is_told(self, opened, agent):
        channel, network = opened
        channel.owner = agent
        channel.save()
        network.good = "nothing"
        with pytest.raises(AccessRevoked):
            access.through(channel, lambda platform: platform.ask())
        assert again(channel).broken_at
        assert Notice.objects.get().text == f"{channel} does not let us in any more: It was taken back."

    def test_a_key_is_renewed_ahead_of_time(self, opened):
        channel, network = opened
        Credential.objects.update(expires_at=timezone.now() + timedelta(minutes=5))
        network.next = "second"
        access.renew_ahead()
        assert held(channel) == "second"
        access.renew_ahead()
        assert network.renewals == 1

    def test_what_the_app_holds_is_not_copied_into_the_credential(self, opened):
        row = Credential.objects.get()
        row.app = factories.AppFactory(secrets={"app_secret": "ours"})
        row.put(Access({"server": "x"}, {"app_secret": "ours", "access_token": "t"}))
        assert row.access().secrets == {"app_secret": "ours", "access_token": "t"}
        assert "ours" not in row.sealed
        row.app = None
        assert row.access().secrets == {"access_token": "t"}

    def test_no_secret_is_in_the_database_in_the_clear(self, opened):
        assert "first" not in Credential.objects.get().sealed


def refusing(error):
    def fetch_since(cursor, *, limit):
        raise error

    return fetch_since


def held(channel: Channel) -> str:
    return Credential.objects.get(channel=channel).access().secrets["key"]


class Network:
    good, next, renewals = "first", "", 0


@pytest.fixture
def opened(team, agent, monkeypatch, fake, network):
    there = Network()

    class Opened(type(network)):  # type: ignore[misc]
        def __init__(self, given):
            super().__init__(network.capabilities.idempotency)
            self.access = given

        def ask(self):
            if self.access.secrets["key"] != there.good:
                raise AccessExpired("It has run out.")
            return f"asked with {self.access.secrets['key']}"

        def renew(self):
            there.renewals += 1
            if there.good == "nothing":
                raise AccessRevoked("It was taken back.")
            return Access(self.access.settings, {"key": there.next or there.good}, timezone.now() + timedelta(hours=2))

    factories.CredentialFactory(channel=fake, secrets={"key": "first"})
    monkeypatch.setattr(registry, "connect", lambda kind, given=None: Opened(given))
    monkeypatch.setattr(Channel, "access", lambda self: Credential.objects.get(channel=self).access())
    return fake, there
