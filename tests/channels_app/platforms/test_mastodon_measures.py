"""What Hark asks a Mastodon server to do about a post or its author, and to tell of them."""

import json

import httpx
import pytest

from channels_app.platforms import wire
from channels_app.platforms.abilities import Checked, Looks
from channels_app.platforms.base import Measures, Moderation
from channels_app.platforms.errors import AccessRevoked, Rejected, TryLater
from tests.channels_app.platforms.fake_mastodon import BRAND, MARIA, FakeMastodon, post

STATUSES = "/api/v1/statuses"


@pytest.fixture(autouse=True)
def _at_once(monkeypatch):
    monkeypatch.setattr(wire, "PAUSE", 0)


@pytest.fixture
def server():
    server = FakeMastodon()
    server.posts["s1"] = post(1)
    return server


def breaks(request):
    raise httpx.ReadError("reset", request=request)


def act(kind, **more):
    return Moderation(kind, **({"post_id": "s1", "author": "maria@far.example", "reason": "spam"} | more))


@pytest.mark.parametrize(
    ("kind", "undo", "path"),
    [
        (Measures.LIKE, False, f"{STATUSES}/s1/favourite"), (Measures.LIKE, True, f"{STATUSES}/s1/unfavourite"),
        (Measures.BLOCK, False, "/api/v1/accounts/2/block"), (Measures.BLOCK, True, "/api/v1/accounts/2/unblock"),
    ],
)  # fmt: skip
def test_what_may_be_done_and_taken_back(server, kind, undo, path):
    server.answer("POST", path, {})
    server.platform().moderate(act(kind, undo=undo))
    server.platform().moderate(act(kind, undo=undo))
    assert server.paths("POST") == [path, path]


def test_a_report_names_the_post_and_its_author(server):
    server.answer("POST", "/api/v1/reports", {})
    server.platform().moderate(act(Measures.REPORT))
    assert server.bodies() == [{"account_id": "2", "comment": "spam", "status_ids": ["s1"]}]


def test_somebody_is_blocked_by_name_where_the_post_is_gone(server):
    server.answer("GET", "/api/v1/accounts/lookup", MARIA)
    server.answer("POST", "/api/v1/accounts/2/block", {})
    server.platform().moderate(act(Measures.BLOCK, post_id="gone"))
    assert dict(server.asked[1].url.params) == {"acct": "maria@far.example"}


def test_a_post_that_is_gone_already_is_deleted(server):
    server.platform().moderate(act(Measures.DELETE, post_id="gone"))


def test_a_server_that_cannot_delete_says_so(server):
    with pytest.raises(Rejected, match="does not let"):
        server.platform().moderate(act(Measures.DELETE))


@pytest.mark.parametrize(
    ("kind", "undo"),
    [(Measures.HIDE, False), (Measures.MARK_READ, False), (Measures.REPORT, True), (Measures.DELETE, True)],
)
def test_what_the_network_has_no_way_for_is_refused(server, kind, undo):
    with pytest.raises(Rejected):
        server.platform().moderate(act(kind, undo=undo))
    assert server.asked == []


def test_a_measure_without_an_answer_is_tried_again(server):
    server.answers["POST", f"{STATUSES}/s1/favourite"] = breaks
    with pytest.raises(TryLater):
        server.platform().moderate(act(Measures.LIKE))


# --- looking


def test_a_post_is_read_again_as_it_is_now(server):
    platform = server.platform()
    assert isinstance(platform, Looks)
    [event] = platform.parse(platform.fetch_item("s1").body)
    assert event.external_id == "s1"
    assert platform.fetch_item("gone") is None


def test_what_stands_above_a_post_comes_oldest_first(server):
    server.answer("GET", f"{STATUSES}/s3/context", {"ancestors": [post(1), post(2)], "descendants": [post(4)]})
    assert [json.loads(payload.body)["id"] for payload in server.platform().fetch_context("s3")] == ["s1", "s2"]
    assert server.platform().fetch_context("gone") == []


def test_a_profile_is_looked_up_by_name(server):
    server.answer("GET", "/api/v1/accounts/lookup", MARIA)
    assert server.platform().profile("maria@far.example").name == "Maria"
    server.answer("GET", "/api/v1/accounts/lookup", {"error": "x"}, 404)
    assert server.platform().profile("maria@far.example") is None


def test_a_healthy_account_says_who_it_is_and_what_it_may(server):
    server.answer("GET", "/api/v1/accounts/verify_credentials", BRAND)
    server.answer("GET", "/api/v1/instance", {"uri": "social.example", "version": "4.3.0"})
    platform = server.platform(scopes="read write:statuses")
    health = platform.check()
    assert isinstance(platform, Checked)
    assert (health.handle, health.key) == ("brand@social.example", "brand@social.example")
    assert list(health.missing) == ["write:blocks", "write:favourites", "write:media", "write:reports"]


def test_a_server_that_is_no_mastodon_any_more_says_nothing_about_the_key(server):
    with pytest.raises(TryLater, match="does not answer as Mastodon"):
        server.platform().check()


@pytest.mark.parametrize("status", [401, 403, 422])
def test_an_account_whose_key_was_taken_back_is_not_healthy(server, status):
    server.answer("GET", "/api/v1/accounts/verify_credentials", {}, status)
    with pytest.raises(AccessRevoked, match="connect the channel again"):
        server.platform().check()
