"""Who are you? An agent asks in the case; the customer answers on a phone; the case shows who it is, at once."""

from __future__ import annotations

import re
from itertools import count

import pytest
from django.utils import timezone
from playwright.sync_api import expect

from cases.models import Case
from crm import private_links
from crm.models import Customer, IdentityRequest
from tests import factories
from tests.browser.conftest import PATIENCE, PHONE, WHOLE, WIDE
from tests.browser.looking import COLOURS, SERIOUS, fade, serious, too_wide, violations

pytestmark = pytest.mark.browser
PROCESSES = WHOLE
_numbers = count(1)


@pytest.fixture
def case(desk):
    """A case of somebody we know by their handle."""
    number = next(_numbers)
    words = f"my seat was given away ({number})"
    desk.network("post", handle=f"seatless{number}", text=f"@skylark {words}")
    return desk.wait_until("the post has its case", lambda: Case.objects.filter(subject=words).first())


@pytest.fixture
def phone(browser):
    """Somebody's own telephone, on which nobody is signed in."""
    context = browser.new_context(viewport=PHONE, has_touch=True, is_mobile=True)
    page = context.new_page()
    page.set_default_timeout(PATIENCE)
    page.complaints = []
    page.on("console", lambda m: page.complaints.append(m.text) if m.type == "error" else None)
    yield page
    context.close()


def link(desk, case):
    """What the simulated network delivered to them, and to them alone."""
    said = desk.wait_until(
        "the private message is there",
        lambda: [e for e in desk.events() if e["private"] and e["to"] == case.identity.value],
    )
    return re.search(r"https?://\S+/who/\S+", said[-1]["text"])[0]


def code(desk, address):
    """From the mail, which the embedded start prints to the log of the worker."""
    log = desk.processes["worker"].log
    mail = rf"^Subject: (\d{{3}}) (\d{{3}}) is your code .*\nFrom: .*\nTo: {address}$"
    return "".join(desk.wait_until("the mail went out", lambda: re.findall(mail, log.read_text(), re.M))[-1])


def maria(number):
    customer = factories.CustomerFactory(name=f"Maria Keller {number}", known_at=timezone.now())
    factories.IdentityFactory(kind="email", place="", value=f"maria{number}@example.com", customer=customer)
    return customer


def sound(page):
    """Nothing serious for axe, nothing cut off, and nothing a finger could miss."""
    small = page.evaluate(
        "[...document.querySelectorAll('a, button, input:not([type=hidden])')]"
        ".filter((e) => e.getBoundingClientRect().height < 44).map((e) => e.outerHTML)"
    )
    assert (serious(page), too_wide(page), small) == ([], [], [])


def test_an_agent_asks_and_the_case_shows_the_answer_while_it_is_open(desk, sit, case, phone):
    known = maria(next(_numbers))
    address = known.links.get().identity.value
    ana = sit("ana")
    page = ana.go(f"/cases/{case.pk}/", live=True)
    page.get_by_role("button", name="Ask who they are").click()
    expect(page.locator("#case-notices")).to_contain_text("a private link is on its way")
    expect(page.locator("#case-side")).to_contain_text("No answer yet")
    expect(page.locator("#conversation")).to_contain_text("[private link]")

    phone.goto(link(desk, case))
    sound(phone)
    phone.get_by_label("Your e-mail address or customer number").fill(address.upper())
    phone.get_by_role("button", name="Send me a code").tap()
    expect(phone.get_by_role("heading", name="Type the code")).to_be_visible()
    sound(phone)
    expect(page.locator("#case-side")).to_contain_text("A code went to them")
    phone.get_by_label("The six digits").fill("nonsense")
    phone.get_by_role("button", name="This is me").tap()
    expect(phone.locator(".field__error")).to_contain_text("That is not the code.")
    sound(phone)
    phone.get_by_label("The six digits").fill(code(desk, address))
    phone.get_by_role("button", name="This is me").tap()
    expect(phone.get_by_role("heading", name="Thank you")).to_be_visible()

    expect(page.locator("#case-head")).to_contain_text(known.name)
    expect(page.locator("#case-side")).to_contain_text("Confirmed m…@example.com by a code on ")
    expect(page.locator(".who__name")).to_contain_text(known.name)
    case.refresh_from_db()
    assert case.customer == known
    assert ana.errors == []
    assert [error for error in phone.complaints if "422" not in error] == []


