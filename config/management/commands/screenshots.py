"""`bin/manage screenshots`: the pictures of the README, taken from a running demo."""

from __future__ import annotations

import os
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from config.demo import PASSWORD

Shot = tuple[str, str, str, str, tuple[int, int], str]
WIDE, PHONE = (1440, 900), (390, 844)
SHOTS = (
    # file, user, path, what to click, size, scheme
    ("queue", "lead", "/queue/", ".row a", WIDE, "light"),
    ("queue-dark", "lead", "/queue/", ".row a", WIDE, "dark"),
    ("customer", "agent", "/customers/?q=mira.castellan@acme.example", "tbody a", WIDE, "light"),
    ("matches", "agent", "/matches/", "", WIDE, "light"),
    ("account", "sales", "/accounts/?q=Acme", "tbody a", WIDE, "dark"),
    ("rules", "lead", "/settings/rules/", "", WIDE, "light"),
    ("overview", "lead", "/care/", "", WIDE, "light"),
    ("phone", "agent", "/queue/", "", PHONE, "light"),
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
        name, user, path, click, size, scheme = shot
        page = browser.new_context(viewport={"width": size[0], "height": size[1]}, color_scheme=scheme).new_page()
        page.goto(f"{url}/login/")
        page.fill("[name=username]", user)
        page.fill("[name=password]", PASSWORD)
        page.click("button[type=submit]")
        page.goto(url + path)
        if click:
            page.locator(click).first.click()
        page.wait_for_load_state("networkidle")
        page.screenshot(path=to / f"{name}.png")
        page.context.close()
        self.stdout.write(str(to / f"{name}.png"))
