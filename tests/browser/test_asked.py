"""The survey on a customer's own telephone: three screens, no script, no account, and done in under a minute."""

from __future__ import annotations

import time
from itertools import count

import pytest
from django.utils import timezone
from playwright.sync_api import expect

from crm.models import Consent, Customer
from surveys import building, links
from surveys.models import Answer, Response
from tests import factories
from tests.browser.conftest import PATIENCE, PHONE, WIDE
from tests.browser.looking import COLOURS, fade, violations
from tests.processes.stack import Stack
from tests.surveys.asking import asked, say, send, survey

pytestmark = pytest.mark.browser
_numbers = count(1)


@pytest.fixture(scope="module")
def hark(browser, prepared, django_db_blocker):
    """Nothing but the web: all a customer's telephone meets."""
    with django_db_blocker.unblock(), Stack(prepared) as stack:
        stack.start("web")
        yield stack


@pytest.fixture
def telephone(browser):
    """Makes pages of somebody's own telephone, with no JavaScript unless wished otherwise."""
    contexts = []

    def take_out(**wishes):
        wished = {"viewport": PHONE, "has_touch": True, "is_mobile": True, "java_script_enabled": False, **wishes}
        contexts.append(browser.new_context(**wished))
        page = contexts[-1].new_page()
        page.set_default_timeout(PATIENCE)
        page.complaints = []
        page.on("console", lambda m: page.complaints.append(m.text) if m.type == "error" else None)
        return page

    yield take_out
    for context in contexts:
        context.close()


def default(*languages):
    """The survey every new one begins with, sent."""
    lead = factories.UserFactory(role="lead")
    number = next(_numbers)
    version = building.start(
        name=f"Default {number}", kind="nps", brand="Skylark", languages=languages or ("en",), by=lead
    )  # fmt: skip
    return send(version, customer=factories.CustomerFactory(name=f"Maria Keller {number}"))


def where(hark, invitation, page="asked"):
    paths = {"asked": "", "stop": "stop/", "preferences": "preferences/", "thanks": "thanks/"}
    return f"{hark.url}/s/{links.token(invitation)}/{paths[page]}"


def sound(page):
    """Nothing at all for axe, nothing cut off, and nothing a finger could miss."""
    small = page.evaluate(
        "[...document.querySelectorAll('a, button, label:has(input), textarea')]"
        ".filter((e) => e.getBoundingClientRect().height < 44 || e.getBoundingClientRect().width < 44)"
        ".map((e) => e.outerHTML)"
    )
    assert (violations(page), small) == ([], [])
    assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0


def sound_by_night_too(page):
    """The other scheme changes colours and nothing else."""
    sound(page)
    fade(page, "dark")
    assert violations(page, rules=COLOURS) == []
    fade(page, "light")


def choose(page, label):
    page.get_by_role("button", name=label, exact=True).tap()


def test_the_default_survey_is_three_screens_without_javascript(hark, telephone):
    invitation = default()
    page = telephone()
    began = time.monotonic()
    page.goto(where(hark, invitation))
    expect(page.locator(".asked__progress")).to_contain_text("Question 1 of 3")
    choose(page, "9")
    expect(page.locator(".asked__progress")).to_contain_text("Question 2 of 3")
    page.get_by_role("textbox").fill("The crew was kind.")
    choose(page, "Next")
    expect(page.locator(".asked__progress")).to_contain_text("Question 3 of 3")
    choose(page, "Yes, please")
    expect(page.get_by_role("heading", name="Thank you")).to_be_visible()
    took = time.monotonic() - began
    response = Response.objects.get(invitation=invitation)
    assert (response.score, response.finished_at is not None) == (9, True)
    assert Answer.objects.verbatims().get(response=response).text == "The crew was kind."
    assert Consent.objects.get(customer=invitation.customer).purpose == "call"
    assert page.complaints == []
    assert page.context.cookies() == []
    # the machine's part of the minute; the rest is reading and typing, which `effort` estimates
    print(f"{took:.1f} s for three screens and thanks")
    assert took < 20


def test_nothing_on_the_first_screen_lies_below_the_fold(hark, telephone):
    """The whole question with its answers can be seen and pressed without scrolling."""
    page = telephone(java_script_enabled=True)
    page.goto(where(hark, default()))
    lowest = page.evaluate("Math.max(...[...document.querySelectorAll('form button[name=answer]')]"
                           ".map((e) => e.getBoundingClientRect().bottom))")  # fmt: skip
    assert lowest < PHONE["height"]


def test_the_browsers_own_way_back_leads_to_the_question_before(hark, telephone):
    invitation = default()
    page = telephone()
    page.goto(where(hark, invitation))
    choose(page, "3")
    expect(page.get_by_role("textbox")).to_be_visible()
    page.get_by_role("textbox").fill("Late.")
    choose(page, "Next")
    expect(page.locator(".asked__progress")).to_contain_text("Question 3 of 3")
    page.go_back()
    expect(page.get_by_role("textbox")).to_have_value("Late.")
    page.get_by_role("link", name="Back").tap()
    expect(page.get_by_role("button", name="3", exact=True)).to_have_attribute("aria-pressed", "true")
    choose(page, "4")
    expect(page.locator(".asked__progress")).to_contain_text("Question 3 of 3")
    assert Response.objects.get(invitation=invitation).score == 4


def test_it_is_begun_on_one_telephone_and_finished_on_another(hark, telephone):
    invitation = default()
    page = telephone()
    page.goto(where(hark, invitation))
    choose(page, "2")
    expect(page.get_by_role("textbox")).to_be_visible()
    other = telephone(viewport=WIDE, is_mobile=False)
    other.goto(where(hark, invitation))
    expect(other.locator(".asked__progress")).to_contain_text("Question 2 of 3")


