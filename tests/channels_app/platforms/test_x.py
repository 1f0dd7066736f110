"""X, asked and written to. Each request of ours is held against what X publishes (published_x.py): never run live."""

from __future__ import annotations

import base64
import json
import time
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from channels_app.platforms import wire
from channels_app.platforms.abilities import Access, Called, Checked, Looks, Renews, Searches
from channels_app.platforms.base import Carried, Idempotency, Measures, Moderation, Outgoing
from channels_app.platforms.errors import (
    AccessExpired,
    AccessRevoked,
    Duplicate,
    Forbidden,
    ParentGone,
    PlatformError,
    RateLimited,
    Rejected,
    TryLater,
    UnknownOutcome,
)
from channels_app.platforms.x import XPlatform, ids, oauth
from tests.channels_app.platforms.published_x import CONTRACT, X, must_be_as_published

US, MARIA, OTTO = "930524282358325248", "3001969357", "44196397"
POST = "1924465506158878979"
MENTIONS, MESSAGES, SEARCH = f"GET /2/users/{US}/mentions", "GET /2/dm_events", "GET /2/tweets/search/recent"
SECRETS = {"access_token": "key-0815", "refresh_token": "again-0815", "client_secret": "app-0815"}
NOTHING = {"meta": {"result_count": 0}}
SENT = {"data": {"id": "1924465506158879999", "text": "We look into it.", "edit_history_tweet_ids": ["1"]}}
SENT_MESSAGE = {"data": {"dm_conversation_id": f"{MARIA}-{US}", "dm_event_id": "1924465506158879998"}}


@pytest.fixture(autouse=True)
def _at_once(monkeypatch):
    monkeypatch.setattr(wire, "PAUSE", 0.0)


@pytest.fixture
def x() -> X:
    return X()


def platform(x: X, **settings: str) -> XPlatform:
    return XPlatform(Access({"client_id": "app", "account_id": US, **settings}, SECRETS), x.transport)


def number(seconds: int = 0) -> str:
    """An id of so many seconds after noon of 20 November 2026."""
    return str(ids.at(datetime(2026, 11, 20, 12, tzinfo=UTC) + timedelta(seconds=seconds)))


def post(of: str, author: str = MARIA, text: str = "@SkylarkAir hello", answers: str = "") -> dict[str, object]:
    named = {"referenced_posts": [{"type": "replied_to", "id": answers}]} if answers else {}
    said = {"id": of, "author_id": author, "text": text, "created_at": "2026-11-20T12:00:00Z"}
    return said | {"conversation_id": answers or of, **named}


def message(of: str, sender: str = MARIA, text: str = "Hello") -> dict[str, object]:
    return {
        "id": of, "event_type": "MessageCreate", "sender_id": sender, "text": text,
        "dm_conversation_id": f"{MARIA}-{US}", "created_at": "2026-11-20T12:00:00Z",
    }  # fmt: skip


def page(*data: dict[str, object], token: str = "", **includes: object) -> dict[str, object]:
    meta = {"result_count": len(data)} | ({"next_token": token} if token else {})
    return {"data": list(data), "includes": includes, "meta": meta}


def found(platform_: XPlatform, payloads: object) -> list[str]:
    return [event.external_id for one in payloads for event in platform_.parse(one.body)]


def problem(status: int, detail: str = "", headers: dict[str, str] | None = None, **more: object) -> httpx.Response:
    return httpx.Response(status, json={"title": "", "detail": detail, "status": status, **more}, headers=headers)


def later(cursor: dict) -> dict:
    """The cursor when messages may be asked for again; through JSON, as the database keeps it."""
    cursor["messages"].pop("next", None)
    return json.loads(json.dumps(cursor))


# --- what it is


def test_x_is_all_that_it_says(x):
    able = platform(x)
    for ability in (Called, Checked, Renews, Looks, Searches):
        assert isinstance(able, ability)
    assert (able.capabilities.counts, able.capabilities.text_limit) == ("weighted", 280)
    assert able.capabilities.idempotency is Idempotency.RECONCILE


def test_the_key_is_sent_and_never_shown(x):
    able = platform(x)
    x.says("GET /2/users/me", {"data": {"id": US, "username": "SkylarkAir", "name": "Skylark"}})
    able.check()
    assert x.last.headers["authorization"] == "Bearer key-0815"
    assert "0815" not in repr(able.access) + repr(able.wire)


