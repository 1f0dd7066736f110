"""What we write on Bluesky: once, in its thread; and what we do about posts."""

from __future__ import annotations

from datetime import UTC, datetime

import httpx
import pytest

from channels_app.platforms.abilities import Checked, Looks, Renews, Searches
from channels_app.platforms.base import Carried, Measures, Moderation, Outgoing
from channels_app.platforms.bluesky import BlueskyPlatform, writing
from channels_app.platforms.errors import (
    AccessExpired,
    AccessRevoked,
    Forbidden,
    ParentGone,
    Rejected,
    TryLater,
    UnknownOutcome,
)
from tests.channels_app.platforms.sky import LIKE, MARIA, OTHER, POST, US, Sky, refused

PUT = "com.atproto.repo.putRecord"


@pytest.fixture
def sky():
    return Sky()


def reply(parent: str = "", text: str = "At gate 4.", key: str = "k1", **more) -> Outgoing:
    return Outgoing(key, text, parent, "", MARIA, **more)


def picture(kind="image/png", size=10, alt="A map") -> Carried:
    return Carried("map.png", kind, lambda: b"x" * size, alt)


# --- a reply


def test_an_answer_stands_below_what_it_answers_in_its_thread(sky):
    first = sky.post(OTHER, "Who flies to Rome?")
    asked = sky.mention("@skylark.example do you?", reply=first)
    sent = sky.account().send(reply(asked, "We do, @maria.example: https://skylark.example"))
    record = sky.records[sent.external_id]["value"]
    assert record["reply"]["parent"] == {"uri": asked, "cid": sky.records[asked]["cid"]}
    assert record["reply"]["root"] == {"uri": first, "cid": sky.records[first]["cid"]}
    assert [facet["features"][0].get("did") for facet in record["facets"]] == [MARIA, None]
    assert abs((sent.at - datetime.now(UTC)).total_seconds()) < 60


def test_the_same_key_is_the_same_post_and_changes_nothing(sky):
    asked = sky.mention()
    first = sky.account().send(reply(asked))
    before = dict(sky.records[first.external_id])
    while writing.now() == before["value"]["createdAt"]:
        continue  # the second try is at another moment
    second = sky.account().send(reply(asked))
    assert (first.external_id, first.at) == (second.external_id, second.at)
    assert sky.records[first.external_id] == before
    assert len(sky.ours()) == 1


def test_another_key_is_another_post_though_it_says_the_same(sky):
    asked = sky.mention()
    assert sky.account().send(reply(asked)) != sky.account().send(reply(asked, key="k2"))
    assert len(sky.ours()) == 2


@pytest.mark.parametrize("arrived", [True, False])
def test_no_answer_is_an_unknown_outcome_and_the_next_try_settles_it(sky, arrived):
    asked = sky.mention()
    account = sky.account()

    def lost():
        if arrived:
            _, said = sky.asked[-1]
            sky.write(f"at://{US}/{POST}/{said['rkey']}", said["record"])
        raise httpx.ReadError("reset")

    sky.next[PUT] = [lost]
    with pytest.raises(UnknownOutcome):
        account.send(reply(asked))
    assert bool(account.find_sent(reply(asked))) is arrived
    account.send(reply(asked))
    assert len(sky.ours()) == 1


def test_one_that_arrived_is_found_though_what_it_answers_has_gone_since(sky):
    asked = sky.mention()
    sent = sky.account().send(reply(asked))
    del sky.records[asked]
    assert sky.account().send(reply(asked)) == sent


def test_what_is_gone_cannot_be_answered(sky):
    asked = sky.mention()
    del sky.records[asked]
    with pytest.raises(ParentGone):
        sky.account().send(reply(asked))
    assert sky.ours() == []


def test_a_long_answer_goes_on_below_its_first_part_though_nobody_has_seen_that_yet(sky):
    asked = sky.mention()
    first = sky.account().send(reply(asked, "1/2"))
    sky.asked.clear()
    second = sky.account().send(reply(first.external_id, "2/2", key="k2"))
    said = sky.records[second.external_id]["value"]["reply"]
    assert (said["parent"]["uri"], said["root"]["uri"]) == (first.external_id, asked)
    assert not [what for what, _ in sky.asked if what.endswith("getPosts")]


