"""An Instagram account: comments, mentions and messages, and what leaves for it."""

import pytest

from channels_app.platforms.base import EventKind, Measures, Moderation, Outgoing
from channels_app.platforms.errors import Rejected, WindowClosed
from channels_app.platforms.meta.instagram import InstagramPlatform

from .meta_calls import INSTAGRAM, SECONDS, Graph, access, call, envelope, messaging, refusal

PERSON, COMMENT, MEDIA = "9001", "17865", "17999"
VALUE = {"id": COMMENT, "from": {"id": PERSON, "username": "maria"}, "text": "Late again",
         "media": {"id": MEDIA, "media_product_type": "FEED"}}  # fmt: skip


def instagram(*answers):
    graph = Graph(*answers)
    return InstagramPlatform(access(username="skylark"), graph), graph


def comments(value, field="comments"):
    return envelope("instagram", {"id": INSTAGRAM, "time": SECONDS, "changes": [{"field": field, "value": value}]})


def read(body):
    return InstagramPlatform(access()).parse(body)


def out(text="We are sorry", *, private=False, parent=COMMENT):
    return Outgoing("key-1", text, parent, MEDIA, PERSON, private)


def test_a_comment_stands_in_the_thread_of_its_picture():
    (event,) = read(comments(VALUE))
    assert (event.external_id, event.text, event.parent_id, event.thread_id) == (COMMENT, "Late again", MEDIA, MEDIA)
    assert (event.author.key, event.author.handle, event.private) == (PERSON, "maria", False)
    assert event.occurred_at.timestamp() == SECONDS


def test_an_answer_names_the_comment_it_answers():
    (event,) = read(comments(VALUE | {"id": "2", "parent_id": COMMENT}, field="live_comments"))
    assert (event.parent_id, event.thread_id) == (COMMENT, MEDIA)


def test_the_change_may_stand_in_the_entry_itself():
    body = envelope("instagram", {"id": INSTAGRAM, "time": SECONDS, "field": "comments", "value": VALUE})
    (payload,) = InstagramPlatform(access()).split(call(body))
    assert [event.external_id for event in read(payload.body)] == [COMMENT]


@pytest.mark.parametrize("who", [{"id": INSTAGRAM}, {"id": "88", "self_ig_scoped_id": "88"}])
def test_the_accounts_own_comment_is_ours(who):
    (event,) = read(comments(VALUE | {"from": who | {"username": "skylark"}}))
    assert (event.is_ours, event.author) == (True, None)


def test_a_mention_is_heard_though_instagram_does_not_tell_its_words():
    (event,) = read(comments({"media_id": "5", "comment_id": "6"}, field="mentions"))
    assert (event.external_id, event.thread_id, event.author) == ("mention:5:6", "mention:5", None)
    assert "look at it there" in event.text


def test_messages_of_instagram_are_read_as_those_of_messenger():
    story = {"mid": "aWdf", "text": "Nice", "reply_to": {"story": {"id": "33", "url": "https://cdn.example/s.jpg"}}}
    said = {"sender": {"id": PERSON}, "recipient": {"id": INSTAGRAM}, "timestamp": SECONDS * 1000, "message": story}
    unsent = said | {"message": {"mid": "aWdf", "is_deleted": True}}
    seen = {name: said[name] for name in ("sender", "recipient", "timestamp")} | {"read": {"mid": "aWdg"}}
    first, second, third = read(messaging(said, unsent, seen, account=INSTAGRAM, about="instagram"))
    assert (first.text, first.quoted_id, first.thread_id) == ("Nice", "33", f"dm-{PERSON}")
    assert (second.kind, second.external_id) == (EventKind.DELETE, "aWdf")
    assert (third.kind, third.parent_id, third.extra) == (EventKind.RECEIPT, "aWdg", {"state": "read"})


def test_a_public_answer_goes_below_the_comment():
    platform, graph = instagram({"id": "77"})
    assert platform.send(out()).external_id == "77"
    assert graph.paths() == [f"POST /{COMMENT}/replies"]
    assert graph.form() == {"message": "We are sorry"}