def test_the_contract_refuses_what_x_would_refuse():
    """So that a test which passes means something."""
    ask = httpx.Request
    for wrong in (
        ask("POST", "https://api.x.com/2/tweets", json={"txt": "x"}),
        ask("POST", "https://api.x.com/2/tweets", json={"reply": {"in_reply_to_tweet_id": "abc"}}),
        ask("POST", "https://api.x.com/2/tweets", json={"text": 7}),
        ask("POST", "https://api.x.com/2/tweets", json={"media": {"media_ids": ["1"] * 5}}),
        ask("POST", f"https://api.x.com/2/dm_conversations/with/{MARIA}/messages", json={}),
        ask("GET", "https://api.x.com/2/users/maria"),
        ask("GET", f"https://api.x.com/2/users/{US}/mentions", params={"max_results": 4}),
        ask("GET", f"https://api.x.com/2/users/{US}/mentions", params={"tweet.fields": "text"}),
        ask("GET", "https://api.x.com/2/tweets/search/recent"),
        ask("DELETE", "https://api.x.com/2/tweets/1", json={}),
        ask("GET", "https://api.x.com/1.1/statuses"),
        ask("GET", "https://evil.example/2/users/me"),
    ):
        with pytest.raises(AssertionError):
            must_be_as_published(wrong)


# --- asking for mentions and messages


def test_mentions_and_messages_come_oldest_first(x):
    x.says(MENTIONS, page(post(number(30)), post(number(10)), users=[{"id": MARIA, "username": "maria_k"}]))
    x.says(MESSAGES, page(message(number(20))))
    able = platform(x)
    fetched = able.fetch_since({}, limit=50)
    assert found(able, fetched.payloads) == [number(10), "dm/" + number(20), number(30)]
    assert able.parse(fetched.payloads[0].body)[0].author.handle == "maria_k"
    assert not fetched.more


def test_a_payload_holds_whom_it_names_and_nobody_else(x):
    people = [{"id": MARIA, "username": "maria_k"}, {"id": OTTO, "username": "otto"}]
    x.says(MENTIONS, page(post(number()), users=people)).says(MESSAGES, NOTHING)
    (payload,) = platform(x).fetch_since({}, limit=50).payloads
    assert json.loads(payload.body) == {"data": post(number()), "includes": {"users": people[:1]}}


def test_the_next_time_it_asks_from_there_with_a_minute_to_spare(x):
    x.says(MENTIONS, page(post(number(90)))).says(MESSAGES, NOTHING)
    able = platform(x)
    cursor = able.fetch_since({}, limit=50).cursor
    able.fetch_since(json.loads(json.dumps(cursor)), limit=50)
    assert x.last.url.params["since_id"] == number(30)


def test_two_posts_of_the_same_moment_and_one_that_shows_late_are_all_found(x):
    same, late = str(int(number(60)) + 1), number(45)
    x.says(MENTIONS, page(post(number(60)), post(same)), page(post(late))).says(MESSAGES, NOTHING)
    able = platform(x)
    first = able.fetch_since({}, limit=50)
    second = able.fetch_since(later(first.cursor), limit=50)
    assert found(able, [*first.payloads, *second.payloads]) == [number(60), same, late]


def test_where_nothing_is_new_nothing_comes_and_the_place_stays(x):
    x.says(MENTIONS, page(post(number())), NOTHING).says(MESSAGES, NOTHING)
    able = platform(x)
    cursor = able.fetch_since({}, limit=50).cursor
    again = able.fetch_since(later(cursor), limit=50)
    assert again.payloads == []
    assert again.cursor["posts"] == cursor["posts"]


def test_the_first_time_only_the_newest_page_is_taken(x):
    x.says(MENTIONS, page(post(number()), token="older-posts-0001")).says(MESSAGES, NOTHING)
    assert not platform(x).fetch_since({}, limit=50).more
    assert [request.url.path for request in x.asked].count(f"/2/users/{US}/mentions") == 1


def test_an_account_nobody_has_written_to_begins_now(x):
    x.says(MENTIONS, NOTHING).says(MESSAGES, NOTHING)
    cursor = platform(x).fetch_since({}, limit=50).cursor
    assert abs(ids.moment(cursor["posts"]["since"]) - datetime.now(UTC)) < timedelta(minutes=1)


def test_after_a_long_silence_every_page_is_walked(x):
    pages = [page(post(number(900 - 10 * n)), token=f"page-{n}-of-mentions") for n in range(3)]
    x.says(MENTIONS, *pages, page(post(number(500)))).says(MESSAGES, NOTHING)
    able = platform(x)
    fetched = able.fetch_since({"posts": {"since": number()}}, limit=50)
    assert found(able, fetched.payloads) == [number(500), number(880), number(890), number(900)]
    assert fetched.cursor["posts"] == {"since": number(900)}


