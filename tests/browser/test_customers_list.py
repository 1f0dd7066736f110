"""Finding a customer in a browser: by typing, by filters that can be taken away, by a view, and with Ctrl K."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests import factories
from tests.browser.conftest import PHONE

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def people(desk):
    """One found by each thing, and somebody else."""
    found = factories.CustomerFactory(name="Åse Pedersen", tier="key", country="DK")
    factories.IdentityFactory(kind="email", place="", value="ase@post.example", customer=found)
    factories.CustomerFactory(name="Bertil Lund")
    factories.AccountFactory(name="Pedersen & Daughters")
    return found


def test_typing_finds_and_the_row_says_why(sit, people):
    ana = sit("ana")
    page = ana.go("/customers/")
    page.keyboard.press("/")
    page.keyboard.type("petersen")
    expect(page.locator("#rows tbody tr")).to_have_count(1)
    expect(page.locator("#rows")).to_contain_text("Typo: Petersen ~ Pedersen")
    page.locator("#filter-q").fill("ase@post")
    expect(page.locator("#rows")).to_contain_text("E-mail ase@post.example")
    assert "q=ase%40post" in page.url
    assert ana.errors == []


def test_a_filter_is_set_named_kept_as_a_view_and_taken_away(sit, people):
    page = sit("ana").go("/customers/")
    page.get_by_label("Tier").select_option("key")
    expect(page.locator("#rows tbody tr")).to_have_count(1)
    page.get_by_text("More filters").click()
    page.get_by_label("Known").select_option("no")
    chips = page.locator("#rows a.tag")
    expect(chips).to_have_count(2)
    page.locator(".listhead__view > summary").click()
    page.get_by_label("Name of the view").fill("Key handles")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.locator("#view-title")).to_have_text("Key handles")
    page.locator("#rows a.tag", has_text="Tier").click()
    expect(page.locator("#rows a.tag")).to_have_count(1)
    expect(page.locator("#view-title")).to_have_text("Only a handle")
    expect(page.locator("#rows")).to_contain_text("Bertil Lund")


def test_more_filters_open_within_a_phone(sit, people):
    page = sit("ana", viewport=PHONE).go("/customers/")
    page.get_by_text("More filters").click()
    expect(page.get_by_label("Reach")).to_be_in_viewport()
    assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0


def test_the_finder_finds_customers_and_accounts_and_opens_them(sit, people):
    page = sit("ana").go("/profile/")
    page.keyboard.press("Control+k")
    page.keyboard.type("pedersen")
    found = page.locator("#found")
    expect(found).to_contain_text("Pedersen & Daughters")
    found.get_by_text("Åse Pedersen").click()
    page.wait_for_url(f"**/customers/{people.pk}/")
