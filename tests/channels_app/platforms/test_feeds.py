"""RSS and Atom: each entry once, oldest first, its edits, and nothing asked for that has not changed."""

from __future__ import annotations

import json
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from html import escape

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from channels_app.platforms.abilities import Access, Checked
from channels_app.platforms.base import EventKind, Measures, Moderation, Outgoing
from channels_app.platforms.errors import RateLimited, Rejected, TryLater, Unreadable
from channels_app.platforms.feeds import WHOLE, FeedPlatform

NOW = datetime.now(UTC).replace(microsecond=0)
URL = "https://news.example/feed/"


def item(number: int = 1, text: str = "They lost my bag.", *, at: datetime | None = None, **tags: str | None) -> str:
    """One <item> of RSS; `None` leaves a tag out."""
    told = {
        "title": f"Title {number}", "link": f"https://news.example/{number}", "guid": f"urn:post:{number}",
        "dc:creator": "Ada Reporter", "description": text,
        "pubDate": format_datetime(at or NOW - timedelta(hours=100 - number)),
    } | {name.replace("_", ":"): value for name, value in tags.items()}  # fmt: skip
    return "<item>" + "".join(f"<{tag}>{escape(said)}</{tag}>" for tag, said in told.items() if said) + "</item>"


def rss(*items: str, head: str = "<title>Skylark Watch</title><language>en-GB</language>") -> bytes:
    names = 'xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:content="http://purl.org/rss/1.0/modules/content/"'
    return f'<?xml version="1.0"?><rss version="2.0" {names}><channel>{head}{"".join(items)}</channel></rss>'.encode()


ATOM = """<?xml version="1.0" encoding="utf-8"?>
<feed xmlns="http://www.w3.org/2005/Atom" xmlns:thr="http://purl.org/syndication/thread/1.0" xml:lang="de">
 <title>Blog</title><id>urn:blog</id><author><name>Frau Blog</name><uri>https://blog.example/about</uri></author>
 <entry><id>urn:1</id><title>Bahn</title><updated>{at}</updated><link href="/bahn" rel="alternate"/>
  <content type="html">&lt;p&gt;Zu &lt;b&gt;spät&lt;/b&gt;.&lt;/p&gt;</content>
  <link rel="enclosure" href="https://blog.example/zug.jpg" type="image/jpeg" length="9"/></entry>
 <entry><id>urn:2</id><title>Von Max</title><updated>{at}</updated><author><name>Max</name></author>
  <thr:in-reply-to ref="urn:1" href="https://blog.example/bahn"/><content type="text">Bei mir auch.</content></entry>
</feed>"""


