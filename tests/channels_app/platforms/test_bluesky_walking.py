"""Reading on: nothing lost, nothing twice, oldest first; whatever the size of a page and wherever it stops."""

from __future__ import annotations

import json
from collections import Counter
from datetime import UTC, datetime

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from channels_app.platforms.base import EventKind, Outgoing
from channels_app.platforms.bluesky import walking
from channels_app.platforms.bluesky.names import key_at, moment_of
from channels_app.platforms.bluesky.walking import Layer, Progress
from channels_app.platforms.errors import AccessExpired, RateLimited, TryLater
from tests.channels_app.platforms.sky import MARIA, OTHER, US, Sky, minutes, refused


@pytest.fixture
def sky():
    return Sky()


def calls(sky, cursor, limit):
    """Page after page until there is no more; the cursor goes through JSON as it does in the database."""
    for _each in range(500):
        page = sky.account().fetch_since(json.loads(json.dumps(cursor)), limit=limit)
        assert len(page.payloads) <= limit
        cursor = page.cursor
        yield page
        if not page.more:
            return
    raise AssertionError("It never ends.")


def poll(sky, cursor, limit=50):
    pages = list(calls(sky, cursor, limit))
    found = [event for page in pages for body in page.payloads for event in sky.account().parse(body.body)]
    return found, pages[-1].cursor


def ids(events):
    return [event.external_id for event in events]


@pytest.mark.parametrize("page", [1, 2, 7, 100])
@pytest.mark.parametrize("limit", [1, 4, 100])
def test_what_we_are_told_of_comes_once_and_oldest_first(sky, limit, page):
    sky.page = page
    told = [sky.mention(f"no. {n}", at=sky.now - minutes(60 - n)) for n in range(30)]
    found, cursor = poll(sky, {}, limit)
    assert ids(found) == told
    assert poll(sky, cursor, limit)[0] == []


def test_what_comes_later_is_read_from_there(sky):
    sky.mention(at=sky.now - minutes(60))
    _, cursor = poll(sky, {})
    later = [sky.mention("still here", at=sky.now - minutes(n)) for n in (20, 10, 1)]
    assert ids(poll(sky, cursor)[0]) == later


