"""Requests to groups in real browsers: what one writes others see at once, by keys, with awkward words."""

from __future__ import annotations

from datetime import timedelta
from itertools import count

import pytest
from django.utils import timezone
from playwright.sync_api import expect

from surveys.models import Call, GroupRequest
from tests import factories
from tests.browser.looking import faults_of
from tests.processes.stack import Stack

pytestmark = pytest.mark.browser
_numbers = count(1)
LONG = "Dr Bartholomew Maximilian Featherstonehaugh-Cholmondeley de la Vega y Santibáñez III"


@pytest.fixture(scope="module")
def desk(browser, prepared, django_db_blocker):
    """Nothing but the web, a group of two, and an executive who calls."""
    with django_db_blocker.unblock(), Stack(prepared) as stack:
        people = (("sam", "Sam", "Lee", "support"), ("mia", "Mia", "Kern", "support"), ("lea", "Lea", "Brandt", "lead"))
        made = [
            factories.UserFactory(username=name, first_name=first, last_name=last, role=role)
            for name, first, last, role in people
        ]
        stack.esther = factories.UserFactory(
            username="esther", first_name="Esther", last_name="Price", role="executive"
        )
        group = factories.SupportGroupFactory(name="Billing", members=made[:2], owner=made[2])
        stack.billing = factories.HashtagFactory(tag="billing", group=group)
        stack.start("web")
        yield stack


@pytest.fixture
def ask(desk):
    """A request to billing after a call of Esther's that is over, said in words of its own."""

    def ask(quote="Charged twice.", **facts):
        quote = f"{quote} ({next(_numbers)})"
        call = factories.CallFactory(
            owner=desk.esther, to="executive", state="done", ended_at=timezone.now(),
            loop__customer__time_zone="Europe/Berlin", loop__customer__name=facts.pop("name", "Ann Mercer"),
        )  # fmt: skip
        attempt = factories.CallAttemptFactory(call=call, note=f"{quote} #billing")
        return factories.GroupRequestFactory(attempt=attempt, hashtag=desk.billing, quote=quote, **facts)

    return ask


@pytest.fixture
def nothing_waits(desk):
    GroupRequest.objects.waiting().update(withdrawn_at=timezone.now())


def answer(page, text):
    page.get_by_label("No, because").check()
    page.get_by_label("In words for the customer").fill(text)
    page.get_by_role("button", name="Answer", exact=True).click()


def test_the_answer_of_a_group_appears_on_the_callers_list_of_calls_at_once(desk, sit, ask):
    request = ask()
    esther, sam = sit("esther"), sit("sam")
    page = esther.go("/calls/", live=True)
    page.evaluate("window.sameDocument = true")
    expect(page.get_by_text("The law asks for it.")).to_have_count(0)
    answer(sam.go(f"/requests/{request.pk}/", live=True), "The law asks for it.")
    expect(sam.page.locator("#request")).to_contain_text("Answered by you")
    second = Call.objects.get(kind="second", loop=request.loop)
    expect(page.locator(f"a[href='{second.get_absolute_url()}']").first).to_be_visible()
    expect(page.locator("#main")).to_contain_text("The law asks for it.")
    assert page.evaluate("window.sameDocument")
    assert esther.errors == sam.errors == []


def test_an_open_loop_tells_at_once_that_the_group_has_answered(desk, sit, ask):
    request = ask()
    esther, sam = sit("esther"), sit("sam")
    page = esther.go(request.loop.get_absolute_url(), live=True)
    page.evaluate("window.sameDocument = true")
    expect(page.locator("#loop")).not_to_contain_text("The law asks for it.")
    answer(sam.go(f"/requests/{request.pk}/", live=True), "The law asks for it.")
    expect(page.locator("#loop")).to_contain_text("The law asks for it.")
    assert page.evaluate("window.sameDocument")
    assert esther.errors == sam.errors == []


def test_two_people_answering_one_request_are_told_of_each_other(desk, sit, ask):
    request = ask()
    sam, mia = sit("sam"), sit("mia")
    for screen in (sam, mia):
        screen.go(f"/requests/{request.pk}/", live=True)
    expect(sam.page.locator("[data-presence]")).to_contain_text("Mia Kern is looking")
    expect(mia.page.locator("[data-presence]")).to_contain_text("Sam Lee is looking")
    mia.page.get_by_label("In words for the customer").press_sequentially("They like it")
    expect(sam.page.locator("[data-presence]")).to_contain_text("Mia Kern is writing")
    answer(sam.page, "The law asks for it.")
    expect(mia.page.locator("#request")).to_contain_text("Answered by Sam Lee")
    expect(mia.page.locator("#request")).to_contain_text("The law asks for it.")
    expect(mia.page.locator("#toasts")).to_contain_text("Sam Lee has answered or changed this meanwhile.")
    expect(mia.page.get_by_label("In words for the customer")).to_have_value("They like it")
    mia.page.get_by_label("We keep it as it is").check()
    mia.page.get_by_label("In words for the customer").press("Control+Enter")
    expect(mia.page.locator("#request-deeds")).to_contain_text("Sam Lee has answered this already.")
    expect(mia.page.get_by_label("In words for the customer")).to_have_value("They like it")
    request.refresh_from_db()
    assert request.answer.text == "The law asks for it."
    assert [error for screen in (sam, mia) for error in screen.errors if "422" not in error] == []