def test_a_mailbox_nobody_knows_makes_the_customer_known_while_the_case_is_open(desk, sit, case, phone):
    page = sit("ana").go(f"/cases/{case.pk}/", live=True)
    expect(page.locator(".who")).to_contain_text("Provisional")
    page.get_by_role("button", name="Ask who they are").click()
    expect(page.locator("#case-side")).to_contain_text("No answer yet")
    phone.goto(link(desk, case))
    address = f"new{next(_numbers)}@example.com"
    phone.get_by_label("Your e-mail address or customer number").fill(address)
    phone.get_by_role("button", name="Send me a code").tap()
    expect(phone.get_by_role("heading", name="Type the code")).to_be_visible()
    expect(page.locator("#case-side")).to_contain_text("A code went to them")
    phone.get_by_label("The six digits").fill(code(desk, address))
    phone.get_by_role("button", name="This is me").tap()
    expect(phone.get_by_role("heading", name="Thank you")).to_be_visible()
    expect(page.locator(".who")).not_to_contain_text("Provisional")
    expect(page.locator("#case-side")).to_contain_text(address)


def test_it_works_without_javascript_on_both_sides(desk, sit, case, browser):
    page = sit("ben", java_script_enabled=False).go(f"/cases/{case.pk}/")
    page.get_by_role("button", name="Ask who they are").click()
    expect(page.locator("#case-side")).to_contain_text("No answer yet")
    plain = browser.new_context(java_script_enabled=False, viewport=PHONE).new_page()
    plain.goto(link(desk, case))
    plain.get_by_label("Your e-mail address or customer number").fill("C-20931")
    plain.get_by_role("button", name="Send me a code").click()
    expect(plain.get_by_role("heading", name="Type the code")).to_be_visible()
    desk.wait_until("the agent is told why", lambda: IdentityRequest.objects.latest("id").trouble)
    page.reload()
    expect(page.locator("#case-side")).to_contain_text("No record has this number.")
    page.get_by_role("button", name="Withdraw the link").click()
    plain.reload()
    expect(plain.get_by_role("heading", name="This link does not work any more")).to_be_visible()
    plain.context.close()


def test_do_not_contact_is_recorded_beside_the_case_and_the_composer_closes(desk, sit, case):
    ana, ben = sit("ana"), sit("ben")
    for screen in (ana, ben):
        screen.go(f"/cases/{case.pk}/", live=True)
    page = ana.page
    page.get_by_role("link", name="What they allow").click()
    page.locator("summary", has_text="They want no contact at all").click()
    page.locator("form", has=page.get_by_role("button", name="Do not contact")).get_by_label("How we know").fill(
        "Letter"
    )
    page.get_by_role("button", name="Do not contact").click()
    for screen in (ana, ben):
        expect(screen.page.locator("#reply-blocked")).to_contain_text("under any circumstances")
        expect(screen.page.locator("#reply-text")).to_be_hidden()
        expect(screen.page.locator(".side .forbidden").first).to_contain_text("Letter")
    assert Customer.objects.get(pk=case.customer_id).do_not_contact_at
    page.locator("#toasts").get_by_role("button", name="Undo").click()
    for screen in (ana, ben):
        expect(screen.page.locator("#reply-text")).to_be_visible()
        expect(screen.page.locator(".side .forbidden")).to_have_count(0)
    assert ana.errors == []


@pytest.mark.parametrize("viewport", [WIDE, PHONE], ids=["wide", "phone"])
def test_the_pages_for_customers_have_no_serious_fault(desk, browser, viewport):
    page = browser.new_context(viewport=viewport).new_page()
    asked = factories.IdentityRequestFactory(identity=factories.IdentityFactory(), asked_as="unbroken" * 14, codes=1)
    path = "/who/" + private_links.token(asked) + "/"
    for state in ("sent", "withdrawn"):
        IdentityRequest.objects.filter(pk=asked.pk).update(state=state)
        for address in (path, path + "code/", "/who/none/"):
            page.goto(desk.url + address)
            sound(page)
            fade(page, "dark")
            assert violations(page, SERIOUS, COLOURS) == []
            fade(page, "light")
    page.context.close()
