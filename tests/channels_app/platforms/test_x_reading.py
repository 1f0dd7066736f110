"""What X tells, in its two dialects: as events, the same whichever way it came."""

from __future__ import annotations

import json
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from channels_app.platforms.abilities import Access
from channels_app.platforms.base import Event, EventKind
from channels_app.platforms.errors import Unreadable
from channels_app.platforms.x import XPlatform, ids

US, MARIA = "930524282358325248", "3001969357"
PLATFORM = XPlatform(Access({"account_id": US}))
NUMBER, ROOT = "1924465506158878979", "1924465506158000000"
AT = datetime(2025, 5, 19, 14, 1, 46, tzinfo=UTC)
MENTION = {
    "id": NUMBER, "author_id": MARIA, "text": "@SkylarkAir where is my bag? 🧳", "lang": "en",
    "created_at": "2025-05-19T14:01:46.000Z", "conversation_id": ROOT, "edit_history_post_ids": [NUMBER],
}  # fmt: skip
USER = {
    "id": MARIA, "username": "maria_k", "name": "Maria Kent", "location": "Leeds",
    "public_metrics": {"followers_count": 22},
    "entities": {"url": {"urls": [{"url": "https://t.co/1", "expanded_url": "https://maria.example"}]}},
}  # fmt: skip


def v2(includes: Any = None, **more: Any) -> list[Event]:
    return PLATFORM.parse(json.dumps({"data": MENTION | more, "includes": includes or {"users": [USER]}}).encode())


def told(**call: Any) -> list[Event]:
    return PLATFORM.parse(json.dumps({"for_user_id": US, **call}).encode())


STATUS = {
    "created_at": "Mon May 19 14:01:46 +0000 2025", "id": 1924465506158879000, "id_str": NUMBER, "lang": "en",
    "text": "@SkylarkAir where is my bag? 🧳",
    "user": {
        "id": 3001969357, "id_str": MARIA, "screen_name": "maria_k", "name": "Maria Kent", "location": "Leeds",
        "followers_count": 22, "entities": USER["entities"],
    },
}  # fmt: skip
MESSAGE = {
    "type": "message_create", "id": "954491830116155396", "created_timestamp": "1516403560557",
    "message_create": {
        "target": {"recipient_id": US}, "sender_id": MARIA, "source_app_id": "13090192",
        "message_data": {"text": "Hello &amp; hi", "entities": {"hashtags": [], "symbols": [], "urls": []}},
    },
}  # fmt: skip


def posted(**more: Any) -> Event:
    (event,) = told(tweet_create_events=[STATUS | more])
    return event


def messaged(sender: str = MARIA, recipient: str = US, **data: Any) -> Event:
    said = MESSAGE["message_create"]
    said = said | {"sender_id": sender, "target": {"recipient_id": recipient}}
    said["message_data"] = said["message_data"] | data
    (event,) = told(direct_message_events=[MESSAGE | {"message_create": said}], users={MARIA: STATUS["user"]})
    return event


# --- posts


def test_a_mention():
    (event,) = v2()
    assert (event.kind, event.external_id, event.thread_id) == (EventKind.MESSAGE, NUMBER, ROOT)
    assert (event.text, event.language, event.private, event.is_ours) == (MENTION["text"], "en", False, False)
    assert event.occurred_at == AT
    assert event.url == f"https://x.com/maria_k/status/{NUMBER}"


def test_who_wrote_it():
    (event,) = v2()
    author = event.author
    assert (author.key, author.handle, author.name, author.reach) == (MARIA, "maria_k", "Maria Kent", 22)
    assert (author.location, author.links) == ("Leeds", ("https://maria.example",))
    assert author.profile_url == "https://x.com/maria_k"


def test_the_same_post_is_the_same_event_by_webhook_and_by_asking():
    (asked,), pushed = v2(), posted()
    same = (
        "kind",
        "external_id",
        "text",
        "language",
        "occurred_at",
        "author",
        "url",
        "is_ours",
        "parent_id",
        "private",
    )
    assert {name: getattr(asked, name) for name in same} == {name: getattr(pushed, name) for name in same}


