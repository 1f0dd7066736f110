"""Those who look at pages see what is wrong with them: each kind of fault, planted where it shows in one look alone."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from tests.browser.conftest import WIDE
from tests.browser.looking import looked_at, violations

pytestmark = pytest.mark.browser

PAGE = """<!doctype html><html lang="en"><title>A page</title><style>
    :root { color-scheme: light dark; } body { background: light-dark(#fff, #000); color: light-dark(#000, #fff); }
    .wide { display: block; } .narrow { display: none; }
    @media (width < 600px) { .wide { display: none; } .narrow { display: block; } }
    %s</style><main><h1>A page</h1>%s</main></html>"""
NARROW_DARK, WIDE_LIGHT, NARROW_LIGHT, WIDE_DARK = "(390, dark)", "(1440, light)", "(390, light)", "(1440, dark)"


@pytest.fixture
def look(browser):
    """`look(html, css)` is what is wrong with such a page."""
    page = browser.new_page(viewport=WIDE)

    def at(html: str, css: str = "", **wishes: bool) -> list[str]:
        screen = SimpleNamespace(page=page, errors=[])
        page.emulate_media(color_scheme="light")
        page.set_viewport_size(WIDE)
        page.set_content(PAGE % (css, html))
        return looked_at(screen, **wishes)

    yield at
    page.close()


def test_a_sound_page_has_no_fault(look):
    assert look("<p>All is well.</p>", corners=True) == []


def said_where(found: list[str]) -> set[tuple[str, str]]:
    """The rules and where they were broken."""
    return {(said.partition(":")[0], said[said.rindex("(") :]) for said in found}


def test_what_only_one_size_shows_is_found_there(look):
    faults = {
        "button-name": "<button></button>",
        "image-alt": "<img src='data:,'>",
        "label": "<input>",
        "aria-required-children": "<div role=list><p role=button>No item</p></div>",
    }
    for shown, where in (("narrow", NARROW_DARK), ("wide", WIDE_LIGHT)):
        found = look(f"<div class={shown}>{''.join(faults.values())}</div>")
        assert said_where(found) == {(rule, where) for rule in faults}


def test_what_cannot_be_read_is_found_in_the_colours_that_hide_it(look):
    """Each of these fails in one look alone: the size that shows it, in the scheme that spoils it."""
    css = ".by-day { color: light-dark(#ddd, #fff); } .by-night { color: light-dark(#000, #222); }"
    faults = {
        "narrow by-night": NARROW_DARK,
        "narrow by-day": NARROW_LIGHT,
        "wide by-day": WIDE_LIGHT,
        "wide by-night": WIDE_DARK,
    }
    words = {seen: f'<p class="{seen}">Hard to read</p>' for seen in faults}
    found = look("".join(words.values()), css, corners=True)
    assert found == [f"color-contrast: {words[seen]} {where}" for seen, where in faults.items()]


def test_a_link_that_looks_like_the_words_around_it_is_found(look):
    css = """a { text-decoration: none; }
        .narrow a { color: light-dark(#333, #0ff); } .wide a { color: light-dark(#06f, #ddd); }"""
    html = "".join(
        f"<p class={shown}>Words before <a href='/'>a link</a> and after.</p>" for shown in ("narrow", "wide")
    )
    rule = "link-in-text-block"
    assert {(rule, NARROW_LIGHT), (rule, WIDE_DARK)} <= said_where(look(html, css, corners=True))


def test_colours_are_looked_at_when_they_have_faded(look):
    """The words could be read halfway, and cannot at the end."""
    css = "p { transition: color 0.4s; color: light-dark(#000, #222); }"
    assert said_where(look("<p>Hard to read at last</p>", css)) == {("color-contrast", NARROW_DARK)}


def test_what_sticks_out_is_found(look):
    found = look(
        "<p id=wider>Wider</p>", "#wider { width: 1500px; } @media (width < 600px) { #wider { width: 400px; } }"
    )
    for said, where in zip(found, (NARROW_DARK, WIDE_LIGHT), strict=True):
        assert 'px too wide: [\'<p id="wider">' in said
        assert said.endswith(where)


def test_what_the_console_said_is_told_once(browser):
    """With the page that was looked at, not with the next."""
    page = browser.new_page()
    screen = SimpleNamespace(page=page, errors=["It went wrong."])
    page.set_content(PAGE % ("", ""))
    assert looked_at(screen) == ["It went wrong."]
    assert looked_at(screen) == []
    page.close()


def test_what_is_not_serious_is_found_by_who_asks_for_all(look, browser):
    page = browser.new_page()
    page.set_content("<!doctype html><html lang=en><title>A page</title><p>Outside of any landmark.</p></html>")
    assert [said.partition(":")[0] for said in violations(page)] == [
        "landmark-one-main",
        "page-has-heading-one",
        "region",
    ]
    page.close()
