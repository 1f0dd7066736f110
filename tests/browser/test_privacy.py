"""A copy and an erasure in the browser; and what a colleague sees whose case is open meanwhile."""

from __future__ import annotations

import json
from io import BytesIO
from itertools import count
from zipfile import ZipFile

import pytest
from playwright.sync_api import expect

from cases.models import Case
from channels_app.models import Message
from crm.models import Customer, RetentionRule
from tests.browser.conftest import PHONE, WHOLE

pytestmark = pytest.mark.browser
PROCESSES = WHOLE
_numbers = count(1)


@pytest.fixture
def mira(desk):
    """Somebody who has just written: her case."""
    number = next(_numbers)
    words = f"@skylark my suitcase is gone since Tuesday ({number})"
    desk.network("post", handle=f"mira_travels{number}", text=words)
    return desk.wait_until(
        "the post has its case", lambda: Case.objects.filter(subject__endswith=f"({number})").first()
    )


def test_a_copy_is_made_seen_to_grow_and_fetched(desk, sit, mira):
    lea = sit("lea")
    lea.go(f"/customers/{mira.customer_id}/")
    panel = lea.page.locator(f"#privacy-{mira.customer_id}")
    panel.get_by_label("On whose request").select_option("They asked for it themselves")
    panel.get_by_role("button", name="Make a copy").click()
    link = panel.get_by_role("link", name="Download")
    expect(link).to_be_visible()
    with lea.page.expect_download() as fetched:
        link.click()
    assert fetched.value.suggested_filename == f"customer-{mira.customer_id}.zip"
    with ZipFile(BytesIO(fetched.value.path().read_bytes())) as archive:
        told = json.loads(archive.read("data.json"))
        page = archive.read("index.html").decode()
    assert told["kinds"]["messages"]["rows"][0]["text"].startswith("@skylark my suitcase is gone")
    assert "my suitcase is gone since Tuesday" in page


def test_the_page_in_the_copy_stands_alone(desk, sit, mira, tmp_path):
    lea = sit("lea")
    lea.go(f"/customers/{mira.customer_id}/privacy/")
    lea.page.get_by_role("button", name="Make a copy").click()
    with lea.page.expect_download() as fetched:
        lea.page.get_by_role("link", name="Download").click()
    with ZipFile(BytesIO(fetched.value.path().read_bytes())) as archive:
        archive.extractall(tmp_path)
    fetches = []
    lea.page.on("request", lambda request: fetches.append(request.url))
    lea.page.goto((tmp_path / "index.html").as_uri())
    expect(lea.page.get_by_role("heading", level=1)).to_have_text(f"All that is held on customer {mira.customer_id}")
    lea.page.get_by_role("link", name="What they said, and what we answered").click()
    expect(lea.page.locator("#messages")).to_contain_text("my suitcase is gone since Tuesday")
    assert fetches == [(tmp_path / "index.html").as_uri()]
    assert lea.errors == []


def test_an_erasure_is_confirmed_by_name_and_seen_through_to_its_receipt(desk, sit, mira):
    lea = sit("lea", viewport=PHONE)
    name = mira.customer.name
    lea.go(f"/customers/{mira.customer_id}/privacy/erase/")
    expect(lea.page.get_by_role("row", name="What they said, and what we answered")).to_contain_text("1")
    lea.page.get_by_role("button", name="Erase for good").click()
    lea.page.get_by_label("They asked for it themselves").check()
    lea.page.get_by_label("Type their name or number").fill("somebody else")
    lea.page.get_by_role("button", name="Erase for good").click()
    expect(lea.page.get_by_role("main")).to_contain_text("to confirm: an erasure cannot be undone")
    assert Message.objects.get(case_entry__case=mira).text
    lea.page.get_by_label("Type their name or number").fill(f" {name.upper()}")
    lea.page.get_by_role("button", name="Erase for good").click()
    expect(lea.page.get_by_text("Done", exact=True)).to_be_visible()
    expect(lea.page.get_by_role("main")).to_contain_text("gone from the last of them on")
    expect(lea.page.get_by_role("main")).not_to_contain_text(name)
    assert Message.objects.get(case_entry__case=mira).text == ""
    lea.go(f"/customers/{mira.customer_id}/")
    expect(lea.page.get_by_role("heading", level=1)).to_have_text("Erased customer")
    expect(lea.page.get_by_role("main")).not_to_contain_text(name)


