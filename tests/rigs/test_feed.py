"""The feed of the comments of a real WordPress: it knows marks, and does not always tell with them what has changed."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from channels_app.platforms.abilities import Access
from channels_app.platforms.feeds import WHOLE, FeedPlatform
from tests.rigs.reading import Reader
from tests.rigs.wordpress import COMMENTS, WordPress

ONLY = ["wordpress"]


def feed(rig: WordPress, kind: str = "comments-rss2") -> FeedPlatform:
    return FeedPlatform(Access({"url": f"{rig.url}/?feed={kind}"}))


@pytest.fixture
def reader(rig: WordPress) -> Reader:
    """A feed shows the ten newest: those of other tests are read, and their second is over."""
    rig.comment(f"At the beginning, {datetime.now(UTC)}")
    reader = Reader(rig, feed(rig))
    last = datetime.now(UTC).replace(microsecond=0)
    rig.wait_until("this second is over", lambda: datetime.now(UTC).replace(microsecond=0) > last)
    return reader


def address(rig: WordPress, comment: str) -> str:
    """By what the feed calls a comment."""
    return f"{rig.url}/?p=1#comment-{comment}"


def test_it_says_what_it_is_called(rig: WordPress):
    assert feed(rig).check().handle == "Comments for The Skylark blog"


@pytest.mark.parametrize("kind", ["comments-rss2", "comments-atom"])
def test_a_comment_and_its_answer_come_once_in_their_order_and_by_whom(rig: WordPress, reader: Reader, kind: str):
    reader = Reader(rig, feed(rig, kind))
    asked = rig.post(f'Is "this" <b>the</b> train? 🚆 עברית ({kind})')
    answer = rig.answer(asked, f"It is.\n\nReally. ({kind})")
    ours = [address(rig, asked), address(rig, answer)]
    first, second = (event for event in reader.until(*ours) if event.external_id in ours)
    assert [first.external_id, second.external_id] == ours
    assert (first.text, first.author.name) == (f"Is “this” the train? 🚆 עברית ({kind})", "Maria")
    assert (second.text, second.parent_id) == (f"It is.\n\nReally. ({kind})", first.external_id)
    assert reader.read() == []


def test_what_has_not_changed_is_not_sent_again(rig: WordPress, reader: Reader):
    answered = []
    look = reader.platform.wire.look

    def watched(*asked, **options):
        answered.append(look(*asked, **options))
        return answered[-1]

    reader.platform.wire.look = watched
    assert reader.read() == []
    assert [answer.status_code for answer in answered] == [304]


def test_an_edit_comes_with_the_next_comment_and_else_within_the_hour(rig: WordPress, reader: Reader):
    """WordPress dates the feed by its newest comment, so it calls a feed unchanged in which one was edited."""
    asked = rig.post("My bag is lots")
    reader.until(address(rig, asked))
    rig.edit(asked, "My bag is lost")
    assert reader.read() == []
    reader.cursor["whole"] = (datetime.now(UTC) - 2 * WHOLE).isoformat()
    [event] = reader.read()
    assert (event.external_id, event.text) == (address(rig, asked), "My bag is lost")
    assert reader.read() == []


def test_two_comments_within_a_second_of_which_we_have_read_one_both_come(rig: WordPress, reader: Reader):
    """The site dates the second like the first, so its marks are the same."""
    one = rig.post("One of a pair")
    reader.until(address(rig, one))
    two = rig.post("The other of the pair")
    same = rig.owner("GET", f"{COMMENTS}/{one}")["date_gmt"]
    rig.owner("POST", f"{COMMENTS}/{two}", json={"date_gmt": same})
    assert reader.read() == []
    reader.cursor["whole"] = (datetime.now(UTC) - 2 * WHOLE).isoformat()
    assert [event.text for event in reader.read()] == ["The other of the pair"]


def test_a_comment_that_is_held_back_is_not_in_the_feed_until_it_is_approved(rig: WordPress, reader: Reader):
    held = rig.post("https://a.example https://b.example https://c.example")
    assert reader.read() == []
    rig.owner("POST", f"{COMMENTS}/{held}", json={"status": "approved"})
    assert [event.external_id for event in reader.read()] == [address(rig, held)]
