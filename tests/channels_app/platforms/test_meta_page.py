"""A Facebook Page: what is said on it and to it, and what leaves for it."""

from datetime import UTC, datetime

import httpx
import pytest

from channels_app.platforms.base import EventKind, Measures, Moderation, Outgoing
from channels_app.platforms.errors import ParentGone, Rejected, TryLater, UnknownOutcome, WindowClosed
from channels_app.platforms.meta.page import FacebookPlatform

from .meta_calls import PAGE, SECONDS, Graph, access, feed, messaging, refusal

AT = datetime.fromtimestamp(SECONDS, UTC)
POST, COMMENT, PERSON = f"{PAGE}_55", "55_66", "7001"
VALUE = {
    "item": "comment", "verb": "add", "comment_id": COMMENT, "post_id": POST, "parent_id": POST,
    "from": {"id": PERSON, "name": "Maria Silva"}, "message": "My train is late", "created_time": SECONDS,
    "post": {"permalink_url": "https://www.facebook.com/skylark/posts/55"},
}  # fmt: skip


def page(*answers):
    graph = Graph(*answers)
    return FacebookPlatform(access(), graph), graph


def read(body):
    return FacebookPlatform(access()).parse(body)


def item(**said):
    return {"sender": {"id": PERSON}, "recipient": {"id": PAGE}, "timestamp": SECONDS * 1000 + 250} | said


def echo(**said):
    return item(message={"is_echo": True, "app_id": 1, **said}) | {"sender": {"id": PAGE}, "recipient": {"id": PERSON}}


def out(text="We are sorry", *, private=False, parent=COMMENT):
    return Outgoing("key-1", text, parent, POST, PERSON, private)


# --- comments


def test_a_comment_stands_in_the_thread_of_its_post():
    (event,) = read(feed(VALUE))
    assert (event.kind, event.external_id, event.text) == (EventKind.MESSAGE, COMMENT, "My train is late")
    assert (event.parent_id, event.thread_id, event.private, event.occurred_at) == (POST, POST, False, AT)
    assert (event.author.key, event.author.name, event.is_ours) == (PERSON, "Maria Silva", False)
    assert event.url == "https://www.facebook.com/skylark/posts/55"


def test_an_answer_to_a_comment_names_the_comment():
    (event,) = read(feed(VALUE | {"comment_id": "55_67", "parent_id": COMMENT}))
    assert (event.parent_id, event.thread_id) == (COMMENT, POST)


def test_the_pages_own_comment_is_ours():
    (event,) = read(feed(VALUE | {"from": {"id": PAGE, "name": "Skylark"}}))
    assert (event.is_ours, event.author) == (True, None)


def test_a_comment_whose_author_the_app_may_not_know_is_still_heard():
    (event,) = read(feed({name: value for name, value in VALUE.items() if name != "from"}))
    assert (event.author, event.is_ours, event.text) == (None, False, "My train is late")


@pytest.mark.parametrize(
    ("verb", "kind"), [("edited", EventKind.EDIT), ("remove", EventKind.DELETE), ("add", EventKind.MESSAGE)]
)
def test_what_happens_to_a_comment_names_it(verb, kind):
    (event,) = read(feed(VALUE | {"verb": verb}))
    assert (event.kind, event.external_id) == (kind, COMMENT)


@pytest.mark.parametrize("value", [{"verb": "hide"}, {"verb": "unhide"}, {"item": "rating"}, {"verb": "block"}])
def test_what_says_nothing_to_us_is_no_event(value):
    assert read(feed(VALUE | value)) == []


def test_a_visitors_post_begins_a_thread():
    value = {"item": "status", "verb": "add", "post_id": POST, "from": {"id": PERSON}, "message": "Hello Skylark",
             "created_time": SECONDS}  # fmt: skip
    (event,) = read(feed(value))
    assert (event.external_id, event.parent_id, event.thread_id) == (POST, "", POST)


def test_a_draft_of_ours_is_not_heard():
    assert read(feed(VALUE | {"item": "status", "from": {"id": PAGE}, "published": 0})) == []


def test_pictures_come_along_and_nothing_else_becomes_a_link():
    value = VALUE | {"photo": "https://scontent.example/p.jpg", "video": "javascript:alert(1)"}
    (event,) = read(feed(value))
    assert [one.url for one in event.attachments] == ["https://scontent.example/p.jpg"]
    (event,) = read(feed(VALUE | {"post": {"permalink_url": "javascript:alert(1)"}}))
    assert event.url == ""


