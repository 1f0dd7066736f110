"""Who is whom, in a browser: matches decided by one key, links by hand, records merged and put apart again."""

from __future__ import annotations

from itertools import count

import pytest
from django.utils import timezone
from playwright.sync_api import expect

from cases.models import Case
from crm.models import Customer, IdentityLink, Merge
from tests import factories
from tests.browser.conftest import PHONE

pytestmark = pytest.mark.browser
_numbers = count(1)


@pytest.fixture(autouse=True)
def _nothing_waits(desk):
    IdentityLink.objects.filter(state="proposed").delete()


def known(name):
    customer = factories.CustomerFactory(name=f"{name} {next(_numbers)}", known_at=timezone.now(), city="Leeds")
    factories.IdentityFactory(kind="email", place="", value=f"{customer.pk}@example.com", customer=customer)
    return customer


def stranger(desk):
    """A handle with a case, in the record its first message opened."""
    number = next(_numbers)
    identity = factories.IdentityFactory(
        value=f"stranger{number}", customer=factories.CustomerFactory(name=f"Stranger {number}")
    )
    factories.CaseFactory(
        customer=identity.links.get().customer, identity=identity, channel=desk.channel, message=f"Case of {number}"
    )
    return identity


def propose(desk, name, score=0.9):
    """A claim, not a likeness: what the worker looks for by itself does not take it back."""
    points = [{"says": "Same name: Ann", "weight": 3.0}, {"says": "Other city", "weight": -1.0}]
    return factories.IdentityLinkFactory(
        identity=stranger(desk), customer=known(name), state="proposed", method="said_so", score=score, points=points
    )


def owner(identity):
    return IdentityLink.objects.confirmed().get(identity=identity).customer


def card(page, link):
    return page.locator(f"#match-{link.pk}")


def focused(page):
    return page.evaluate("document.activeElement.closest('[data-row]')?.id ?? ''")


def test_matches_are_decided_and_undone_by_one_key_each(desk, sit):
    links = [propose(desk, "Ann", 0.9), propose(desk, "Bea", 0.8), propose(desk, "Cleo", 0.7)]
    ana = sit("ana")
    page = ana.go("/matches/")
    page.keyboard.press("j")
    assert focused(page) == f"match-{links[0].pk}"
    page.keyboard.press("j")
    page.keyboard.press("k")
    page.keyboard.press("y")
    expect(card(page, links[0])).to_contain_text("Ana Ruiz")
    page.wait_for_function(f"document.activeElement.closest('[data-row]')?.id === 'match-{links[1].pk}'")
    assert owner(links[0].identity) == links[0].customer
    page.keyboard.press("x")
    expect(card(page, links[1])).to_contain_text(f"is not {links[1].customer}")
    expect(page.locator("#matches-count")).to_contain_text("1")
    page.wait_for_function(f"document.activeElement.closest('[data-row]')?.id === 'match-{links[2].pk}'")
    page.keyboard.press("u")
    expect(card(page, links[1]).get_by_role("button", name="One person")).to_be_visible()
    links[1].refresh_from_db()
    assert links[1].state == "proposed"
    card(page, links[0]).get_by_role("button", name="Undo").click()
    expect(card(page, links[0]).get_by_role("button", name="One person")).to_be_visible()
    assert owner(links[0].identity).name.startswith("Stranger")
    assert ana.errors == []


def test_the_last_words_stand_on_the_card(desk, sit):
    link = propose(desk, "Ann")
    page = sit("ana").go("/matches/")
    expect(card(page, link)).to_contain_text("Case of")
    for words in ("Same name: Ann", "Other city", "They said so in public"):
        expect(card(page, link)).to_contain_text(words)


def test_of_two_agents_the_second_is_told_what_the_first_decided(desk, sit):
    link = propose(desk, "Ann")
    ana, ben = sit("ana"), sit("ben")
    for screen in (ana, ben):
        screen.go("/matches/")
        screen.page.keyboard.press("j")
    ana.page.keyboard.press("x")
    expect(card(ana.page, link)).to_contain_text("is not")
    ben.page.keyboard.press("y")
    expect(card(ben.page, link).get_by_role("alert")).to_contain_text("Ana Ruiz decided on this already.")


def test_matches_are_decided_by_plain_forms_without_javascript(desk, sit):
    yes, no = propose(desk, "Ann", 0.9), propose(desk, "Bea", 0.8)
    page = sit("ben", java_script_enabled=False).go("/matches/")
    card(page, yes).get_by_role("button", name="One person").click()
    expect(page.get_by_text(f"is {yes.customer}.")).to_be_visible()
    assert owner(yes.identity) == yes.customer
    card(page, no).get_by_role("button", name="Not the same").click()
    expect(page.get_by_text("will not be proposed again")).to_be_visible()
    page.locator(".toast").get_by_role("button", name="Undo").last.click()
    expect(card(page, no)).to_be_visible()
    page.get_by_role("link", name="Decided").click()
    card(page, yes).get_by_role("button", name="Undo").click()
    assert owner(yes.identity) != yes.customer