def test_a_walk_too_long_for_once_goes_on_where_it_was(x):
    pages = [page(post(number(900 - 10 * n)), token=f"page-{n}-of-mentions") for n in range(6)]
    x.says(MENTIONS, *pages, page(post(number(300)))).says(MESSAGES, NOTHING)
    able = platform(x)
    first = able.fetch_since({"posts": {"since": number()}}, limit=50)
    assert (len(first.payloads), first.more) == (5, True)
    second = able.fetch_since(json.loads(json.dumps(first.cursor)), limit=50)
    assert found(able, second.payloads) == [number(300), number(850)]
    assert (second.cursor["posts"], second.more) == ({"since": number(900)}, False)


def test_a_walk_that_is_interrupted_keeps_what_it_has_and_goes_on(x):
    x.says(MENTIONS, page(post(number(90)), token="page-2-of-mentions"), problem(429), page(post(number(80))))
    x.says(MESSAGES, NOTHING)
    able = platform(x)
    first = able.fetch_since({"posts": {"since": number()}}, limit=50)
    assert (found(able, first.payloads), first.more) == ([number(90)], True)
    second = able.fetch_since(later(first.cursor), limit=50)
    assert (found(able, second.payloads), second.cursor["posts"]) == ([number(80)], {"since": number(90)})


def test_a_page_x_does_not_know_any_more_is_walked_to_again(x):
    x.says(MENTIONS, problem(400, "Invalid pagination token"), page(post(number(90)))).says(MESSAGES, NOTHING)
    able = platform(x)
    mark = {"since": number(), "top": number(99), "token": "page-2-of-mentions"}
    fetched = able.fetch_since({"posts": mark}, limit=50)
    assert (found(able, fetched.payloads), fetched.cursor["posts"]) == ([number(90)], {"since": number(99)})


def test_messages_are_not_asked_for_more_often_than_x_allows(x):
    x.says(MENTIONS, NOTHING).says(MESSAGES, NOTHING)
    able, cursor = platform(x), {}
    for _ in range(3):
        cursor = able.fetch_since(cursor, limit=50).cursor
    assert [request.url.path for request in x.asked].count("/2/dm_events") == 1
    assert 170 < cursor["messages"]["next"] - time.time() < 190


def test_messages_are_walked_back_to_the_last_one_known(x):
    x.says(MENTIONS, NOTHING)
    x.says(MESSAGES, page(message(number(90)), message(number(-300)), token="older-messages-001"))
    able = platform(x)
    fetched = able.fetch_since({"messages": {"since": number()}}, limit=50)
    assert found(able, fetched.payloads) == ["dm/" + number(90)]
    assert len(x.asked) == 2


@pytest.mark.parametrize(("trouble", "wait"), [(problem(503), 180), (problem(403), 3600), (problem(402), 3600)])
def test_trouble_with_messages_does_not_hold_up_mentions(x, trouble, wait):
    x.says(MENTIONS, page(post(number()))).says(MESSAGES, trouble)
    fetched = platform(x).fetch_since({}, limit=50)
    assert len(fetched.payloads) == 1
    assert abs(fetched.cursor["messages"]["next"] - time.time() - wait) < 10


@pytest.mark.parametrize("refused", [problem(403), problem(404), problem(400)])
def test_what_x_does_not_let_us_read_is_asked_for_again_much_later(x, refused):
    x.says(MENTIONS, refused).says(SEARCH, refused)
    for ask in (lambda: platform(x).fetch_since({}, limit=50), lambda: platform(x).search("skylark", {}, limit=50)):
        with pytest.raises(TryLater) as said:
            ask()
        assert said.value.after == 3600


def test_a_key_that_has_run_out_is_said_whoever_finds_it(x):
    x.says(MENTIONS, NOTHING).says(MESSAGES, problem(401))
    with pytest.raises(AccessExpired):
        platform(x).fetch_since({}, limit=50)


def test_messages_are_not_asked_for_where_the_key_does_not_cover_them(x):
    x.says(MENTIONS, NOTHING)
    platform(x, scopes="tweet.read users.read").fetch_since({}, limit=50)
    assert len(x.asked) == 1


