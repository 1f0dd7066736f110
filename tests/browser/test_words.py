"""Words before they leave, by keyboard alone: a template, its gaps, a draft, and taking a reply back."""

from __future__ import annotations

from itertools import count

import pytest
from playwright.sync_api import expect

from cases.models import Case, DeskSettings, Draft
from channels_app.models import Delivery
from tests import factories
from tests.browser.conftest import WHOLE

pytestmark = pytest.mark.browser
PROCESSES = WHOLE
_numbers = count(1)


@pytest.fixture
def case(desk):
    """Somebody new writes."""
    words = f"Where is my bag? ({next(_numbers)})"
    desk.network("post", handle=f"bagless{next(_numbers)}", text=f"@skylark {words}")
    return desk.wait_until("the post has its case", lambda: Case.objects.filter(subject=words).first())


@pytest.fixture
def held(desk):
    """Replies can be taken back for a minute."""
    DeskSettings.objects.update_or_create(pk=1, defaults={"undo_seconds": 60})
    yield
    DeskSettings.objects.all().delete()


def test_a_template_is_found_filled_in_and_sent_without_the_mouse(sit, case):
    factories.TemplateFactory(
        name="Bag lost", text="Hello {customer|there}, your bag is [[where it is]]. You have it [[when]]."
    )
    ana = sit("ana")
    ana.go(f"/cases/{case.pk}/", live=True)
    keys, area = ana.page.keyboard, ana.page.locator("#reply-text")
    keys.press("w")
    expect(ana.page.locator("[data-picker-item]")).to_have_count(1)
    keys.type("bag")
    expect(ana.page.locator("[data-picker-item]")).to_have_count(1)
    keys.press("Enter")
    expect(area).to_be_focused()
    keys.type("in Leeds")
    keys.press("Control+Enter")
    expect(ana.page.locator("#case-notices")).to_contain_text("“when” is still to be filled in")
    expect(area).to_have_value("Hello there, your bag is in Leeds. You have it [[when]].")
    area.focus()
    keys.press("Control+Home")
    keys.press("Tab")
    keys.type("tomorrow")
    keys.press("Control+Enter")
    expect(ana.page.locator(".entry--ours")).to_contain_text("Hello there, your bag is in Leeds. You have it tomorrow.")
    expect(area).to_have_value("")


def test_what_was_begun_stands_there_on_another_device(desk, sit, case):
    ana = sit("ana")
    ana.go(f"/cases/{case.pk}/", live=True)
    ana.page.locator("#reply-text").fill("We have found")
    desk.wait_until("the draft is kept", lambda: Draft.objects.filter(case=case, text="We have found").exists())
    elsewhere = sit("ana")
    elsewhere.go(f"/cases/{case.pk}/")
    expect(elsewhere.page.locator("#reply-text")).to_have_value("We have found")


def test_a_reply_is_taken_back_with_a_key_and_stands_in_the_composer_again(held, sit, case):
    ana = sit("ana")
    ana.go(f"/cases/{case.pk}/", live=True)
    ana.page.locator("#reply-text").fill("It is in Leeds.")
    ana.page.keyboard.press("Control+Enter")
    expect(ana.page.locator("[data-leaves]")).to_contain_text("Leaves in")
    expect(ana.page.locator("#reply-text")).to_have_value("")
    ana.page.locator("#reply-text").blur()
    ana.page.keyboard.press("u")
    expect(ana.page.locator("#case-notices")).to_contain_text("Taken back. It was not sent.")
    expect(ana.page.locator("#reply-text")).to_have_value("It is in Leeds.")
    assert not Delivery.objects.filter(message__case_entry__case=case).exists()
