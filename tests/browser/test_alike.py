"""A flood in the browser: one row that counts the others, live; a list of them; one answer to all."""

from __future__ import annotations

from itertools import count

import pytest
from playwright.sync_api import expect

from cases.models import Case
from channels_app.models import Delivery
from tests.browser.conftest import WHOLE
from tests.browser.looking import looked_at

pytestmark = pytest.mark.browser
PROCESSES = WHOLE
JOKE = "Skylark charges for the air in the cabin now, bring your own oxygen and save forty euros"
AWKWARD = "Avery-Long-Unbroken-Name-That-Nobody-Cut-Off-" * 2
_numbers = count(1)


def retweet(desk, n):
    for number in [next(_numbers) for _ in range(n)]:
        desk.network("post", handle=f"fan{number}{AWKWARD if number == 2 else ''}"[:60], text=f"RT @joker: {JOKE}")


def in_the_flood():
    return Case.objects.filter(membership__isnull=False)


def test_retweets_stand_behind_one_row_and_are_answered_together(desk, sit):
    ana = sit("ana")
    ana.go("/queue/", live=True)
    retweet(desk, 3)
    desk.wait_until("the flood is there", lambda: in_the_flood().count() == 3)
    row = ana.page.locator(".row__alike")
    expect(row).to_have_count(1, timeout=15_000)
    expect(row).to_contain_text("and 2 alike", timeout=15_000)
    retweet(desk, 2)
    expect(row).to_contain_text("and 4 alike", timeout=15_000)

    row.click()
    ana.page.locator("h1").filter(has_text="Like case").wait_for()
    assert looked_at(ana) == []
    ana.page.locator("textarea[name=text]").fill("Breathing is free on all our flights, we promise.")
    ana.page.get_by_role("button", name="Answer them", exact=True).click()
    expect(ana.page.locator("#alike-progress")).to_contain_text("5 of 5", timeout=30_000)
    assert Delivery.objects.filter(message__case_entry__case__in=in_the_flood()).count() == 5
    assert looked_at(ana) == []