@dataclass
class Server:
    """A server of one feed with marks, as servers of files have them. `asked` holds the requests."""

    body: bytes = b""
    asked: list[httpx.Request] = field(default_factory=list)
    kind: str = "application/rss+xml; charset=utf-8"

    def shows(self, *items: str) -> None:
        self.body = rss(*items)

    def answer(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(request)
        etag = f'"{hash(self.body)}"'
        if request.headers.get("If-None-Match") == etag:
            return httpx.Response(304)
        marks = {"ETag": etag, "Last-Modified": "Sun, 22 Nov 2026 10:00:00 GMT", "Content-Type": self.kind}
        return httpx.Response(200, content=self.body, headers=marks)

    @property
    def platform(self) -> FeedPlatform:
        return FeedPlatform(Access({"url": URL}), httpx.MockTransport(self.answer))


@pytest.fixture
def server() -> Server:
    return Server()


def answering(*answers: httpx.Response, url: str = URL) -> FeedPlatform:
    left: Iterable[httpx.Response] = iter(answers)
    return FeedPlatform(Access({"url": url}), httpx.MockTransport(lambda _: next(left)))


def take(server: Server, cursor: dict, limit: int = 50) -> tuple[list[str], dict, bool]:
    page = server.platform.fetch_since(cursor, limit=limit)
    events = [event for each in page.payloads for event in server.platform.parse(each.body)]
    return [event.external_id for event in events], json.loads(json.dumps(page.cursor)), page.more


def only(server: Server):
    (payload,) = server.platform.fetch_since({}, limit=5).payloads
    (event,) = server.platform.parse(payload.body)
    return event


# --- once each


def test_an_entry_is_taken_once_and_an_unchanged_feed_is_not_sent_again(server):
    server.shows(item(1))
    first, cursor, more = take(server, {})
    assert (first, more) == (["urn:post:1"], False)
    assert take(server, cursor) == ([], cursor, False)
    assert server.asked[-1].headers["If-Modified-Since"] == "Sun, 22 Nov 2026 10:00:00 GMT"


def test_a_feed_without_marks_is_read_again_and_gives_nothing_twice(server):
    body = rss(item(1), item(2))
    for _ in range(2):
        page = answering(httpx.Response(200, content=body)).fetch_since({}, limit=5)
        again = answering(httpx.Response(200, content=body)).fetch_since(page.cursor, limit=5)
        assert (len(page.payloads), again.payloads) == (2, [])


def test_a_new_entry_is_taken_and_what_fell_out_and_comes_back_is_not(server):
    server.shows(item(2), item(1))
    first, cursor, _ = take(server, {})
    server.shows(item(3), item(2))
    second, cursor, _ = take(server, cursor)
    server.shows(item(3), item(2), item(1))
    assert (first, second, take(server, cursor)[0]) == (["urn:post:1", "urn:post:2"], ["urn:post:3"], [])


def test_entries_come_oldest_first_in_portions_and_the_rest_is_not_hidden_by_the_marks(server):
    server.shows(*(item(number) for number in range(9, 0, -1)))
    taken, cursor, more = [], {}, True
    while more:
        ids, cursor, more = take(server, cursor, limit=4)
        taken += ids
    assert taken == [f"urn:post:{number}" for number in range(1, 10)]
    assert take(server, cursor)[0] == []
    assert server.asked[-1].headers["If-None-Match"]


def test_an_entry_that_says_something_else_comes_again(server):
    server.shows(item(1, "The train was late."))
    _, cursor, _ = take(server, {})
    server.shows(item(1, "The train was very late."))
    ids, cursor, _ = take(server, cursor)
    assert ids == ["urn:post:1"]
    server.shows(item(1, "<p>The train was <i>very</i> late.</p>"))
    assert take(server, cursor)[0] == []


def test_a_feed_that_its_server_wrongly_calls_unchanged_is_read_again_within_the_hour(server, monkeypatch):
    server.shows(item(1))
    _, cursor, _ = take(server, {})
    same = httpx.Response(304)
    assert answering(same).fetch_since(cursor, limit=5).payloads == []  # it has changed, and its server does not say so
    server.shows(item(1, "They found my bag."))
    an_hour_ago = {**cursor, "whole": (NOW - WHOLE).isoformat()}
    assert take(server, an_hour_ago)[0] == ["urn:post:1"]
    assert "If-None-Match" not in server.asked[-1].headers
    _, cursor, _ = take(server, an_hour_ago)
    assert take(server, cursor) == ([], cursor, False)
    assert "If-None-Match" in server.asked[-1].headers


def test_an_edit_that_waits_for_the_next_portion_is_not_lost(server):
    server.shows(item(1), item(2))
    _, cursor, _ = take(server, {})
    server.shows(item(1, "Edited"), item(2, "Edited too"))
    first, cursor, more = take(server, cursor, limit=1)
    assert (first, more) == (["urn:post:1"], True)
    assert take(server, cursor)[0] == ["urn:post:2"]


def test_of_two_entries_of_one_second_the_lower_comes_first(server):
    at = NOW - timedelta(hours=1)
    server.shows(item(2, at=at), item(1, at=at))
    assert take(server, {})[0] == ["urn:post:1", "urn:post:2"]


def test_of_two_comments_of_one_second_the_answer_comes_last_wherever_it_stands(server):
    at, address = NOW - timedelta(hours=1), "https://blog.example/seats/#comment-"
    comments = [item(n, at=at, guid=f"{address}{n}", link=f"{address}{n}") for n in (9, 10)]
    for shown in (comments, comments[::-1]):
        server.shows(*shown)
        assert take(server, {})[0] == [f"{address}9", f"{address}10"]


def test_two_entries_of_the_same_second_are_two(server):
    server.shows(item(1, at=NOW), item(2, at=NOW))
    assert sorted(take(server, {})[0]) == ["urn:post:1", "urn:post:2"]


def test_a_feed_just_connected_is_read_back_for_two_weeks(server):
    server.shows(item(1, at=NOW - timedelta(days=300)), item(2))
    first, cursor, _ = take(server, {})
    server.shows(item(1, "The old one, edited", at=NOW - timedelta(days=300)), item(2))
    assert (first, take(server, cursor)[0]) == (["urn:post:2"], [])


def test_entries_without_a_time_are_of_when_they_were_read_and_come_once(server):
    server.shows(item(1, pubDate=None))
    ids, cursor, _ = take(server, {})
    server.shows(item(1, pubDate=None), item(2, pubDate=None))
    assert (ids, take(server, cursor)[0]) == (["urn:post:1"], ["urn:post:2"])
    assert NOW <= only(Server(rss(item(1, pubDate=None)))).occurred_at <= datetime.now(UTC)


def test_what_is_remembered_does_not_grow_without_end(server, monkeypatch):
    monkeypatch.setattr("channels_app.platforms.feeds.REMEMBERED", 10)
    cursor: dict = {}
    for start in range(0, 30, 5):
        server.shows(*(item(number, at=NOW) for number in range(start, start + 5)))
        _, cursor, _ = take(server, cursor)
    assert len(cursor["seen"]) == 15


# --- what an entry says


def test_an_entry_of_rss_becomes_a_message(server):
    server.shows(item(1, "<p>They <b>lost</b> it.</p><p><a href='https://x.example/a'>Proof</a></p>", at=NOW))
    event = only(server)
    assert event.kind is EventKind.MESSAGE
    assert event.text == "Title 1\n\nThey lost it.\n\nProof (https://x.example/a)"
    assert (event.url, event.language, event.occurred_at) == ("https://news.example/1", "en-GB", NOW)
    assert (event.author.key, event.author.name, event.author.place) == ("ada reporter", "Ada Reporter", "news.example")
    assert event.extra["feed"] == "Skylark Watch"
    assert not event.private


def test_entries_of_atom_become_messages_with_who_wrote_them_and_what_they_answer(server):
    server.body = ATOM.format(at=NOW.isoformat()).encode()
    server.kind = "application/atom+xml"
    page = server.platform.fetch_since({}, limit=5)
    comment, post = (server.platform.parse(each.body)[0] for each in page.payloads)
    assert post.text == "Bahn\n\nZu spät."
    assert post.url == "https://news.example/bahn"
    assert (post.author.name, post.author.profile_url) == ("Frau Blog", "https://blog.example/about")
    assert [file.url for file in post.attachments] == ["https://blog.example/zug.jpg"]
    assert (comment.text, comment.parent_id) == ("Bei mir auch.", "urn:1")
    assert comment.author.name == "Max"


def test_the_whole_text_is_taken_before_its_summary(server):
    server.shows(item(1, "Short…", content_encoded="<p>All of it, with a second sentence.</p>"))
    assert only(server).text == "Title 1\n\nAll of it, with a second sentence."


def test_a_note_whose_title_is_its_beginning_says_it_once(server):
    server.shows(item(1, "Stuck at the gate for hours, nobody tells us why.", title="Stuck at the gate for hours…"))
    assert only(server).text == "Stuck at the gate for hours, nobody tells us why."


def comment_on(page: str, html: str, number: int = 3) -> str:
    address = f"https://blog.example/{page}#comment-{number}"
    return item(number, text="", guid=address, link=address, content_encoded=html)


def test_a_comment_that_answers_another_says_so_by_a_link_above_its_words(server):
    """As WordPress writes it."""
    above = '<p>Als Antwort auf <a href="https://blog.example/seats/#comment-2">Maria</a>.</p>\n'
    server.shows(comment_on("seats/", f"{above}<p>Mine too.</p>"))
    event = only(server)
    assert (event.parent_id, event.text) == ("https://blog.example/seats/#comment-2", "Mine too.")


@pytest.mark.parametrize(
    "html",
    [
        '<p>See <a href="https://blog.example/food/#comment-2">Maria</a>.</p><p>x</p>',  # below another article
        '<p>See <a href="https://evil.example/seats/#comment-2">Maria</a>.</p><p>x</p>',
        '<p>As I say in <a href="https://blog.example/seats/#comment-3">this</a>.</p><p>x</p>',  # itself
        '<p>Hello.</p><p>See <a href="https://blog.example/seats/#comment-2">Maria</a>.</p>',
    ],
)
def test_other_links_to_comments_are_words(server, html):
    server.shows(comment_on("seats/", html))
    event = only(server)
    assert (event.parent_id, "#comment-" in event.text) == ("", True)


def test_two_comments_signed_with_one_name_are_of_two_strangers(server):
    server.shows(*(
        item(n, title="By: Anna", dc_creator="Anna", guid=f"https://blog.example/?p=1#comment-{n}") for n in (1, 2)
    ))  # fmt: skip
    page = server.platform.fetch_since({}, limit=5)
    one, two = (server.platform.parse(each.body)[0] for each in page.payloads)
    assert one.author.name == two.author.name == "Anna"
    assert one.author.key != two.author.key
    assert one.text == "They lost my bag."


def test_two_articles_of_one_reporter_are_of_one(server):
    server.shows(item(1), item(2, dc_creator="ADA REPORTER"))
    page = server.platform.fetch_since({}, limit=5)
    assert len({server.platform.parse(each.body)[0].author.key for each in page.payloads}) == 1


def test_without_a_name_it_is_the_feed_that_says_it(server):
    server.shows(item(1, dc_creator=None))
    assert (only(server).author.key, only(server).author.name) == ("news.example", "Skylark Watch")


def test_an_entry_without_an_id_goes_by_its_address_else_by_its_words(server):
    server.shows(item(1, guid=None))
    assert only(server).external_id == "https://news.example/1"
    server.shows(item(1, guid=None, link=None))
    assert len(only(server).external_id) == 64


def test_an_endless_id_is_kept_short_and_stays_the_same(server):
    server.shows(item(1, guid="x" * 5000))
    assert len(only(server).external_id) == 64
    assert only(server).external_id == only(server).external_id


def test_a_time_to_come_is_now(server):
    server.shows(item(1, at=NOW + timedelta(days=4000)))
    assert only(server).occurred_at <= datetime.now(UTC)


def test_script_stays_out_and_a_javascript_address_is_no_link(server):
    hostile = "<script>alert(1)</script><svg onload=alert(2)>Hi</svg> there<img src='http://127.0.0.1/x.png'>"
    server.shows(item(1, hostile, link="javascript:alert(1)", title="<img src=x onerror=alert(1)>Title"))
    event = only(server)
    assert event.url == ""
    assert "alert" not in event.text
    assert "127.0.0.1" not in event.text
    assert "Title" in event.text


def test_words_of_every_writing_arrive(server):
    server.shows(item(1, "مرحبا \U0001f9f3\U0001f469\u200d\U0001f467 שלום", title="日本"))
    assert only(server).text == "日本\n\nمرحبا \U0001f9f3\U0001f469\u200d\U0001f467 שלום"


def test_a_feed_in_another_encoding_is_read(server):
    server.body = '<?xml version="1.0" encoding="iso-8859-1"?><rss version="2.0"><channel><item><guid>1</guid>' \
                  "<description>Zürich</description></item></channel></rss>".encode("iso-8859-1")  # fmt: skip
    server.kind = "text/xml"
    assert only(server).text == "Zürich"


def test_a_feed_that_is_torn_is_read_as_far_as_it_goes(server):
    server.body = rss(item(1), item(2, "Torn &nbsp; <b>"))[:-30]
    assert "urn:post:1" in take(server, {})[0]


def test_entities_that_multiply_stay_small(server):
    laughs = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 10))
    bomb = f'<?xml version="1.0"?><!DOCTYPE rss [<!ENTITY l0 "ha">{laughs}<!ENTITY f SYSTEM "file:///etc/passwd">]>'
    body = rss("<item><guid>1</guid><description>&l9; &f; end</description></item>").partition(b"?>")[2]
    server.body = bomb.encode() + body
    event = only(server)
    assert len(event.text) < 1000
    assert "root:" not in event.text


