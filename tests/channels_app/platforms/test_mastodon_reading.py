"""What Mastodon's JSON says to Hark."""

import json
from datetime import UTC, datetime

import pytest

from channels_app.platforms.base import EventKind
from channels_app.platforms.errors import Unreadable
from channels_app.platforms.mastodon.reading import Us, events
from tests.channels_app.platforms.fake_mastodon import BRAND, MARIA, SETTINGS, notification, post

US = Us.at(SETTINGS)


def read(raw, us=US):
    return events(json.dumps(raw).encode(), us)


def one(raw, us=US):
    [event] = read(raw, us)
    return event


def test_a_mention_is_a_message_of_its_author():
    event = one(notification(7, status=post(7, "<b>Where</b> is my bag?", in_reply_to_id="s3")))
    assert (event.kind, event.external_id, event.parent_id) == (EventKind.MESSAGE, "s7", "s3")
    assert (event.text, event.language, event.is_ours, event.private) == ("Where is my bag?", "en", False, False)
    assert event.occurred_at == datetime(2026, 11, 22, 10, 0, 7, tzinfo=UTC)
    assert event.url == "https://far.example/@Maria/7"
    assert (event.author.key, event.author.handle, event.author.reach) == (
        "maria@far.example",
        "Maria@far.example",
        120,
    )


def test_a_notification_and_the_post_itself_are_the_same_event():
    assert read(notification(7)) == read(post(7))


def test_who_is_at_our_server_has_its_name_in_their_key_too():
    local = MARIA | {"acct": "Maria"}
    assert one(post(1, by=local)).author.key == "maria@social.example"


def test_what_was_changed_is_an_edit():
    assert one(post(1, edited_at="2026-11-22T11:00:00.000Z")).kind is EventKind.EDIT


@pytest.mark.parametrize(
    ("seen_by", "private"),
    [("public", False), ("unlisted", False), ("private", True), ("direct", True), ("new-kind", True), (None, True)],
)
def test_what_is_not_for_all_is_private(seen_by, private):
    event = one(post(1, visibility=seen_by))
    assert event.private is private
    assert event.thread_id == ("dm-maria@far.example" if private else "")


def test_our_own_post_is_ours_and_says_whom_it_answers():
    mentions = [{"id": "9", "acct": "else@far.example"}, {"id": "2", "acct": "Maria@far.example"}]
    event = one(post(1, by=BRAND, mentions=mentions, in_reply_to_account_id="2", visibility="direct"))
    assert (event.is_ours, event.author, event.addressed_to) == (True, None, "maria@far.example")
    assert event.thread_id == "dm-maria@far.example"


def test_where_ids_of_who_is_named_mean_nothing_the_first_name_counts():
    """snac only counts them."""
    mentions = [{"id": "5", "acct": "brand"}, {"id": "6", "acct": "maria@far.example"}]
    event = one(post(1, by=BRAND, mentions=mentions, in_reply_to_account_id="a1b2"))
    assert event.addressed_to == "maria@far.example"


def test_we_are_known_by_our_name_where_the_id_is_not_known():
    us = Us.at({"server": "http://127.0.0.1:8101", "handle": "brand@127.0.0.1:8101"})
    assert one(post(1, by={"id": "x", "acct": "Brand@127.0.0.1:8101"}), us).is_ours
    assert not one(post(1, by={"id": "x", "acct": "brand@far.example"}), us).is_ours


def test_a_like_is_a_reaction_to_our_post():
    event = one(notification(5, "favourite", status=post(3, by=BRAND), account=MARIA))
    assert (event.kind, event.parent_id, event.external_id) == (EventKind.REACTION, "s3", "favourite-n5")
    assert event.author.key == "maria@far.example"


@pytest.mark.parametrize("kind", ["follow", "reblog", "poll", "update", "admin.sign_up", "tomorrow's"])
def test_other_notifications_say_nothing(kind):
    assert read(notification(1, kind)) == []
    assert read({"id": "n1", "type": kind, "account": MARIA}) == []


@pytest.mark.parametrize(
    "raw", [post(1, "", content=""), post(1, reblog=post(2)), notification(1, status=None) | {"status": None}]
)
def test_an_empty_shell_and_a_boost_are_no_message(raw):
    assert read(raw) == []