def test_it_can_be_done_with_a_keyboard_alone(hark, telephone):
    invitation = default()
    page = telephone(viewport=WIDE, is_mobile=False, has_touch=False)
    page.goto(where(hark, invitation))
    for _ in range(10):  # from 0 to 9
        page.keyboard.press("Tab")
    expect(page.get_by_role("button", name="9", exact=True)).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.get_by_role("textbox")).to_be_visible()
    page.keyboard.press("Tab")
    expect(page.get_by_role("textbox")).to_be_focused()
    page.keyboard.type("On time.")
    page.keyboard.press("Tab")
    page.keyboard.press("Space")
    expect(page.locator(".asked__progress")).to_contain_text("Question 3 of 3")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Thank you")).to_be_visible()
    assert Response.objects.get(invitation=invitation).score == 9


def test_what_a_telephone_has_to_load_stays_under_30_kilobytes(hark, telephone):
    page, loaded = telephone(), {}
    page.on("response", lambda response: loaded.update({response.url: len(response.body())}))
    page.goto(where(hark, default("en", "de", "fr")))
    page.wait_for_load_state("networkidle")
    print(f"{sum(loaded.values())} bytes in {len(loaded)} files, before they are packed")
    assert sum(loaded.values()) < 30_000
    assert len(loaded) == 4


def test_arabic_runs_from_right_to_left(hark, telephone):
    version = survey(languages=["ar", "en"])
    invitation = send(version)
    page = telephone(java_script_enabled=True)
    page.goto(where(hark, invitation))
    assert page.evaluate("getComputedStyle(document.body).direction") == "rtl"
    sound(page)
    nought, five = (page.locator(f"button[name=answer][value='{n}']").bounding_box()["x"] for n in (0, 5))
    assert nought > five
    page.get_by_role("link", name="English").tap()
    expect(page.get_by_role("heading", name="What about nps?")).to_be_visible()
    assert page.evaluate("getComputedStyle(document.body).direction") == "ltr"


def test_do_not_contact_me_is_on_every_page_and_is_taken_back_at_once(hark, telephone):
    invitation = default()
    page = telephone()
    page.goto(where(hark, invitation))
    choose(page, "9")
    expect(page.get_by_role("textbox")).to_be_visible()
    choose(page, "Do not contact me under any circumstances")
    expect(page.get_by_role("heading", name="We do not contact you any more")).to_be_visible()
    assert Customer.objects.get(pk=invitation.customer_id).do_not_contact_at
    choose(page, "That was a mistake: take it back")
    expect(page.get_by_role("link", name="Go to the survey")).to_be_visible()
    assert Customer.objects.get(pk=invitation.customer_id).do_not_contact_at is None
    page.get_by_role("link", name="Go to the survey").tap()
    expect(page.locator(".asked__progress")).to_contain_text("Question 2 of 3")


def all_kinds():
    """One of each kind of question with long words, and somebody halfway through each of them."""
    version = survey("nps", survey__brand="Skylark Rail and Air")
    asked(version, "scale", key="seat", low=1, high=7)
    asked(version, "choice", key="travels", choices=["work", "home", "elsewhere" * 9])
    asked(version, "choice", key="misses", choices=["work", "home"], several=True)
    asked(version, "text", key="more", required=True)
    asked(version, "consent", key="quote", permission="quote")
    for question in version.questions.all():
        words = {"help": "A little help. " * 4, "low": "Not at all likely", "high": "Extremely likely"}
        question.wording = {"en": {**question.wording["en"], **words}}
        question.save()
    said = [("nps", 9), ("seat", 3), ("travels", ["home"]), ("misses", []), ("more", "Words"), ("quote", True)]
    for n in range(len(said) + 1):
        invitation = send(version)
        for key, value in said[:n]:
            say(invitation, key, value)
        yield invitation


@pytest.mark.parametrize("viewport", [WIDE, PHONE], ids=["wide", "phone"])
def test_the_pages_of_who_is_asked_have_no_fault(hark, telephone, viewport):
    page = telephone(viewport=viewport, java_script_enabled=True)
    for invitation in all_kinds():
        page.goto(where(hark, invitation))
        sound_by_night_too(page)
    assert page.url.endswith("/thanks/")
    page.goto(where(hark, send(survey("nps", "text"))) + "?score=9")
    sound_by_night_too(page)
    for state in ("expired", "cancelled"):
        page.goto(where(hark, send(survey(), state=state, ended_at=timezone.now(), reason="Because")))
        sound_by_night_too(page)
    for name in ("stop", "preferences"):
        page.goto(where(hark, invitation, name))
        sound_by_night_too(page)
    choose(page, "No more surveys") if viewport == PHONE else page.get_by_role("button", name="No more surveys").click()
    expect(page.get_by_role("heading", name="You get no more surveys from us")).to_be_visible()
    sound_by_night_too(page)
    page.goto(f"{hark.url}/s/none/")
    sound_by_night_too(page)


def test_what_is_wrong_stands_beside_the_question_and_loses_nothing(hark, telephone):
    version = survey("nps")
    asked(version, "text", key="must", required=True)
    invitation = send(version)
    say(invitation, "nps", 9)
    page = telephone(java_script_enabled=True)
    page.goto(where(hark, invitation))
    page.evaluate("document.querySelector('textarea').removeAttribute('maxlength')")
    page.get_by_role("textbox").fill("late " * 900)
    choose(page, "Next")
    expect(page.get_by_role("alert")).to_contain_text("Please shorten it to 4,000.")
    expect(page.get_by_role("textbox")).to_have_value("late " * 900)
    sound(page)
