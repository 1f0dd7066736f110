"""An hour of one agent's work, by keyboard alone: from signing in to a resolved case, and its undo."""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor
from itertools import count

import pytest
from django.db import connection
from playwright.sync_api import Page, expect

from cases import commitments, questions, replies
from cases.models import Case, GroupQuestion, HandOver
from channels_app.models import Delivery
from crm.models import User
from tests import factories
from tests.browser.conftest import WHOLE
from tests.factories import PASSWORD

pytestmark = pytest.mark.browser
PROCESSES = WHOLE
_numbers = count(1)
COURIER = "We are sorry. Your suitcase has been found and a courier brings it to your door tonight before ten."


def writes(desk, handle, text, **more):
    """Somebody writes; their case."""
    words = f"{text} ({next(_numbers)})"
    post = desk.network("post", handle=handle, text=f"@skylark {words}", **more)
    case = desk.wait_until("the post has its case", lambda: Case.objects.filter(subject=words).first())
    return case, post


def apart(act):
    """Somebody else does it, in a thread where no browser's loop runs."""
    with ThreadPoolExecutor(1) as pool:
        done = pool.submit(act).result()
        pool.submit(lambda: connection.close()).result()
    return done


def focused_on(page: Page, text: str) -> bool:
    return text in page.evaluate("document.activeElement.textContent")


def walk_to(page: Page, words: str) -> None:
    """`j` until the row with these words."""
    for _ in range(60):
        page.keyboard.press("j")
        if focused_on(page, words):
            return
    raise AssertionError(f"no row says {words}")


def tab_to(page: Page, name: str) -> None:
    """Tab until the field or button of that name has the focus."""
    for _ in range(40):
        if page.evaluate("document.activeElement.name || document.activeElement.textContent.trim()") == name:
            return
        page.keyboard.press("Tab")
    raise AssertionError(f"nothing called {name}")


@pytest.fixture
def billing(desk):
    uri = factories.UserFactory(username="uri", first_name="Uri", last_name="Katz", role="support")
    group = factories.SupportGroupFactory(name="Billing")
    group.members.add(uri)
    return uri


@pytest.fixture
def said_to_three(desk):
    """What Ana is about to send went to three others today."""
    ana = User.objects.get(username="ana")
    for n in range(3):
        other, _ = writes(desk, f"traveller{n}", "where is my suitcase")
        apart(lambda case=other: replies.reply(case=case, text=COURIER, by=ana))
    factories.TemplateFactory(name="Courier", text=COURIER.replace("tonight before ten", "[[when]]"))


def test_an_hour_of_work_by_keyboard_alone(desk, sit, browser, billing, said_to_three):
    case, post = writes(desk, "furious1", "This is the worst airline ever, I hate it, my suitcase is still lost")
    words = case.subject
    page = browser.new_context(viewport={"width": 1440, "height": 900}).new_page()
    keys = page.keyboard

    # sign in
    page.goto(desk.url + "/queue/")
    keys.type("ana")
    keys.press("Tab")
    keys.type(PASSWORD)
    keys.press("Enter")
    page.wait_for_selector("body[data-live-state=live]")

    # find it, open it, read it, take it
    walk_to(page, words)
    keys.press("Enter")
    expect(page.locator("#case-title")).to_have_text(words)
    expect(page.locator("#conversation")).to_contain_text("the worst airline ever")
    keys.press("t")
    expect(page.locator("#case-head")).to_contain_text("You")

    # a template, which the guard stops; other words, which it does not
    keys.press("w")
    expect(page.locator("[data-picker-item]").first).to_be_visible()
    keys.type("courier")
    keys.press("Enter")
    expect(page.locator("#reply-text")).to_be_focused()
    keys.type("tonight before ten")
    keys.press("Control+Enter")
    expect(page.locator("#case-notices")).to_contain_text("This customer is unhappy")
    assert not Delivery.objects.filter(message__case_entry__case=case).exists()
    page.locator("#reply-text").focus()
    keys.press("Control+a")
    keys.type("I have your suitcase on my desk: the blue one. Shall I send it to Leeds, or do you want it in York?")
    keys.press("Control+Enter")
    expect(page.locator("[data-delivery=sent]")).to_be_visible()

    # billing is asked, and answers here
    keys.press("Escape")
    keys.press("a")
    keys.press("B")
    keys.press("Tab")
    keys.type("Do we pay the taxi from York?")
    tab_to(page, "Ask")
    keys.press("Enter")
    expect(page.locator("#conversation")).to_contain_text("Do we pay the taxi from York?")
    asked = GroupQuestion.objects.get(case=case)
    apart(lambda: questions.answer(question=asked, text="Yes, up to 40 pounds.", by=billing))
    expect(page.locator("#conversation")).to_contain_text("Yes, up to 40 pounds.")

    # it sleeps until tomorrow, and the customer wakes it
    keys.press("z")
    expect(page.locator("#snooze-first")).to_be_focused()
    keys.press("Enter")
    expect(page.locator("#case-head")).to_contain_text("Snoozed")
    desk.network("post", handle="furious1", text="@skylark To York please", parent=post["id"])
    expect(page.locator("#conversation")).to_contain_text("To York please")
    desk.wait_until("it is awake", lambda: Case.objects.get(pk=case.pk).state == "open")
    expect(page.locator("#case-head")).not_to_contain_text("Snoozed")

    # handed over with its story
    keys.press("h")
    expect(page.locator("#hand-over-form [name=story]")).to_have_value(re.compile(re.escape(words[:20])))
    expect(page.locator("#hand-over-form [name=receiver]")).to_be_focused()
    keys.type("Ben")
    tab_to(page, "next_step")
    keys.type("Book the taxi to York and tell them when it comes.")
    tab_to(page, "promised")
    keys.type("The suitcase is there by nine tonight")
    keys.press("Enter")
    expect(page.locator("#story-banner")).to_contain_text("Handed to Ben Okafor, not accepted yet")

    # Ben accepts it, by keyboard too
    ben = sit("ben")
    theirs = ben.go(f"/cases/{case.pk}/", live=True)
    expect(theirs.locator("#story-banner")).to_contain_text("Book the taxi to York")
    theirs.keyboard.press("y")
    expect(theirs.locator("#case-head")).to_contain_text("You")
    assert HandOver.objects.get(case=case).state == "accepted"
    expect(page.locator("#case-head")).to_contain_text("Ben Okafor")  # and Ana sees it

    # what was promised stands in the way of the end until it is kept
    [promise] = case.commitments.all()
    theirs.keyboard.press("e")
    theirs.keyboard.press("D")
    tab_to(theirs, "Resolve")
    theirs.keyboard.press("Enter")
    expect(theirs.locator("#case-notices")).to_contain_text("The suitcase is there by nine tonight")
    apart(lambda: commitments.keep(commitment=promise, by=ben.user))
    theirs.keyboard.press("e")
    theirs.keyboard.press("D")
    tab_to(theirs, "Resolve")
    theirs.keyboard.press("Enter")
    expect(theirs.locator("#case-notices")).to_contain_text("Resolved.")
    assert Case.objects.get(pk=case.pk).cause.name == "Delay"

    # and undone
    theirs.keyboard.press("u")
    expect(theirs.locator("#case-notices")).to_contain_text("Open again.")
    assert Case.objects.get(pk=case.pk).state == "open"
    assert [error for error in ben.errors if "422" not in error] == []  # the one refusal
    page.context.close()