@pytest.mark.parametrize("limit", [1, 50, 5000])
def test_a_page_has_a_size_x_takes(x, limit):
    x.says(MENTIONS, NOTHING).says(MESSAGES, NOTHING).says(SEARCH, NOTHING)
    platform(x).fetch_since({}, limit=limit)
    platform(x).search("skylark", {}, limit=limit)


@pytest.mark.parametrize(
    "answer", [[], "x", {"data": "x"}, {"data": [7]}, {"data": [{"text": "x"}]}, {"includes": [1]}]
)
def test_what_is_no_page_is_asked_for_again_later(x, answer):
    x.says(MENTIONS, httpx.Response(200, json=answer)).says(MESSAGES, NOTHING)
    with pytest.raises(TryLater):
        platform(x).fetch_since({}, limit=50)


@pytest.mark.parametrize("strange", [{"attachments": 7}, {"attachments": {"media_keys": 7}}, {"entities": "x"}])
def test_one_post_that_cannot_be_read_does_not_hold_up_the_others(x, strange):
    media = [{"media_key": "3_1", "url": "https://pbs.twimg.com/1.jpg"}]
    x.says(MENTIONS, page(post(number(20)), post(number(10)) | strange, media=media)).says(MESSAGES, NOTHING)
    assert len(platform(x).fetch_since({}, limit=50).payloads) == 2


def test_an_account_that_is_not_known_has_to_be_connected(x):
    with pytest.raises(AccessRevoked):
        platform(x, account_id="").fetch_since({}, limit=50)


# --- searching


def test_a_search_finds_what_does_not_mention_us(x):
    x.says(SEARCH, page(post(number(20)), post(number(10))))
    able = platform(x)
    hits = able.search("skylark OR #skylark", {}, limit=50)
    assert found(able, hits.payloads) == [number(10), number(20)]
    assert x.last.url.params["query"] == f"(skylark OR #skylark) -is:retweet -from:{US}"


def test_a_search_goes_on_from_there_but_not_from_before_x_remembers(x):
    x.says(SEARCH, NOTHING)
    able = platform(x)
    new, old = (str(ids.at(datetime.now(UTC) - timedelta(days=days))) for days in (1, 8))
    able.search("skylark", {"since": new}, limit=50)
    assert x.last.url.params["since_id"] == str(ids.with_overlap(int(new)))
    able.search("skylark", {"since": old}, limit=50)
    assert "since_id" not in x.last.url.params


# --- sending


def out(text: str = "We look into it.", **more: object) -> Outgoing:
    said = {"key": "k1", "text": text, "parent_id": POST, "thread_id": POST, "recipient": MARIA, **more}
    return Outgoing(**said)


def private(text: str = "We look into it.", **more: object) -> Outgoing:
    return out(text, **{"private": True, "thread_id": f"dm-{MARIA}", **more})


def picture(alt: str = "", kind: str = "image/png") -> Carried:
    return Carried("bag.png", kind, lambda: b"\x89PNG", alt)


def test_a_reply_stands_below_the_post(x):
    x.says("POST /2/tweets", httpx.Response(201, json=SENT))
    sent = platform(x).send(out("Überall 🧳 <b> שלום"))
    assert x.body == {"text": "Überall 🧳 <b> שלום", "reply": {"in_reply_to_tweet_id": POST}}
    assert sent.external_id == "1924465506158879999"
    assert sent.at == ids.moment("1924465506158879999")


def test_a_private_answer_is_a_direct_message(x):
    x.says(f"POST /2/dm_conversations/with/{MARIA}/messages", httpx.Response(201, json=SENT_MESSAGE))
    assert platform(x).send(private()).external_id == "dm/1924465506158879998"
    assert x.body == {"text": "We look into it."}


def test_an_answer_to_several_goes_to_all_of_them(x):
    x.says("POST /2/dm_conversations/1585/messages", httpx.Response(201, json=SENT_MESSAGE))
    platform(x).send(private(thread_id="group-1585"))


def test_pictures_are_handed_over_first_with_their_words(x):
    x.says("POST /2/media/upload", {"data": {"id": "71", "media_key": "3_71"}}, {"data": {"id": "72"}})
    x.says("POST /2/media/metadata", {"data": {"id": "71"}}).says("POST /2/tweets", SENT)
    platform(x).send(out(files=[picture("A red bag"), picture()]))
    handed, words, _, said = (json.loads(request.content) for request in x.asked)
    assert handed == {"media": base64.b64encode(b"\x89PNG").decode(), "media_category": "tweet_image"}
    assert words == {"id": "71", "metadata": {"alt_text": {"text": "A red bag"}}}
    assert said["media"] == {"media_ids": ["71", "72"]}