def test_a_conflict_is_put_right_on_a_phone(desk, sit):
    ann, bea = known("Ann"), known("Bea")
    hers = factories.IdentityFactory(value=f"bea{next(_numbers)}", customer=bea)
    link = factories.IdentityLinkFactory(identity=hers, customer=ann, state="proposed", method="asked", score=1.0)
    page = sit("ana", viewport=PHONE).go("/matches/?show=conflicts")
    card(page, link).get_by_role("button", name="moves to").click()
    expect(card(page, link)).to_contain_text(f"is {ann}")
    assert owner(hers) == ann
    card(page, link).get_by_role("button", name="Undo").click()
    expect(card(page, link).get_by_role("link", name="One person: merge")).to_be_visible()
    assert owner(hers) == bea


def test_an_address_is_linked_by_hand_by_keyboard_alone_and_undone(desk, sit):
    ann = known("Ann")
    ana = sit("ana")
    page = ana.go(f"/customers/{ann.pk}/link/")
    page.get_by_label("Kind").focus()
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    page.keyboard.type("not an address")
    page.keyboard.press("Tab")
    page.keyboard.type("Signed with it")
    page.keyboard.press("Enter")
    expect(page.get_by_text("is not an e-mail address")).to_be_visible()
    page.get_by_label("Address, number or handle").fill(f"Second.{ann.pk}@Example.com")
    page.keyboard.press("Enter")
    page.wait_for_url(f"**/customers/{ann.pk}/")
    expect(page.locator(".toast")).to_contain_text(f"is linked to {ann}")
    expect(page.get_by_text("Signed with it").first).to_be_visible()
    page.keyboard.press("u")
    expect(page.locator(".toast")).to_contain_text("Undone.")
    assert not IdentityLink.objects.filter(identity__value=f"second.{ann.pk}@example.com").exists()
    assert [error for error in ana.errors if "422" not in error] == []


def test_a_handle_is_taken_from_a_record_with_its_cases_and_comes_back(desk, sit):
    ann = known("Ann")
    handle = factories.IdentityFactory(value=f"sister{next(_numbers)}", customer=ann)
    case = factories.CaseFactory(customer=ann, identity=handle, channel=desk.channel)
    page = sit("ana").go(f"/customers/{ann.pk}/")
    page.get_by_role("link", name=f"@{handle.value} is not theirs").click()
    page.get_by_label("Why it is not theirs").fill("It is her sister's")
    page.keyboard.press("Enter")
    expect(page.locator(".toast")).to_contain_text("is not linked to")
    assert Case.objects.get(pk=case.pk).customer == owner(handle) != ann
    page.locator(".toast").get_by_role("button", name="Undo").click()
    expect(page.locator(".toast").filter(has_text="Undone.")).to_be_visible()
    assert Case.objects.get(pk=case.pk).customer == owner(handle) == ann


def test_two_records_are_merged_field_by_field_and_put_apart_again(desk, sit):
    ann, other = known("Ann"), stranger(desk)
    provisional = owner(other)
    factories.OrderFactory.create_batch(2, customer=provisional)
    ana = sit("ana")
    page = ana.go(f"/customers/{ann.pk}/")
    page.get_by_role("link", name="Merge", exact=True).click()
    expect(page.locator("[name=q]:focus")).to_be_visible()
    page.keyboard.type(other.value)
    page.keyboard.press("Enter")
    page.get_by_role("link", name=provisional.name).click()
    for words in ("2 orders", "1 case", f"@{other.value}"):
        expect(page.locator(".sheet__moves")).to_contain_text(words)
    page.get_by_label(provisional.name).check()
    page.get_by_label("Why they are one person").fill("Same address")
    page.get_by_role("button", name="Merge the two").press("Enter")
    page.wait_for_url(f"**/customers/{ann.pk}/")
    expect(page.locator("h1")).to_have_text(provisional.name)
    expect(page.locator(".notice", has_text="was merged in")).to_contain_text("Ana Ruiz")
    history = page.locator(f"#merges-{ann.pk}").locator("xpath=ancestor::section[1]")
    expect(history).to_contain_text("Ana Ruiz")
    expect(history).to_contain_text("Same address")
    history.get_by_text("What moved").click()
    expect(history).to_contain_text("2 orders")
    history.get_by_role("button", name="Undo").click()
    expect(page.locator(".toast").filter(has_text="Undone: both records are as they were.")).to_be_visible()
    expect(page.locator("h1")).to_have_text(ann.name)
    assert owner(other) == provisional
    assert ana.errors == []


def test_the_same_by_plain_forms_and_old_addresses_lead_to_the_survivor(desk, sit):
    ann, other = known("Ann"), stranger(desk)
    provisional = owner(other)
    page = sit("ben", java_script_enabled=False).go(f"/customers/{ann.pk}/merge/?q={other.value}")
    page.get_by_role("link", name=provisional.name).click()
    page.get_by_role("button", name="Merge the two").click()
    expect(page.get_by_text(f"{provisional.name} is now part of {ann.name}.")).to_be_visible()
    page.goto(f"{desk.url}/customers/{provisional.pk}/")
    assert page.url.endswith(f"/customers/{ann.pk}/")
    page.goto(f"{desk.url}/customers/{ann.pk}/merges/")
    page.get_by_role("button", name="Undo").click()
    expect(page.get_by_text("Undone by Ben Okafor")).to_be_visible()
    assert Merge.objects.latest("pk").undone_at
    assert Customer.objects.get(pk=provisional.pk).merged_into is None
