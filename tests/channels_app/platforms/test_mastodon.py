"""What Hark asks a Mastodon server to do."""

import json

import httpx
import pytest

from channels_app.platforms import wire
from channels_app.platforms.base import Carried, Outgoing
from channels_app.platforms.errors import (
    AccessRevoked,
    Forbidden,
    ParentGone,
    RateLimited,
    Rejected,
    TryLater,
    UnknownOutcome,
)
from channels_app.platforms.mastodon import sending
from tests.channels_app.platforms.fake_mastodon import BRAND, MARIA, FakeMastodon, post

STATUSES = "/api/v1/statuses"
SENT = {"id": "s9", "created_at": "2026-11-22T10:05:00.000Z"}


@pytest.fixture(autouse=True)
def _at_once(monkeypatch):
    monkeypatch.setattr(wire, "PAUSE", 0)
    monkeypatch.setattr(sending, "WAITS", (0, 0))


@pytest.fixture
def server():
    server = FakeMastodon()
    server.posts["s1"] = post(1)
    server.answer("POST", STATUSES, SENT)
    return server


def reply(text="We look at it.", **more):
    return Outgoing(
        **({"key": "k1", "text": text, "parent_id": "s1", "thread_id": "", "recipient": "maria@far.example"} | more)
    )


def posted(server, out=None, **settings):
    """What the server was asked to post."""
    server.platform(**settings).send(out or reply())
    return server.bodies()[-1]


# --- answering


def test_an_answer_names_whom_it_answers_and_stands_below(server):
    assert posted(server) == {
        "status": "@Maria@far.example We look at it.", "visibility": "public", "in_reply_to_id": "s1",
    }  # fmt: skip


def test_what_was_sent_has_the_networks_id_and_time(server):
    sent = server.platform().send(reply())
    assert (sent.external_id, sent.at.isoformat()) == ("s9", "2026-11-22T10:05:00+00:00")


def test_the_same_key_goes_with_each_try(server):
    server.platform().send(reply())
    server.platform().send(reply())
    keys = [request.headers["Idempotency-Key"] for request in server.asked if request.method == "POST"]
    assert keys == ["k1", "k1"]


@pytest.mark.parametrize("text", ["Hi @maria@far.example, yes", "@Maria@far.example yes", "(@MARIA@FAR.EXAMPLE)"])
def test_who_is_named_already_is_not_named_twice(server, text):
    assert posted(server, reply(text))["status"] == text


@pytest.mark.parametrize(
    "text", ["mail x@maria@far.example", "@maria is another", "@maria@far.example.org", "@mariab@far.example"]
)
def test_who_is_only_nearly_named_is_named(server, text):
    assert posted(server, reply(text))["status"] == f"@Maria@far.example {text}"


def test_who_is_at_our_server_is_named_without_it(server):
    server.posts["s1"] = post(1, by=MARIA | {"acct": "maria@127.0.0.1:8101"})
    asked = posted(server, reply(recipient="maria@127.0.0.1:8101"), domain="127.0.0.1:8101")
    assert asked["status"] == "@maria We look at it."


def test_an_answer_below_our_own_post_names_whom_it_is_for(server):
    server.posts["s1"] = post(1, by=BRAND)
    assert posted(server)["status"] == "@maria@far.example We look at it."


def test_an_answer_for_somebody_else_in_the_thread_names_them(server):
    assert posted(server, reply(recipient="ben@far.example"))["status"] == "@ben@far.example We look at it."


def test_a_post_that_answers_nobody_names_nobody(server):
    asked = posted(server, reply("Strike tomorrow.", parent_id="", recipient=""))
    assert asked == {"status": "Strike tomorrow.", "visibility": "public"}
    assert server.paths() == []


@pytest.mark.parametrize(
    ("above", "private", "below"),
    [
        ("public", False, "public"), ("unlisted", False, "unlisted"), ("local", False, "unlisted"),
        ("private", False, "direct"), ("direct", False, "direct"), ("public", True, "direct"), ("new", False, "direct"),
    ],
)  # fmt: skip
def test_an_answer_is_never_for_more_people_than_what_it_answers(server, above, private, below):
    server.posts["s1"] = post(1, visibility=above)
    assert posted(server, reply(private=private))["visibility"] == below