def test_a_picture_alone_may_be_a_direct_message(x):
    x.says("POST /2/media/upload", {"data": {"id": "71"}})
    x.says(f"POST /2/dm_conversations/with/{MARIA}/messages", SENT_MESSAGE)
    platform(x).send(private("", files=[picture()]))
    assert x.body == {"attachments": [{"media_id": "71"}]}


@pytest.mark.parametrize(
    "wrong",
    [
        out(parent_id="abc"), out(parent_id="1/../../2"), private(recipient="@maria"), private(recipient=""),
        private(thread_id="group-x/y"), out(files=[picture(kind="application/pdf")]), out(files=[picture()] * 5),
        private(files=[picture()] * 2),
    ],
)  # fmt: skip
def test_what_x_would_not_take_is_refused_before_anything_is_asked(x, wrong):
    with pytest.raises(Rejected):
        platform(x).send(wrong)
    assert x.asked == []


def test_a_picture_that_may_have_arrived_is_no_post(x):
    x.says("POST /2/media/upload", httpx.ReadTimeout("slow"))
    with pytest.raises(TryLater):
        platform(x).send(out(files=[picture()]))


@pytest.mark.parametrize("trouble", [httpx.ReadTimeout(""), httpx.RemoteProtocolError(""), httpx.Response(500)])
def test_where_no_answer_came_nobody_knows_and_it_is_not_written_twice(x, trouble):
    x.says("POST /2/tweets", trouble)
    with pytest.raises(UnknownOutcome):
        platform(x).send(out())
    assert len(x.asked) == 1


@pytest.mark.parametrize("answer", [b"<html>", b"[]", b'{"data": {}}', b"{}", b'{"data": []}'])
def test_an_answer_that_cannot_be_read_leaves_it_in_doubt(x, answer):
    x.says("POST /2/tweets", httpx.Response(200, content=answer))
    with pytest.raises(UnknownOutcome):
        platform(x).send(out())


@pytest.mark.parametrize("trouble", [httpx.ConnectError(""), problem(503), problem(429), problem(402)])
def test_what_was_not_taken_is_tried_later(x, trouble):
    x.says("POST /2/tweets", trouble)
    with pytest.raises(TryLater):
        platform(x).send(out())


# --- was it sent?

OURS = f"GET /2/users/{US}/tweets"
WITH_MARIA = f"GET /2/dm_conversations/with/{MARIA}/dm_events"


def test_a_reply_in_doubt_is_found_by_what_it_answers_and_says(x):
    others = [post("91", US, "Something else.", POST), post("92", US, "We look into it.", "77")]
    mine = post("1924465506158879999", US, "@maria_k We  look into it.", POST)
    x.says(OURS, page(*others, mine))
    assert platform(x).find_sent(out()).external_id == "1924465506158879999"
    assert x.last.url.params["since_id"] == POST


def test_a_reply_with_a_link_is_found_though_x_shortened_it(x):
    link = {"url": "https://t.co/a", "expanded_url": "http://skylark.example/bags"}
    x.says(OURS, page(post("91", US, "See https://t.co/a", POST) | {"entities": {"urls": [link]}}))
    assert platform(x).find_sent(out("See skylark.example/bags"))


def test_a_reply_that_is_not_there_was_not_sent(x):
    x.says(OURS, page(post("91", US, "Something else.", POST), token="page-2-of-ours"), NOTHING)
    assert platform(x).find_sent(out()) is None
    assert len(x.asked) == 2


def test_where_there_is_too_much_to_look_through_nobody_says_it_was_not_sent(x):
    x.says(OURS, page(post("91", US, "Something else.", POST), token="another-page-of-ours"))
    with pytest.raises(TryLater):
        platform(x).find_sent(out())


def test_where_one_of_our_posts_cannot_be_read_nobody_says_it_was_not_sent(x):
    x.says(OURS, page(post("91", US, "Something else.", POST) | {"created_at": "yesterday"}))
    with pytest.raises(TryLater):
        platform(x).find_sent(out())


def test_a_direct_message_in_doubt_is_looked_for_in_the_conversation(x):
    x.says(WITH_MARIA, page(message("91", MARIA, "We look into it."), message("92", US, "We look into it.")))
    assert platform(x).find_sent(private()).external_id == "dm/92"
    x.says(WITH_MARIA, page(message("91", MARIA, "We look into it.")))
    assert platform(x).find_sent(private()) is None