def test_the_text_form_of_an_id_counts_as_the_number_is_rounded():
    assert posted().external_id == "1924465506158878979"


def test_a_rounded_number_alone_is_no_id():
    with pytest.raises(Unreadable, match="id"):
        told(tweet_create_events=[{name: value for name, value in STATUS.items() if name != "id_str"}])


def test_a_reply_names_what_it_answers():
    for name in ("referenced_posts", "referenced_tweets"):
        (event,) = v2(**{name: [{"type": "replied_to", "id": "77"}]})
        assert (event.parent_id, event.quoted_id) == ("77", "")
    assert posted(in_reply_to_status_id=77, in_reply_to_status_id_str="77").parent_id == "77"


def test_a_quote_names_what_it_quotes_and_does_not_show_its_link_twice():
    link = {"url": "https://t.co/q", "expanded_url": "https://twitter.com/SkylarkAir/status/88"}
    (event,) = v2(
        text="Look https://t.co/q", referenced_posts=[{"type": "quoted", "id": "88"}], entities={"urls": [link]}
    )
    pushed = posted(
        text="Look https://t.co/q", quoted_status_id_str="88",
        quoted_status_permalink={"url": "https://t.co/q", "expanded": link["expanded_url"]},
    )  # fmt: skip
    assert (event.quoted_id, event.text) == (pushed.quoted_id, pushed.text) == ("88", "Look")


def test_a_repost_is_nothing_that_was_said():
    assert v2(referenced_posts=[{"type": "retweeted", "id": "88"}]) == []
    assert told(tweet_create_events=[STATUS | {"retweeted_status": STATUS}]) == []


def test_a_long_post_is_read_whole():
    long = "A long story about a bag. " * 40
    for name in ("note_post", "note_tweet"):
        (event,) = v2(text="A long story…", **{name: {"text": long}})
        assert event.text == long.strip()
    whole = {"full_text": long, "entities": {"urls": []}}
    assert posted(text="A long story…", truncated=True, extended_tweet=whole).text == long.strip()


def test_an_edit_is_a_new_version_of_the_first_post():
    for name in ("edit_history_post_ids", "edit_history_tweet_ids"):
        (event,) = v2(**{"edit_history_post_ids": None, name: ["55", NUMBER]})
        assert (event.kind, event.external_id, event.extra) == (EventKind.EDIT, "55", {"version": NUMBER})
    pushed = posted(edit_history={"initial_tweet_id": "55"})
    assert (pushed.kind, pushed.external_id) == (EventKind.EDIT, "55")


def test_what_x_escaped_is_read_as_it_was_written():
    assert (
        v2(text="R&amp;D &lt;b&gt; &amp;amp;")[0].text
        == posted(text="R&amp;D &lt;b&gt; &amp;amp;").text
        == "R&D <b> &amp;"
    )


def test_a_link_is_shown_where_it_leads():
    link = {"url": "https://t.co/abc", "expanded_url": "https://bags.example/lost"}
    assert v2(text="See https://t.co/abc!", entities={"urls": [link]})[0].text == "See https://bags.example/lost!"
    assert posted(text="See https://t.co/abc!", entities={"urls": [link]}).text == "See https://bags.example/lost!"


@pytest.mark.parametrize("leads_to", ["javascript:alert(1)", "data:text/html,x", "", "https://" + "x" * 600])
def test_a_link_that_leads_nowhere_good_stays_as_x_has_it(leads_to):
    link = {"url": "https://t.co/abc", "expanded_url": leads_to}
    assert v2(text="See https://t.co/abc", entities={"urls": [link]})[0].text == "See https://t.co/abc"


def test_a_language_x_does_not_know_is_none():
    assert [v2(lang=said)[0].language for said in ("und", "qme", "zxx", "", None, "pt-BR", "in")] == [
        "", "", "", "", "", "pt-BR", "id",
    ]  # fmt: skip


