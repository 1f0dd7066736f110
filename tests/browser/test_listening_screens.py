"""Listening in a browser: what was found, what is listened for, and the case of somebody who did not write to us."""

from __future__ import annotations

import pytest
from django.urls import reverse
from playwright.sync_api import expect

from cases import hits
from channels_app.models import Message
from crm.models import User
from tests import factories
from tests.browser.conftest import let_work
from tests.browser.looking import faults_of
from tests.browser.test_desk_screens import WORDS, one_heading

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def found(desk) -> list[Message]:
    """What is hard to set, found by a search; one is a case, and one is not for us."""
    ana = User.objects.get(username="ana")
    search = factories.SearchFactory(channel=desk.channel, name=WORDS[0][:80], words="skylark train")
    factories.SearchFactory(channel=desk.channel, name="Bags", words=WORDS[1][:200], trouble=WORDS[2][:300])
    made = [
        factories.MessageFactory(
            thread__channel=desk.channel, identity__customer=factories.CustomerFactory(name=words[:60]), text=words,
            identity__display_name=words[:60], overheard=True, found_by=search, sentiment=mood,
        )
        for words, mood in zip([*WORDS, "My bag is in Porto. Thank you, Skylark.", "Old trains!"],
                               ["negative", "neutral", "positive"] * 5, strict=False)
    ]  # fmt: skip
    hits.take(message=made[-2], by=ana)
    hits.dismiss(message=made[-1], by=ana)
    let_work(desk)
    return made


def test_every_screen_of_listening(desk, sit, found):
    lea = sit("lea")
    paths = [
        "/listening/", "/listening/?state=dismissed", "/listening/?q=nothing", "/listening/searches/",
        "/listening/searches/new/",
    ]  # fmt: skip
    assert faults_of(lea, paths, first=one_heading, corners=True) == {}


def test_the_case_of_somebody_who_did_not_write_to_us_says_so(desk, sit, found):
    ana, taken = sit("ana"), found[-2]
    case = taken.case_entry.case
    factories.MeasureFactory(
        case=case, message=taken, kind="like", reason="", state="in_force", by=ana.user, trouble="Not today."
    )
    assert faults_of(ana, [reverse("cases:case", args=[case.pk])]) == {}
    expect(ana.page.get_by_text("They did not write to us: a search found this.")).to_be_visible()
    expect(ana.page.get_by_text("Not liked:")).to_be_visible()


def test_what_a_colleague_decides_is_seen_without_loading_the_page_again(desk, sit, found):
    ana, ben = sit("ana"), sit("ben")
    ana.go("/listening/", live=True)
    first = found[0]
    row = ana.page.locator(f"#hit-{first.pk}")
    expect(row).to_be_visible()
    ben.go("/listening/")
    ben.page.locator(f"#hit-{first.pk}").get_by_role("button", name="Not for us").click()
    expect(ben.page.locator(".toast", has_text="Not for us.")).to_be_visible()
    expect(row).to_have_count(0)
    ben.page.get_by_role("button", name="Undo").click()
    expect(row).to_be_visible()