def test_a_picture_without_words_is_a_message():
    file = {"type": "image", "url": "https://files.example/a%20b/bag.png?x=1", "description": "A torn bag"}
    event = one(post(1, content="", media_attachments=[file]))
    [picture] = event.attachments
    assert (picture.name, picture.type, picture.alt) == ("bag.png", "image/png", "A torn bag")


def test_the_address_of_a_file_is_a_web_address_or_none():
    files = [
        {"url": "javascript:alert(1)", "remote_url": "https://far.example/x.jpg"},
        {"url": "data:x", "remote_url": None},
    ]
    assert [file.url for file in one(post(1, media_attachments=files)).attachments] == ["https://far.example/x.jpg", ""]


def test_the_warning_above_a_post_and_its_poll_are_read_too():
    poll = {"options": [{"title": "Yes"}, {"title": "No"}]}
    assert one(post(1, "Late again?", spoiler_text="rant", poll=poll)).text == "rant\n\nLate again?\n\n○ Yes\n○ No"


def test_what_a_post_quotes_is_named():
    assert one(post(1, quote={"state": "accepted", "quoted_status": {"id": "s9"}})).quoted_id == "s9"
    assert one(post(1, quote={"state": "accepted", "quoted_status_id": "s9"})).quoted_id == "s9"
    assert one(post(1, quote={"state": "pending", "quoted_status": None})).quoted_id == ""


def test_a_deletion_names_the_post():
    event = one({"event": "delete", "payload": "s4", "at": "2026-11-22T10:00:00+00:00"})
    assert (event.kind, event.external_id) == (EventKind.DELETE, "s4")


def test_the_links_of_a_profile_are_addresses():
    values = ['<a href="https://maria.example/"><span class="invisible">https://</span>maria.example</a>', "Berlin",
              '<a href="javascript:x">x</a>']  # fmt: skip
    account = MARIA | {"fields": [{"name": "n", "value": value} for value in values], "display_name": "Ma\u202eria"}
    author = one(post(1, by=account)).author
    assert author.links == ("https://maria.example/",)
    assert author.name == "Maria"


def test_what_snac_makes_up_is_not_believed():
    us = Us.at(SETTINGS | {"version": "4.0.0 (not true; really snac/2.75)"})
    event = one(post(1), us)
    assert (event.language, event.author.reach) == ("", None)


def test_snac_gives_a_post_another_id_after_each_edit_and_it_stays_the_same_post():
    us = Us.at(SETTINGS | {"version": "4.0.0 (not true; really snac/2.75)"})
    named = "f77854b3ac61e5dd432f4aa3c7562df0"
    first, edited = one(post(1, id=f"1795386945{named}"), us), one(post(1, id=f"1795386954{named}"), us)
    answer = one(post(2, in_reply_to_id=f"1795386954{named}"), us)
    assert first.external_id == edited.external_id == answer.parent_id == f"0000000000{named}"
    assert one(post(1, id=f"1795386945{named}")).external_id == f"1795386945{named}"  # elsewhere an id is an id


def test_ids_are_text_however_they_look():
    assert one(post(1, id=109440153075398503)).external_id == "109440153075398503"
    assert one(post(1, id="1732269600.0")).external_id == "1732269600.0"


@pytest.mark.parametrize(
    "raw",
    [
        "words", [1], {}, {"event": "delete"}, notification(1, "favourite") | {"account": []},
        post(1, id=None), post(1, created_at="soon"), post(1, created_at="2026-11-22T10:00:00"), post(1, poll=[1]),
        post(1, account=None), post(1, account={"id": "2"}), post(1, media_attachments=["x"]),
        post(1, mentions=[1], account=BRAND),
    ],
)  # fmt: skip
def test_what_is_torn_is_unreadable_and_says_so(raw):
    with pytest.raises(Unreadable) as caught:
        read(raw)
    assert str(caught.value).endswith(".")


@pytest.mark.parametrize("body", [b"", b"{", b"\xff\xfe", b"[" * 100_000])
def test_what_is_no_json_is_unreadable(body):
    with pytest.raises(Unreadable):
        events(body, US)


def test_hostile_words_are_only_words():
    event = one(post(1, '<script>x</script><svg onload=x></svg><img src=x onerror=y alt="a"> \u202eabc 🎉 مرحبا'))
    assert event.text == "a \u202eabc 🎉 مرحبا"
