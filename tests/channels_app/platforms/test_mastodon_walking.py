"""What is new since we last asked, on servers that each read a cursor in their own way."""

import json

import httpx
import pytest

from channels_app.platforms import wire
from channels_app.platforms.abilities import Searches
from channels_app.platforms.errors import AccessRevoked, RateLimited, TryLater
from channels_app.platforms.mastodon.walking import OVERLAP
from tests.channels_app.platforms.fake_mastodon import BRAND, FakeMastodon, notification, post

SERVERS = [{}, {"newest_first": True}, {"deaf": True}]


@pytest.fixture(params=SERVERS, ids=["mastodon", "snac", "deaf"])
def server(request):
    return FakeMastodon(**request.param)


@pytest.fixture(autouse=True)
def _at_once(monkeypatch):
    monkeypatch.setattr(wire, "PAUSE", 0)


def ids(page):
    return [event.external_id for payload in page.payloads for event in FakeMastodon().platform().parse(payload.body)]


def fetch(server, cursor, limit=20):
    """One page, and the cursor as it comes back from a database."""
    page = server.platform().fetch_since(cursor, limit=limit)
    return ids(page), json.loads(json.dumps(page.cursor)), page.more


def fetch_all(server, cursor, limit=20):
    found = []
    for _ in range(300):
        new, cursor, more = fetch(server, cursor, limit)
        found += new
        if not more:
            return found, cursor
    raise AssertionError("There is always more.")


def test_a_mention_is_seen_once(server):
    server.mention(1)
    found, cursor, more = fetch(server, {})
    assert (found, more) == (["s1"], False)
    assert fetch(server, cursor) == ([], cursor, False)


def test_posts_come_oldest_first(server):
    server.mention(1, 2, 3)
    assert fetch(server, {})[0] == ["s1", "s2", "s3"]


def test_a_new_account_takes_the_newest_page_and_nothing_older(server):
    server.mention(*range(1, 100))
    assert fetch_all(server, {}, limit=10)[0] == [f"s{n}" for n in range(90, 100)]
    assert server.paths()[0] == server.paths()[1] == "/api/v1/notifications"
    assert len(server.paths()) <= 3


@pytest.mark.parametrize("limit", [1, 7, 20, 40])
@pytest.mark.parametrize("had", [0, 1, 5, 30])
@pytest.mark.parametrize("kind", [{}, {"newest_first": True}], ids=["mastodon", "snac"])
def test_nothing_is_lost_of_many_that_came_between_two_looks(kind, had, limit):
    server = FakeMastodon(**kind)
    server.mention(*range(1, had + 1))
    _, cursor, _ = fetch(server, {}, limit=30)
    server.mention(*range(had + 1, had + 151))
    assert fetch_all(server, cursor, limit)[0] == [f"s{n}" for n in range(had + 1, had + 151)]


def test_a_quiet_account_is_asked_once_for_each_list(server):
    server.mention(*range(1, 60))
    _, cursor, _ = fetch(server, {})
    server.asked.clear()
    fetch(server, cursor)
    assert server.paths() == ["/api/v1/notifications", "/api/v1/accounts/1/statuses"]


def test_an_edit_of_a_late_mention_is_seen_though_no_server_tells(server):
    server.mention(*range(1, 6))
    _, cursor, _ = fetch(server, {})
    server.notifications[3]["status"]["content"] = "<p>found it</p>"
    found, cursor, _ = fetch(server, cursor)
    assert found == ["s4"]
    assert fetch(server, cursor)[0] == []


def test_an_edit_of_the_first_mention_there_ever_was_is_seen(server):
    _, cursor, _ = fetch(server, {})
    server.mention(1)
    _, cursor, _ = fetch(server, cursor)
    server.notifications[0]["status"]["content"] = "<p>found it</p>"
    assert fetch(server, cursor)[0] == ["s1"]


def test_a_mention_that_is_deleted_is_seen_though_no_server_tells(server):
    server.mention(*range(1, 6))
    _, cursor, _ = fetch(server, {})
    gone = server.notifications.pop(2)
    del server.posts[gone["status"]["id"]]
    page = server.platform().fetch_since(cursor, limit=20)
    assert json.loads(page.payloads[0].body)["event"] == "delete"
    assert ids(page) == ["s3"]
    assert fetch(server, json.loads(json.dumps(page.cursor)))[0] == []


def test_a_notification_that_somebody_put_away_deletes_nothing(server):
    server.mention(*range(1, 6))
    _, cursor, _ = fetch(server, {})
    server.notifications.clear()
    found, cursor, _ = fetch(server, cursor)
    assert found == []
    server.mention(6)
    assert fetch(server, cursor)[0] == ["s6"]


def test_what_a_server_slips_in_late_below_the_newest_is_found(server):
    server.mention(1, 2, 3, 5, 6)
    _, cursor, _ = fetch(server, {})
    server.notifications.insert(3, notification(4))
    found, cursor, _ = fetch(server, cursor)
    assert found == ["s4"]
    assert fetch(server, cursor)[0] == []


def test_our_own_posts_from_another_app_come_too_in_their_place(server):
    server.mention(1, 3)
    server.own = [post(2, "we look", by=BRAND), post(4, "boosted", by=BRAND, reblog=post(9))]
    found, cursor, _ = fetch(server, {})
    assert found == ["s1", "s2", "s3"]
    server.own.append(post(5, "done", by=BRAND))
    assert fetch(server, cursor)[0] == ["s5"]


