"""The whole way in a browser, on a server others wrote: connected, asked, answered, helped aside, told in public."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from cases.models import DeskSettings
from channels_app.models import Channel, Message
from tests import factories
from tests.browser.conftest import Screen, browser
from tests.processes.conftest import prepared, pytest_runtest_makereport
from tests.processes.stack import Stack
from tests.rigs.snac import Snac

__all__ = ["browser", "prepared", "pytest_runtest_makereport"]
ONLY = ["snac"]
QUICK = {"HARK_ALLOW_LOOPBACK": "1", "NETWORK_SECONDS": "1"}
ASKED = "My bag went to Oslo without me, and nobody calls back"
ANSWER = "That must be maddening. We look for it this minute."
HOP = 120.0  # seconds: the server's own queue, ours and a browser, on a busy machine
ASIDE, NUMBER, FOUND = (
    "Which number is on your bag?",
    "It is SK 4711",
    "It is on flight 12 and comes to your door tonight.",
)
CLOSING = "The bag is on its way back to its owner."


@pytest.fixture
def desk(prepared, django_db_blocker) -> Iterator[Stack]:
    with django_db_blocker.unblock(), Stack(prepared, QUICK) as stack:
        team = factories.TeamFactory(name="Travel care")
        factories.UserFactory(username="ana", first_name="Ana", last_name="Ruiz", teams=[team])
        factories.UserFactory(username="ada", first_name="Ada", last_name="Moreau", role="admin", teams=[team])
        DeskSettings.objects.create(pk=1, undo_seconds=0)
        stack.start("web", "worker", "cron")
        yield stack


def test_a_customer_on_mastodon_is_helped_from_the_first_word_to_the_last(rig: Snac, desk: Stack, browser: Browser):
    admin, agent = sit(browser, desk, "ada"), sit(browser, desk, "ana")
    connects(admin, rig)
    agent.go("/queue/", live=True)

    asked = rig.post(ASKED)
    question = desk.wait_until(
        "it is a case", Message.objects.filter(text__contains=ASKED, case_entry__isnull=False).first
    )
    expect(agent.row(ASKED)).to_be_visible()  # without a reload
    agent.open(ASKED)
    answers(agent.page, ANSWER)
    rig.wait_until(
        "she reads the answer at home",
        within=HOP,
        condition=lambda: any(ANSWER in said.text for said in rig.answers_to(asked)),
    )

    moves_aside(agent.page)
    whispered = rig.wait_until("she was asked aside", within=HOP, condition=lambda: seen_aside(rig, ASIDE))
    assert not any(ASIDE in said.text for said in rig.profile() or [])  # nobody else reads it
    whispers(rig, whispered, NUMBER)
    expect(agent.page.locator("#conversation, .conversation, main").first).to_contain_text(NUMBER, timeout=HOP * 1000)
    answers(agent.page, FOUND)
    rig.wait_until("she was helped aside", within=HOP, condition=lambda: seen_aside(rig, FOUND))

    closes_in_public(agent.page)
    rig.wait_until(
        "all can read how it ended",
        within=HOP,
        condition=lambda: any(CLOSING in said.text for said in rig.profile() or []),
    )
    assert not any(word in said.text for said in rig.profile() or [] for word in (ASIDE, FOUND, NUMBER))
    since = Message.objects.filter(direction=Message.Direction.IN, occurred_at__gte=question.occurred_at)
    assert since.count() == 2  # what other tests had her say on this server was said before
    assert [agent.errors, admin.errors] == [[], []]


def sit(browser: Browser, desk: Stack, username: str) -> Screen:
    return Screen(browser.new_context(viewport={"width": 1440, "height": 900}), desk, username)


def connects(admin: Screen, rig: Snac) -> None:
    """From the page of channels to the server's own page, where our account says yes, and back."""
    page = admin.go("/channels/")
    page.get_by_role("link", name="Connect a channel").first.click()
    page.locator("a[href='/channels/connect/mastodon/']").first.click()
    page.get_by_label("Server").fill(rig.url)
    page.locator("main form button[type=submit]").click()
    page.get_by_role("link", name=re.compile("^Go to ")).click()
    page.locator("input[name=login]").fill("brand")
    page.locator("input[name=passwd]").fill(rig.passwords["brand"])
    page.locator("input[type=submit], button[type=submit]").first.click()
    expect(page.get_by_text("It opens: this is")).to_be_visible()
    page.get_by_label("Name", exact=True).fill("@brand on Mastodon")
    page.get_by_label("Team").select_option(label="Travel care")
    page.get_by_role("button", name="Connect it").click()
    expect(page.get_by_role("heading", name="@brand on Mastodon")).to_be_visible()
    assert Channel.objects.get().credential.access().secrets["access_token"] not in page.content()


def answers(page: Page, text: str) -> None:
    page.locator("#reply-text").fill(text)
    page.locator("#reply-text").press("Control+Enter")
    expect(page.locator("main")).to_contain_text(text)


def moves_aside(page: Page) -> None:
    page.keyboard.press("Escape")
    page.locator("#case-title").click()
    page.keyboard.press("p")
    page.locator("#private-text").fill(ASIDE)
    page.get_by_role("button", name="Send privately").click()
    expect(page.locator("#private-banner")).to_contain_text("in private")


def closes_in_public(page: Page) -> None:
    page.locator("#private-banner summary").click()
    page.locator("#public-text").fill(CLOSING)
    page.locator("#public-agreed").fill("She wrote: you can say so")
    page.get_by_role("button", name="Post in public").click()


def seen_aside(rig: Snac, words: str) -> str | None:
    """The id under which she has our private message with these words."""
    told = rig.maria.ask("GET", "/api/v1/notifications?limit=40")
    posts = [one["status"] for one in told if one.get("status")]
    found = [post for post in posts if words in post["content"] and post["visibility"] in ("private", "direct")]
    return str(found[0]["id"]) if found else None


def whispers(rig: Snac, to: str, words: str) -> None:
    said = {"status": f"@brand {words}", "in_reply_to_id": to, "visibility": "direct"}
    rig.maria.ask("POST", "/api/v1/statuses", json=said)