def test_a_like_and_its_taking_back_are_two_things_about_one_comment():
    value = VALUE | {"item": "reaction", "reaction_type": "love"}
    given, taken = read(feed(value, value | {"verb": "remove"}))
    assert (given.kind, given.parent_id, given.extra) == (EventKind.REACTION, COMMENT, {"emoji": "love"})
    assert taken.extra == {"emoji": "love", "undo": "yes"}
    assert given.external_id != taken.external_id


# --- messages


def test_a_message_stands_in_the_conversation_with_its_author():
    (event,) = read(messaging(item(message={"mid": "m_1", "text": "Help", "reply_to": {"mid": "m_0"}})))
    assert (event.external_id, event.text, event.private) == ("m_1", "Help", True)
    assert (event.thread_id, event.parent_id, event.author.key) == (f"dm-{PERSON}", "m_0", PERSON)
    assert event.thread_id == FacebookPlatform.capabilities.direct.format(key=event.author.key)
    assert event.occurred_at.microsecond == 250_000


def test_an_echo_is_ours_and_stands_in_the_same_conversation():
    (event,) = read(messaging(echo(mid="m_2", text="We help")))
    assert (event.is_ours, event.author, event.addressed_to) == (True, None, PERSON)
    assert event.thread_id == f"dm-{PERSON}"


def test_the_dashboards_test_message_is_read_too():
    value = item(message={"mid": "test_id", "text": "test_message"}) | {"timestamp": str(SECONDS)}
    (event,) = read(feed(value, field="messages"))
    assert (event.text, event.occurred_at) == ("test_message", AT)


def test_edits_and_deletions_name_the_message():
    edit = item(message_edit={"mid": "m_1", "text": "Helped", "num_edit": 1})
    gone = item(message={"mid": "m_1", "is_deleted": True})
    edited, deleted = read(messaging(edit, gone))
    assert (edited.kind, edited.external_id, edited.text) == (EventKind.EDIT, "m_1", "Helped")
    assert (deleted.kind, deleted.external_id) == (EventKind.DELETE, "m_1")


def test_receipts_name_the_message_or_the_moment():
    named = item(delivery={"mids": ["m_1", "m_2"], "watermark": SECONDS * 1000})
    del named["timestamp"]
    until = item(read={"watermark": SECONDS * 1000})
    first, second, third = read(messaging(named, until))
    assert [each.kind for each in (first, second, third)] == [EventKind.RECEIPT] * 3
    assert (first.parent_id, first.extra, first.occurred_at) == ("m_1", {"state": "delivered"}, AT)
    assert (second.external_id, third.parent_id) == ("delivered:m_2", "")
    assert third.extra == {"state": "read", "until": AT.isoformat()}
    assert third.thread_id == f"dm-{PERSON}"


def test_a_reaction_to_a_message_can_be_taken_back():
    given = item(reaction={"mid": "m_1", "action": "react", "emoji": "❤", "reaction": "love"})
    taken = item(reaction={"mid": "m_1", "action": "unreact"}) | {"timestamp": SECONDS * 1000 + 900}
    first, second = read(messaging(given, taken))
    assert (first.parent_id, first.extra) == ("m_1", {"emoji": "❤"})
    assert second.extra["undo"] == "yes"
    assert first.external_id != second.external_id


def test_a_pressed_button_says_its_words():
    (event,) = read(messaging(item(postback={"mid": "m_9", "title": "Talk to us", "payload": "X"})))
    assert (event.external_id, event.text) == ("m_9", "Talk to us")


def test_files_come_along_and_what_is_no_file_comes_as_words():
    sent = [
        {"type": "image", "payload": {"url": "https://cdn.example/1.jpg"}},
        {"type": "location", "title": "Platform 9", "payload": {"coordinates": {"lat": 38.7, "long": -9.1}}},
        {"type": "fallback", "title": "A page", "url": "https://example.com/a"},
    ]
    (event,) = read(messaging(item(message={"mid": "m_1", "attachments": sent})))
    assert [one.url for one in event.attachments] == ["https://cdn.example/1.jpg"]
    assert event.text == "Platform 9\n38.7, -9.1\nA page\nhttps://example.com/a"


def test_a_message_that_meta_does_not_hand_on_is_not_silent():
    (event,) = read(messaging(item(message={"mid": "m_1", "is_unsupported": True})))
    assert "Look at it in the app" in event.text


def test_what_is_about_the_conversation_itself_is_no_event():
    assert read(messaging(item(optin={"ref": "x"}), item(pass_thread_control={"new_owner_app_id": 1}))) == []