def test_a_private_answer_names_nobody_else_since_they_would_read_it(server):
    with pytest.raises(Rejected, match="take the other names out"):
        server.platform().send(reply("Ask @boss@far.example", private=True))
    assert server.paths("POST") == []


def test_a_private_answer_may_name_us_and_hold_a_mail_address(server):
    text = "Write to care@skylark.example or @brand or @brand@social.example"
    assert posted(server, reply(text, private=True))["status"] == f"@Maria@far.example {text}"


def test_a_private_post_for_nobody_is_not_sent(server):
    with pytest.raises(Rejected, match="Nobody is named"):
        server.platform().send(reply(private=True, parent_id="", recipient=""))


def test_the_length_counts_the_name_as_the_server_does(server):
    fits = "x" * (500 - len("@Maria "))
    assert posted(server, reply(fits))
    with pytest.raises(Rejected, match="501 characters; this server takes 500"):
        server.platform().send(reply(f"{fits}x"))
    assert posted(server, reply(f"{fits}x"), text_limit="1000")


def test_what_was_answered_and_is_gone_stops_the_answer_before_it_leaves(server):
    with pytest.raises(ParentGone):
        server.platform().send(reply(parent_id="s2"))
    assert server.paths("POST") == []


def test_an_id_cannot_lead_to_another_address(server):
    with pytest.raises(ParentGone):
        server.platform().send(reply(parent_id="../accounts/1?x#y"))
    assert server.asked[0].url.raw_path == b"/api/v1/statuses/..%2Faccounts%2F1%3Fx%23y"


# --- files


def picture(name="bag.png"):
    return Carried(name, "image/png", lambda: b"\x89PNG", alt="A torn bag")


def test_a_picture_goes_first_with_its_words(server):
    server.answer("POST", "/api/v2/media", {"id": "m1"})
    server.platform().send(reply(files=[picture()]))
    upload, said = (request for request in server.asked if request.method == "POST")
    assert b"A torn bag" in upload.content
    assert b'filename="bag.png"' in upload.content
    assert json.loads(said.content)["media_ids"] == ["m1"]


def test_a_picture_that_is_being_prepared_is_waited_for(server):
    server.answer("POST", "/api/v2/media", {"id": "m1"}, 202)
    states = iter([206, 200])
    server.answers["GET", "/api/v1/media/m1"] = lambda request: httpx.Response(next(states), json={"id": "m1"})
    server.platform().send(reply(files=[picture()]))
    assert server.paths("POST")[-1] == STATUSES


def test_a_picture_that_is_never_ready_is_for_later_and_nothing_is_posted(server):
    server.answer("POST", "/api/v2/media", {"id": "m1"}, 202)
    server.answer("GET", "/api/v1/media/m1", {"id": "m1"}, 206)
    with pytest.raises(TryLater):
        server.platform().send(reply(files=[picture()]))
    assert server.paths("POST") == ["/api/v2/media"]


def test_a_line_that_breaks_while_a_picture_goes_up_has_published_nothing(server):
    server.answers["POST", "/api/v2/media"] = breaks
    with pytest.raises(TryLater):
        server.platform().send(reply(files=[picture()]))


# --- refusals


def breaks(request):
    raise httpx.ReadError("reset", request=request)


@pytest.mark.parametrize(
    "answer", [breaks, httpx.Response(500), httpx.Response(502), httpx.Response(200, text="<html>")]
)
def test_where_no_answer_came_nobody_knows(server, answer):
    server.answers["POST", STATUSES] = answer
    with pytest.raises(UnknownOutcome):
        server.platform().send(reply())
    assert server.paths("POST") == [STATUSES]