@pytest.mark.parametrize(
    ("parent", "named"),
    [("mention:5:6", {"media_id": "5", "comment_id": "6"}), ("mention:5:", {"media_id": "5"})],
)
def test_a_mention_is_answered_where_it_was(parent, named):
    platform, graph = instagram({"id": "77"})
    platform.send(out(parent=parent))
    assert graph.paths() == [f"POST /{INSTAGRAM}/mentions"]
    assert graph.form() == named | {"message": "We are sorry"}


def test_a_comment_can_be_answered_in_private_once():
    platform, graph = instagram({"message_id": "aWdh"}, refusal(100, 2534014))
    assert platform.send(out(private=True)).external_id == "aWdh"
    assert graph.body() == {"recipient": {"comment_id": COMMENT}, "message": {"text": "We are sorry"}}
    with pytest.raises(Rejected, match="once"):
        platform.send(out(private=True))


def test_a_message_is_answered_within_its_window():
    platform, graph = instagram({"message_id": "aWdh"}, refusal(10, 2534022, status=403))
    platform.send(out(private=True, parent="aWdf"))
    assert graph.body()["recipient"] == {"id": PERSON}
    with pytest.raises(WindowClosed):
        platform.send(out(private=True, parent="aWdf"))


def test_private_messages_are_counted_in_bytes_and_public_ones_are_not():
    platform, graph = instagram({"id": "77"}, {"message_id": "aWdh"})
    platform.send(out("é" * 501))
    platform.send(out("é" * 500, private=True))
    with pytest.raises(Rejected, match="1,000 bytes"):
        platform.send(out("é" * 501, private=True))
    assert len(graph.asked) == 2


@pytest.mark.parametrize("by", [{"username": "skylark"}, {"from": {"id": INSTAGRAM}}])
def test_what_was_sent_is_found_among_the_answers(by):
    row = {"id": "77", "text": "We are sorry", "timestamp": "2027-01-15T08:00:00+0000"}
    platform, graph = instagram({"data": [row | {"id": "76", "username": "maria"}, row | by]})
    assert platform.find_sent(out()).external_id == "77"
    assert graph.paths() == [f"GET /{COMMENT}/replies"]


def test_nobody_without_a_name_is_taken_for_us():
    row = {"id": "77", "text": "We are sorry", "timestamp": "2027-01-15T08:00:00+0000"}
    platform = InstagramPlatform(access(), Graph({"data": [row]}))
    assert platform.find_sent(out()) is None


def test_comments_are_hidden_shown_and_deleted():
    platform, graph = instagram()
    platform.moderate(Moderation(Measures.HIDE, COMMENT, PERSON))
    assert graph.form() == {"hide": "true"}
    platform.moderate(Moderation(Measures.HIDE, COMMENT, PERSON, undo=True))
    assert graph.form() == {"hide": "false"}
    platform.moderate(Moderation(Measures.DELETE, COMMENT, PERSON))
    assert graph.paths() == [f"POST /{COMMENT}", f"POST /{COMMENT}", f"DELETE /{COMMENT}"]


def test_comments_cannot_be_liked():
    platform, _ = instagram()
    with pytest.raises(Rejected):
        platform.moderate(Moderation(Measures.LIKE, COMMENT, PERSON))


def test_looks_find_comments_and_the_answers_to_them():
    at = "2027-01-15T08:01:00+0000"
    reply = {"id": "3", "text": "Same here", "from": {"id": "9002"}, "username": "jo", "timestamp": at}
    row = {"id": "2", "text": "Late", "from": {"id": PERSON}, "timestamp": at, "replies": {"data": [reply]}}
    platform, _ = instagram({"data": [{"id": MEDIA, "comments": {"data": [row]}}]})
    looked = platform.fetch_since({"since": "2027-01-15T08:00:00+00:00", "seen": []}, limit=10)
    first, second = [event for each in looked.payloads for event in platform.parse(each.body)]
    assert (first.external_id, first.parent_id, first.thread_id) == ("2", MEDIA, MEDIA)
    assert (second.external_id, second.parent_id, second.author.handle) == ("3", "2", "jo")
    assert looked.payloads[0].origin == f"instagram {INSTAGRAM}"