def test_words_x_has_already_name_the_post_that_has_them(x):
    x.says("POST /2/tweets", problem(403, "You are not allowed to create a Tweet with duplicate content."))
    x.says(OURS, page(post("1924465506158879999", US, "We look into it.", POST)))
    with pytest.raises(Duplicate) as known:
        platform(x).send(out())
    assert known.value.external_id == "1924465506158879999"


def test_words_x_has_from_another_reply_name_no_post(x):
    x.says("POST /2/tweets", problem(403, "You are not allowed to create a Tweet with duplicate content."))
    for said in (page(post("91", US, "We look into it.", "77")), problem(503)):
        x.says(OURS, said)
        with pytest.raises(Duplicate) as known:
            platform(x).send(out())
        assert known.value.external_id == ""


# --- what X means


@pytest.mark.parametrize(
    ("answer", "meant"),
    [
        (problem(401), AccessExpired),
        (problem(402, title="CreditsDepleted"), TryLater),
        (problem(403), Forbidden),
        (problem(403, "You attempted to reply to a Tweet that is deleted or not visible to you."), ParentGone),
        (problem(403, "Your account is temporarily locked. Please log in to https://x.com."), AccessRevoked),
        (problem(403, "To protect our users, this account is temporarily locked."), AccessRevoked),
        (problem(403, type="https://api.x.com/2/problems/client-forbidden"), Forbidden),
        (problem(403, "You cannot send messages to this user."), Forbidden),
        (problem(400, errors=[{"message": "Your Tweet text is too long."}]), Rejected),
        (problem(400), Rejected),
        (problem(404), ParentGone),
        (problem(429), RateLimited),
        (problem(503), TryLater),
    ],
)
def test_an_answer_means_what_x_means_by_it(x, answer, meant):
    x.says("POST /2/tweets", answer)
    with pytest.raises(PlatformError) as said:
        platform(x).send(out())
    assert type(said.value) is meant
    assert str(said.value).endswith(".")


def test_what_x_says_of_people_is_not_repeated(x):
    x.says("POST /2/tweets", problem(403, "User maria_k has been told We look into it.", title="maria_k"))
    with pytest.raises(Forbidden) as said:
        platform(x).send(out())
    assert "maria_k" not in str(said.value)
    assert "look into" not in str(said.value)


def test_too_often_says_until_when(x):
    until = str(int(time.time()) + 400)
    spent = {"x-rate-limit-limit": "100", "x-rate-limit-remaining": "0", "x-rate-limit-reset": until}
    x.says("POST /2/tweets", problem(429, headers=spent))
    able = platform(x)
    with pytest.raises(RateLimited) as said:
        able.send(out())
    assert 380 < said.value.after <= 400
    assert (able.wire.budget.limit, able.wire.budget.left) == (100, 0)


def test_too_often_in_a_day_waits_for_the_day(x):
    until = str(int(time.time()) + 2000)
    day = {"x-app-limit-24hour-remaining": "0", "x-app-limit-24hour-reset": until, "x-rate-limit-remaining": "50"}
    x.says("POST /2/tweets", problem(429, headers=day))
    with pytest.raises(RateLimited) as said:
        platform(x).send(out())
    assert (said.value.scope, round(said.value.after, -2)) == ("day", 2000)


def test_a_month_that_is_used_up_waits_long(x):
    x.says(MENTIONS, problem(429, type="https://api.twitter.com/2/problems/usage-capped"))
    with pytest.raises(RateLimited) as said:
        platform(x).fetch_since({}, limit=50)
    assert (said.value.scope, said.value.after) == ("month", 3600)


# --- measures


@pytest.mark.parametrize(
    ("measure", "undo", "asked", "body"),
    [
        (Measures.HIDE, False, f"PUT /2/tweets/{POST}/hidden", {"hidden": True}),
        (Measures.HIDE, True, f"PUT /2/tweets/{POST}/hidden", {"hidden": False}),
        (Measures.LIKE, False, f"POST /2/users/{US}/likes", {"tweet_id": POST}),
        (Measures.LIKE, True, f"DELETE /2/users/{US}/likes/{POST}", None),
        (Measures.DELETE, False, f"DELETE /2/tweets/{POST}", None),
    ],
)
def test_a_measure_is_one_request(x, measure, undo, asked, body):
    x.says(asked, {"data": {"done": True}})
    platform(x).moderate(Moderation(measure, POST, MARIA, undo=undo))
    assert (json.loads(x.last.content) if x.last.content else None) == body


