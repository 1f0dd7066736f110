"""Tokens, webhooks and the reference of the API in a browser: from the form to the other system and back."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest
import standardwebhooks
from playwright.sync_api import expect

from crm.models import ApiToken, Webhook, WebhookEvent
from tests import factories
from tests.browser.conftest import PHONE
from tests.browser.looking import faults_of
from tests.crm.servers import says, serving
from tests.processes.stack import Stack

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def desk(browser, prepared, django_db_blocker) -> Iterator[Stack]:
    """A running Hark that may send webhooks to this machine."""
    with django_db_blocker.unblock(), Stack(prepared, {"HARK_ALLOW_LOOPBACK": "1"}) as stack:
        factories.UserFactory(username="lea", first_name="Lea", last_name="Brandt", role="lead")
        factories.UserFactory(
            username="ada", first_name="Ada", last_name="Moreau", role="admin", is_staff=True, is_superuser=True
        )
        factories.CustomerFactory(name="Ann Mercer")
        stack.start("web", "worker", "cron")
        yield stack


def make_webhook(page, url, *events):
    """Through the form; the secret it shows."""
    page.get_by_role("link", name="New webhook").first.click()
    page.get_by_label("Name").fill("Shop")
    page.get_by_label("Address").fill(url)
    for event in events:
        page.get_by_label(event).check()
    page.get_by_role("button", name="Make the webhook").click()
    secret = page.get_by_label("Secret").input_value()
    page.get_by_role("link", name="I have copied it").click()
    return secret


def test_a_token_is_made_copied_used_and_revoked(desk, sit):
    ada = sit("ada", permissions=["clipboard-read", "clipboard-write"])
    page = ada.go("/settings/api-tokens/")
    page.get_by_role("link", name="New token").first.click()
    page.get_by_label("Name").fill("Shop")
    page.get_by_label("Read customers and their identities").check()
    page.get_by_role("button", name="Make the token").click()
    page.get_by_role("button", name="Copy").click()
    expect(page.get_by_text("Copied.")).to_be_visible()
    token = page.evaluate("navigator.clipboard.readText()")
    headers = {"Authorization": f"Bearer {token}"}
    answer = httpx.get(f"{desk.url}/api/v1/customers", headers=headers)
    assert [customer["name"] for customer in answer.json()["items"]] == ["Ann Mercer"]
    page.get_by_role("link", name="I have copied it").click()
    expect(page.get_by_role("row", name="Shop")).to_contain_text("just now")
    page.get_by_role("button", name="Revoke Shop").click()
    expect(page.get_by_role("row", name="Shop")).to_contain_text("revoked")
    assert httpx.get(f"{desk.url}/api/v1/customers", headers=headers).status_code == 401
    page.get_by_role("link", name="Make a new token like Shop").click()
    expect(page.get_by_label("Read customers and their identities")).to_be_checked()
    assert ApiToken.objects.count() == 1
    assert ada.errors == []


def test_a_system_is_told_what_happens_and_answers(desk, sit):
    with serving() as shop:
        ada = sit("ada")
        secret = make_webhook(ada.go("/settings/webhooks/"), shop.url, "A customer’s data changed")
        ada.page.get_by_role("button", name="Send a test").click()
        expect(ada.page.get_by_text("The test arrived: it was answered with 200.")).to_be_visible()
        ann = factories.CustomerFactory(name="Nia Powell")
        page = ada.go(f"/customers/{ann.pk}/edit/")
        page.get_by_label("City").fill("Leeds")
        page.get_by_role("button", name="Save").click()
        desk.wait_until("the shop was told", lambda: len(shop.heard) == 2)
        _path, headers, body = shop.heard[1]
        event = standardwebhooks.Webhook(secret).verify(body, headers)
        assert (event["type"], event["data"]["city"]) == ("customer.changed", "Leeds")
        desk.wait_until("it is settled", lambda: not WebhookEvent.objects.unsettled().exists())
        page = ada.go(f"/settings/webhooks/{Webhook.objects.get().pk}/")
        row = page.get_by_role("row", name="customer.changed")
        expect(row).to_contain_text("Sent")
        row.get_by_text("What it says").click()
        expect(row.locator("pre")).to_contain_text("Nia Powell")
        row.get_by_role("button", name="again").click()
        desk.wait_until("the shop was told again", lambda: len(shop.heard) == 3)
        assert shop.heard[2][1]["webhook-id"] == headers["webhook-id"]
        assert ada.errors == []
    Webhook.objects.all().delete()


def test_a_failing_system_is_shown_as_such_and_switching_it_off_can_be_undone(desk, sit):
    with serving(says(503)) as shop:
        ada = sit("ada")
        make_webhook(ada.go("/settings/webhooks/"), shop.url, "A customer’s data changed")
        page = ada.go(f"/customers/{factories.CustomerFactory().pk}/edit/")
        page.get_by_label("City").fill("Leeds")
        page.get_by_role("button", name="Save").click()
        desk.wait_until("it failed", lambda: Webhook.objects.filter(failing_since__isnull=False).exists())
        page = ada.go("/settings/webhooks/")
        expect(page.get_by_role("row", name="Shop")).to_contain_text("It answered with an error (503).")
        page.get_by_role("link", name="Shop").click()
        page.get_by_role("button", name="Switch off").click()
        expect(page.get_by_text("“Shop” is told nothing any more.")).to_be_visible()
        page.get_by_role("button", name="Undo").click()
        expect(page.get_by_text("“Shop” is told from now on.")).to_be_visible()
    Webhook.objects.all().delete()


def test_an_address_of_the_house_is_refused_beside_its_field(desk, sit):
    page = sit("ada").go("/settings/webhooks/new/")
    page.get_by_label("Name").fill("Router")
    page.get_by_label("Address").fill("https://192.168.1.1/")
    page.get_by_label("A case was opened").check()
    page.get_by_role("button", name="Make the webhook").click()
    expect(page.get_by_text("192.168.1.1 is not on the public internet. Hark sends nothing there.")).to_be_visible()
    expect(page.get_by_label("Name")).to_have_value("Router")
    expect(page.get_by_label("A case was opened")).to_be_checked()


def test_it_all_works_without_javascript(desk, sit):
    page = sit("ada", java_script_enabled=False).go("/settings/api-tokens/new/")
    page.get_by_label("Name").fill("Plain")
    page.get_by_label("Read cases").check()
    page.get_by_role("button", name="Make the token").click()
    assert page.get_by_label("Token").input_value().startswith("hark_")
    expect(page.get_by_role("button", name="Copy")).to_be_hidden()
    ApiToken.objects.all().delete()


def test_the_reference_can_be_read_on_a_phone(desk, sit):
    lea = sit("lea", viewport=PHONE)
    page = lea.go("/api/v1/docs")
    page.get_by_role("navigation", name="On this page").get_by_role("link", name="Identities").click()
    page.locator("#identity_claim summary").click()
    expect(page.locator("#identity_claim")).to_contain_text("customers:write")
    expect(page.locator("#identity_claim pre")).to_contain_text("curl -X POST")
    with page.expect_download() as download:
        page.get_by_role("link", name="OpenAPI 3.1 as a file").click()
    assert download.value.suggested_filename == "hark-openapi.json"
    assert lea.errors == []


AWKWARD = "Trial of the newsletter tool that marketing wanted to have " + "x" * 20


@pytest.fixture(scope="module")
def awkward(desk):
    """Long names in every state; the addresses of the screens that show them."""
    token = factories.ApiTokenFactory(name=AWKWARD, source="s" * 40)
    factories.ApiTokenFactory(name="ليلى", revoked_at=token.created_at)
    factories.ApiTokenFactory(name="Old", expires_at=token.created_at)
    webhook = factories.WebhookFactory(
        name=AWKWARD, url="https://hooks.example/" + "a" * 200, failing_since=token.created_at, trouble="t" * 300,
        events=["customer.changed", "case.opened"],
    )  # fmt: skip
    factories.WebhookFactory(disabled_at=token.created_at, trouble="Switched off.")
    for state in ("waiting", "given_up", "sent"):
        at = token.created_at if state == "sent" else None
        data = {"name": "نوعا" * 40, "text": "unbroken" * 60}
        factories.WebhookEventFactory(webhook=webhook, state=state, sent_at=at, trouble="t" * 300, data=data)
    yield [
        *("/settings/api-tokens/", "/settings/api-tokens/new/", f"/settings/api-tokens/new/?like={token.pk}"),
        *("/settings/matching/", "/settings/webhooks/", "/settings/webhooks/new/", f"/settings/webhooks/{webhook.pk}/"),
        *(f"/settings/webhooks/{webhook.pk}/edit/", f"/settings/webhooks/{webhook.pk}/?state=sending", "/api/v1/docs"),
    ]
    Webhook.objects.all().delete()
    ApiToken.objects.all().delete()


def unfold(page):
    for details in page.locator("main details").all()[:12]:
        details.evaluate("node => node.open = true")


def test_no_screen_has_a_serious_fault(sit, awkward):
    assert faults_of(sit("ada", reduced_motion="reduce"), awkward, first=unfold) == {}