def test_mentions_come_before_our_own_posts_where_there_is_not_room_for_both(server):
    server.mention(1, 2)
    _, cursor, _ = fetch(server, {})
    server.mention(3, 4, 5)
    server.own = [post(6, by=BRAND)]
    found, cursor, more = fetch(server, cursor, limit=3)
    assert (found, more) == (["s3", "s4", "s5"], True)
    assert fetch(server, cursor, limit=3)[0] == ["s6"]


def test_kinds_of_notifications_nobody_asked_for_are_left_out(server):
    server.notifications = [notification(1, "follow"), notification(2), notification(3, "reblog")]
    page = server.platform().fetch_since({}, limit=20)
    assert [json.loads(payload.body)["id"] for payload in page.payloads] == ["n2"]


def test_a_cursor_does_not_grow(server):
    server.mention(*range(1, 300))
    _, cursor, _ = fetch(server, {}, limit=40)
    server.mention(*range(300, 350))
    _, cursor = fetch_all(server, cursor)
    assert len(cursor["told"]) == OVERLAP + 1


def test_a_page_fetched_twice_is_the_same():
    server = FakeMastodon()
    server.mention(1, 2)
    _, cursor, _ = fetch(server, {})
    server.mention(3, 4)
    assert fetch(server, cursor) == fetch(server, cursor)


def test_two_posts_of_the_same_moment_are_two(server):
    server.mention(1)
    _, cursor, _ = fetch(server, {})
    server.notifications += [notification(n, status=post(2, id=f"s{n}")) for n in (2, 3)]
    assert fetch(server, cursor)[0] == ["s2", "s3"]


def test_a_line_that_breaks_is_tried_again_and_the_cursor_stands():
    server, tries = FakeMastodon(), []

    def breaks(request: httpx.Request) -> httpx.Response:
        tries.append(request)
        raise httpx.ReadError("reset", request=request)

    server.answers["GET", "/api/v1/notifications"] = breaks
    with pytest.raises(TryLater):
        server.platform().fetch_since({}, limit=20)
    assert len(tries) == wire.TRIES


def test_a_budget_that_is_used_up_says_until_when():
    server = FakeMastodon()
    server.answers["GET", "/api/v1/notifications"] = httpx.Response(429, headers={"Retry-After": "70"}, json={})
    with pytest.raises(RateLimited) as caught:
        server.platform().fetch_since({}, limit=20)
    assert caught.value.after == 70


def test_what_is_left_of_the_budget_is_known():
    server = FakeMastodon()
    told = {
        "X-RateLimit-Limit": "300",
        "X-RateLimit-Remaining": "188",
        "X-RateLimit-Reset": "2026-11-22T21:00:00.859863Z",
    }
    server.answers["GET", "/api/v1/notifications"] = httpx.Response(200, headers=told, json=[])
    platform = server.platform()
    platform.fetch_since({}, limit=20)
    assert (platform.wire.budget.limit, platform.wire.budget.left) == (300, 188)


def test_a_key_that_was_taken_back_needs_a_person():
    server = FakeMastodon()
    server.answer("GET", "/api/v1/notifications", {"error": "The access token was revoked"}, 401)
    with pytest.raises(AccessRevoked):
        server.platform().fetch_since({}, limit=20)


@pytest.mark.parametrize(
    ("told", "status"), [({"error": "x"}, 200), ("x", 200), ({}, 404), ({}, 403), ({}, 422), ({}, 301)]
)
def test_whatever_else_a_server_answers_is_for_later(told, status):
    server = FakeMastodon()
    server.answer("GET", "/api/v1/notifications", told, status)
    with pytest.raises(TryLater):
        server.platform().fetch_since({}, limit=20)


def test_what_is_no_object_in_a_list_is_left_out():
    server = FakeMastodon()
    server.answer("GET", "/api/v1/notifications", [None, "x", notification(1), {"type": "mention"}])
    assert fetch(server, {})[0] == ["s1"]


# --- looking for posts that do not mention us


def searched(server, words, cursor, limit=20):
    page = server.platform().search(words, cursor, limit=limit)
    return ids(page), json.loads(json.dumps(page.cursor))


def test_a_hashtag_is_looked_for_in_its_list():
    server, found = FakeMastodon(), [post(2), post(1)]
    server.answers["GET", "/api/v1/timelines/tag/Skylark"] = lambda request: httpx.Response(200, json=found)
    assert isinstance(server.platform(), Searches)
    new, cursor = searched(server, "#Skylark", {})
    assert new == ["s1", "s2"]
    found.insert(0, post(3))
    found.insert(0, post(4, reblog=post(9)))
    assert searched(server, "#Skylark", cursor)[0] == ["s3"]


def test_words_are_looked_for_in_posts():
    server = FakeMastodon()
    server.answer("GET", "/api/v2/search", {"statuses": [post(1)], "accounts": [], "hashtags": []})
    assert searched(server, "skylark late", {})[0] == ["s1"]
    assert dict(server.asked[0].url.params)["type"] == "statuses"
    assert dict(server.asked[0].url.params)["q"] == "skylark late"