def test_a_direct_message_of_ours_can_be_deleted(x):
    x.says("DELETE /2/dm_events/92", {"data": {"deleted": True}})
    platform(x).moderate(Moderation(Measures.DELETE, "dm/92", MARIA))


GONE = {"errors": [{"type": "https://api.x.com/2/problems/resource-not-found", "title": "Not Found Error"}]}


@pytest.mark.parametrize("gone", [problem(404), GONE])
def test_what_is_gone_needs_no_deleting_and_keeps_no_like(x, gone):
    x.says(f"DELETE /2/tweets/{POST}", gone).says(f"DELETE /2/users/{US}/likes/{POST}", gone)
    platform(x).moderate(Moderation(Measures.DELETE, POST, MARIA))
    platform(x).moderate(Moderation(Measures.LIKE, POST, MARIA, undo=True))


@pytest.mark.parametrize("gone", [problem(404), GONE])
def test_what_is_gone_cannot_be_hidden_even_where_x_answers_with_success(x, gone):
    x.says(f"PUT /2/tweets/{POST}/hidden", gone)
    with pytest.raises(ParentGone):
        platform(x).moderate(Moderation(Measures.HIDE, POST, MARIA))


def test_a_measure_without_an_answer_may_be_taken_again(x):
    x.says(f"PUT /2/tweets/{POST}/hidden", httpx.ReadTimeout(""))
    with pytest.raises(TryLater):
        platform(x).moderate(Moderation(Measures.HIDE, POST, MARIA))


@pytest.mark.parametrize(
    "act",
    [
        Moderation(Measures.BLOCK, POST, MARIA), Moderation(Measures.REPORT, POST, MARIA),
        Moderation(Measures.MARK_READ, "dm/92", MARIA), Moderation(Measures.HIDE, "dm/92", MARIA),
        Moderation(Measures.DELETE, POST, MARIA, undo=True), Moderation(Measures.LIKE, "x", MARIA),
    ],
)  # fmt: skip
def test_what_x_does_not_offer_is_refused_before_anything_is_asked(x, act):
    with pytest.raises(Rejected):
        platform(x).moderate(act)
    assert x.asked == []


# --- one by one


def test_a_post_is_read_again_as_parse_reads_it(x):
    x.says(f"GET /2/tweets/{POST}", {"data": post(POST), "includes": {"users": [{"id": MARIA, "username": "maria_k"}]}})
    able = platform(x)
    (event,) = able.parse(able.fetch_item(POST).body)
    assert (event.external_id, event.author.handle) == (POST, "maria_k")


def test_a_direct_message_is_read_again(x):
    x.says("GET /2/dm_events/92", {"data": message("92")})
    able = platform(x)
    assert found(able, [able.fetch_item("dm/92")]) == ["dm/92"]


@pytest.mark.parametrize("gone", [problem(404), GONE])
def test_what_was_deleted_is_none(x, gone):
    x.says(f"GET /2/tweets/{POST}", gone).says(f"GET /2/users/{MARIA}", gone)
    assert platform(x).fetch_item(POST) is None
    assert platform(x).profile(MARIA) is None


def test_what_x_does_not_show_us_may_still_be_there(x):
    x.says(f"GET /2/tweets/{POST}", problem(403)).says(f"GET /2/users/{MARIA}", problem(403))
    with pytest.raises(Forbidden):
        platform(x).fetch_item(POST)
    assert platform(x).profile(MARIA) is None


@pytest.mark.parametrize("end", [GONE, problem(403)], ids=["gone", "not shown"])
def test_what_stands_above_a_post_comes_oldest_first_as_far_up_as_it_is_shown(x, end):
    for below, above in (("14", "13"), ("13", "12"), ("12", "11")):
        x.says(f"GET /2/tweets/{below}", {"data": post(below, answers=above)})
    x.says("GET /2/tweets/11", end)
    able = platform(x)
    assert found(able, able.fetch_context("14")) == ["12", "13"]


def test_a_thread_without_end_is_read_ten_posts_up(x):
    for n in range(100, 80, -1):
        x.says(f"GET /2/tweets/{n}", {"data": post(str(n), answers=str(n - 1))})
    assert len(platform(x).fetch_context("100")) == 10


def test_a_profile(x):
    user = {"id": MARIA, "username": "maria_k", "name": "Maria", "public_metrics": {"followers_count": 22}}
    x.says(f"GET /2/users/{MARIA}", {"data": user})
    assert platform(x).profile(MARIA).reach == 22


