"""Real browsers on a real Hark: one stack for a module, a fresh context for each person.

Playwright keeps an event loop running in this thread while it is open; it is opened per module, so that tests of other
folders find the thread as they left it.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.conf import settings
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright
from rq import Queue

from config.cron import EVERY
from crm.models import User
from tests import factories
from tests.processes.conftest import prepared, pytest_runtest_makereport
from tests.processes.stack import Stack

__all__ = ["prepared", "pytest_runtest_makereport"]

CHROMIUM = os.environ.get("HARK_CHROMIUM") or "/usr/bin/chromium"
ARGUMENTS = ["--no-sandbox", "--disable-dev-shm-usage", "--disable-background-networking", "--disable-component-update"]
WIDE, PHONE = {"width": 1440, "height": 900}, {"width": 390, "height": 844}
WHOLE = ("web", "worker", "cron", "simulator")
CALM = {"SWEEP_SECONDS": "5"}  # nothing is lost on the way here: what a sweep finds at once is told by a nudge
PATIENCE = 20_000  # ms: how long a loaded machine may take before we call it broken

expect.set_options(timeout=PATIENCE)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    before = os.environ.get("DJANGO_ALLOW_ASYNC_UNSAFE")
    with sync_playwright() as play:
        os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"  # the loop in this thread is Playwright's; the ORM is ours
        browser = play.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield browser
        browser.close()
    os.environ.pop("DJANGO_ALLOW_ASYNC_UNSAFE")
    if before is not None:
        os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = before


@pytest.fixture(scope="module")
def desk(request: pytest.FixtureRequest, browser: Browser, prepared, django_db_blocker) -> Iterator[Stack]:
    """A running care desk: two agents and a lead, a channel, causes; the simulated people speak only when told.

    Of its processes a module has those it names as PROCESSES, the web alone where it names none: each takes seconds of
    the processor to start, and a clock with a worker keeps a machine busy that should look at pages.
    """
    with django_db_blocker.unblock(), Stack(prepared, CALM) as stack:
        team = factories.TeamFactory(name="Travel care")
        stack.channel = factories.ChannelFactory(
            key="skylark", name="@skylark on Chirp", our_handle="skylark", team=team
        )
        factories.ChannelFactory(key="phone", name="Phone", platform="by_hand", place="phone", team=team)
        factories.CauseFactory(name="Delay")
        factories.RuleFactory(name="Unhappy", sentiments=["negative"], priority=2)
        people = (("ana", "Ana", "Ruiz", "agent"), ("ben", "Ben", "Okafor", "agent"), ("lea", "Lea", "Brandt", "lead"))
        for username, first, last, role in people:
            factories.UserFactory(username=username, first_name=first, last_name=last, role=role, teams=[team])
        factories.UserFactory(
            username="ada", first_name="Ada", last_name="Moreau", role="admin", is_staff=True, is_superuser=True
        )
        stack.start(*getattr(request.module, "PROCESSES", ("web",)))
        yield stack


def let_work(desk: Stack) -> None:
    """The clock strikes once, and a worker does all that follows: what pages show of it stands there.

    For modules that look at pages and need nobody at work meanwhile. Networks are left alone: none is there.
    """
    queue = Queue("now", connection=desk.redis)
    for path in EVERY:
        if ".poll_" not in path:
            queue.enqueue(path)
    desk.manage("work", "--burst")


class Screen:
    """One person at one browser. `page` is Playwright's; `errors` is what the console complained about."""

    def __init__(self, context: BrowserContext, desk: Stack, username: str) -> None:
        self.desk, self.context = desk, context
        self.user = User.objects.get(username=username)
        value = desk.session(self.user)
        context.add_cookies([{"name": settings.SESSION_COOKIE_NAME, "value": value, "url": desk.url}])
        self.page: Page = context.new_page()
        self.page.set_default_timeout(PATIENCE)
        self.errors: list[str] = []
        self.page.on("console", lambda m: self.errors.append(m.text) if m.type == "error" else None)
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))

    def go(self, path: str, *, live: bool = False) -> Page:
        self.page.goto(self.desk.url + path)
        if live:
            self.wait_until_live()
        return self.page

    def settle(self) -> None:
        """Wait until every panel has come, also those that come in with another. Quicker than to wait for silence."""
        self.page.wait_for_load_state("load")
        for _ in range(2):
            expect(self.page.locator(".htmx-request")).to_have_count(0)
            self.page.wait_for_timeout(50)

    def wait_until_live(self) -> None:
        self.page.wait_for_selector("body[data-live-state=live]")

    def row(self, text: str) -> Any:
        return self.page.locator(".row", has_text=text)

    def open(self, text: str) -> None:
        """Open the case with this text from the list."""
        self.row(text).locator(".row__link").click()
        expect(self.page.locator("#case-title")).to_contain_text(text)


@pytest.fixture
def sit(browser: Browser, desk: Stack) -> Iterator[Callable[..., Screen]]:
    """`sit("ana")` puts Ana before a browser of her own."""
    contexts: list[BrowserContext] = []

    def sit_down(username: str, *, viewport: dict[str, int] = WIDE, **wishes: Any) -> Screen:
        contexts.append(browser.new_context(viewport=viewport, **wishes))
        return Screen(contexts[-1], desk, username)

    yield sit_down
    for context in contexts:
        context.close()
