"""Two real browsers: what one person does, the other sees, without reloading."""

from __future__ import annotations

import time
from itertools import count

import pytest
from playwright.sync_api import expect

from cases.models import Case
from channels_app.models import Delivery, RawEvent
from tests import factories
from tests.browser.conftest import WHOLE

pytestmark = pytest.mark.browser
PROCESSES = WHOLE
_numbers = count(1)


def say(desk, text="My train was cancelled and nobody helps"):
    """Somebody new writes. Returns the words that name this post alone."""
    number = next(_numbers)
    desk.network("post", handle=f"traveller{number}", text=f"@skylark {text} ({number})")
    return f"{text} ({number})"


def case_of(desk, words):
    return desk.wait_until("the post has its case", lambda: Case.objects.filter(subject=words).first())


def test_a_post_appears_in_both_browsers_without_reload(desk, sit, record_property):
    ana, ben = sit("ana"), sit("ben")
    for screen in (ana, ben):
        screen.go("/queue/", live=True)
        screen.page.evaluate("window.sameDocument = true")
    words = say(desk)
    for screen in (ana, ben):
        expect(screen.row(words)).to_be_visible()
        assert screen.page.evaluate("window.sameDocument")
    seen = time.time()
    received = RawEvent.objects.latest("id").received_at.timestamp()
    record_property("seconds from receipt to both browsers", round(seen - received, 2))
    print(f"from receipt to both browsers: {seen - received:.2f} s")


def test_when_one_takes_a_case_the_other_sees_who_has_it(desk, sit):
    words = say(desk)
    ana, ben = sit("ana"), sit("ben")
    for screen in (ana, ben):
        screen.go("/queue/", live=True)
    ben.open(words)
    ana.open(words)
    ana.page.keyboard.press("t")
    expect(ben.row(words).locator(".row__owner")).to_contain_text("Ana Ruiz")
    expect(ben.page.locator("#case-head")).to_contain_text("Ana Ruiz")
    expect(ben.page.locator("#case-head").get_by_role("button", name="Take")).to_have_count(0)


def test_news_that_come_while_somebody_resolves_do_not_close_what_they_opened(desk, sit):
    words = say(desk)
    case = case_of(desk, words)
    ana, ben = sit("ana"), sit("ben")
    page = ana.go(f"/cases/{case.pk}/", live=True)
    ben.go(f"/cases/{case.pk}/", live=True)
    held = []
    # the head is on its way, and stays there
    page.route("**/pane/", lambda route: route.continue_() if held else held.append(route))
    ben.page.keyboard.press("t")
    desk.wait_until("the head is asked for", lambda: page.evaluate("1") and held)
    page.keyboard.press("n")
    page.keyboard.type("Is it")
    page.keyboard.press("Escape")
    page.keyboard.press("e")
    with page.expect_response("**/pane/"):
        held[0].continue_()
    expect(page.locator("#resolve-cause")).to_be_focused()
    page.keyboard.press("Escape")
    page.keyboard.press("Escape")
    page.locator("#note-text").focus()
    expect(page.locator("#case-head")).to_contain_text("Ben Okafor")  # it came when they were done
    expect(page.locator("#note-text")).to_be_focused()
    assert ana.errors == []


def test_what_is_begun_while_a_reply_is_on_its_way_stays_when_the_case_comes_anew(desk, sit):
    factories.SupportGroupFactory(name="Billing").members.add(factories.UserFactory(role="support"))
    case = case_of(desk, say(desk))
    ana = sit("ana")
    page = ana.go(f"/cases/{case.pk}/", live=True)
    held = []
    page.route("**/reply/", lambda route: held.append(route))
    page.keyboard.press("r")
    page.keyboard.type("A courier brings it tonight.")
    page.keyboard.press("Control+Enter")
    desk.wait_until("the reply is on its way", lambda: page.evaluate("1") and held)
    page.keyboard.press("Escape")
    page.keyboard.press("a")
    page.keyboard.press("B")
    page.keyboard.press("Tab")
    page.keyboard.type("Who pays the taxi")
    held[0].continue_()
    expect(page.locator("#conversation")).to_contain_text("A courier brings it tonight.")
    expect(page.locator("#reply-text")).to_have_value("")
    page.keyboard.type("?")
    expect(page.locator("[name=question]")).to_have_value("Who pays the taxi?")
    page.get_by_role("button", name="Ask", exact=True).press("Enter")
    expect(page.locator("#conversation")).to_contain_text("Who pays the taxi?")
    expect(page.locator("#story-questions")).to_contain_text("Billing")
    assert ana.errors == []


def test_of_two_who_take_it_at_once_one_is_told_who_has_it(desk, sit):
    words = say(desk)
    case = case_of(desk, words)
    ana, ben = sit("ana"), sit("ben")
    for screen in (ana, ben):
        screen.go(f"/cases/{case.pk}/")
        # both act on what they saw before either acted: the news may not reach them first
        screen.page.evaluate("document.querySelector('[data-stream]').removeAttribute('data-stream')")
        screen.page.evaluate("document.dispatchEvent(new Event('htmx:afterSettle'))")
    for screen in (ana, ben):
        screen.page.get_by_role("button", name="Take").click(no_wait_after=True)
    for screen in (ana, ben):
        expect(screen.page.locator("#case-head [data-key=t]")).to_have_count(0)
    case.refresh_from_db()
    winner, loser = (ana, ben) if case.owner == ana.user else (ben, ana)
    assert case.owner == winner.user
    expect(loser.page.get_by_role("alert")).to_have_text(f"{winner.user} has this case already.")
    expect(winner.page.get_by_role("alert")).to_have_count(0)


