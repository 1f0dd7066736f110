"""A channel's page: how it is and what is done there; connecting it again, letting it go, giving it new secrets."""

from __future__ import annotations

import json
import re
from datetime import timedelta

import httpx
import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from channels_app import health, jobs, outbox
from channels_app.connecting import apps, connecting
from channels_app.models import App, Channel, Credential
from channels_app.platforms.errors import TryLater
from channels_app.platforms.generic import proof
from crm.models import Activity, Notice
from tests import factories
from tests.channels_app.internet import (
    BRAND,
    TYPED,
    back,
    connected,
    internet,
    state_in,
    words,
)

pytestmark = pytest.mark.django_db
__all__ = ["internet"]


@pytest.fixture
def admin(db):
    return factories.UserFactory(username="ada", role="admin")


@pytest.fixture
def desk(client, admin, internet):
    client.force_login(admin)
    return client


def at(name: str, channel: Channel) -> str:
    return reverse(f"channels_app:{name}", args=[channel.pk])


def page(client: Client, channel: Channel) -> str:
    return words(client.get(at("channel", channel)).content.decode())


def again(channel: Channel) -> Channel:
    return Channel.objects.select_related("credential__app").get(pk=channel.pk)


def told(client: Client, url: str, **data) -> str:
    return words(client.post(url, data, follow=True).content.decode())


def a_while_passes() -> None:
    """So that the same person may be told of the same channel once more."""
    Notice.objects.update(at=timezone.now() - timedelta(minutes=2))


# --- how it is


def test_it_says_all_that_is_known(desk, admin):
    channel = connected(desk, "mastodon", owner=admin.pk)
    now = timezone.now()
    budget = {"limit": 300, "left": 120, "resets_at": (now + timedelta(minutes=4)).isoformat()}
    Channel.objects.filter(pk=channel.pk).update(last_in_at=now - timedelta(hours=2), budget=budget)
    factories.RawEventFactory(channel=channel, received_at=now - timedelta(minutes=7))
    factories.RawEventFactory(channel=channel, state="rejected", reason="Torn.")
    message = factories.MessageFactory(channel=channel, direction="out")
    factories.DeliveryFactory(message=message, created_at=now - timedelta(minutes=9))
    said = page(desk, channel)
    for sentence in (
        "Listening", "2 h ago", "1, the oldest for 7 min", "1, the oldest for 9 min", "120 of 300",
        "brand@social.example", "write:statuses", "does not run out", "Answers in private.", "Tested live",
        admin.get_full_name(), "Connected: Mastodon",
    ):  # fmt: skip
        assert sentence in said, sentence


def test_the_part_that_changes_asks_for_itself(desk):
    channel = connected(desk, "feed")
    part = desk.get(at("channel", channel), headers={"HX-Request": "true", "HX-Target": "channel-state"})
    assert "page__head" not in part.content.decode()
    assert 'hx-trigger="every 20s"' in part.content.decode()


def test_a_page_asks_as_much_for_one_waiting_row_as_for_twenty(desk, django_assert_max_num_queries):
    channel = connected(desk, "mastodon")
    for _each in range(20):
        factories.RawEventFactory(channel=channel)
    with django_assert_max_num_queries(14):
        desk.get(at("channel", channel))


def test_agents_read_it_and_change_nothing(desk, agent):
    channel = connected(desk, "own_channel")
    reader = Client()
    reader.force_login(agent)
    said = reader.get(at("channel", channel)).content.decode()
    assert "Check now" not in said
    assert "/hooks/" not in said
    assert reader.post(at("channel_check", channel)).status_code == 403


def test_the_list_says_the_same_and_leads_there(desk):
    channel = connected(desk, "mastodon")
    health.shut(channel, "Mastodon does not accept our key any more.")
    said = desk.get(reverse("channels_app:channels")).content.decode()
    assert f'href="/channels/{channel.pk}/"' in said
    assert "Shut" in words(said)


def test_a_key_that_runs_out_is_announced(desk):
    channel = connected(desk, "whatsapp")
    Credential.objects.update(expires_at=timezone.now() + timedelta(days=3))
    assert "Its key runs out on" in page(desk, channel)


def test_one_that_should_call_us_and_never_has_is_told_of(desk):
    channel = connected(desk, "whatsapp")
    Credential.objects.update(connected_at=timezone.now() - timedelta(hours=2))
    assert "It has never called Hark." in page(desk, channel)
    App.objects.update(called_at=timezone.now())
    assert "It has never called Hark." not in page(desk, channel)


# --- check now