@pytest.mark.parametrize("limit", [1, 3, 100])
def test_posts_of_the_same_millisecond_are_all_read(sky, limit):
    sky.page = 6
    told = {sky.mention(f"no. {n}", at=sky.now - minutes(n // 5)) for n in range(20)}
    found, cursor = poll(sky, {}, limit)
    assert set(ids(found)) == told
    assert len(found) == 20
    tie = sky.mention("at the same time as the newest", at=sky.now)
    assert ids(poll(sky, cursor, limit)[0]) == [tie]


def test_a_post_that_its_program_dated_some_minutes_back_is_not_lost(sky):
    sky.mention(at=sky.now)
    _, cursor = poll(sky, {})
    late = sky.mention("written in a tunnel", at=sky.now - minutes(10))
    assert ids(poll(sky, cursor)[0]) == [late]


def an_hour_later(cursor):
    return {**cursor, "deep": (datetime.fromisoformat(cursor["deep"]) - minutes(60)).isoformat()}


@pytest.mark.parametrize("page", [3, 100])
def test_a_post_from_a_server_that_was_cut_off_for_hours_comes_within_the_hour_and_once(sky, page):
    sky.page = page
    for n in range(40):
        sky.mention(f"no. {n}", at=sky.now - minutes(20 * n))
    _, cursor = poll(sky, {})
    late = [sky.mention("at last", at=sky.now - minutes(ago)) for ago in (23 * 60, 120)]
    found, cursor = poll(sky, cursor)
    assert found == []
    found, cursor = poll(sky, an_hour_later(cursor), limit=2)
    assert ids(found) == late
    assert poll(sky, an_hour_later(cursor))[0] == []


def test_between_the_hours_one_page_is_asked_for(sky):
    sky.page = 10
    for n in range(60):
        sky.mention(f"no. {n}", at=sky.now - minutes(10 * n))
    _, cursor = poll(sky, {})

    def asked(cursor):
        sky.asked.clear()
        after = poll(sky, cursor)[1]
        return sum(what.endswith("listNotifications") for what, _ in sky.asked), after

    many, cursor = asked(an_hour_later(cursor))
    assert (many > 6, asked(cursor)[0]) == (True, 1)


def test_what_is_not_remembered_any_more_is_not_given_again(sky, monkeypatch):
    monkeypatch.setattr(walking, "MOST_SEEN", 10)
    told = [sky.mention(f"no. {n}", at=sky.now - minutes(600 - n * 20)) for n in range(30)]
    found, cursor = poll(sky, {}, 4)
    assert ids(found) == told
    late = [sky.mention("late", at=sky.now - minutes(ago)) for ago in (500, 110)]
    found, cursor = poll(sky, an_hour_later(cursor), 4)
    assert ids(found) == late[1:]
    assert poll(sky, an_hour_later(cursor), 4)[0] == []


def test_the_day_before_an_account_was_connected_is_read_no_further_an_hour_later(sky):
    sky.mention("long ago", at=sky.now - minutes(60 * 24 * 7 + 60))
    _, cursor = poll(sky, {})
    assert poll(sky, an_hour_later(cursor))[0] == []


def test_a_clock_of_ours_that_was_set_back_does_not_put_off_the_whole_day(sky):
    sky.mention(at=sky.now)
    _, cursor = poll(sky, {})
    ahead = {**cursor, "deep": (sky.now + minutes(60 * 24 * 30)).isoformat()}
    late = sky.mention("at last", at=sky.now - minutes(120))
    assert ids(poll(sky, ahead)[0]) == [late]


def test_what_comes_while_we_read_is_not_lost(sky):
    told = [sky.mention(f"no. {n}", at=sky.now - minutes(60 - n)) for n in range(25)]
    sky.page = 3
    pages = calls(sky, {}, 4)
    found = []
    for number, page in enumerate(pages):
        found += page.payloads
        if number < 8:
            told.append(sky.mention(f"meanwhile {number}", at=sky.now - minutes(20 - number)))
    events = [event for body in found for event in sky.account().parse(body.body)]
    assert sorted(ids(events)) == sorted(told)


def test_a_long_way_down_is_gone_in_several_calls(sky):
    told = [sky.mention(f"no. {n}", at=sky.now - minutes(300 - n)) for n in range(150)]
    sky.page = 2
    first = sky.account().fetch_since({}, limit=2)
    assert (list(first.payloads), first.more) == ([], True)
    assert ids(poll(sky, first.cursor, 2)[0]) == told


def test_a_new_account_reads_some_days_back_and_no_more(sky):
    sky.mention("long ago", at=sky.now - minutes(60 * 24 * 9))
    recent = sky.mention("this week", at=sky.now - minutes(60 * 24 * 5))
    assert ids(poll(sky, {})[0]) == [recent]


def test_pages_of_which_nothing_is_for_us_do_not_end_it(sky):
    old = sky.mention(at=sky.now - minutes(50))
    for n in range(20):
        sky.tell(sky.post(OTHER, "x", at=sky.now - minutes(40 - n)), "repost")
    sky.page = 4
    assert ids(poll(sky, {})[0]) == [old]


def test_likes_are_read_too(sky):
    ours = sky.post(US, "We fly again.", at=sky.now, key=key_at(sky.now))
    sky.like(ours)
    assert {event.kind for event in poll(sky, {})[0]} == {EventKind.MESSAGE, EventKind.REACTION}


def test_an_edited_post_is_told_again(sky):
    uri = sky.mention("Where is my trian?")
    _, cursor = poll(sky, {})
    sky.write(uri, sky.records[uri]["value"] | {"text": "Where is my train?"})
    sky.told[0] |= {"cid": sky.records[uri]["cid"], "record": sky.records[uri]["value"]}
    assert [event.text for event in poll(sky, cursor)[0]] == ["Where is my train?"]


def test_pictures_are_asked_for_where_there_are_any(sky):
    sky.mention("without", at=sky.now - minutes(2))
    image = {"alt": "A seat", "image": {"ref": {"$link": "bafk"}}}
    uri = sky.mention("with", embed={"$type": "app.bsky.embed.images", "images": [image]})
    sky.viewer[uri] = {"embed": {"images": [{"fullsize": "https://cdn.example/1@jpeg", "alt": "A seat"}]}}
    without, with_ = poll(sky, {})[0]
    assert (len(without.attachments), with_.attachments[0].url) == (0, "https://cdn.example/1@jpeg")
    assert [said["uris"] for what, said in sky.asked if what.endswith("getPosts")] == [[uri]]


# --- our own posts


def own(sky, text, ago):
    at = sky.now - minutes(ago)
    return sky.post(US, text, at=at, key=key_at(at))


@pytest.mark.parametrize("limit", [1, 2, 100])
def test_what_we_wrote_in_the_networks_own_app_comes_once_in_its_place(sky, limit):
    told = [own(sky, "We fly again.", 50), sky.mention("When?", at=sky.now - minutes(40)), own(sky, "At six.", 30)]
    found, cursor = poll(sky, {}, limit)
    assert sorted(ids(found)) == sorted(told)
    assert sum(event.is_ours for event in found) == 2
    assert poll(sky, cursor, limit)[0] == []
    later = own(sky, "And at seven.", 1)
    assert ids(poll(sky, cursor, limit)[0]) == [later]


def test_what_hark_sent_does_not_come_back(sky):
    asked = sky.mention()
    sent = sky.account().send(Outgoing("k1", "At gate 4.", asked, "", MARIA))
    assert sent.external_id in sky.records
    assert ids(poll(sky, {})[0]) == [asked]


def test_ours_and_theirs_stand_in_order_on_one_page(sky):
    told = [own(sky, "We fly again.", 50), sky.mention("When?", at=sky.now - minutes(40)), own(sky, "At six.", 30)]
    assert ids(poll(sky, {})[0]) == told


def test_a_key_from_a_clock_ahead_of_ours_does_not_hide_what_follows(sky):
    ahead = own(sky, "From tomorrow", -60 * 24)
    found, cursor = poll(sky, {})
    assert ids(found) == [ahead]
    later = own(sky, "From today", 0)
    assert ids(poll(sky, cursor)[0]) == [later]


@pytest.mark.parametrize("skew", [-120, 120])
def test_a_clock_of_ours_that_is_wrong_loses_nothing(sky, skew):
    """`skew` in minutes."""
    written, ours = [], sky.now + minutes(skew)

    def ask(at):
        return Layer([(moment_of(key), {"uri": key}) for key in written if key > at], "")

    progress = Progress(sky.now - minutes(60), sky.now - minutes(60))
    walking.own(progress, ask, limit=10, now=ours)
    written.append(key_at(sky.now - minutes(30)))
    assert len(walking.own(progress, ask, limit=10, now=ours)[0]) == 1
    written.append(key_at(sky.now))
    assert len(walking.own(progress, ask, limit=10, now=ours)[0]) == 1


def test_the_place_where_we_are_stays_small(sky):
    for n in range(1500):
        sky.mention(f"no. {n}", at=sky.now - minutes(10 - n / 150))
    found, cursor = poll(sky, {}, 200)
    assert len(found) == 1500
    assert len(json.dumps(cursor)) < 40_000


# --- all of it, in any order


@settings(max_examples=60, deadline=None)
@given(
    posts=st.lists(st.tuples(st.integers(0, 2), st.integers(0, 600)), max_size=25),
    limit=st.integers(1, 6),
    page=st.integers(9, 20),
    again=st.lists(st.tuples(st.integers(0, 2), st.integers(0, 14)), max_size=8),
    long_ago=st.lists(st.integers(15, 600), max_size=5),
)
def test_nothing_is_lost_and_nothing_comes_twice(posts, limit, page, again, long_ago):
    sky = Sky()
    sky.page = page
    taken = Counter()

    def happen(kind, ago):
        """No more of one millisecond than a page holds: of more the network itself shows only some."""
        if kind == 0:
            at = sky.now - minutes(ago) + (datetime.resolution * 1000) * len(sky.records)
            return sky.post(US, "ours", at=at, key=key_at(at))
        at = sky.now - minutes(ago if kind == 1 else ago // 4 * 4)
        while taken[at] == 8:
            at -= datetime.resolution * 1000
        taken[at] += 1
        return sky.mention("theirs", at=at)

    told = [happen(*each) for each in posts]
    found, cursor = poll(sky, {}, limit)
    assert sorted(ids(found)) == sorted(told)
    newer = [happen(*each) for each in again]
    found, cursor = poll(sky, cursor, limit)
    assert sorted(ids(found)) == sorted(newer)
    assert poll(sky, cursor, limit)[0] == []
    late = [happen(1, ago) for ago in long_ago]
    found, cursor = poll(sky, an_hour_later(cursor), limit)
    assert sorted(ids(found)) == sorted(late)
    assert poll(sky, an_hour_later(cursor), limit)[0] == []


# --- trouble


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (refused("ExpiredToken", "Token has expired"), AccessExpired),
        (refused("InvalidToken"), AccessExpired),
        (httpx.Response(429, json={"error": "RateLimitExceeded"}, headers={"retry-after": "77"}), RateLimited),
        (httpx.Response(200, text="<html>Please log in</html>"), TryLater),
        (httpx.Response(200, json=["x"]), TryLater),
    ],
)
def test_what_goes_wrong_is_said_and_the_place_is_kept(sky, answer, error):
    uri = sky.mention()
    sky.next["app.bsky.notification.listNotifications"] = [answer]
    with pytest.raises(error):
        sky.account().fetch_since({}, limit=50)
    assert ids(poll(sky, {})[0]) == [uri]


def test_a_connection_that_breaks_is_tried_again(sky):
    uri = sky.mention()
    sky.next["app.bsky.notification.listNotifications"] = [httpx.ReadError("reset"), httpx.Response(502)]
    assert ids(poll(sky, {})[0]) == [uri]


# --- looking at one, and searching


def test_a_post_is_read_again_as_it_is_now_until_it_is_gone(sky):
    uri = sky.mention()
    (event,) = sky.account().parse(sky.account().fetch_item(uri).body)
    assert event.text == "Where is my train?"
    del sky.records[uri]
    assert sky.account().fetch_item(uri) is None


def test_a_post_whose_author_has_blocked_us_is_not_gone(sky):
    picture = {"alt": "A board", "image": {"ref": {"$link": "bafkabc"}, "mimeType": "image/png"}}
    uri = sky.mention(embed={"$type": "app.bsky.embed.images", "images": [picture]})
    sky.blocking.add(MARIA)
    (event,) = sky.account().parse(sky.account().fetch_item(uri).body)
    assert (event.text, event.author.key, event.is_ours) == ("Where is my train?", MARIA, False)
    assert event.attachments == ()  # our own server does not have the files of others
    del sky.records[uri]
    assert sky.account().fetch_item(uri) is None


def test_what_stands_above_a_post_is_read_oldest_first(sky):
    first = sky.post(OTHER, "Who flies to Rome?")
    second = sky.post(MARIA, "Skylark does", reply=first)
    third = sky.post(OTHER, "Thanks", reply=second)
    above = [sky.account().parse(each.body)[0].external_id for each in sky.account().fetch_context(third)]
    assert above == [first, second]
    del sky.records[first]
    assert len(sky.account().fetch_context(third)) == 1
    assert sky.account().fetch_context("at://did:plc:x/app.bsky.feed.post/gone") == []


def test_a_person_is_shown_as_they_show_themselves(sky):
    maria = sky.account().profile(MARIA)
    assert (maria.key, maria.handle, maria.reach, maria.links) == (
        MARIA,
        "maria.example",
        41,
        ("https://maria.example/x",),
    )
    assert sky.account().profile("did:plc:gone") is None
    sky.next["app.bsky.actor.getProfile"] = [refused("AccountTakedown", "Account has been suspended")]
    assert sky.account().profile(MARIA) is None


def test_a_search_finds_each_post_once_oldest_first_and_not_our_own(sky):
    found = [sky.post(MARIA, f"Skylark {n}", at=sky.now - minutes(60 - n)) for n in range(5)]
    sky.post(US, "Skylark says", at=sky.now)
    sky.post(OTHER, "Nothing of it")

    def search(cursor, limit=2):
        page = sky.account().search("skylark", cursor, limit=limit)
        return [sky.account().parse(p.body)[0].external_id for p in page.payloads], page

    seen, cursor, more = [], {}, True
    while more:
        some, page = search(cursor)
        seen, cursor, more = seen + some, json.loads(json.dumps(page.cursor)), page.more
    assert seen == found
    newer = sky.post(MARIA, "Skylark again", at=datetime.now(UTC))
    assert search(cursor)[0] == [newer]
