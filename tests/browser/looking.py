"""Looking at a page: axe finds nothing serious, nothing is cut off, nothing complains.

A page is loaded once and looked at wide in light and narrow in dark, by every rule: its layout depends on the size
alone and its contrast on the scheme alone, so that these two see what four would. Who wants all four of them
(`corners`) has the colours of the other two looked at as well, which is all that a scheme can spoil.

Looking is most of what these tests cost: axe is brought into a document once, not once for each look, and says there
what it found, instead of sending whole reports through the browser.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Literal

from axe_playwright_python.base import AXE_SCRIPT
from playwright.sync_api import Page

from tests.browser.conftest import PHONE, WIDE, Screen

Scheme = Literal["light", "dark"]
LOOKS: tuple[tuple[dict[str, int], Scheme, Scheme], ...] = ((PHONE, "dark", "light"), (WIDE, "light", "dark"))
SERIOUS = ("serious", "critical")
COLOURS = ("color-contrast", "link-in-text-block")  # the rules that read colours
LOOK = """async ([impacts, rules]) => {
    const options = {resultTypes: ["violations"], ...(rules.length && {runOnly: {type: "rule", values: rules}})};
    return (await axe.run(document, options)).violations
        .filter(each => !impacts.length || impacts.includes(each.impact))
        .map(each => `${each.id}: ${each.nodes[0].html.slice(0, 160)}`);
}"""
# The page has heard of its new colours and drawn them: a look that began before would see some old and some new. Each
# wait has an end: a browser that nobody looks at may draw no frame, and what turns for as long as it waits never ends.
DRAWN = """async scheme => {
    const later = wait => new Promise(resolve => setTimeout(resolve, wait)), end = performance.now() + 10000;
    const frame = () => Promise.race([new Promise(requestAnimationFrame), later(250)]);
    while (!matchMedia(`(prefers-color-scheme: ${scheme})`).matches && performance.now() < end) await frame();
    await frame(); await frame();
    await Promise.race([Promise.all(document.getAnimations().map(each => each.finished.catch(() => 0))), later(5000)]);
}"""
# what sticks out the most
WIDEST = """() => [...document.querySelectorAll("body *")].filter(e => e.getBoundingClientRect().right > innerWidth)
    .slice(-1).map(e => e.outerHTML.slice(0, 120))"""


def violations(page: Page, impacts: Sequence[str] = (), rules: Sequence[str] = ()) -> list[str]:
    """What axe finds: of these impacts, by these rules. Where none are named: of all, by all it has switched on."""
    if not page.evaluate("'axe' in globalThis"):
        page.evaluate(AXE_SCRIPT)
    return list(page.evaluate(LOOK, [list(impacts), list(rules)]))


def serious(page: Page) -> list[str]:
    """What axe finds serious. Of a colour that was still on its way a second look says where it came to."""
    found = violations(page, SERIOUS)
    if any(said.startswith(COLOURS) for said in found):
        page.wait_for_timeout(500)
        found = violations(page, SERIOUS)
    return found


def too_wide(page: Page) -> list[str]:
    more = page.evaluate("document.documentElement.scrollWidth - innerWidth")
    return [f"{more} px too wide: {page.evaluate(WIDEST)}"] if more > 0 else []


def looked_at(screen: Screen, *, corners: bool = False) -> list[str]:
    """What is wrong with the page that is open."""
    found = []
    for viewport, scheme, other in LOOKS:
        screen.page.set_viewport_size(viewport)
        fade(screen.page, scheme)
        found += [f"{said} ({viewport['width']}, {scheme})" for said in too_wide(screen.page) + serious(screen.page)]
        if corners:
            fade(screen.page, other)
            found += [f"{said} ({viewport['width']}, {other})" for said in violations(screen.page, SERIOUS, COLOURS)]
    found += screen.errors
    screen.errors.clear()
    return found


def fade(page: Page, scheme: Scheme) -> None:
    """Into the other colours, to the end."""
    page.emulate_media(color_scheme=scheme)
    page.evaluate(DRAWN, scheme)


def faults_of(
    screen: Screen, paths: Iterable[str], *, first: Callable[[Page], object] = lambda page: None, corners: bool = False
) -> dict[str, list[str]]:
    """What is wrong, by page; `first` is done on each before it is looked at."""
    return dict(_faults(screen, paths, first, corners=corners))


def _faults(
    screen: Screen, paths: Iterable[str], first: Callable[[Page], object], *, corners: bool
) -> Iterator[tuple[str, list[str]]]:
    for path in paths:
        screen.go(path)
        screen.settle()
        first(screen.page)
        if found := looked_at(screen, corners=corners):
            yield path, found