def test_check_now_says_that_it_is_let_in(desk):
    channel = connected(desk, "wordpress")
    assert "It lets us in." in told(desk, at("channel_check", channel))


def test_check_now_says_what_is_wrong_and_the_channel_keeps_it(desk, internet):
    channel = connected(desk, "wordpress")
    internet.hosts["blog.example"] = lambda request: httpx.Response(503)
    headers = {"HX-Request": "true", "HX-Target": "channel-state"}
    said = words(desk.post(at("channel_check", channel), headers=headers).content.decode())
    assert "status 503" in said
    assert again(channel).failing_since
    assert "Failing" in said


def test_a_right_that_was_taken_back_is_missed_by_the_next_check(desk, internet):
    channel = connected(desk, "wordpress")
    internet.blog.role = ("edit_posts",)
    desk.post(at("channel_check", channel))
    assert "These rights are missing" in page(desk, channel)


def test_a_shut_channel_that_lets_us_in_again_is_opened_by_a_check(desk, admin):
    channel = connected(desk, "mastodon", owner=admin.pk)
    health.shut(channel, "No.")
    assert "No." in page(desk, channel)
    a_while_passes()
    told(desk, at("channel_check", channel))
    assert again(channel).broken_at is None
    assert Notice.objects.latest("pk").text == f"{channel} works again."


# --- checked by the clock


def test_who_only_calls_us_is_checked_each_hour(desk, nudges, django_capture_on_commit_callbacks):
    channel, _polled = connected(desk, "whatsapp"), connected(desk, "mastodon")

    def checked() -> list[tuple]:
        nudges.clear()
        with django_capture_on_commit_callbacks(execute=True):
            jobs.watch_channels()
        return nudges

    assert checked() == [("channels_app.jobs.check", channel.pk)]
    jobs.check(channel.pk)
    assert checked() == []
    Channel.objects.filter(pk=channel.pk).update(next_poll_at=timezone.now() - timedelta(seconds=1))
    assert checked() == [("channels_app.jobs.check", channel.pk)]
    assert timedelta(minutes=59) < health.pace(channel) <= timedelta(hours=1)


def test_an_hourly_check_shuts_a_channel_whose_key_is_no_good_and_its_owner_is_told(desk, admin, internet):
    channel = connected(desk, "whatsapp", owner=admin.pk)
    internet.hosts["graph.facebook.com"] = lambda request: httpx.Response(
        401, json={"error": {"code": 190, "message": "Session has expired"}}
    )
    jobs.check(channel.pk)
    assert again(channel).broken_at
    assert [(notice.user, notice.url) for notice in Notice.objects.all()] == [(admin, at("channel", channel))]
    jobs.check(channel.pk)
    assert Notice.objects.count() == 1


# --- alerts


def test_shut_told_once_opened_told(desk, admin):
    channel = connected(desk, "mastodon", owner=admin.pk)
    for _again in range(3):
        health.shut(again(channel), "It does not accept our key.")
    a_while_passes()
    health.opened(again(channel))
    health.opened(again(channel))
    assert [notice.text for notice in Notice.objects.order_by("pk")] == [
        f"{channel} does not let us in any more: It does not accept our key.", f"{channel} works again.",
    ]  # fmt: skip


def test_where_nobody_looks_after_it_administrators_are_told(desk, admin):
    channel = connected(desk, "mastodon")
    factories.UserFactory(role="lead")
    health.shut(channel, "No.")
    assert [notice.user for notice in Notice.objects.all()] == [admin]


def test_a_key_that_runs_out_is_told_once_ahead_however_well_the_channel_is(desk, admin):
    channel = connected(desk, "whatsapp", owner=admin.pk)
    Credential.objects.update(expires_at=timezone.now() + timedelta(days=5))
    for _minute in range(3):
        health.watch()
        health.answered(again(channel), None, more=False)
    [notice] = Notice.objects.all()
    assert "runs out on" in notice.text


def test_a_channel_that_fails_is_told_of_though_its_key_runs_out_as_well(desk, admin):
    channel = connected(desk, "whatsapp", owner=admin.pk)
    Credential.objects.update(expires_at=timezone.now() + timedelta(days=5))
    health.watch()
    health.failed(again(channel), TryLater("Down."))
    Channel.objects.update(failing_since=timezone.now() - timedelta(minutes=11))
    a_while_passes()
    health.watch()
    assert Notice.objects.latest("pk").text == f"{channel} has not answered for a while: Down."


# --- connected again