@pytest.mark.parametrize("body", [b"", b"{}", b"[]", b"7", b"\xff", b"[" * 99_999, b'{"id": "1", "at": "soon"}'])
def test_what_is_no_entry_cannot_be_read(body):
    with pytest.raises(Unreadable):
        Server().platform.parse(body)


@given(st.text(), st.text(), st.text())
def test_no_words_break_the_reading(title, text, name):
    server = Server(rss(item(1, text, title=title, dc_creator=name, guid=name)))
    try:
        page = server.platform.fetch_since({}, limit=5)
    except TryLater:
        return
    for each in page.payloads:
        (event,) = server.platform.parse(each.body)
        assert event.external_id
        assert event.author.key
        assert "\x00" not in event.text


@given(st.binary(max_size=300))
def test_whatever_a_server_sends_is_a_feed_or_is_not(body):
    with suppress(TryLater):
        page = answering(httpx.Response(200, content=b"<rss><channel><item>" + body)).fetch_since({}, limit=5)
        assert len(page.payloads) <= 5


# --- what its server says


@pytest.mark.parametrize(("answer", "said"), [
    (httpx.Response(200, text="<!doctype html><title>News</title><p>Hello"), "is no feed"),
    (httpx.Response(200, text=""), "is no feed"),
    (httpx.Response(200, json={"items": []}), "is no feed"),
    (httpx.Response(404), "not at its address"),
    (httpx.Response(410), "not at its address"),
    (httpx.Response(401), "not open to everybody"),
    (httpx.Response(418), "refused it"),
])  # fmt: skip
def test_a_feed_that_cannot_be_had_says_why_and_is_tried_again_later(answer, said):
    with pytest.raises(TryLater, match=said) as refused:
        answering(answer).fetch_since({}, limit=5)
    assert refused.value.after >= 600


