"""Comments below articles of WordPress: each taken once, answered once, hidden and brought back."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from channels_app.platforms.abilities import Access, Checked, Looks
from channels_app.platforms.base import EventKind, Measures, Moderation, Outgoing
from channels_app.platforms.errors import (
    AccessRevoked,
    Duplicate,
    Forbidden,
    ParentGone,
    RateLimited,
    Rejected,
    TryLater,
    UnknownOutcome,
    Unreadable,
)
from channels_app.platforms.html_text import text_of
from channels_app.platforms.wordpress import WordPressPlatform
from channels_app.platforms.wordpress.comment import as_html
from tests.channels_app.platforms.a_blog import EDITOR, Blog, refused


@pytest.fixture
def blog() -> Blog:
    return Blog(now=datetime.now(UTC).replace(microsecond=0) - timedelta(hours=3))


def platform(blog: Blog, **changed: str) -> WordPressPlatform:
    settings = {"url": "https://blog.example", "user": "care", "account_id": str(EDITOR)} | changed
    return WordPressPlatform(Access(settings, {"password": "abcd efgh"}), blog.transport)


def answering(answer: httpx.Response) -> WordPressPlatform:
    access = Access({"url": "https://blog.example/news", "user": "care", "account_id": "7"}, {"password": "x"})
    return WordPressPlatform(access, httpx.MockTransport(lambda _: answer))


def reply(text: str = "We are looking for it.", parent: int = 1, key: str = "k1") -> Outgoing:
    return Outgoing(key=key, text=text, parent_id=str(parent), thread_id="1", recipient="")


def take(blog: Blog, cursor: dict, limit: int = 50) -> tuple[list[str], dict, bool]:
    """Ids taken, the cursor as it comes back from the database, whether there is more."""
    page = platform(blog).fetch_since(cursor, limit=limit)
    return [str(json.loads(each.body)["id"]) for each in page.payloads], json.loads(json.dumps(page.cursor)), page.more


def read(blog: Blog, number: int):
    payload = platform(blog).fetch_item(str(number))
    assert payload is not None
    return platform(blog).parse(payload.body)[0]


# --- in


def test_a_comment_is_taken_once_and_the_second_look_finds_nothing(blog):
    blog.comment()
    first, cursor, more = take(blog, {})
    assert (first, more) == (["1"], False)
    assert take(blog, cursor)[0] == []


def test_two_comments_of_the_same_second_are_both_taken_also_when_the_second_comes_after_a_look(blog):
    blog.comment("One")
    _, cursor, _ = take(blog, {})
    blog.comment("Two")
    assert take(blog, cursor)[0] == ["2"]


def test_a_comment_that_is_stored_after_one_with_a_later_time_is_taken(blog):
    blog.comment("Quick")
    _, cursor, _ = take(blog, {})
    blog.comment("Looked at by a filter for a minute", at=blog.now - timedelta(minutes=1))
    ids, cursor, _ = take(blog, cursor)
    assert ids == ["2"]
    assert take(blog, cursor)[0] == []


def test_comments_come_oldest_first_in_portions_and_none_is_lost_between_them(blog):
    for number in range(12):
        blog.comment(f"Comment {number}", at=blog.now + timedelta(minutes=number * 7))
    taken, cursor, more = [], {}, True
    while more:
        ids, cursor, more = take(blog, cursor, limit=5)
        taken += ids
    assert taken == [str(number) for number in range(1, 13)]


def test_more_comments_in_a_second_than_a_portion_holds_are_all_taken_once(blog):
    for number in range(23):
        blog.comment(f"Comment {number}")
    taken, cursor, more = [], {}, True
    while more:
        ids, cursor, more = take(blog, cursor, limit=5)
        taken += ids
    assert sorted(taken, key=int) == [str(number) for number in range(1, 24)]
    assert len(taken) == len(set(taken))


def test_more_than_a_page_of_comments_are_read_page_by_page_also_where_some_are_left_out(blog):
    for number in range(230):
        blog.comment(f"Comment {number}")
    blog.unseen = set(range(1, 21))
    ids, _, more = take(blog, {}, limit=500)
    assert (len(ids), more) == (210, False)


def test_the_hour_that_a_clock_shows_twice_loses_nothing():
    """The site says 02:59 at 00:59 UTC and 02:10 at 01:10 UTC, and compares what its clock says."""
    blog = Blog()
    blog.comment("Before", at=datetime(2026, 10, 25, 0, 59, tzinfo=UTC))
    cursor = {"at": "2026-10-25T00:30:00+00:00", "seen": {}}
    ids, cursor, _ = take(blog, cursor)
    blog.comment("After", at=datetime(2026, 10, 25, 1, 10, tzinfo=UTC))
    assert (ids, take(blog, cursor)[0]) == (["1"], ["2"])


def test_a_comment_dated_into_the_future_does_not_keep_the_others_out(blog):
    blog.comment("From the future", at=blog.now + timedelta(days=900))
    first, cursor, _ = take(blog, {})
    blog.comment("From now", at=datetime.now(UTC))
    second, cursor, _ = take(blog, cursor)
    assert (first, second, take(blog, cursor)[0]) == (["1"], ["2"], [])


def test_a_site_just_connected_is_read_back_for_two_weeks_and_its_years_before_are_left(blog):
    blog.comment("Old", at=blog.now - timedelta(days=400))
    blog.comment("New")
    assert take(blog, {})[0] == ["2"]


def test_what_waits_to_be_approved_is_taken_and_says_so(blog):
    blog.comment(status="hold")
    assert take(blog, {})[0] == ["1"]
    assert read(blog, 1).extra["status"] == "hold"


def test_where_somebody_wrote_from_is_not_asked_for(blog):
    take(blog, {})
    fields = blog.asked[0].url.params["_fields"]
    assert "author_ip" not in fields
    assert "user_agent" not in fields


def test_a_comment_becomes_a_message(blog):
    blog.comment(
        "The seat was <b>broken</b>.\n\nSee <a href='https://pic.example/1'>this</a> &amp; weep \U0001f622", parent=4
    )
    event = read(blog, 1)
    assert event.kind is EventKind.MESSAGE
    assert event.text == "The seat was broken.\n\nSee this (https://pic.example/1) & weep \U0001f622"
    assert (event.external_id, event.parent_id, event.private) == ("1", "4", False)
    assert event.occurred_at == blog.now
    assert event.url == "https://blog.example/seats/#comment-1"
    assert event.extra["article"] == "12"
    assert event.author.name == "Maria Kent"
    assert event.author.links == ("https://maria.example",)


def test_an_address_that_nobody_checked_names_somebody_on_this_site_alone(blog):
    blog.comment()
    author = read(blog, 1).author
    assert (author.key, author.kind, author.place) == ("mail:maria@example.com", "handle", "blog.example")


def test_two_strangers_of_one_name_are_two(blog):
    one, two = (blog.comment(author_email="", author_name="Anna") for _ in range(2))
    assert read(blog, one).author.key != read(blog, two).author.key


def test_a_user_of_the_site_is_known_by_their_number(blog):
    blog.comment(author=31)
    assert read(blog, 1).author.key == "user:31"


def test_our_own_comment_is_ours(blog):
    blog.comment(author=EDITOR)
    event = read(blog, 1)
    assert event.is_ours
    assert event.author is None


@pytest.mark.parametrize("status", ["trash", "spam"])
def test_what_was_thrown_away_there_is_deleted(blog, status):
    blog.comment()
    body = json.dumps({**blog.comments[1], "_local": "", "status": status}).encode()
    assert platform(blog).parse(body)[0].kind is EventKind.DELETE


def test_script_stays_out_and_a_javascript_address_is_no_link(blog):
    blog.comment(
        "Hi <script>alert(1)</script><img src=x onerror=alert(2)>",
        link="javascript:alert(3)",
        author_url="javascript:x",
    )
    event = read(blog, 1)
    assert (event.text, event.url, event.author.links) == ("Hi", "", ())


NO_COMMENT = [
    b"",
    b"[]",
    b"{}",
    b"7",
    b"\xff",
    b"[" * 99_999,
    b'{"id": 1}',
    b'{"id": 1, "date_gmt": "soon"}',
    b'{"id": 1, "date_gmt": "2026-11-22T10:00:00", "content": "text"}',
]


@pytest.mark.parametrize("body", NO_COMMENT)
def test_what_is_no_comment_cannot_be_read(body):
    with pytest.raises(Unreadable):
        platform(Blog()).parse(body)


@given(
    st.recursive(st.none() | st.text() | st.integers() | st.booleans(), lambda each: st.lists(each), max_leaves=3),
    st.text(),
)
def test_no_field_of_a_comment_breaks_the_reading(value, text):
    raw = {"id": 1, "date_gmt": "2026-11-22T10:00:00", "content": {"raw": text}, "author_name": text}
    for name in (*raw, "author", "parent", "post", "author_email", "link", "status"):
        try:
            (event,) = platform(Blog()).parse(json.dumps(raw | {name: value}).encode())
        except Unreadable:
            continue
        assert event.external_id
        assert "\x00" not in event.text


# --- out


def test_a_reply_stands_below_the_comment_it_answers_and_is_ours(blog):
    blog.comment()
    sent = platform(blog).send(reply())
    made = blog.comments[int(sent.external_id)]
    assert (made["parent"], made["post"], made["content"]["raw"]) == (1, 12, "We are looking for it.")
    assert sent.at == blog.now
    assert read(blog, 2).is_ours


def test_a_reply_that_is_too_long_is_refused_before_it_leaves(blog):
    blog.comment()
    blog.asked.clear()
    with pytest.raises(Rejected, match="too long"):
        platform(blog).send(reply("a" * 13_001))
    assert blog.asked == []


def test_a_reply_whose_answer_was_lost_is_found_by_sending_it_again(blog):
    blog.comment()
    blog.lost = True
    with pytest.raises(UnknownOutcome):
        platform(blog).send(reply())
    blog.lost = False
    with pytest.raises(Duplicate) as there:
        platform(blog).send(reply())
    assert there.value.external_id == "2"
    assert len(blog.comments) == 2


SAID = [
    "Go to C:\\bags\\found & look",
    "1 < 2 > 0 \"quoted\" 'so'",
    "Zeile\r\nZeile",
    "مرحبا \U0001f469\u200d\U0001f467 \U0001f9f3",
    "<script>alert(1)</script>",
    "&amp; stays",
]


@pytest.mark.parametrize("text", SAID)
def test_words_arrive_as_they_were_written_and_are_known_again(blog, text):
    blog.comment()
    platform(blog).send(reply(text))
    with pytest.raises(Duplicate) as there:
        platform(blog).send(reply(text))
    assert there.value.external_id == "2"
    assert read(blog, 2).text == text.replace("\r\n", "\n")
    assert "\r" not in blog.comments[2]["content"]["raw"]


@given(st.text(alphabet=st.characters(categories=["L", "N", "P", "S"], include_characters=" \\&<>"), min_size=1))
def test_what_is_written_is_what_is_read(text):
    words = " ".join(text.split())
    assert "\\" not in as_html(words)
    assert "<" not in as_html(words)
    if "http" not in words.lower():
        assert " ".join(text_of(as_html(words)).split()) == words


def test_our_reply_is_found_by_its_words_below_the_same_comment(blog):
    blog.comment()
    blog.comment("Another")
    platform(blog).send(reply(parent=2))
    assert platform(blog).find_sent(reply(parent=1)) is None
    assert platform(blog).find_sent(reply(parent=2)).external_id == "3"


def test_a_comment_that_is_gone_cannot_be_answered(blog):
    with pytest.raises(ParentGone):
        platform(blog).send(reply(parent=5))
    blog.comment(status="trash")
    with pytest.raises(ParentGone):
        platform(blog).send(reply())
    assert len(blog.comments) == 1


def test_a_comment_that_nobody_can_see_yet_is_not_answered(blog):
    blog.comment(status="hold")
    with pytest.raises(Rejected, match="approve it there"):
        platform(blog).send(reply())


def test_below_an_article_that_takes_no_comments_nothing_can_be_said(blog):
    blog.comment()
    blog.closed = True
    with pytest.raises(Forbidden, match="closed below this article"):
        platform(blog).send(reply())


def test_no_reply_leaves_while_the_comment_cannot_be_looked_at(blog):
    def broken(request: httpx.Request) -> httpx.Response:
        assert request.method == "GET"
        raise httpx.ConnectError("no route")

    access = Access({"url": "https://blog.example", "user": "care"}, {"password": "x"})
    with pytest.raises(TryLater):
        WordPressPlatform(access, httpx.MockTransport(broken)).send(reply())


def test_an_id_that_is_no_number_never_reaches_an_address(blog):
    with pytest.raises(ParentGone):
        platform(blog).send(Outgoing("k", "Hi", "1/../../users", "", ""))
    assert blog.asked == []


def test_nothing_private_can_be_said(blog):
    with pytest.raises(Rejected):
        platform(blog).send(Outgoing("k", "Hi", "1", "", "", private=True))


@pytest.mark.parametrize(("answer", "error"), [
    (refused(401, "incorrect_password"), AccessRevoked),
    (refused(401, "rest_not_logged_in"), AccessRevoked),
    (refused(403, "rest_forbidden_context"), AccessRevoked),
    (refused(404, "rest_no_route"), TryLater),
    (httpx.Response(404, text="<html>Not here</html>"), TryLater),
    (httpx.Response(301, headers={"Location": "https://elsewhere.example/"}), TryLater),
    (httpx.Response(200, text="<html>Log in</html>"), TryLater),
    (httpx.Response(200, json={"code": "odd"}), TryLater),
    (httpx.Response(429, headers={"Retry-After": "90"}), RateLimited),
])  # fmt: skip
def test_a_look_that_fails_can_be_had_later_and_says_what_is_wrong(answer, error):
    with pytest.raises(error) as raised:
        answering(answer).fetch_since({}, limit=5)
    assert str(raised.value).endswith(".")
    assert isinstance(raised.value, TryLater)
    if error is RateLimited:
        assert raised.value.after == 90


@pytest.mark.parametrize(("answer", "error"), [
    (refused(400, "comment_flood"), RateLimited),
    (refused(400, "comment_content_column_length"), Rejected),
    (refused(400, "rest_comment_content_invalid"), Rejected),
    (refused(403, "rest_comment_invalid_post_id"), ParentGone),
    (httpx.Response(302, headers={"Location": "https://elsewhere.example/"}), TryLater),
    (httpx.Response(502), UnknownOutcome),
    (httpx.Response(201, text="<html>"), UnknownOutcome),
    (httpx.Response(201, json={"id": None}), UnknownOutcome),
])  # fmt: skip
def test_what_an_answer_to_a_reply_means(answer, error):
    blog = Blog()
    blog.comment()
    one = platform(blog)
    one.wire.transport = httpx.MockTransport(lambda asked: blog.answer(asked) if asked.method == "GET" else answer)
    with pytest.raises(error):
        one.send(reply())


def test_no_error_and_no_account_shows_the_password(blog):
    blog.password = "other"
    one = platform(blog)
    with pytest.raises(AccessRevoked) as raised:
        one.check()
    assert "abcd" not in f"{raised.value}{raised.value!r}{one.access!r}{one.wire!r}"


# --- hiding, marking as spam, deleting


@pytest.mark.parametrize(("kind", "status"), [(Measures.HIDE, "hold"), (Measures.REPORT, "spam")])
def test_a_measure_is_taken_once_and_taken_back_once(blog, kind, status):
    blog.comment()
    for _ in range(2):
        platform(blog).moderate(Moderation(kind, "1", ""))
        assert blog.comments[1]["status"] == status
    for _ in range(2):
        platform(blog).moderate(Moderation(kind, "1", "", undo=True))
        assert blog.comments[1]["status"] == "approved"


def test_only_a_comment_of_ours_is_deleted_and_it_can_be_brought_back(blog):
    blog.comment()
    sent = platform(blog).send(reply())
    with pytest.raises(Rejected, match="hide it instead"):
        platform(blog).moderate(Moderation(Measures.DELETE, "1", ""))
    for _ in range(2):
        platform(blog).moderate(Moderation(Measures.DELETE, sent.external_id, ""))
    assert (blog.comments[1]["status"], blog.comments[2]["status"]) == ("approved", "trash")
    platform(blog).moderate(Moderation(Measures.DELETE, sent.external_id, "", undo=True))
    assert blog.comments[2]["status"] == "approved"


def test_whose_a_comment_is_is_asked_where_the_account_is_not_known_yet(blog):
    blog.comment(author=EDITOR)
    platform(blog, account_id="").moderate(Moderation(Measures.DELETE, "1", ""))
    assert blog.comments[1]["status"] == "trash"


def test_what_is_gone_needs_no_hiding_and_cannot_be_shown_again(blog):
    platform(blog).moderate(Moderation(Measures.HIDE, "9", ""))
    with pytest.raises(ParentGone):
        platform(blog).moderate(Moderation(Measures.HIDE, "9", "", undo=True))


def test_what_somebody_there_threw_away_is_not_brought_back_by_hiding_it(blog):
    blog.comment(status="spam")
    platform(blog).moderate(Moderation(Measures.HIDE, "1", ""))
    platform(blog).moderate(Moderation(Measures.HIDE, "1", "", undo=True))
    assert blog.comments[1]["status"] == "spam"


def test_a_measure_whose_answer_was_lost_is_looked_at(blog):
    blog.comment()
    blog.lost = True
    platform(blog).moderate(Moderation(Measures.HIDE, "1", ""))
    assert blog.comments[1]["status"] == "hold"


def test_a_measure_that_was_not_taken_is_tried_later(blog):
    blog.comment()
    one = platform(blog)
    broken = httpx.Response(500)
    one.wire.transport = httpx.MockTransport(lambda asked: blog.answer(asked) if asked.method == "GET" else broken)
    with pytest.raises(TryLater):
        one.moderate(Moderation(Measures.HIDE, "1", ""))


def test_nobody_can_be_blocked_there(blog):
    with pytest.raises(Rejected):
        platform(blog).moderate(Moderation(Measures.BLOCK, "1", ""))


# --- what it can besides


def test_an_account_says_who_it_is_and_what_it_lacks(blog):
    one = platform(blog)
    assert isinstance(one, Checked)
    assert isinstance(one, Looks)
    assert (one.check().handle, one.check().key, one.check().missing) == ("care", str(EDITOR), ())
    blog.role = ("read",)
    assert one.check().missing == ("moderate_comments",)


def test_a_comment_is_read_again_with_what_stands_above_it(blog):
    first = blog.comment("First")
    second = blog.comment("Second", parent=first)
    third = blog.comment("Third", parent=second)
    one = platform(blog)
    above = [one.parse(each.body)[0].text for each in one.fetch_context(str(third))]
    assert above == ["First", "Second"]
    assert one.fetch_item("99") is None


def test_comments_that_answer_one_another_in_a_circle_end(blog):
    blog.comment(parent=2)
    blog.comment(parent=1)
    assert len(platform(blog).fetch_context("1")) == 2


def test_somebody_shows_themselves_as_they_wrote_last(blog):
    blog.comment(author_name="M. Kent")
    blog.comment(author_name="Maria Kent-Lee", at=blog.now + timedelta(minutes=1))
    assert platform(blog).profile("mail:maria@example.com").name == "Maria Kent-Lee"
    assert platform(blog).profile("comment:1").name == "M. Kent"
    assert platform(blog).profile("user:99") is None
    assert platform(blog).profile("nobody") is None


def test_a_site_in_a_folder_is_asked_there():
    asked = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request.url)
        return httpx.Response(200, json=[], headers={"X-WP-Total": "0"})

    access = Access({"url": "https://blog.example/news", "user": "care"}, {"password": "x"})
    WordPressPlatform(access, httpx.MockTransport(answer)).fetch_since({}, limit=5)
    assert asked[0].path == "/news/"
    assert asked[0].params["rest_route"] == "/wp/v2/comments"