def test_a_line_that_was_cut_catches_up_with_ten_events(desk, sit):
    ana, ben = sit("ana"), sit("ben")
    first = say(desk)
    for screen in (ana, ben):
        screen.go("/queue/", live=True)
        expect(screen.row(first)).to_be_visible()
    ben.context.set_offline(True)
    ben.page.wait_for_selector("body[data-live-state=down]")
    expect(ben.page.get_by_role("status").filter(has_text="Not live since")).to_be_visible()
    posts = [say(desk) for _ in range(9)]
    for words in posts:
        expect(ana.row(words)).to_be_visible()
    ana.open(first)
    ana.page.keyboard.press("t")
    expect(ana.row(first).locator(".row__owner")).to_contain_text("Ana Ruiz")
    assert ben.row(posts[0]).count() == 0
    ben.context.set_offline(False)
    ben.wait_until_live()
    for words in posts:
        expect(ben.row(words)).to_be_visible()
    expect(ben.row(first).locator(".row__owner")).to_contain_text("Ana Ruiz")
    rows = "[...document.querySelectorAll('.row')].map(row => row.id)"
    assert ana.page.evaluate(rows) == ben.page.evaluate(rows)
    expect(ben.page.get_by_role("status").filter(has_text="Not live since")).to_be_hidden()


def test_a_second_reply_while_a_colleagues_is_on_its_way_is_stopped_and_kept(desk, sit):
    words = say(desk)
    ana, ben = sit("ana"), sit("ben")
    case = case_of(desk, words)
    for screen in (ana, ben):
        screen.go(f"/cases/{case.pk}/", live=True)
    desk.network("fault", fault="delay", seconds=30, times=1, on="replies")
    ben.page.get_by_label("Reply to the customer").fill("Ben's answer, which took him a while")
    ana.page.get_by_label("Reply to the customer").fill("We have put you on the 18:40.")
    ana.page.get_by_role("button", name="Send").click()
    expect(ana.page.locator("[data-delivery]")).to_be_visible()
    ben.page.get_by_role("button", name="Send").click()
    expect(ben.page.get_by_role("alert")).to_contain_text(
        "Ana Ruiz is answering this case: “We have put you on the 18:40.”"
    )
    expect(ben.page.get_by_label("Reply to the customer")).to_have_value("Ben's answer, which took him a while")
    desk.network("clear")


def test_news_that_overtakes_the_page_it_is_about_is_shown_all_the_same(desk, sit):
    """A reply refused at once: its failure is told before the pane that shows it as sending has been swapped in."""
    words = say(desk)
    ana = sit("ana")
    ana.go(f"/cases/{case_of(desk, words).pk}/", live=True)
    desk.network("fault", fault="refuse", times=1, on="replies")

    def hold_back(route):
        answer = route.fetch()
        desk.wait_until("it has failed", lambda: Delivery.objects.filter(state="failed").exists())
        ana.page.wait_for_timeout(3000)  # the news of it is here, and was looked at, before the answer comes
        route.fulfill(response=answer)

    ana.page.route("**/reply/", hold_back)
    ana.page.evaluate("document.getElementById('case-pane').dataset.before = 'the answer'")
    ana.page.get_by_label("Reply to the customer").fill("We have put you on the 18:40.")
    ana.page.get_by_role("button", name="Send").click()
    expect(ana.page.locator("#case-pane:not([data-before])")).to_be_visible()
    expect(ana.page.locator("[data-delivery=failed]")).to_be_visible()
    expect(ana.page.get_by_role("button", name="Try again")).to_be_visible()
    ana.page.get_by_role("button", name="Try again").click()
    expect(ana.page.locator("[data-delivery=sent]")).to_be_visible()


def test_new_messages_appear_inside_an_open_case_and_typing_is_seen(desk, sit):
    post = desk.network("post", handle="mira_on_rails", text="@skylark where is my suitcase, it has been two days")
    case = desk.wait_until("a case", lambda: Case.objects.filter(thread__external_id=post["thread"]).first())
    ana, ben = sit("ana"), sit("ben")
    for screen in (ana, ben):
        screen.go(f"/cases/{case.pk}/", live=True)
    ana.page.get_by_label("Reply to the customer").press_sequentially("I am look")
    expect(ben.page.locator(".composer__presence")).to_contain_text("Ana Ruiz is writing")
    desk.network("post", handle="mira_on_rails", text="Anybody there?", parent=post["id"])
    for screen in (ana, ben):
        expect(screen.page.locator("#conversation")).to_contain_text("Anybody there?")
    expect(ana.page.get_by_label("Reply to the customer")).to_have_value("I am look")


def test_a_page_says_when_the_server_is_gone_and_comes_back_by_itself(desk, sit):
    ana = sit("ana")
    ana.go("/queue/", live=True)
    desk.kill9("web")
    ana.page.wait_for_selector("body[data-live-state=down]")
    expect(ana.page.get_by_role("status").filter(has_text="Not live since")).to_be_visible()
    words = say(desk)
    desk.restart("web")
    ana.wait_until_live()
    expect(ana.row(words)).to_be_visible()