def test_a_server_that_wants_a_pause_gets_it():
    with pytest.raises(RateLimited) as limited:
        answering(httpx.Response(429, headers={"Retry-After": "120"})).fetch_since({}, limit=5)
    assert limited.value.after == 120


def test_a_feed_larger_than_any_is_not_parsed(monkeypatch):
    monkeypatch.setattr("channels_app.platforms.feeds.LARGEST", 1000)
    with pytest.raises(TryLater, match="larger than"):
        answering(httpx.Response(200, content=rss(item(1, "x" * 2000)))).fetch_since({}, limit=5)


@pytest.mark.parametrize(("start", "to"), [
    ("http://news.example/feed", "https://www.news.example/feed/"),
    ("https://news.example/feed", "/feed/atom"),
    ("https://news.example:8443/feed", "https://news.example:8443/new"),
])  # fmt: skip
def test_a_feed_that_moved_on_its_own_server_is_followed(start, to):
    moved = httpx.Response(301, headers={"Location": to})
    page = answering(moved, httpx.Response(200, content=rss(item(1))), url=start).fetch_since({}, limit=5)
    assert len(page.payloads) == 1


ELSEWHERE = [
    "http://127.0.0.1/feed",
    "https://elsewhere.example/feed",
    "https://news.example:9200/feed",
    "http://news.example/feed",
    "file:///etc/passwd",
    "https://[/",
    "",
]


