"""How long an answer is taken, and long ones in parts, as one types: the browser cuts as the server does."""

from __future__ import annotations

import re
from datetime import timedelta
from pathlib import Path

import pytest
from django.utils import timezone
from playwright.sync_api import expect

from channels_app.models import Delivery
from channels_app.platforms import cutting
from tests import factories
from tests.browser.looking import looked_at
from tests.crm.made_files import png

pytestmark = pytest.mark.browser
ROOT = Path(__file__).parent.parent.parent
SOURCES = ("static/js/counting.js", "static/js/cutting.js")
LONG = "We are sorry about last night. The points near Hall froze, and no train could pass for three hours. " * 8
TEXTS = [
    LONG, "列車は遅れています。" * 60, "👩‍👩‍👧‍👦🇩🇪 " * 90,
    f"See https://example.com/{'a' * 40} and ann.lee@example.com, @ann@social.example! " * 9,
    "word " * 400, "e\u0301" * 700, "One.\nTwo.\n\n" * 80, "x" * 1200,
]  # fmt: skip
WAYS = [("mastodon", 500), ("bluesky", 300), ("weighted", 280), ("codepoints", 310), ("graphemes", 90)]
CUT = "vectors => vectors.map(([text, limit, how]) => globalThis.pieces(text, limit, how))"


def test_the_browser_cuts_where_the_server_does(browser):
    whole = "\n".join((ROOT / path).read_text() for path in SOURCES)
    script = re.sub(r"^import .*$", "", whole, flags=re.MULTILINE).replace("export ", "")
    page = browser.new_page()
    page.add_script_tag(content=f"{script}\nglobalThis.pieces = pieces;", type="module")
    page.wait_for_function("() => Boolean(globalThis.pieces)")
    vectors = [[text.strip(), limit, how] for text in TEXTS for how, limit in WAYS]
    cut = page.evaluate(CUT, vectors)
    page.close()
    for (text, limit, how), there in zip(vectors, cut, strict=True):
        assert there == cutting.pieces(text, limit, how, most=20), (text[:30], limit, how)


@pytest.fixture(scope="module")
def public(desk):
    """Somebody asked on Mastodon."""
    channel = factories.ChannelFactory(
        key="masto", name="Skylark on Mastodon", platform="mastodon", place="mastodon", team=desk.channel.team
    )
    return factories.CaseFactory(channel=channel)


@pytest.fixture(scope="module")
def private(desk):
    """Somebody wrote on WhatsApp, not quite a day ago."""
    channel = factories.ChannelFactory(
        key="wa", name="Skylark on WhatsApp", platform="whatsapp", place="whatsapp", team=desk.channel.team
    )
    case = factories.CaseFactory(channel=channel)
    message = case.entries.get().message
    message.private, message.occurred_at = True, timezone.now() - timedelta(hours=21, minutes=30)
    message.save()
    return case


def test_a_long_answer_is_offered_as_posts_and_counted_as_one_types(sit, public):
    ana = sit("ana")
    ana.go(f"/cases/{public.pk}/", live=True)
    area, offer = ana.page.locator("#reply-text"), ana.page.locator("[data-parts]")
    expect(offer).to_be_hidden()
    area.fill(LONG.strip())
    expect(offer).to_contain_text("Send as 2 posts")
    area.fill(f"{LONG}{LONG}".strip())
    expect(offer).to_contain_text("Send as 4 posts")
    ana.page.keyboard.press("Control+Enter")
    assert not Delivery.objects.exists()  # too long, until it is chosen
    offer.get_by_label("Send as 4 posts").check()
    offer.get_by_label("with numbers").check()
    assert looked_at(ana) == []
    area.focus()
    ana.page.keyboard.press("Control+Enter")
    expect(ana.page.locator(".entry--ours")).to_have_count(4)
    expect(ana.page.locator(".entry--ours").last).to_contain_text("4/4")
    assert Delivery.objects.count() == 4


def test_each_picture_has_a_field_for_what_it_shows(sit, public):
    ana = sit("ana")
    ana.go(f"/cases/{public.pk}/", live=True)
    fields = ana.page.locator("[data-alt]")
    expect(fields.first).to_be_hidden()
    ana.page.locator("#reply-files").set_input_files([
        {"name": "form.pdf", "mimeType": "application/pdf", "buffer": b"%PDF-1.4"},
        {"name": "points.png", "mimeType": "image/png", "buffer": png()},
    ])  # fmt: skip
    expect(fields.first).to_be_hidden()
    field = ana.page.get_by_label("points.png shows")
    field.fill("Frozen points")
    assert looked_at(ana) == []
    ana.page.locator("#reply-text").fill("Look at it.")
    ana.page.locator("#reply-files").set_input_files([{"name": "points.png", "mimeType": "image/png", "buffer": png()}])
    ana.page.get_by_label("points.png shows").fill("Frozen points")
    ana.page.locator("#reply-form [type=submit]").click()
    expect(ana.page.locator(".entry--ours", has_text="Look at it.").get_by_alt_text("Frozen points")).to_be_visible()


def test_the_time_left_ticks_and_ends(sit, private):
    ana = sit("ana")
    ana.page.clock.install()
    ana.go(f"/cases/{private.pk}/")
    left = ana.page.locator("#reply-window")
    expect(left).to_contain_text(re.compile(r"2 h 2\d min left to answer here"))
    ana.page.clock.fast_forward("01:00:00")
    expect(left).to_contain_text(re.compile(r"1 h 2\d min left"))
    ana.page.clock.fast_forward("01:31:00")
    expect(left).to_contain_text("No answer is taken here any more")


def test_too_late_it_says_what_else_can_be_done(sit, private):
    message = private.entries.get().message
    message.occurred_at = timezone.now() - timedelta(hours=25)
    message.save()
    ana = sit("ana")
    ana.go(f"/cases/{private.pk}/")
    ana.settle()
    assert looked_at(ana) == []
    expect(ana.page.locator(".instead")).to_contain_text("takes no private answer here any more")