def test_a_handle_that_is_none_becomes_no_part_of_an_address():
    (event,) = v2({"users": [USER | {"username": "../../evil?x="}]})
    assert event.url == f"https://x.com/i/status/{NUMBER}"
    assert event.author.profile_url == f"https://x.com/i/user/{MARIA}"


def test_an_author_x_says_nothing_of_is_known_by_the_id():
    (event,) = v2({"users": []})
    assert (event.author.key, event.author.handle) == (MARIA, "")


def test_a_time_x_does_not_say_stands_in_the_id():
    (event,) = v2(created_at=None)
    assert event.occurred_at.replace(microsecond=0) == AT
    assert ids.at(event.occurred_at) <= int(NUMBER) < ids.at(event.occurred_at) + 2 * 2**22


def test_a_mention_by_somebody_we_blocked_says_so():
    assert told(user_has_blocked="false", tweet_create_events=[STATUS])[0].extra == {}
    assert told(user_has_blocked="true", tweet_create_events=[STATUS])[0].extra == {"blocked": "yes"}
    assert told(user_has_blocked=True, tweet_create_events=[STATUS])[0].extra == {"blocked": "yes"}


# --- our own


def test_our_own_post_comes_back_as_ours_without_whom_x_puts_before_it():
    reply = {"text": "@maria_k @otto We look into it.", "in_reply_to_user_id": MARIA}
    (asked,) = v2(author_id=US, referenced_posts=[{"type": "replied_to", "id": "77"}], **reply)
    ours = {"id_str": US, "screen_name": "SkylarkAir"}
    pushed = posted(
        user=ours, text=reply["text"], in_reply_to_status_id_str="77", in_reply_to_user_id_str=MARIA, lang="en"
    )
    for event in (asked, pushed):
        assert (event.is_ours, event.author, event.text) == (True, None, "We look into it.")
        assert (event.parent_id, event.addressed_to) == ("77", MARIA)


def test_a_mention_we_write_ourselves_stays():
    (event,) = v2(author_id=US, text="@maria_k was right.")
    assert event.text == "@maria_k was right."


def test_a_call_for_another_account_of_ours_is_read_from_its_side():
    (event,) = told(for_user_id=MARIA, tweet_create_events=[STATUS])
    assert event.is_ours


def test_a_post_of_ours_that_was_deleted():
    (event,) = told(
        tweet_delete_events=[{"status": {"id": "1045405559317569537", "user_id": US}, "timestamp_ms": "1432228155593"}]
    )
    assert (event.kind, event.external_id, event.is_ours) == (EventKind.DELETE, "1045405559317569537", True)
    assert event.occurred_at == datetime(2015, 5, 21, 17, 9, 15, 593000, UTC)


def test_a_like():
    liked = {
        "id": "a7ba59eab0bfcba386f7acedac279542", "created_at": "Mon Mar 26 16:33:26 +0000 2018",
        "timestamp_ms": 1522082006140, "favorited_status": STATUS | {"id_str": "66"}, "user": STATUS["user"],
    }  # fmt: skip
    (event,) = told(favorite_events=[liked])
    assert (event.kind, event.parent_id, event.author.key) == (EventKind.REACTION, "66", MARIA)
    assert event.external_id == "a7ba59eab0bfcba386f7acedac279542"


def test_access_that_was_taken_away():
    revoke = {"date_time": "2018-05-24T09:48:12+00:00", "target": {"app_id": "1"}, "source": {"user_id": US}}
    (event,) = told(user_event={"revoke": revoke})
    assert (event.kind, event.occurred_at) == (EventKind.REVOKED, datetime(2018, 5, 24, 9, 48, 12, tzinfo=UTC))


# --- direct messages