@pytest.mark.parametrize("to", ELSEWHERE)
def test_a_feed_that_moved_elsewhere_is_not_followed(to):
    asked = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(str(request.url))
        return httpx.Response(302, headers={"Location": to})

    with pytest.raises(TryLater):
        FeedPlatform(Access({"url": URL}), httpx.MockTransport(answer)).fetch_since({}, limit=5)
    assert set(asked) == {URL}


def test_an_id_that_is_no_address_stays_the_same_when_the_feed_moves():
    body = httpx.Response(200, content=rss(item(1, guid="17")))
    moved = httpx.Response(301, headers={"Location": "https://www.news.example/elsewhere/feed"})
    before = answering(body).fetch_since({}, limit=5)
    assert answering(moved, body).fetch_since(before.cursor, limit=5).payloads == []


def test_a_check_says_what_the_feed_is_called(server):
    server.shows(item(1))
    assert isinstance(server.platform, Checked)
    assert server.platform.check().handle == "Skylark Watch"
    with pytest.raises(TryLater, match="is no feed"):
        answering(httpx.Response(200, text="<html>")).check()


def test_a_feed_is_only_read():
    can = FeedPlatform.capabilities
    assert can.poll
    assert not can.can_reply
    one = Server().platform
    with pytest.raises(Rejected):
        one.send(Outgoing("k", "Hi", "1", "", ""))
    with pytest.raises(Rejected):
        one.moderate(Moderation(Measures.HIDE, "1", ""))
    assert one.find_sent(Outgoing("k", "Hi", "1", "", "")) is None