def test_who_has_gone_is_not_there_any_more(desk, sit, ask):
    request = ask()
    sam, mia = sit("sam"), sit("mia")
    for screen in (sam, mia):
        screen.go(f"/requests/{request.pk}/", live=True)
    expect(sam.page.locator("[data-presence]")).to_contain_text("Mia Kern is looking")
    mia.page.get_by_role("link", name="Back to the requests").click()
    expect(sam.page.locator("[data-presence]")).to_be_empty()


def test_a_question_back_stops_the_clock_on_every_open_page_and_the_answer_starts_it(
    desk, sit, ask, nothing_waits
):  # fmt: skip
    request = ask()
    sam, mia, esther = sit("sam"), sit("mia"), sit("esther")
    inbox = mia.go("/requests/", live=True)
    expect(inbox.locator(f"#asked-{request.pk}")).to_contain_text("14 days left")
    told = esther.go(f"/requests/{request.pk}/", live=True)
    page = sam.go(f"/requests/{request.pk}/", live=True)
    page.keyboard.press("a")
    page.keyboard.type("Which seat?")
    page.get_by_role("button", name="Ask back").click()
    expect(page.locator("#request")).to_contain_text("Stands still: you asked Esther")
    expect(inbox.locator(f"#asked-{request.pk}")).to_contain_text("Stands still: Sam Lee asked Esther Price")
    expect(told.locator("#request")).to_contain_text("Sam Lee asked you")
    told.get_by_role("textbox", name="Your answer").fill("12 A.")
    told.get_by_role("button", name="Tell them").click()
    expect(page.locator("#request")).to_contain_text("12 A.")
    expect(page.locator("#request")).to_contain_text("14 days left")
    expect(inbox.locator(f"#asked-{request.pk}")).to_contain_text("14 days left")


def test_several_are_chosen_by_keys_and_answered_together(desk, sit, ask, nothing_waits):
    first, second = ask(due_at=timezone.now() + timedelta(days=2)), ask()
    sam = sit("sam")
    keys = sam.go("/requests/").keyboard
    for key in "jxjx":
        keys.press(key)
    expect(sam.page.locator("#bulk")).to_contain_text("2 chosen")
    keys.press("e")
    expect(sam.page.locator("#request")).to_contain_text(first.quote)
    expect(sam.page.locator(f"#alike-{second.pk}")).to_be_checked()
    answer(sam.page, "The law asks for it.")
    expect(sam.page.locator("#toasts")).to_contain_text("2 requests are answered")
    assert not GroupRequest.objects.waiting().exists()
    assert sam.errors == []


def test_only_a_change_asks_from_when(desk, sit, ask):
    page = sit("sam").go(f"/requests/{ask().pk}/")
    expect(page.get_by_label("Changed from")).to_be_hidden()
    page.get_by_label("We change this").check()
    expect(page.get_by_label("Changed from")).to_be_visible()


def test_no_screen_has_a_serious_fault(desk, sit, ask):
    now, sam = timezone.now(), desk.billing.group.members.get(username="sam")
    plain = ask("Cold seats. " * 60, name=LONG, due_at=now + timedelta(days=9))
    ask("unbroken" * 60, name="القطار", due_at=now - timedelta(days=3))
    stands = ask("🚂" * 80, asked_back="Which? " * 90, asked_back_at=now, asked_back_by=sam)
    given = factories.GroupAnswerFactory(
        by=sam, kind="change", text="w" * 900, change_from=now.date(),
        plan=factories.ActionPlanFactory(group=desk.billing.group),
    )  # fmt: skip
    answered, withdrawn = ask(answer=given), ask(withdrawn_at=now)
    pages = [f"/requests/{each.pk}/" for each in (plain, stands, answered, withdrawn)]
    paths = ("/requests/", "/requests/?state=all", "/requests/?state=overdue", "/asked/", *pages)
    assert faults_of(sit("sam", reduced_motion="reduce"), paths) == {}
    assert faults_of(sit("esther", reduced_motion="reduce"), ("/requests/?state=all", *pages)) == {}
    assert faults_of(sit("lea", reduced_motion="reduce"), ("/requests/", pages[0])) == {}
