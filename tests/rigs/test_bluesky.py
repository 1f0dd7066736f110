"""What only Bluesky does, on its own servers. What every network does stands in test_contract.py."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import httpx
import pytest

from channels_app.platforms.abilities import Access
from channels_app.platforms.base import Carried, EventKind, Measures, Moderation, Outgoing
from channels_app.platforms.bluesky.walking import DEEP_EVERY
from channels_app.platforms.errors import AccessRevoked, Forbidden
from tests.rigs.bluesky import Bluesky
from tests.rigs.bluesky.person import Person
from tests.rigs.reading import Reader
from tests.rigs.words import png

ONLY = ["bluesky"]
MORE_THAN_A_PAGE = 150


@pytest.fixture(scope="module")
def otto(rig: Bluesky) -> Person:
    """Another customer."""
    otto = Person.born(rig.url, "otto")
    rig.wait_until("the AppView knows him", otto.is_known)
    return otto


@pytest.fixture
def ours(rig: Bluesky) -> str:
    """A post of ours that the network shows."""
    uri = rig.brand.post("All trains run again")
    rig.wait_until("it is shown", lambda: rig.platform().post(uri))
    return uri


def shown(rig: Bluesky, uri: str) -> None:
    rig.wait_until(f"{uri} is shown", lambda: rig.platform().post(uri))


def now(rig: Bluesky, uri: str):
    """The post as our platform reads it again; None where it is gone."""
    payload = rig.platform().fetch_item(uri)
    return rig.platform().parse(payload.body)[0] if payload else None


def do(rig: Bluesky, kind: Measures, post: str, author: str = "", **more: bool) -> None:
    rig.platform().moderate(Moderation(kind, post, author, **more))


# --- what becomes of a post


def test_a_deletion_is_noticed_when_the_post_is_read_again(rig: Bluesky):
    asked = rig.post("My bag is lost")
    shown(rig, asked)
    assert now(rig, asked).text.endswith("My bag is lost")
    rig.delete(asked)
    rig.wait_until("it is gone", lambda: now(rig, asked) is None)


def test_an_edit_is_noticed_when_the_post_is_read_again(rig: Bluesky):
    asked = rig.post("My bag is lots")
    shown(rig, asked)
    before = now(rig, asked)
    rig.edit(asked, "My bag is lost")
    after = rig.wait_until("it is another", lambda: (it := now(rig, asked)).text != before.text and it)
    assert (after.external_id, after.occurred_at) == (before.external_id, before.occurred_at)
    assert (after.text.endswith("My bag is lost"), after.extra["cid"] != before.extra["cid"]) == (True, True)


def test_an_edit_of_what_we_were_just_told_comes_by_itself(rig: Bluesky):
    """The network tells of it anew, with the time it had: an older one lies below where we read on."""
    reader = Reader(rig)
    asked = rig.post("My hat is lots")
    reader.until(asked)
    rig.edit(asked, "My hat is lost")
    [event] = reader.until(asked)
    assert event.text.endswith("My hat is lost")


def test_a_post_whose_author_has_blocked_us_is_neither_gone_nor_answered(rig: Bluesky, otto: Person):
    asked = otto.post("Never again")
    shown(rig, asked)
    block = otto.block(rig.brand.did)
    rig.wait_until("we do not see it any more", lambda: rig.platform().post(asked) is None)
    assert (now(rig, asked).text, now(rig, asked).author.key) == ("Never again", otto.did)
    with pytest.raises(Forbidden):
        rig.platform().send(Outgoing("to who has blocked us", "Sorry", asked, asked, otto.did))
    otto.delete(block)
    shown(rig, asked)


# --- what comes in


def test_more_posts_than_a_page_come_once_each_oldest_first(rig: Bluesky):
    reader = Reader(rig)
    said = rig.maria.post_many([f"@{rig.brand.handle} Number {number}" for number in range(MORE_THAN_A_PAGE)])
    shown(rig, said[-1])
    assert [event.external_id for event in reader.until(*said)] == said
    assert reader.read() == []


def test_a_post_that_is_told_hours_late_comes_within_the_hour(rig: Bluesky):
    """The network puts it where its program dated it: below what we have read."""
    reader = Reader(rig)
    asked = rig.post("In time")
    reader.until(asked)
    late = rig.maria.post(f"@{rig.brand.handle} from the tunnel", at=datetime.now(UTC) - timedelta(hours=3))
    shown(rig, late)
    assert reader.read() == []
    reader.cursor["deep"] = (datetime.now(UTC) - DEEP_EVERY).isoformat()
    assert [event.external_id for event in reader.read()] == [late]
    reader.cursor["deep"] = (datetime.now(UTC) - DEEP_EVERY).isoformat()
    assert reader.read() == []


def test_a_long_answer_goes_on_below_its_first_part_at_once(rig: Bluesky):
    asked = rig.post("Tell me everything")
    shown(rig, asked)
    parts, above = [], asked
    for number in range(3):
        above = (
            rig.platform().send(Outgoing(f"part {number}", f"{number + 1}/3", above, asked, rig.customer)).external_id
        )
        parts.append(above)
    there = rig.wait_until("they see all", lambda: len(said := [s for s in rig.thread(asked) if s.by_us]) == 3 and said)
    assert [(said.id, said.parent) for said in there] == list(zip(parts, [asked, *parts], strict=False))


def test_a_quote_of_ours_says_what_it_quotes(rig: Bluesky, otto: Person, ours: str):
    reader = Reader(rig)
    quote = otto.post("You wish", quotes=ours)
    found = {event.external_id: event for event in reader.until(quote)}
    assert (found[quote].quoted_id, found[quote].text, found[quote].parent_id) == (ours, "You wish", "")


def test_what_we_write_in_the_networks_own_app_is_ours_and_what_hark_sent_does_not_come_back(rig: Bluesky):
    reader = Reader(rig)
    asked = rig.post("When?")
    reader.until(asked)
    sent = rig.platform().send(Outgoing("sent by Hark", "At noon", asked, asked, rig.customer))
    natively = rig.brand.post("And again at one", answers=asked)
    [event] = reader.until(natively)
    assert (event.external_id, event.is_ours, event.parent_id) == (natively, True, asked)
    assert event.addressed_to == rig.customer
    rig.wait_until("both are seen", lambda: {said.id for said in rig.answers_to(asked)} == {sent.external_id, natively})
    assert reader.read() == []


def test_somebody_who_likes_a_post_of_ours_is_a_reaction_to_it(rig: Bluesky, otto: Person, ours: str):
    reader = Reader(rig)
    like = otto.like(ours)
    [event] = reader.until(like)
    assert (event.kind, event.parent_id, event.author.key) == (EventKind.REACTION, ours, otto.did)


def test_posts_that_do_not_mention_us_are_found(rig: Bluesky, otto: Person):
    cursor = rig.platform().search("Larkspur", {}, limit=10).cursor
    about, own = otto.post("The Larkspur line is closed"), rig.brand.post("The Larkspur line is not closed")
    shown(rig, about)
    shown(rig, own)
    page = rig.platform().search("Larkspur", cursor, limit=10)
    [event] = [event for each in page.payloads for event in rig.platform().parse(each.body)]
    assert (event.external_id, event.author.handle) == (about, "otto.test")
    assert rig.platform().search("Larkspur", page.cursor, limit=10).payloads == []


# --- what we do


def test_an_answer_of_ours_has_its_links_and_mentions_and_its_picture_has_words(rig: Bluesky):
    asked = rig.post("Where?")
    shown(rig, asked)
    text = f"Dear @{rig.maria.handle}, é 👩🏽‍🔧: see example.com/map"
    picture = Carried("map.png", "image/png", png, "A map of the station")
    sent = rig.platform().send(Outgoing("with a picture", text, asked, asked, rig.customer, files=[picture]))
    [said] = rig.wait_until("it is seen", lambda: rig.answers_to(asked))
    assert (said.text, said.pictures) == (text, ["A map of the station"])
    post = rig.platform().post(sent.external_id)
    raw = text.encode()
    found = {
        raw[each["index"]["byteStart"] : each["index"]["byteEnd"]].decode(): each["features"][0]
        for each in post["record"]["facets"]
    }
    assert found[f"@{rig.maria.handle}"]["did"] == rig.maria.did
    assert found["example.com/map"]["uri"] == "https://example.com/map"
    assert httpx.get(post["embed"]["images"][0]["fullsize"], timeout=20).is_success


def test_an_answer_that_is_hidden_is_seen_by_its_author_alone_until_it_is_shown_again(
    rig: Bluesky, otto: Person, ours: str
):
    rude = rig.maria.post("Liars", answers=ours)
    shown(rig, rude)
    for _twice in range(2):
        do(rig, Measures.HIDE, rude)
    rig.wait_until("nobody sees it", lambda: rude not in otto.seen_below(ours))
    assert rude in rig.maria.seen_below(ours)
    for _twice in range(2):
        do(rig, Measures.HIDE, rude, undo=True)
    rig.wait_until("everybody sees it", lambda: rude in otto.seen_below(ours))


def test_only_answers_below_ours_can_be_hidden(rig: Bluesky, otto: Person):
    theirs = otto.post("My own conversation")
    shown(rig, theirs)
    with pytest.raises(Forbidden):
        do(rig, Measures.HIDE, theirs)


def test_a_like_of_ours_is_given_once_and_taken_back(rig: Bluesky, otto: Person):
    nice = otto.post("You are the best")
    shown(rig, nice)

    def likes() -> int:
        return otto.ask("app.bsky.feed.getPosts", {"uris": [nice]})["posts"][0]["likeCount"]

    for _twice in range(2):
        do(rig, Measures.LIKE, nice)
    rig.wait_until("he sees it", lambda: likes() == 1)
    for _twice in range(2):
        do(rig, Measures.LIKE, nice, undo=True)
    rig.wait_until("it is gone", lambda: likes() == 0)


def test_a_post_of_ours_is_deleted_and_nobody_elses(rig: Bluesky, otto: Person, ours: str):
    for _twice in range(2):
        do(rig, Measures.DELETE, ours)
    rig.wait_until("it is gone", lambda: rig.platform().post(ours) is None)
    with pytest.raises(Forbidden):
        do(rig, Measures.DELETE, otto.post("Mine"))


def test_somebody_is_blocked_and_let_in_again(rig: Bluesky, otto: Person):
    def is_blocked() -> bool:
        told = otto.ask("app.bsky.actor.getProfile", {"actor": rig.brand.did})
        return told["viewer"]["blockedBy"]

    for undo, expected in ((False, True), (True, False)):
        for _twice in range(2):
            do(rig, Measures.BLOCK, "", otto.did, undo=undo)
        rig.wait_until(f"blocked: {expected}", lambda expected=expected: is_blocked() is expected)


def test_the_moderators_take_a_report(rig: Bluesky, otto: Person):
    spam = otto.post("Buy this")
    shown(rig, spam)
    rig.platform().moderate(Moderation(Measures.REPORT, spam, otto.did, "spam"))


def test_what_was_seen_is_marked_as_read(rig: Bluesky):
    asked = rig.post("Hello?")
    shown(rig, asked)

    def unread() -> int:
        return rig.brand.ask("app.bsky.notification.getUnreadCount", {})["count"]

    rig.wait_until("something is unread", unread)
    do(rig, Measures.MARK_READ, asked)
    rig.wait_until("nothing is unread", lambda: unread() == 0)


# --- our key


def test_the_app_password_opens_a_session_where_the_last_one_has_ended(rig: Bluesky):
    bare = Access(rig.access().settings, {"app_password": rig.brand.app_password})
    for access in (bare, replace(bare, secrets={**bare.secrets, "refresh": rig.wrong_access().secrets["refresh"]})):
        opened = rig.platform(access).renew()
        health = rig.platform(opened).check()
        assert (health.handle, health.key, health.scopes) == ("brand.test", rig.brand.did, ("com.atproto.appPass",))


def test_a_refresh_key_opens_the_next_session_without_the_password(rig: Bluesky):
    opened = rig.platform(Access(rig.access().settings, {"app_password": rig.brand.app_password})).renew()
    without = replace(opened, secrets={name: opened.secrets[name] for name in ("access", "refresh")})
    again = rig.platform(without).renew()
    assert again.secrets["refresh"] != without.secrets["refresh"]
    assert rig.platform(again).check().expires_at is not None


def test_an_app_password_that_was_taken_back_is_said_to_be(rig: Bluesky):
    told = rig.brand.fresh().tell("com.atproto.server.createAppPassword", {"name": "Soon gone"})
    access = Access(rig.access().settings, {"app_password": told["password"]})
    opened = rig.platform(access).renew()
    rig.brand.fresh().tell("com.atproto.server.revokeAppPassword", {"name": "Soon gone"})
    with pytest.raises(AccessRevoked):
        rig.platform(opened).renew()