# --- the way out


def test_a_public_answer_goes_below_the_comment():
    platform, graph = page({"id": "55_99"})
    assert platform.send(out()).external_id == "55_99"
    assert graph.paths() == [f"POST /{COMMENT}/comments"]
    assert graph.form() == {"message": "We are sorry"}
    assert graph.asked[0].headers["authorization"] == "Bearer EAAtoken"


def test_a_private_answer_goes_to_the_person_within_the_window():
    platform, graph = page({"recipient_id": PERSON, "message_id": "m_5"})
    assert platform.send(out(private=True, parent="m_1")).external_id == "m_5"
    assert graph.paths() == [f"POST /{PAGE}/messages"]
    assert graph.body() == {
        "recipient": {"id": PERSON}, "messaging_type": "RESPONSE", "message": {"text": "We are sorry"},
    }  # fmt: skip


def test_only_what_a_person_wrote_carries_the_human_agent_tag():
    platform, graph = page({"message_id": "m_5"})
    platform.send_by_person(out(private=True, parent="m_1"))
    assert (graph.body()["messaging_type"], graph.body()["tag"]) == ("MESSAGE_TAG", "HUMAN_AGENT")


@pytest.mark.parametrize(("parent", "to"), [(COMMENT, {"comment_id": COMMENT}), (POST, {"post_id": POST})])
def test_a_private_answer_to_public_words_names_them(parent, to):
    platform, graph = page({"message_id": "m_5"})
    platform.send(out(private=True, parent=parent))
    assert graph.body() == {"recipient": to, "message": {"text": "We are sorry"}}


def test_after_the_window_the_refusal_says_what_is_left():
    platform, _ = page(refusal(10, 2018278))
    with pytest.raises(WindowClosed, match="seven days"):
        platform.send(out(private=True, parent="m_1"))


def test_public_words_in_answer_to_a_private_message_are_refused_here():
    platform, graph = page()
    with pytest.raises(Rejected):
        platform.send(out(parent="m_1"))
    assert graph.asked == []


@pytest.mark.parametrize("answer", [{}, [], httpx.Response(200, text="<html>"), httpx.ReadError("reset")])
def test_where_no_id_comes_back_nobody_knows(answer):
    platform, graph = page(answer)
    with pytest.raises(UnknownOutcome):
        platform.send(out())
    assert len(graph.asked) == 1


def test_what_was_sent_is_found_among_the_answers_to_the_comment():
    theirs = {
        "id": "55_98",
        "message": "We are sorry",
        "from": {"id": PERSON},
        "created_time": "2027-01-15T08:00:00+0000",
    }
    ours = theirs | {"id": "55_99", "message": "We are  sorry ", "from": {"id": PAGE}}
    platform, graph = page({"data": [theirs, ours]})
    sent = platform.find_sent(out())
    assert (sent.external_id, sent.at) == ("55_99", AT)
    assert graph.paths() == [f"GET /{COMMENT}/comments"]


def test_what_did_not_arrive_is_not_found():
    platform, _ = page({"data": []})
    assert platform.find_sent(out()) is None


def test_a_private_message_is_found_in_the_conversation():
    said = {"id": "m_5", "message": "We are sorry", "from": {"id": PAGE}, "created_time": "2027-01-15T08:00:00+0000"}
    platform, graph = page({"data": [{"id": "t_1", "messages": {"data": [said]}}]})
    assert platform.find_sent(out(private=True, parent="m_1")).external_id == "m_5"
    assert graph.asked[0].url.params["user_id"] == PERSON


def test_a_private_message_that_is_not_seen_is_left_to_a_person():
    platform, _ = page({"data": []})
    with pytest.raises(TryLater, match="look there"):
        platform.find_sent(out(private=True, parent="m_1"))


@pytest.mark.parametrize(
    ("kind", "undo", "path"),
    [
        (Measures.LIKE, False, f"POST /{COMMENT}/likes"), (Measures.LIKE, True, f"DELETE /{COMMENT}/likes"),
        (Measures.HIDE, False, f"POST /{COMMENT}"), (Measures.HIDE, True, f"POST /{COMMENT}"),
        (Measures.DELETE, False, f"DELETE /{COMMENT}"), (Measures.MARK_READ, False, f"POST /{PAGE}/messages"),
    ],
)  # fmt: skip
def test_each_measure_has_its_request(kind, undo, path):
    platform, graph = page()
    platform.moderate(Moderation(kind, COMMENT, PERSON, undo=undo))
    assert graph.paths() == [path]
    if kind is Measures.HIDE:
        assert graph.form() == {"is_hidden": "false" if undo else "true"}
    if kind is Measures.MARK_READ:
        assert graph.body() == {"recipient": {"id": PERSON}, "sender_action": "mark_seen"}


