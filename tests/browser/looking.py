"""Looking at a page: axe finds nothing serious, nothing is cut off, nothing complains.

A page is loaded once and looked at wide in light and narrow in dark, by every rule: its layout depends on the size
alone and its contrast on the scheme alone, so that these two see what four would.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

from tests.browser.conftest import PHONE, WIDE, Screen

# what still fades from one colour to the other has faded, and what sticks out the most
FADED = "() => Promise.all(document.getAnimations().map(each => each.finished.catch(() => 0)))"
WIDEST = """() => [...document.querySelectorAll("body *")].filter(e => e.getBoundingClientRect().right > innerWidth)
    .slice(-1).map(e => e.outerHTML.slice(0, 120))"""


def serious(page: Page) -> list[str]:
    """What axe finds serious."""
    found = [each for each in Axe().run(page).response["violations"] if each["impact"] in ("serious", "critical")]
    return [f"{each['id']}: {each['nodes'][0]['html'][:160]}" for each in found]


def too_wide(page: Page) -> list[str]:
    more = page.evaluate("document.documentElement.scrollWidth - innerWidth")
    return [f"{more} px too wide: {page.evaluate(WIDEST)}"] if more > 0 else []


def looked_at(screen: Screen) -> list[str]:
    """What is wrong with the page that is open."""
    found = []
    for viewport, scheme in ((PHONE, "dark"), (WIDE, "light")):
        screen.page.set_viewport_size(viewport)
        screen.page.emulate_media(color_scheme=scheme)
        screen.page.evaluate(FADED)
        found += [f"{said} ({viewport['width']}, {scheme})" for said in too_wide(screen.page) + serious(screen.page)]
    found += screen.errors
    screen.errors.clear()
    return found


def faults_of(
    screen: Screen, paths: Iterable[str], *, first: Callable[[Page], object] = lambda page: None
) -> dict[str, list[str]]:
    """What is wrong, by page; `first` is done on each before it is looked at."""
    return dict(_faults(screen, paths, first))


def _faults(screen: Screen, paths: Iterable[str], first: Callable[[Page], object]) -> Iterator[tuple[str, list[str]]]:
    for path in paths:
        screen.go(path)
        screen.settle()
        first(screen.page)
        if found := looked_at(screen):
            yield path, found
