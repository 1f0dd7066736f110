"""What a customer wants, in the queue; and the likely cause with why, chosen by keyboard, counted for leads."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from cases.likely import learning
from cases.models import Case, Cause
from crm.models import User
from tests import factories
from tests.browser.looking import faults_of, looked_at

pytestmark = pytest.mark.browser

LONG = "unbroken" * 12


@pytest.fixture(scope="module")
def bags(desk) -> Case:
    """A history from which one can tell, a case that is like it, and awkward ones of every kind of wish."""
    ana, belt = (
        User.objects.get(username="ana"),
        factories.CauseFactory(name="On the belt", parent=factories.CauseFactory()),
    )
    delay = Cause.objects.get(name="Delay")
    for cause, words in ((belt, "My suitcase went round the carousel and was gone"), (delay, "My train is late again")):
        for _ in range(4):
            factories.resolved(factories.CaseFactory(channel=desk.channel, message=words), ana, cause)
    for wish, topic in (("complaint", "account"), ("purchase", "price"), ("abuse", "none"), ("idea", "product")):
        factories.CaseFactory(
            channel=desk.channel,
            customer__name=LONG,
            customer__tier="key",
            subject=LONG,
            message=LONG * 3,
            priority=1,
            intent=wish,
            topic=topic,
            urgency="high",
        )
    factories.CauseSuggestionFactory(first=delay)
    learning.learn()
    return factories.CaseFactory(
        channel=desk.channel,
        subject="Suitcase not there",
        message="Suitcase not on the carousel!",
        priority=1,
        intent="complaint",
        topic="product",
        urgency="high",
    )


def test_the_queue_says_what_they_want_and_is_filtered_by_it(sit, bags):
    ana = sit("ana")
    page = ana.go("/queue/")
    expect(ana.row("Suitcase not there")).to_contain_text("Now · Complaint")
    page.get_by_text("More filters").locator("xpath=..").click()
    page.get_by_label("They want").select_option("purchase")
    expect(page.locator(".row")).to_have_count(1)
    expect(page).to_have_url(re.compile("wants=purchase"))
    assert ana.errors == []


def test_the_likely_cause_stands_first_with_why_and_is_chosen_by_keyboard(sit, bags):
    ana = sit("ana", reduced_motion="reduce")
    page = ana.go(f"/cases/{bags.pk}/")
    page.keyboard.press("e")
    why = page.get_by_role("list", name="Likely causes")
    expect(why).to_contain_text("On the belt because of “suitcase” (4 of 4), “carousel” (4 of 4)")
    ana.settle()
    assert looked_at(ana) == []
    page.locator("#resolve-cause").press("ArrowDown")
    page.locator(".menu[open] button[type=submit]").click()
    expect(page.get_by_text("On the belt · Solved")).to_be_visible()
    bags.refresh_from_db()
    assert bags.cause.name == "On the belt"
    assert bags.cause_suggestions.get().place == 1


def test_pages_with_all_of_this_have_no_serious_fault(sit, bags):
    lea = sit("lea", reduced_motion="reduce")
    pages = (
        "/queue/?urgency=high",
        "/search/?urgency=high",
        "/listening/",
        "/settings/causes/",
        "/settings/rules/new/",
    )
    assert faults_of(lea, [*pages, "/settings/rules/new/"]) == {}