def test_what_is_gone_already_is_deleted_and_cannot_be_liked():
    gone = refusal(100, 33)
    page(gone)[0].moderate(Moderation(Measures.DELETE, COMMENT, PERSON))
    with pytest.raises(ParentGone):
        page(gone)[0].moderate(Moderation(Measures.LIKE, COMMENT, PERSON))


def test_a_measure_without_an_answer_is_taken_again_later():
    platform, _ = page(httpx.ReadError("reset"))
    with pytest.raises(TryLater):
        platform.moderate(Moderation(Measures.HIDE, COMMENT, PERSON))


def test_what_facebook_cannot_do_it_is_not_asked():
    platform, graph = page()
    for act in (Moderation(Measures.REPORT, COMMENT, PERSON), Moderation(Measures.DELETE, COMMENT, PERSON, undo=True)):
        with pytest.raises(Rejected):
            platform.moderate(act)
    assert graph.asked == []


def test_an_id_from_outside_stays_one_part_of_the_path():
    platform, graph = page()
    platform.moderate(Moderation(Measures.DELETE, "../me?x=1", PERSON))
    assert graph.asked[0].url.raw_path == b"/v23.0/..%2Fme%3Fx%3D1"


# --- the net below


def found(*numbers):
    rows = [
        {"id": f"55_{n}", "message": f"Comment {n}", "from": {"id": PERSON, "name": "Maria"},
         "created_time": f"2027-01-15T08:{n:02}:00+0000", "parent": {"id": COMMENT}} for n in numbers
    ]  # fmt: skip
    return {"data": [{"id": POST, "comments": {"data": rows}}, {"id": "bare"}]}


def test_the_first_look_takes_nothing_of_the_past():
    platform, _ = page(found(1, 2))
    looked = platform.fetch_since({}, limit=10)
    assert (looked.payloads, looked.more) == ([], False)
    assert looked.cursor["since"]


def test_looks_bring_each_comment_once_and_the_oldest_first():
    platform, _ = page(found(3, 2, 1), found(4, 3, 2, 1), found(4, 3, 2, 1))
    cursor = {"since": "2027-01-15T08:00:30+00:00", "seen": []}
    brought = []
    for _ in range(3):
        looked = platform.fetch_since(cursor, limit=10)
        brought.append([event.external_id for each in looked.payloads for event in platform.parse(each.body)])
        cursor = looked.cursor
    assert brought == [["55_1", "55_2", "55_3"], ["55_4"], []]


def test_a_comment_that_shows_up_late_is_found_by_the_next_look():
    platform, _ = page(found(8), found(8, 5))
    looked = platform.fetch_since({"since": "2027-01-15T08:00:30+00:00", "seen": []}, limit=10)
    late = platform.fetch_since(looked.cursor, limit=10)
    assert [event.external_id for each in late.payloads for event in platform.parse(each.body)] == ["55_5"]
    assert late.cursor["since"] == looked.cursor["since"]


def test_many_within_one_moment_come_page_by_page():
    platform, _ = page(*[found(1, 2, 3)] * 3)
    cursor, brought = {"since": "2027-01-15T08:00:30+00:00", "seen": []}, []
    for more in (True, False, False):
        looked = platform.fetch_since(cursor, limit=2)
        brought += [event.external_id for each in looked.payloads for event in platform.parse(each.body)]
        assert looked.more is more
        cursor = looked.cursor
    assert brought == ["55_1", "55_2", "55_3"]


def test_a_comment_is_the_same_by_webhook_and_by_look():
    platform, _ = page(found(1))
    (payload,) = platform.fetch_since({"since": "2027-01-15T08:00:30+00:00", "seen": []}, limit=1).payloads
    (looked,) = platform.parse(payload.body)
    value = VALUE | {"comment_id": "55_1", "parent_id": COMMENT, "message": "Comment 1", "created_time": SECONDS + 60}
    (told,) = platform.parse(feed(value))
    same = ("kind", "external_id", "text", "parent_id", "thread_id", "occurred_at", "is_ours")
    assert [getattr(looked, name) for name in same] == [getattr(told, name) for name in same]
    assert looked.author.key == told.author.key
    assert payload.origin == f"facebook {PAGE}"
