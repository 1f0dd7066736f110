"""Connecting a channel in the browser, and its page in every state: nothing is cut off, axe finds nothing serious."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.utils import timezone
from playwright.sync_api import expect

from channels_app import connecting, health
from channels_app.connecting.kinds import KINDS
from channels_app.models import App, Channel, Credential
from channels_app.platforms.abilities import Access, Health
from channels_app.platforms.errors import TryLater
from crm.models import User
from tests import factories
from tests.browser.looking import faults_of

pytestmark = pytest.mark.browser

LONG = "unbroken" * 9


@pytest.fixture(scope="module")
def ada(desk) -> User:
    return User.objects.get(username="ada")


@pytest.fixture(scope="module")
def app(desk, ada) -> App:
    return factories.AppFactory(
        name=LONG[:80], settings={"client_id": "4" * 60}, secrets={"app_secret": "s", "verify_token": "v"}
    )


@pytest.fixture(scope="module")
def channels(desk, ada, app) -> dict[str, Channel]:
    """One in each state, with long names."""
    scopes = " ".join(f"read:{LONG[:20]}{n}" for n in range(9))
    given = {"team": desk.channel.team, "owner": ada, "brand": LONG[:80], "by": ada}

    def made(kind: str, name: str, through: int | None = None, **settings: str) -> Channel:
        said = {"account_id": name, "url": f"https://{name}.example", "scopes": scopes, "missing": scopes, **settings}
        account = Health(LONG[:80], name, scopes.split(), scopes.split())
        found = connecting.Found(KINDS[kind], Access(said, {"access_token": "k"}), account, through)
        return connecting.connect(found=found, name=f"{name} {LONG}"[:80], **given)

    found = {name: made("mastodon", name) for name in ("well", "shut", "failing", "paused")}
    found["gone"] = made("wordpress", "gone")
    found["whatsapp"] = made("whatsapp", "whatsapp", app.pk, phone_id="1")
    health.shut(found["shut"], LONG * 3)
    health.failed(found["failing"], TryLater("Mastodon cannot be reached."))
    Channel.objects.filter(pk=found["failing"].pk).update(failing_since=timezone.now() - timedelta(hours=1))
    connecting.pause(channel=found["paused"], by=ada)
    connecting.disconnect(channel=found["gone"], by=ada)
    now = timezone.now()
    budget = {"limit": 300, "left": 12, "resets_at": (now + timedelta(minutes=4)).isoformat()}
    Channel.objects.filter(pk=found["well"].pk).update(budget=budget, last_in_at=now)
    Credential.objects.filter(channel=found["whatsapp"]).update(
        expires_at=now + timedelta(days=2), connected_at=now - timedelta(days=2)
    )
    factories.RawEventFactory(channel=found["well"], received_at=now - timedelta(hours=3))
    factories.RawEventFactory(channel=found["well"], state="rejected", reason="Torn.")
    return found


def test_every_screen_for_an_administrator(desk, sit, channels, app):
    ada = sit("ada")
    paths = ["/channels/", "/channels/connect/", *(f"/channels/connect/{kind}/" for kind in KINDS)]
    paths += [f"/channels/{channel.pk}/" for channel in channels.values()]
    paths += [f"/channels/{channels['well'].pk}/{page}/" for page in ("change", "connect")]
    paths += ["/channels/apps/new/meta/", "/channels/apps/new/x/", f"/channels/apps/{app.pk}/"]
    assert {path: found for path, found in faults_of(ada, paths).items() if found} == {}


def test_who_answers_customers_sees_how_it_is_and_why_answers_wait(desk, sit, channels):
    case = factories.CaseFactory(channel=channels["shut"])
    ana = sit("ana")
    paths = ["/queue/", f"/queue/?case={case.pk}", f"/cases/{case.pk}/", f"/channels/{channels['shut'].pk}/"]
    assert {path: found for path, found in faults_of(ana, paths).items() if found} == {}
    ana.go("/queue/")
    expect(ana.page.locator("#troubled")).to_contain_text("Answers on")


def test_a_channel_of_ones_own_is_connected_and_its_secret_is_seen_once(desk, sit, ada):
    screen = sit("ada")
    page = screen.go("/channels/")
    page.get_by_role("link", name="Connect a channel").click()
    page.get_by_role("link", name="A channel of your own").click()
    page.get_by_label("Address to call").fill("https://10.1.2.3/hark")
    page.get_by_role("button", name="Look whether it opens").click()
    expect(page.locator(".field__error")).to_contain_text("not on the public internet")
    expect(page.get_by_label("Address to call")).to_have_value("https://10.1.2.3/hark")
    page.get_by_label("Address to call").fill("")
    page.get_by_role("button", name="Look whether it opens").click()
    page.get_by_label("Name").fill("Chat")
    page.get_by_label("Team").select_option(label="Travel care")
    page.get_by_role("button", name="Connect it").click()
    secret = page.get_by_label("Secret (HARK_SECRET)").input_value()
    assert re.fullmatch(r"whsec_[\w+/]+=*", secret)
    page.get_by_role("link", name="I have copied it").click()
    expect(page.locator("#channel-state")).to_contain_text("Listening")
    assert secret not in page.content()
    page.get_by_role("button", name="Check now").click()
    expect(page.locator("#channel-state")).to_contain_text("It lets us in.")
    page.get_by_role("button", name="New secret").click()
    assert page.get_by_label("Secret (HARK_SECRET)").input_value() != secret
    assert [error for error in screen.errors if "422" not in error] == []


def test_paused_and_back_with_undo(desk, sit, channels):
    channel = channels["well"]
    page = sit("ada").go(f"/channels/{channel.pk}/")
    page.get_by_role("button", name="Pause").click()
    expect(page.locator("#channel-state")).to_contain_text("Paused")
    page.get_by_role("button", name="Undo").click()
    expect(page.locator("#channel-state")).to_contain_text("Listening")