def test_the_same_account_is_connected_again_and_what_waited_goes_out(desk, nudges, django_capture_on_commit_callbacks):
    channel = connected(desk, "mastodon")
    health.shut(channel, "It does not accept our key.")
    waiting = factories.DeliveryFactory(message=factories.MessageFactory(channel=channel, direction="out"))
    with django_capture_on_commit_callbacks(execute=True):
        state = state_in(desk.post(at("reconnect", channel), {"server": "social.example"}))
        assert back(desk, code="c", state=state)["Location"] == at("channel", channel)
    assert again(channel).broken_at is None
    assert ("channels_app.jobs.deliver", waiting.pk) in nudges
    assert Channel.objects.filter(platform="mastodon").count() == 1
    assert Activity.objects.about(channel).filter(verb="connected again").exists()


def test_an_answer_may_be_as_long_as_its_own_server_says_and_that_is_asked_anew_with_each_connecting(desk, internet):
    def says(server: object) -> None:
        about = {"uri": "social.example", "version": "4.3.0", "configuration": {"statuses": server}}
        internet.mastodon.answer("GET", "/api/v1/instance", about)

    says({"max_characters": 5000})
    channel = connected(desk, "mastodon")
    assert "At most 5,000 characters." in words(page(desk, channel))
    assert outbox.limit(channel, factories.IdentityFactory(value="maria@far.example")) == 5000 - len("@maria ")
    for server, most in (({"max_characters": 700}, 700), ({}, 500), ({"max_characters": 10**12}, 500)):
        says(server)
        back(desk, code="c", state=state_in(desk.post(at("reconnect", channel), {"server": "social.example"})))
        assert outbox.limit(again(channel), None) == most


def test_another_account_than_before_is_refused(desk, internet):
    channel = connected(desk, "mastodon")
    before = Credential.objects.get().sealed
    internet.mastodon.answer("GET", "/api/v1/accounts/verify_credentials", {**BRAND, "id": "2", "acct": "other"})
    state = state_in(desk.post(at("reconnect", channel), {"server": "social.example"}))
    said = desk.get("/channels/connected/", {"code": "c", "state": state}, follow=True)
    assert "This is another account than the one of" in words(said.content.decode())
    assert Credential.objects.get().sealed == before


@pytest.mark.parametrize("kind", ["wordpress", "bluesky", "whatsapp"])
def test_a_secret_that_is_left_empty_stays(desk, kind):
    channel = connected(desk, kind)
    before = again(channel).access().secrets
    secret = {"wordpress": "password", "bluesky": "app_password", "whatsapp": "access_token"}[kind]
    form = desk.get(at("reconnect", channel)).context["form"]
    typed = {name: form[name].value() for name in form.fields} | {secret: ""}
    response = desk.post(at("reconnect", channel), {name: value or "" for name, value in typed.items()})
    assert response.status_code == 302
    assert again(channel).access().secrets[secret] == before[secret]


def test_a_feed_may_have_moved(desk, internet):
    channel = connected(desk, "feed")
    internet.hosts["new.example"] = internet.hosts["feed.example"]
    desk.post(at("reconnect", channel), {"url": "https://new.example/rss"})
    assert again(channel).credential.account == "https://new.example/rss"


def test_what_a_lost_key_sealed_is_connected_again_with_a_new_one(desk, settings):
    channel = connected(desk, "wordpress")
    settings.SEALING_KEYS = ["another, the old one is lost"]
    assert "This secret was sealed with a key Hark no longer has." in told(desk, at("channel_check", channel))
    assert "Shut" in page(desk, channel)
    desk.post(at("reconnect", channel), TYPED["wordpress"]())
    assert again(channel).broken_at is None


# --- let go


@pytest.mark.parametrize("kind", TYPED)
def test_disconnected_its_secrets_are_gone_and_what_was_said_stays(desk, kind):
    channel = connected(desk, kind)
    message = factories.MessageFactory(channel=channel)
    desk.post(at("disconnect", channel))
    after = again(channel)
    assert (after.credential.sealed, bool(after.paused_at), after.access()) == ("", True, None)
    assert App.objects.filter(network="own_channel").exclude(sealed="").count() == 0
    assert type(message).objects.filter(pk=message.pk).exists()
    assert "disconnected" in page(desk, channel)
    assert "is no account on a network" in told(desk, at("disconnect", channel))


def test_mastodon_gets_its_key_back(desk, internet):
    desk.post(at("disconnect", connected(desk, "mastodon")))
    assert "/oauth/revoke" in internet.mastodon.paths("POST")


def test_where_the_network_is_gone_it_is_let_go_all_the_same(desk, internet):
    channel = connected(desk, "mastodon")
    internet.mastodon.answer("POST", "/oauth/revoke", {}, status=503)
    desk.post(at("disconnect", channel))
    assert again(channel).credential.sealed == ""