def test_a_direct_message():
    event = messaged()
    assert (event.kind, event.external_id, event.private) == (EventKind.MESSAGE, "dm/954491830116155396", True)
    assert (event.text, event.thread_id) == ("Hello & hi", f"dm-{MARIA}")
    assert (event.author.handle, event.author.reach) == ("maria_k", 22)


def test_a_direct_message_of_ours_stands_in_the_same_conversation():
    event = messaged(sender=US, recipient=MARIA)
    assert (event.is_ours, event.author, event.addressed_to, event.thread_id) == (True, None, MARIA, f"dm-{MARIA}")


@pytest.mark.parametrize(("sender", "ours"), [(MARIA, False), (US, True)])
def test_a_direct_message_asked_for_is_the_one_that_was_pushed(sender, ours):
    raw = {
        "id": "954491830116155396", "event_type": "MessageCreate", "text": "Hello &amp; hi", "sender_id": sender,
        "created_at": "2018-01-19T23:12:40.557Z", "dm_conversation_id": f"{MARIA}-{US}",
    }  # fmt: skip
    (asked,) = PLATFORM.parse(json.dumps({"data": raw, "includes": {"users": [USER]}}).encode())
    pushed = messaged(sender=sender, recipient=MARIA if ours else US)
    same = ("external_id", "text", "thread_id", "is_ours", "private", "occurred_at", "addressed_to")
    assert {name: getattr(asked, name) for name in same} == {name: getattr(pushed, name) for name in same}


def test_a_conversation_of_several_is_a_thread_of_its_own():
    raw = {"id": "9", "event_type": "MessageCreate", "text": "Hi", "sender_id": MARIA, "dm_conversation_id": "1585"}
    (event,) = PLATFORM.parse(json.dumps({"data": raw | {"created_at": "2018-01-19T23:12:40Z"}}).encode())
    assert event.thread_id == "group-1585"


def test_who_joins_a_conversation_has_not_said_anything():
    raw = {"id": "9", "event_type": "ParticipantsJoin", "dm_conversation_id": "1585", "participant_ids": [MARIA]}
    assert PLATFORM.parse(json.dumps({"data": raw}).encode()) == []


def test_what_they_have_read():
    read = {
        "created_timestamp": "1518452444662", "sender_id": MARIA, "target": {"recipient_id": US},
        "last_read_event_id": "963085315333238788",
    }  # fmt: skip
    (event,) = told(direct_message_mark_read_events=[read])
    assert (event.kind, event.extra["state"], event.parent_id) == (EventKind.RECEIPT, "read", "dm/963085315333238788")
    assert event.thread_id == f"dm-{MARIA}"
    assert event.extra["until"] == ids.moment("963085315333238788").isoformat()


def test_what_we_have_read_ourselves_is_no_receipt():
    read = {"created_timestamp": "1", "sender_id": US, "target": {"recipient_id": MARIA}, "last_read_event_id": "9"}
    assert told(direct_message_mark_read_events=[read]) == []


# --- pictures


def test_a_picture_with_its_words_and_without_its_link():
    photo = {"media_key": "3_1", "type": "photo", "url": "https://pbs.twimg.com/media/a.jpg", "alt_text": "A red bag"}
    link = {"url": "https://t.co/p", "expanded_url": f"https://twitter.com/maria_k/status/{NUMBER}/photo/1"}
    (asked,) = v2(
        {"users": [USER], "media": [photo, photo | {"media_key": "3_9"}]},
        text="My bag https://t.co/p", attachments={"media_keys": ["3_1"]}, entities={"urls": [link]},
    )  # fmt: skip
    shown = link | {"type": "photo", "media_url_https": photo["url"], "ext_alt_text": "A red bag"}
    pushed = posted(
        text="My bag https://t.co/p", entities={"urls": [], "media": [shown]}, extended_entities={"media": [shown]}
    )
    for event in (asked, pushed):
        assert event.text == "My bag"
        (enclosed,) = event.attachments
        assert (enclosed.url, enclosed.type, enclosed.alt) == (photo["url"], "image/jpeg", "A red bag")


