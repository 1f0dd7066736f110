"""`bin/manage screenshots`: the pictures of the README, taken from a running demo."""

from __future__ import annotations

import os
from argparse import ArgumentParser
from pathlib import Path
from typing import Any, NamedTuple

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from config.demo import PASSWORD

WIDE, PHONE = (1440, 900), (390, 844)


class Shot(NamedTuple):
    """`then`: where to go from the page that was clicked, as customers see a survey whose number nobody knows."""

    name: str
    user: str
    path: str
    click: str
    size: tuple[int, int]
    scheme: str
    then: str = ""


SHOTS = (
    Shot("queue", "lead", "/queue/", ".row a", WIDE, "light"),
    Shot("queue-dark", "lead", "/queue/", ".row a", WIDE, "dark"),
    Shot("customer", "agent", "/customers/?q=mira.castellan@acme.example", "tbody a", WIDE, "light"),
    Shot("matches", "agent", "/matches/", "", WIDE, "light"),
    Shot("account", "sales", "/accounts/?q=Acme", "tbody a", WIDE, "dark"),
    Shot("rules", "lead", "/settings/rules/", "", WIDE, "light"),
    Shot("overview", "lead", "/care/", "", WIDE, "light"),
    Shot("results", "lead", "/surveys/results/", "", WIDE, "light"),
    Shot("calls", "executive", "/calls/", "", PHONE, "light"),
    Shot("call", "executive", "/calls/", ".call a", PHONE, "light"),
    Shot("request", "support", "/requests/", ".asked__words", WIDE, "light"),
    Shot("loop", "executive", "/calls/", ".came a", WIDE, "light"),
    Shot("phone", "agent", "/queue/", "", PHONE, "light"),
    Shot("survey", "lead", "/surveys/?kind=nps", "tbody a", PHONE, "light", then="preview/screen/"),
)


class Command(BaseCommand):
    help = "Take the README's pictures from a Hark that runs with the demo."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--url", default=settings.HARK_URL)
        parser.add_argument("--to", type=Path, default=settings.BASE_DIR / "docs" / "img")

    def handle(self, *args: Any, **options: Any) -> None:
        from playwright.sync_api import Error, sync_playwright

        options["to"].mkdir(parents=True, exist_ok=True)
        with sync_playwright() as play:
            browser = play.chromium.launch(
                executable_path=os.environ.get("HARK_CHROMIUM", "/usr/bin/chromium"),
                args=["--no-sandbox", "--disable-dev-shm-usage"],
            )
            try:
                for shot in SHOTS:
                    self._take(browser, options["url"], options["to"], shot)
            except Error as error:
                raise CommandError(
                    f"No picture could be taken: {error.message.splitlines()[0]}. Is bin/up running?"
                ) from error

    def _take(self, browser: Any, url: str, to: Path, shot: Shot) -> None:
        size = {"width": shot.size[0], "height": shot.size[1]}
        page = browser.new_context(viewport=size, color_scheme=shot.scheme).new_page()
        page.goto(f"{url}/login/")
        page.fill("[name=username]", shot.user)
        page.fill("[name=password]", PASSWORD)
        page.click("button[type=submit]")
        page.goto(url + shot.path)
        if shot.click:
            page.locator(shot.click).first.click()
        page.wait_for_load_state("networkidle")
        if shot.then:
            page.goto(page.url + shot.then)
        page.screenshot(path=to / f"{shot.name}.png")
        page.context.close()
        self.stdout.write(str(to / f"{shot.name}.png"))