def test_what_was_let_go_can_be_connected_again_and_listens(desk):
    channel = connected(desk, "wordpress")
    desk.post(at("disconnect", channel))
    desk.post(at("reconnect", channel), TYPED["wordpress"]())
    after = again(channel)
    assert (after.paused_at, after.broken_at, after.trouble) == (None, None, "")


def test_ones_own_channel_gets_another_secret_when_it_comes_back(desk):
    channel = connected(desk, "own_channel")
    before = channel.access().secrets["secret"]
    desk.post(at("disconnect", channel))
    shown = desk.post(at("reconnect", channel), {"url": ""}).content.decode()
    after = again(channel).access().secrets["secret"]
    assert after != before
    assert (after in shown, before in shown) == (True, False)


def test_whoever_disconnects_holds_the_channel_first_as_whoever_connects_it_anew(desk, admin):
    channel = connected(desk, "mastodon")
    with CaptureQueriesContext(connection) as asked:
        connecting.disconnect(channel=channel, by=admin)
    holds = [sql["sql"] for sql in asked if "FOR UPDATE" in sql["sql"] or sql["sql"].startswith("UPDATE")]
    assert 'FROM "channels_app_channel"' in holds[0]


# --- paused


def test_paused_and_resumed_with_undo(desk):
    channel = connected(desk, "mastodon")
    said = desk.post(at("channel_switch", channel), {"on": "0"}, follow=True)
    assert f"{at('channel_switch', channel)}?on=1" in said.content.decode()
    assert again(channel).paused_at
    desk.post(f"{at('channel_switch', channel)}?on=1")
    assert again(channel).paused_at is None
    assert list(Activity.objects.about(channel).values_list("verb", flat=True))[-2:] == ["paused", "resumed"]


def test_its_name_and_who_looks_after_it_are_changed(desk, admin):
    channel = connected(desk, "mastodon")
    team = factories.TeamFactory()
    data = {"name": "Skylark", "brand": "", "team": team.pk, "owner": admin.pk}
    assert desk.post(at("channel_change", channel), data).status_code == 302
    after = again(channel)
    assert (after.name, after.team, after.owner) == ("Skylark", team, admin)


# --- new secrets


def test_a_new_secret_of_ones_own_channel_stands_beside_the_old_one_for_a_day(desk):
    channel = connected(desk, "own_channel")
    before = channel.access().secrets["secret"]
    shown = desk.post(at("channel_secret", channel)).content.decode()
    after = again(channel).access()
    [new] = set(re.findall(r"whsec_[\w+/=]{20,}", shown))
    assert proof.in_force(after, timezone.now()) == [new, before]
    assert proof.in_force(after, timezone.now() + timedelta(hours=25)) == [new]


def test_the_secret_of_an_app_is_replaced_and_the_old_one_is_believed_for_a_day(desk, admin, monkeypatch):
    app = factories.AppFactory(
        network="meta", settings={"client_id": "42"}, secrets={"app_secret": "old", "verify_token": "v"}
    )
    url = reverse("channels_app:app", args=[app.pk])
    assert desk.post(url, {"name": "Skylark", "app_secret": "n-e-w", "verify_token": ""}).status_code == 302
    app = App.objects.get()
    assert app.secrets.items() >= {"app_secret": "n-e-w", "app_secret_before": "old", "verify_token": "v"}.items()
    later = timezone.now() + timedelta(hours=25)
    monkeypatch.setattr(timezone, "now", lambda: later)
    assert App.objects.get().secrets == {"app_secret": "n-e-w", "verify_token": "v"}


def test_an_app_is_entered_and_says_what_the_network_has_to_know(desk):
    typed = {"name": "Skylark", "client_id": "42", "app_secret": "s-h-h", "verify_token": "w-o-r-d"}
    said = desk.post(reverse("channels_app:app_new", args=["meta"]), typed, follow=True).content.decode()
    app = App.objects.get()
    assert (app.settings, app.secrets) == ({"client_id": "42"}, {"app_secret": "s-h-h", "verify_token": "w-o-r-d"})
    assert apps.address(app) in said
    assert "/channels/connected/" in said
    assert not [secret for secret in ("s-h-h", "w-o-r-d") if secret in said]


def test_what_an_app_lacks_stands_beside_its_field(desk):
    said = desk.post(reverse("channels_app:app_new", args=["x"]), {"name": "Skylark"})
    assert said.status_code == 422
    assert set(said.context["form"].errors) == {"client_id", "client_secret"}
    assert json.dumps(list(App.objects.values("pk"))) == "[]"