def test_of_a_film_the_best_is_taken_and_no_list_of_films():
    variants = [
        {"content_type": "application/x-mpegURL", "url": "https://video.twimg.com/a.m3u8"},
        {"bit_rate": 256000, "content_type": "video/mp4", "url": "https://video.twimg.com/small.mp4"},
        {"bit_rate": 2176000, "content_type": "video/mp4", "url": "https://video.twimg.com/big.mp4"},
    ]
    film = {"media_key": "7_1", "type": "video", "variants": variants}
    (event,) = v2({"media": [film]}, attachments={"media_keys": ["7_1"]})
    assert [(one.url, one.type) for one in event.attachments] == [("https://video.twimg.com/big.mp4", "video/mp4")]


def test_a_picture_in_a_direct_message():
    shown = {
        "media_url_https": "https://ton.x.com/1.jpg", "url": "https://t.co/p",
        "expanded_url": "https://x.com/messages/media/9",
    }  # fmt: skip
    event = messaged(text="Look https://t.co/p", attachment={"type": "media", "media": shown})
    assert event.text == "Look"
    assert [one.url for one in event.attachments] == ["https://ton.x.com/1.jpg"]


def test_a_picture_at_no_address_of_the_web_is_left_out():
    (event,) = v2(
        {"media": [{"media_key": "3_1", "url": "file:///etc/passwd"}]}, attachments={"media_keys": ["3_1", "3_2"]}
    )
    assert event.attachments == ()


# --- what is none


@pytest.mark.parametrize(
    "body",
    [
        b"", b"{", b"[]", b"7", b"{}", b'{"data": []}', b'{"data": {}}', b"[" * 100_000, b"\xff\xfe",
        b'{"for_user_id": "1", "follow_events": []}', b'{"tweet_create_events": [7]}',
        b'{"tweet_create_events": [{"id_str": "1"}]}', b'{"tweet_create_events": [{"id_str": "1", "user": "maria"}]}',
        b'{"direct_message_events": [{"type": "message_create", "id": "1"}]}', b'{"tweet_create_events": 7}',
        b'{"data": {"id": "1", "author_id": "1"}}', b'{"data": {"id": "x", "author_id": "1"}}',
        b'{"tweet_delete_events": [{"status": {"id": "1"}, "timestamp_ms": "99999999999999999999"}]}',
        b'{"data": {"id": "1", "author_id": "1", "created_at": "yesterday"}}', b'{"user_event": 5}',
    ],
)  # fmt: skip
def test_what_is_no_event_is_refused_with_a_sentence(body):
    with pytest.raises(Unreadable) as refused:
        PLATFORM.parse(body)
    assert str(refused.value).endswith(".")


def test_a_refusal_does_not_repeat_what_somebody_said():
    with pytest.raises(Unreadable) as refused:
        v2(created_at="my secret number is 4711")
    assert "4711" not in str(refused.value)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)


@given(name=st.sampled_from([*MENTION, "entities", "attachments", "referenced_posts", "note_post"]), value=JSON)
def test_whatever_stands_in_a_field_the_post_is_read_or_refused(name, value):
    body = json.dumps({"data": MENTION | {name: value}, "includes": {"users": [USER]}}).encode()
    with suppress(Unreadable):
        assert all(event.external_id for event in PLATFORM.parse(body))


@given(name=st.sampled_from([*STATUS, "extended_tweet", "entities", "edit_history", "retweeted_status"]), value=JSON)
def test_whatever_stands_in_a_field_the_call_is_read_or_refused(name, value):
    with suppress(Unreadable):
        assert all(event.external_id for event in told(tweet_create_events=[STATUS | {name: value}]))


def test_hostile_words_stay_words():
    hostile = "<script>alert(1)</script> \u202e\u200b\x00 " + "@a" * 10_000
    (event,) = v2(text=hostile)
    assert "\x00" not in event.text
    assert event.text.startswith("<script>alert(1)</script>")