@pytest.mark.parametrize(
    "view", [{"author": {"did": MARIA, "viewer": {"blockedBy": True}}}, {"viewer": {"replyDisabled": True}}]
)
def test_who_does_not_let_us_answer_is_not_answered(sky, view):
    asked = sky.mention()
    sky.viewer[asked] = view
    with pytest.raises(Forbidden):
        sky.account().send(reply(asked))


def test_who_has_blocked_us_is_not_taken_for_one_who_has_deleted_the_post(sky):
    asked = sky.mention()
    sky.blocking.add(MARIA)
    with pytest.raises(Forbidden, match="blocked"):
        sky.account().send(reply(asked))
    assert sky.ours() == []


@pytest.mark.parametrize(
    "out",
    [
        reply(private=True), reply(text="x" * 301), reply(text="👨‍👩‍👧‍👦" * 121), reply(files=[picture()] * 5),
        reply(files=[picture("application/pdf")]), reply(files=[picture(size=1_000_001)]),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_refused_before_anything_is_written(sky, out):
    with pytest.raises(Rejected):
        sky.account().send(out)
    assert sky.ours() == []


def test_300_characters_that_are_many_more_signs_fit(sky):
    sent = sky.account().send(reply(text="e\u0301" * 300))
    assert sent.external_id in sky.records


def test_pictures_carry_their_words(sky):
    sent = sky.account().send(reply(files=[picture(), picture("image/jpeg", 20, "")]))
    images = sky.records[sent.external_id]["value"]["embed"]["images"]
    assert [(image["alt"], image["image"]["mimeType"]) for image in images] == [
        ("A map", "image/png"),
        ("", "image/jpeg"),
    ]


def test_a_picture_that_may_not_have_arrived_is_sent_again_for_no_post_shows_it(sky):
    sky.next["com.atproto.repo.uploadBlob"] = [httpx.ReadError("reset")]
    with pytest.raises(TryLater):
        sky.account().send(reply(files=[picture()]))


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (refused("InvalidRequest", "Invalid app.bsky.feed.post record: grapheme too big (maximum 300)"), Rejected),
        (refused("ExpiredToken"), AccessExpired),
        (refused("AccountTakedown", status=401), AccessRevoked),
        (httpx.Response(500), UnknownOutcome),
        (httpx.Response(503), TryLater),
        (httpx.Response(400, text="<html>"), Rejected),
    ],
)
def test_what_the_network_says_is_understood(sky, answer, error):
    sky.next[PUT] = [answer]
    with pytest.raises(error) as told:
        sky.account().send(reply(text="My name is Maria"))
    assert "Maria" not in str(told.value)
    assert "html" not in str(told.value)


def test_what_an_error_quotes_is_not_passed_on(sky):
    sky.next[PUT] = [refused("Maria said <b>", "My name is Maria")]
    with pytest.raises(Rejected) as told:
        sky.account().send(reply())
    assert str(told.value) == "Bluesky refused it."


# --- what is done about a post


def do(sky, kind, post, author=MARIA, **more):
    sky.account().moderate(Moderation(kind, post, author, **more))


def test_a_like_is_given_once_and_taken_back(sky):
    post = sky.mention()
    do(sky, Measures.LIKE, post)
    do(sky, Measures.LIKE, post)
    (like,) = sky.ours(LIKE)
    assert like["subject"] == {"uri": post, "cid": sky.records[post]["cid"]}
    do(sky, Measures.LIKE, post, undo=True)
    do(sky, Measures.LIKE, post, undo=True)
    assert sky.ours(LIKE) == []
    do(sky, Measures.LIKE, post)
    assert len(sky.ours(LIKE)) == 1


def test_a_like_given_in_the_networks_own_app_counts(sky):
    post, theirs = sky.mention(), f"at://{US}/{LIKE}/3kaaaaaaaaaaa"
    sky.write(theirs, {"$type": LIKE})
    sky.viewer[post] = {"viewer": {"like": theirs}}
    do(sky, Measures.LIKE, post)
    assert len(sky.ours(LIKE)) == 1
    do(sky, Measures.LIKE, post, undo=True)
    assert sky.ours(LIKE) == []