# --- the key

ME = {"data": {"id": US, "username": "SkylarkAir", "name": "Skylark"}}
KEY = {
    "token_type": "bearer",
    "expires_in": 7200,
    "access_token": "new",
    "refresh_token": "next",
    "scope": "tweet.read",
}


def test_health_names_what_the_key_does_not_cover(x):
    x.says("GET /2/users/me", ME)
    health = platform(x, scopes="tweet.read users.read").check()
    assert (health.handle, health.key) == ("@SkylarkAir", US)
    assert "dm.write" in health.missing
    assert "tweet.read" not in health.missing


def test_a_key_of_another_account_is_found_out(x):
    x.says("GET /2/users/me", {"data": {"id": OTTO, "username": "otto", "name": "Otto"}})
    with pytest.raises(AccessRevoked):
        platform(x).check()


def test_we_ask_for_the_rights_our_requests_need_and_for_none_x_does_not_know():
    needed = {scope for path in CONTRACT["paths"].values() for one in path.values() for scope in one["scopes"]}
    assert needed | {"offline.access"} == set(oauth.SCOPES)
    assert set(oauth.SCOPES) <= set(CONTRACT["oauth2"]["scopes"])


def test_the_way_to_a_key_and_whose_it_is(x):
    before = Access({"client_id": "app"}, {"client_secret": "app-0815"})
    asked = parse_qs(urlsplit(XPlatform.authorize_url(before, back="https://hark.example/back?a=1", state="s1")).query)
    assert (asked["state"], asked["redirect_uri"]) == (["s1"], ["https://hark.example/back?a=1"])
    x.says("POST /2/oauth2/token", KEY).says("GET /2/users/me", ME)
    access = XPlatform.exchange(
        before, code="c", back="https://hark.example/back?a=1", state="s1", transport=x.transport
    )
    assert (access.settings["account_id"], access.settings["handle"]) == (US, "@SkylarkAir")
    assert access.secrets == {"client_secret": "app-0815", "access_token": "new", "refresh_token": "next"}
    assert x.last.headers["authorization"] == "Bearer new"
    told = parse_qs(x.asked[0].content.decode())
    assert told["grant_type"] == ["authorization_code"]
    assert [oauth._challenge(told["code_verifier"][0])] == asked["code_challenge"]
    assert 43 <= len(told["code_verifier"][0]) <= 128


def test_each_attempt_has_a_proof_of_its_own():
    before = Access({"client_id": "app"}, {"client_secret": "app-0815"})
    urls = [XPlatform.authorize_url(before, back="https://hark.example", state=state) for state in ("a", "b")]
    assert len({parse_qs(urlsplit(url).query)["code_challenge"][0] for url in urls}) == 2
    assert "0815" not in "".join(urls)


def test_a_renewed_key_replaces_the_one_before_and_what_renews_it(x):
    x.says("POST /2/oauth2/token", KEY)
    access = platform(x).renew()
    assert (access.secrets["access_token"], access.secrets["refresh_token"]) == ("new", "next")
    assert (access.secrets["client_secret"], access.settings["account_id"]) == ("app-0815", US)
    assert timedelta(minutes=119) < access.expires_at - datetime.now(UTC) <= timedelta(hours=2)
    assert parse_qs(x.last.content.decode())["refresh_token"] == ["again-0815"]
    basic = base64.b64decode(x.last.headers["authorization"].removeprefix("Basic "))
    assert basic == b"app:app-0815"


@pytest.mark.parametrize("refused", [problem(400, error="invalid_grant"), problem(401), problem(403)])
def test_a_key_x_does_not_renew_needs_a_person(x, refused):
    x.says("POST /2/oauth2/token", refused)
    with pytest.raises(AccessRevoked) as said:
        platform(x).renew()
    assert "0815" not in str(said.value)


@pytest.mark.parametrize("trouble", [httpx.ReadTimeout(""), problem(503), problem(429), httpx.Response(200, text="{}")])
def test_a_key_x_could_not_renew_now_is_renewed_later(x, trouble):
    x.says("POST /2/oauth2/token", trouble)
    with pytest.raises(TryLater) as said:
        platform(x).renew()
    assert type(said.value) in (TryLater, RateLimited)


def test_a_key_without_what_renews_it_needs_a_person():
    with pytest.raises(AccessRevoked):
        XPlatform(Access({"client_id": "app"}, {"client_secret": "s"})).renew()
