"""Surveys made in a browser: begun, branched and walked through in place; every screen light, dark and on a phone."""

from __future__ import annotations

import re

import pytest
from django.utils import timezone
from playwright.sync_api import expect

from surveys import building
from surveys.models import Survey, Version
from tests import factories
from tests.browser.looking import faults_of
from tests.processes.stack import Stack

pytestmark = pytest.mark.browser

LONG = "unbroken" * 40


@pytest.fixture(scope="module")
def desk(browser, prepared, django_db_blocker):
    """Nothing but the web, a lead, a survey of awkward words that fails its check, and one that was sent."""
    with django_db_blocker.unblock(), Stack(prepared) as stack:
        lea = factories.UserFactory(username="lea", first_name="Lea", last_name="Brandt", role="lead")
        factories.CustomerFactory(country="ES")
        awkward = building.start(name="W" * 80, kind="nps", languages=["en", "de", "fr"], by=lea)
        labels = {f"c{n}": f"{LONG}{n}" for n in range(3)}
        words = {"en": {"text": LONG, "help": LONG, "choices": labels}, "de": {"text": "القطار متأخر مرة أخرى"}}
        values = {"choices": list(labels), "wording": words, "fact": "country", "shelf_days": 90, "topic": "price"}
        choice = building.add_question(version=awkward, kind="choice", values=values, by=lea)
        for n in range(14):
            last = factories.QuestionFactory(version=awkward, kind="text", key=f"more{n}")
        building.add_condition(question=last, about=choice, test="one_of", values=["c0", "c1"], by=lea)
        sent = building.start(name="Sent", kind="case", by=lea)
        Version.objects.filter(pk=sent.pk).update(sent_at=timezone.now())
        stack.start("web")
        yield stack


def test_a_survey_is_begun_branched_and_walked_through(sit, desk):
    lea = sit("lea")
    page = lea.go("/surveys/new/")
    page.get_by_label("Name").fill("How is Skylark")
    page.get_by_role("button", name="Begin").click()
    expect(page.locator("#effort")).to_contain_text("Nothing is missing")
    page.get_by_role("link", name=re.compile("^Own words")).click()
    page.get_by_label("Question", exact=True).fill("What should we put right?")
    page.get_by_role("button", name="Save").click()
    made = page.locator(".screen", has_text="What should we put right?")
    expect(made.get_by_role("link", name=re.compile("^Change What"))).to_be_focused()
    made.get_by_role("link", name="Change of whom it is asked").click()
    made.get_by_label("Ask it only when").select_option(label="the recommendation")
    made.get_by_label("What", exact=True).select_option("6")
    made.get_by_role("button", name="Add").click()
    expect(made).to_contain_text("Asked when the recommendation is at most 6")
    made.get_by_role("button", name=re.compile("^Move up")).click()
    expect(page.locator(".screen").nth(2)).to_contain_text("What should we put right?")
    made.get_by_role("button", name=re.compile("^Take out")).click()
    expect(made).to_have_count(0)
    page.locator("#toasts").get_by_role("button", name="Undo").click()
    expect(page.locator(".screen").nth(2)).to_contain_text("Asked when the recommendation is at most 6")
    page.get_by_role("link", name="Preview").click()
    phone = page.frame_locator(".frames__phone iframe")
    phone.get_by_role("button", name="3", exact=True).click()
    phone.get_by_role("button", name="Skip this question").click()
    expect(phone.locator("h1")).to_contain_text("What should we put right?")
    expect(page.frame_locator(".frames__desktop iframe").locator("h1")).to_contain_text("How likely")
    assert lea.errors == []


def test_no_screen_has_a_serious_fault(desk, sit):
    awkward, sent = Survey.objects.get(name="W" * 80), Survey.objects.get(name="Sent")
    question = awkward.versions.get().questions.get(kind="choice")
    made = f"/surveys/{awkward.pk}/1/"
    paths = (
        "/surveys/", "/surveys/?q=nothing-like-this", "/surveys/new/", made, f"/surveys/{sent.pk}/1/",
        f"/surveys/{awkward.pk}/edit/", f"{made}words/", f"{made}questions/new/?kind=scale",
        f"{made}questions/{question.pk}/", f"{made}questions/{question.pk}/when/?on=fact:tier",
        f"{made}preview/", f"{made}preview/screen/", "/settings/surveys/",
    )  # fmt: skip
    assert faults_of(sit("lea", reduced_motion="reduce"), paths, corners=True) == {}
