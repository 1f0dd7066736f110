"""Comments and action plans in a browser: by keys alone, on a phone, light and dark, with awkward words."""

from __future__ import annotations

import pytest
from django.utils import timezone
from playwright.sync_api import expect

from surveys.models import ActionPlan, PlanAnswer, Theme
from tests import factories
from tests.browser.looking import faults_of
from tests.processes.stack import Stack

pytestmark = pytest.mark.browser

LONG = "Dr Bartholomew Maximilian Featherstonehaugh-Cholmondeley de la Vega y Santibáñez III"
SAID = ("unbroken" * 60, "القطار متأخر مرة أخرى ولا أحد يقول لماذا", "🚂" * 80, "a\n\n\nb", "far too expensive " * 30)


@pytest.fixture(scope="module")
def desk(browser, prepared, django_db_blocker):
    """Nothing but the web, a lead, and what customers said."""
    with django_db_blocker.unblock(), Stack(prepared) as stack:
        lea = factories.UserFactory(username="lea", first_name="Lea", last_name="Brandt", role="lead")
        wave, cause = factories.WaveFactory(name="W" * 80), factories.CauseFactory(name="C" * 80)
        plan = factories.ActionPlanFactory(
            title="t" * 120, owner=lea, detail="d" * 900, cause=cause, due_on="2020-01-01", topic="price"
        )
        factories.ActionPlanFactory(title="Over", owner=lea, state="done", outcome="o" * 900, ended_at=timezone.now())
        for score, text in zip((10, 8, 3, None, 6), SAID, strict=True):
            response = factories.ResponseFactory(
                score=score, invitation__wave=wave, invitation__customer__name=LONG, quotable_at=timezone.now()
            )
            comment = factories.AnswerFactory(response=response, text=text)
            for facts in ({"topic": "price"}, {"topic": "", "cause": cause, "tone": "praise"}):
                factories.ThemeFactory(answer=comment, **facts)
            factories.ThemeFactory(answer=comment, tone="neutral", decided_by=lea, decided_at=timezone.now())
            PlanAnswer.objects.create(plan=plan, answer=comment)
        stack.start("web")
        yield stack


@pytest.fixture
def fresh(desk):
    """Two new comments at the top of the list, each with one suggestion."""
    wave = factories.WaveFactory()
    made = factories.AnswerFactory.create_batch(2, response__invitation__wave=wave)
    for comment in made:
        factories.ThemeFactory(answer=comment)
    return made[::-1]


def test_a_list_is_worked_off_by_keys_alone(sit, desk, fresh):
    lea = sit("lea")
    page = lea.go("/surveys/comments/")
    keys = page.keyboard
    row, below = (page.locator(f"#comment-{comment.pk}") for comment in fresh)
    keys.press("j")
    keys.press("y")
    expect(row.locator(".theme--open")).to_have_count(0)
    assert Theme.objects.get(answer=fresh[0]).decided_at is not None
    keys.press("u")
    expect(row.locator(".theme--open")).to_have_count(1)
    keys.press("j")
    keys.press("x")
    expect(page.locator("#bulk")).to_contain_text("1 chosen")
    keys.press("j")
    keys.press("x")
    expect(row.locator(".row__check")).to_be_checked()
    expect(below.locator(".row__check")).to_be_checked()
    keys.press("p")
    expect(page.locator("h1")).to_have_text("New action plan")
    page.get_by_label("What we do").fill("Faster refunds")
    page.get_by_role("button", name="Make the plan").click()
    expect(page.locator(".ask")).to_have_count(2)
    assert set(ActionPlan.objects.get(title="Faster refunds").answers.all()) == set(fresh)
    assert lea.errors == []


def test_after_a_press_the_next_key_goes_on_from_the_same_row(sit, desk, fresh):
    page = sit("lea").go("/surveys/comments/")
    page.keyboard.press("j")
    page.keyboard.press("j")
    page.keyboard.press("y")
    row = page.locator(f"#comment-{fresh[1].pk}")
    expect(row.locator(".theme--open")).to_have_count(0)
    expect(row.locator("[data-row-link]")).to_be_focused()


def test_a_theme_is_added_in_its_row_and_cancelled(sit, desk, fresh):
    page = sit("lea").go("/surveys/comments/")
    row = page.locator(f"#comment-{fresh[0].pk}")
    row.get_by_text("Theme", exact=True).click()
    row.get_by_text("Cancel").click()
    expect(row.locator(".theme-form")).to_have_count(0)
    row.get_by_text("Theme", exact=True).click()
    row.get_by_label("What it is about").select_option("topic:support")
    row.get_by_label("Praise").check()
    row.get_by_role("button", name="Add", exact=True).click()
    expect(row.locator(".theme--praise")).to_contain_text("Support")
    expect(page.locator("#toasts")).to_contain_text("Added: Support (Praise).")


def choose_one(page):
    """What can be done with several at once is there only while some are chosen."""
    if page.url.endswith("/surveys/comments/"):
        page.locator(".row__check").first.check()


def test_no_screen_has_a_serious_fault(desk, sit):
    plan, ended = ActionPlan.objects.get(title="t" * 120), ActionPlan.objects.get(title="Over")
    comment = plan.answers.first()
    customer = comment.response.invitation.customer_id
    paths = (
        "/surveys/comments/", "/surveys/comments/?q=nothing-like-this", "/surveys/comments/?topic=price&tone=criticism",
        f"/surveys/comments/{comment.pk}/theme/", "/surveys/plans/", "/surveys/plans/?state=done",
        f"/surveys/plans/{plan.pk}/", f"/surveys/plans/{ended.pk}/", f"/surveys/plans/{plan.pk}/edit/",
        f"/surveys/plans/new/?answers={comment.pk}", f"/customers/{customer}/",
        f"/surveys/of-customer/{customer}/",
    )  # fmt: skip
    assert faults_of(sit("lea", reduced_motion="reduce"), paths, first=choose_one, corners=True) == {}
