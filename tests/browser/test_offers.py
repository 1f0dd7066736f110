"""The right person at the screen: a card that comes by itself, "Next case" by its key, and who fits."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone
from playwright.sync_api import expect

from cases.models import Case, Offer
from crm.models import Absence, Calendar, Skill, Team, User
from tests import factories
from tests.browser.conftest import PATIENCE, WHOLE
from tests.browser.looking import faults_of, serious, too_wide

pytestmark = pytest.mark.browser
PROCESSES = WHOLE
LONG = "unbroken" * 12


def faults(screen):
    """What axe finds serious, what is wider than the screen, what the console said."""
    screen.settle()
    return serious(screen.page) + too_wide(screen.page) + screen.errors


def test_the_next_case_is_a_key_away_and_says_why_it_is_mine(desk, sit):
    case = factories.CaseFactory(channel=desk.channel, subject="Where is my next train?", priority=1)
    ana = sit("ana")
    ana.go("/queue/", live=True)
    ana.page.keyboard.press("f")
    expect(ana.page.locator("#case-title")).to_have_text("Where is my next train?")
    expect(ana.page.get_by_role("status").filter(has_text="Because you have")).to_be_visible()
    expect(ana.page).to_have_url(f"{desk.url}/queue/?case={case.pk}")
    assert Case.objects.get(pk=case.pk).owner == ana.user
    assert ana.errors == []


def test_an_offer_comes_by_itself_is_declined_by_one_and_accepted_by_the_next(desk, sit):
    User.objects.filter(username__in=("lea", "ada")).update(load_cap=0)
    screens = {name: sit(name) for name in ("ana", "ben")}
    for screen in screens.values():
        screen.go("/queue/", live=True)
    Team.objects.update(mode="push")
    case = factories.CaseFactory(channel=desk.channel, subject="My bag went to Oslo")
    first = card_of(case, screens)
    first.page.locator("#offers").get_by_role("button", name="Decline").click()
    expect(first.page.locator("#offers article")).to_have_count(0)
    second = card_of(case, screens, but=first.user)
    assert faults(second) == []
    second.page.locator("#offers").get_by_role("button", name="Accept").click()
    expect(second.page.locator("#case-title")).to_have_text("My bag went to Oslo")
    expect(second.page.locator("#offers article")).to_have_count(0)
    assert Case.objects.get(pk=case.pk).owner == second.user
    Team.objects.update(mode="pull")
    User.objects.update(load_cap=25)


def card_of(case, screens, but=None):
    """The screen of whom the case is offered to, once the card is there."""
    for _ in range(PATIENCE // 100):
        standing = Offer.objects.standing().filter(case=case).exclude(user=but).select_related("user").first()
        if standing:
            screen = screens[standing.user.username]
            expect(screen.page.locator("#offers article")).to_have_count(1)
            return screen
        screens["ana"].page.wait_for_timeout(100)
    raise AssertionError("it was offered to nobody")


def test_a_lead_sees_who_fits_in_a_menu_and_offers_it(desk, sit):
    case = factories.CaseFactory(channel=desk.channel, subject="Wrong fare")
    lea = sit("lea")
    lea.go(f"/cases/{case.pk}/", live=True)
    lea.page.locator("#case-head summary", has_text="More").click()
    lea.page.get_by_text("Who fits", exact=True).click()
    lea.page.get_by_role("button", name="Offer to Ana Ruiz").click()
    expect(lea.page.get_by_role("status").filter(has_text="Offered to Ana Ruiz.")).to_be_visible()
    expect(lea.page.locator("#case-head")).to_contain_text("Offered to Ana Ruiz until")
    assert faults(lea) == []


def test_no_page_about_people_has_a_serious_fault(desk, sit):
    person = factories.UserFactory(
        first_name=LONG, last_name=LONG, teams=[Team.objects.first()], languages=["es", "fi"],
        shift=Calendar.objects.get_or_create(name=LONG[:80])[0],
    )  # fmt: skip
    skill, _ = Skill.objects.get_or_create(name=LONG[:60])
    skill.people.add(person)
    now, lea = timezone.now(), sit("lea", reduced_motion="reduce")
    Absence.objects.create(
        user=person, cover=lea.user, why=LONG, starts_at=now - timedelta(days=1), ends_at=now + timedelta(days=1)
    )
    case = factories.CaseFactory(channel=desk.channel, subject=LONG)
    factories.OfferFactory(case=case, user=lea.user, reasons=[{"kind": "speaks", "language": "es"}] * 3)
    found = faults_of(lea, [
        "/settings/people/", f"/settings/people/{person.pk}/", f"/settings/people/{person.pk}/absences/",
        f"/settings/people/skills/{skill.pk}/", "/profile/absences/", "/profile/", "/queue/", "/queue/offers/",
        f"/cases/{case.pk}/", f"/cases/{case.pk}/who-fits/",
    ])  # fmt: skip
    User.objects.filter(pk=person.pk).update(is_active=False)
    Offer.objects.all().delete()
    assert found == {}