@pytest.mark.parametrize(
    ("status", "error", "raised"),
    [
        (401, "The access token is invalid", AccessRevoked),
        (403, "This action is outside the authorized scopes", Forbidden),
        (403, "Your login is currently disabled", AccessRevoked),
        (403, "This action is not allowed", Forbidden),
        (404, "The post you are trying to reply to does not appear to exist.", ParentGone),
        (422, "Validation failed: Text character limit of 500 exceeded", Rejected),
        (422, "Cannot attach files that have not finished processing. Try again in a moment!", TryLater),
        (422, "Validation failed: maria@far.example", Rejected),
        (429, "Too many requests", RateLimited),
        (503, "busy", TryLater),
    ],
)
def test_a_refusal_says_what_to_do_and_repeats_nothing(server, status, error, raised):
    server.answer("POST", STATUSES, {"error": error}, status)
    with pytest.raises(raised) as caught:
        server.platform().send(reply())
    assert "maria" not in str(caught.value)
    assert "t-o-k-e-n" not in repr(caught.value)


def test_the_key_is_in_no_repr(server):
    platform = server.platform()
    assert "t-o-k-e-n" not in f"{platform.access!r}{platform.wire!r}{platform!r}"


# --- whether it arrived


def arrived(server, *below, own=()):
    server.answer("GET", f"{STATUSES}/s1/context", {"ancestors": [], "descendants": list(below)})
    server.own = list(own)
    return server.platform().find_sent(reply())


def ours(
    number,
    words='<span class="h-card"><a href="https://far.example/@Maria">@<span>Maria</span></a></span> We look at it.',
    **more,
):
    return post(number, words, by=BRAND, **({"in_reply_to_id": "s1"} | more))


def test_what_arrived_is_found_below_what_it_answers(server):
    assert arrived(server, post(2), ours(3)).external_id == "s3"


def test_what_arrived_is_found_among_our_own_where_the_post_is_gone(server):
    server.own = [ours(3)]
    assert server.platform().find_sent(reply()).external_id == "s3"


@pytest.mark.parametrize(
    "other",
    [
        ours(2, "Something else"), ours(2, in_reply_to_id="s7"), ours(2) | {"account": MARIA}, ours(2, ""),
        ours(2, "We look at it. Soon."),
    ],
)  # fmt: skip
def test_what_is_only_like_it_is_not_it(server, other):
    assert arrived(server, other, own=[other]) is None


def test_a_public_answer_is_not_the_private_one(server):
    server.answer("GET", f"{STATUSES}/s1/context", {"ancestors": [], "descendants": [ours(3)]})
    assert server.platform().find_sent(reply(private=True)) is None
    server.answer("GET", f"{STATUSES}/s1/context", {"ancestors": [], "descendants": [ours(3, visibility="direct")]})
    assert server.platform().find_sent(reply()) is None
    assert server.platform().find_sent(reply(private=True)).external_id == "s3"


@pytest.mark.parametrize(
    ("text", "html"),
    [
        ("Look: https://sky.example/a/b.", '<p>@Maria Look: <a href="https://sky.example/a/b"><span>https://</span>sky.example/a/b</a>.</p>'),
        ("See https://müller.example/x", '<p>See <a href="https://müller.example/x">müller.example/x</a></p>'),
        ("one\n\ntwo – *three*", "<p>@Maria@far.example one</p><p>two – <i>three</i></p>"),
        ("@maria@far.example yes & no <3", "<p>@maria yes &amp; no &lt;3</p>"),
        ("🎉", "<p>@Maria 🎉</p>"),
        ("Ça va", "<p>Ça va</p>"),
    ],
)  # fmt: skip
def test_words_are_known_again_as_the_server_writes_them(text, html):
    found = ours(3) | {"content": html}
    assert sending.is_it(found, reply(text), FakeMastodon().platform().us)


def test_an_emoji_alone_is_not_another_one():
    assert sending.gist("🎉") != sending.gist("😡")


def test_whether_it_arrived_is_asked_later_where_the_server_stumbles(server):
    server.answer("GET", f"{STATUSES}/s1/context", {}, 500)
    with pytest.raises(TryLater):
        server.platform().find_sent(reply())
