"""An agent's work in a browser: by keyboard alone, without JavaScript, and on a phone."""

from __future__ import annotations

from itertools import count

import pytest
from playwright.sync_api import expect

from cases.models import Case
from channels_app.models import Delivery
from tests.browser.conftest import PHONE, WHOLE
from tests.factories import PASSWORD

pytestmark = pytest.mark.browser
PROCESSES = WHOLE
_numbers = count(1)


def ask(desk, text="where is my suitcase"):
    number = next(_numbers)
    desk.network("post", handle=f"holidaymaker{number}", text=f"@skylark {text} ({number})")
    words = f"{text} ({number})"
    desk.wait_until("the post has its case", lambda: Case.objects.filter(subject=words).exists())
    return words


def test_a_case_is_worked_by_keyboard_alone(desk, sit):
    words = ask(desk)
    ana = sit("ana")
    page = ana.go("/queue/", live=True)
    page.keyboard.press("j")
    focused = "document.activeElement.textContent"
    for _ in range(Case.objects.count()):
        if words in page.evaluate(focused):
            break
        page.keyboard.press("j")
    page.keyboard.press("Enter")
    expect(page.locator("#case-title")).to_have_text(words)
    page.keyboard.press("t")
    expect(page.locator("#case-head")).to_contain_text("You")
    page.keyboard.press("n")
    page.keyboard.type("Asked the depot.")
    page.keyboard.press("Control+Enter")
    expect(page.locator("#conversation")).to_contain_text("Asked the depot.")
    page.keyboard.press("Escape")
    page.keyboard.press("r")
    page.keyboard.type("It is in Leeds; a courier brings it tonight.")
    page.keyboard.press("Control+Enter")
    expect(page.locator("[data-delivery=sent]")).to_be_visible()
    page.keyboard.press("Escape")
    page.keyboard.press("e")
    page.keyboard.press("D")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.locator("#case-notices")).to_contain_text("Resolved.")
    assert Case.objects.get(subject=words).cause.name == "Delay"
    page.get_by_role("button", name="Undo").first.press("Enter")
    expect(page.locator("#case-notices")).to_contain_text("Open again.")
    assert ana.errors == []


def test_the_list_of_keys_and_the_finder_open_and_close(desk, sit):
    ana = sit("ana")
    page = ana.go("/queue/", live=True)
    page.keyboard.press("?")
    expect(page.get_by_role("dialog", name="Keyboard shortcuts")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog", name="Keyboard shortcuts")).to_be_hidden()
    page.keyboard.press("Control+k")
    page.keyboard.type("Log a")
    page.keyboard.press("Enter")  # also when the answer is still on its way
    page.wait_for_url("**/channels/log/")


def test_everything_works_as_plain_pages_without_javascript(desk, sit):
    words = ask(desk)
    page = sit("ben", java_script_enabled=False).go("/queue/?q=suitcase")
    page.get_by_role("link", name=words).click()
    page.get_by_role("button", name="Take").click()
    expect(page.locator("#case-head")).to_contain_text("You")
    page.get_by_label("Reply to the customer").fill("It is in Leeds.")
    page.get_by_role("button", name="Send").click()
    expect(page.locator("#conversation")).to_contain_text("It is in Leeds.")
    case = Case.objects.get(subject=words)
    desk.wait_until(
        "it is sent", lambda: Delivery.objects.filter(message__case_entry__case=case, state="sent").exists()
    )
    page.reload()
    page.locator("summary", has_text="Resolve").click()
    page.get_by_label("Cause", exact=True).select_option(label="Delay")
    page.locator(".casehead form", has=page.get_by_label("Cause", exact=True)).get_by_role("button").click()
    expect(page.locator("#case-head")).to_contain_text("Resolved by Ben Okafor: Delay")


def test_signing_in_and_out_and_a_wrong_password(desk, browser):
    page = browser.new_context().new_page()
    page.goto(desk.url + "/queue/")
    page.get_by_label("Username").fill("ana")
    page.get_by_label("Password").fill("wrong")
    page.get_by_role("button", name="Log in").click()
    expect(page.get_by_text("Please enter a correct username and password")).to_be_visible()
    page.get_by_label("Username").fill("ana")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Log in").click()
    page.wait_for_url("**/queue/")
    page.locator("summary", has_text="You").click()
    page.get_by_role("button", name="Log out").click()
    page.wait_for_url("**/login/**")
    page.context.close()


def test_a_call_is_written_down_and_becomes_a_case(desk, sit):
    page = sit("ana").go("/channels/log/")
    page.get_by_label("Who").fill("Mr Abernathy")
    page.get_by_label("Phone, e-mail or customer number").fill("+44 113 496 0123")
    page.get_by_label("What they said").fill("The lift at York does not work.")
    page.locator("main form").last.get_by_role("button").last.click()
    expect(page.locator("#case-title")).to_have_text("The lift at York does not work.")
    assert Case.objects.get(subject="The lift at York does not work.").channel.key == "phone"


def test_bad_input_is_told_beside_the_field_and_nothing_is_lost(desk, sit):
    page = sit("ana").go("/channels/log/")
    page.get_by_label("Who").fill("Mr Abernathy")
    page.get_by_label("Phone, e-mail or customer number").fill("12")
    page.get_by_label("What they said").fill("The lift at York does not work.")
    page.locator("main form").last.get_by_role("button").last.click()
    expect(page.get_by_text("“12” is not a phone number.")).to_be_visible()
    expect(page.get_by_label("What they said")).to_have_value("The lift at York does not work.")


def test_a_lead_makes_a_rule_that_places_the_next_post(desk, sit):
    page = sit("lea").go("/settings/rules/new/")
    page.get_by_label("Name").fill("Wheelchairs")
    page.get_by_label("Order").fill("1")
    page.get_by_label("The message has one of these words").fill("wheelchair*, ramp")
    page.get_by_label("Priority").select_option(label="Urgent")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("Rule “Wheelchairs” is in force")).to_be_visible()
    words = ask(desk, "two wheelchairs and no ramp")
    case = Case.objects.get(subject=words)
    assert (case.rule.name, case.priority) == ("Wheelchairs", 1)


def test_on_a_phone_one_thing_is_shown_at_a_time_with_a_way_back(desk, sit):
    words = ask(desk)
    ana = sit("ana", viewport=PHONE)
    page = ana.go("/queue/", live=True)
    ana.open(words)
    expect(page.locator(".desk__list")).to_be_hidden()
    page.get_by_role("link", name="Back to the queue").click()
    expect(ana.row(words)).to_be_visible()
    expect(page.locator("#case-title")).to_be_hidden()


def test_script_in_a_post_stays_text(desk, sit):
    words = ask(desk, "<script>document.title='gone'</script><img src=x onerror=alert(1)> late")
    ana = sit("ana")
    page = ana.go(f"/cases/{Case.objects.get(subject=words).pk}/")
    expect(page.locator("#conversation")).to_contain_text("<script>document.title='gone'</script>")
    assert page.title() != "gone"
    assert page.locator("#conversation img[src=x]").count() == 0
    assert ana.errors == []