def test_whose_case_is_open_elsewhere_sees_the_customer_go(desk, sit, mira):
    """The queue, the head, the words, the composer and the panel beside: without reloading."""
    ana, lea = sit("ana"), sit("lea")
    name, subject = mira.customer.name, mira.subject
    ana.go("/queue/", live=True)
    ana.open(subject)
    ana.page.evaluate("window.sameDocument = true")
    ana.page.get_by_label("Reply to the customer").fill("We have found it.")
    expect(ana.page.locator(".side")).to_contain_text(name)
    lea.go(f"/customers/{mira.customer_id}/privacy/erase/")
    lea.page.get_by_label("They asked for it themselves").check()
    lea.page.get_by_label("Type their name or number").fill(str(mira.customer_id))
    lea.page.get_by_role("button", name="Erase for good").click()
    expect(ana.page.locator("#case-title")).to_have_text("Erased on request")
    expect(ana.page.locator(f"#case-{mira.pk}")).to_contain_text("Erased customer")
    expect(ana.page.locator("#conversation")).to_contain_text("Erased on request")
    expect(ana.page.locator("#reply-blocked")).to_contain_text("This customer was erased: there is nobody to contact.")
    expect(ana.page.locator(".side")).to_contain_text("Erased customer")
    expect(ana.page.locator("body")).not_to_contain_text(name)
    expect(ana.page.locator("body")).not_to_contain_text(subject)
    assert ana.page.evaluate("window.sameDocument")
    ana.page.keyboard.press("e")
    ana.page.locator("#resolve-cause").select_option("Delay")
    ana.page.get_by_role("button", name="Resolve", exact=True).last.click()
    desk.wait_until("it is resolved", lambda: Case.objects.get(pk=mira.pk).state == "resolved")


def test_the_same_handle_that_writes_again_is_somebody_new(desk, sit, mira):
    handle, gone = mira.identity.handle, mira.customer_id
    lea = sit("lea")
    lea.go(f"/customers/{gone}/privacy/erase/")
    lea.page.get_by_label("They asked for it themselves").check()
    lea.page.get_by_label("Type their name or number").fill(str(gone))
    lea.page.get_by_role("button", name="Erase for good").click()
    expect(lea.page.get_by_text("Done", exact=True)).to_be_visible()
    desk.network("post", handle=handle, text="@skylark me again, another question")
    fresh = desk.wait_until(
        "a new contact", lambda: Customer.objects.filter(links__identity__handle=handle, erased_at=None).first()
    )
    assert fresh.pk != gone
    lea.go(f"/customers/{fresh.pk}/")
    expect(lea.page.get_by_role("main")).to_contain_text("me again, another question")


def test_a_retention_rule_is_looked_at_before_it_is_switched_on(desk, sit):
    lea = sit("lea")
    lea.go("/settings/retention/")
    row = lea.page.get_by_role("row", name="What came over the wire and was stored")
    expect(row.get_by_role("button", name="Switch on")).to_have_count(0)
    row.get_by_label("Days: What came over the wire and was stored").fill("3000")
    row.get_by_role("button", name="Look").click()
    row.get_by_role("button", name="Switch on with 3000 days").click()
    expect(row).to_contain_text("on, after 3000 days")
    assert RetentionRule.objects.get(kind="payloads").enabled_by == lea.user
    row.get_by_role("button", name="Switch off").click()
    expect(row).to_contain_text("off")