def test_only_a_post_of_ours_is_deleted_and_twice_is_once(sky):
    ours, theirs = sky.post(US, "Wrong"), sky.mention()
    do(sky, Measures.DELETE, ours)
    do(sky, Measures.DELETE, ours)
    assert sky.ours() == []
    with pytest.raises(Forbidden):
        do(sky, Measures.DELETE, theirs)
    with pytest.raises(Rejected):
        do(sky, Measures.DELETE, ours, undo=True)


def gate(sky, root):
    return sky.records.get(f"at://{US}/app.bsky.feed.threadgate/{root.rpartition('/')[2]}", {}).get("value")


def test_an_answer_below_our_post_is_hidden_and_shown_again(sky):
    root = sky.post(US, "We fly again.")
    bad, worse = sky.mention("x", reply=root), sky.mention("y", reply=root)
    for post in (bad, bad, worse):
        do(sky, Measures.HIDE, post)
    assert gate(sky, root)["hiddenReplies"] == [bad, worse]
    assert "allow" not in gate(sky, root)  # an empty list would let nobody answer
    do(sky, Measures.HIDE, bad, undo=True)
    assert gate(sky, root)["hiddenReplies"] == [worse]


def test_who_may_answer_stays_as_it_was(sky):
    root = sky.post(US, "We fly again.")
    allow = [{"$type": "app.bsky.feed.threadgate#mentionRule"}]
    sky.write(f"at://{US}/app.bsky.feed.threadgate/{root.rpartition('/')[2]}", {"post": root, "allow": allow})
    post = sky.mention("x", reply=root)
    do(sky, Measures.HIDE, post)
    assert gate(sky, root) == {"post": root, "allow": allow, "hiddenReplies": [post]}


def test_two_who_hide_at_once_both_do(sky):
    root = sky.post(US, "We fly again.")
    mine, other = sky.mention("x", reply=root), sky.mention("y", reply=root)
    sky.next[PUT] = [lambda: do(sky, Measures.HIDE, other)]  # just before ours is written
    do(sky, Measures.HIDE, mine)
    assert sorted(gate(sky, root)["hiddenReplies"]) == sorted([mine, other])


def test_in_the_thread_of_somebody_else_nothing_can_be_hidden_and_what_is_gone_need_not(sky):
    post = sky.mention()
    with pytest.raises(Forbidden):
        do(sky, Measures.HIDE, post)
    del sky.records[post]
    do(sky, Measures.HIDE, post)


def test_an_author_is_blocked_once_and_let_in_again(sky):
    for _twice in range(2):
        do(sky, Measures.BLOCK, sky.mention())
    assert [each["subject"] for each in sky.ours("app.bsky.graph.block")] == [MARIA]
    do(sky, Measures.BLOCK, "", undo=True)
    assert sky.ours("app.bsky.graph.block") == []


def test_a_report_tells_the_kind_of_reason_and_no_words(sky):
    post = sky.mention("I will find you")
    do(sky, Measures.REPORT, post, reason="threat")
    _, said = sky.asked[-1]
    assert (said["reasonType"], said["subject"]["uri"]) == ("com.atproto.moderation.defs#reasonViolation", post)
    assert set(said) == {"reasonType", "subject"}
    with pytest.raises(Rejected):
        do(sky, Measures.REPORT, post, undo=True)


def test_what_was_read_here_is_seen_there(sky):
    do(sky, Measures.MARK_READ, sky.mention())
    assert sky.seen_at


def test_each_measure_it_promises_can_be_asked_of_it(sky):
    can = BlueskyPlatform.capabilities
    promised = [can.can_like, can.can_delete, can.can_mark_read, can.can_hide, can.can_block, can.can_report]
    assert all(promised)
    assert len(promised) == len(Measures)


def test_it_has_the_abilities_it_needs(sky):
    for ability in (Checked, Renews, Looks, Searches):
        assert isinstance(sky.account(), ability)
