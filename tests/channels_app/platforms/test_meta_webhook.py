"""Meta's webhook: whose call it is, and one payload for each thing it brings."""

import json

import pytest

from channels_app.platforms.abilities import Access, Called, RawRequest
from channels_app.platforms.errors import BadSignature, Unreadable
from channels_app.platforms.meta.instagram import InstagramPlatform
from channels_app.platforms.meta.page import FacebookPlatform
from channels_app.platforms.meta.webhook import signature
from channels_app.platforms.meta.whatsapp import WhatsAppPlatform

from .meta_calls import INSTAGRAM, PAGE, PHONE, SECONDS, access, call, envelope, feed, messaging, whatsapp

BODY = envelope("page", {"id": PAGE, "time": SECONDS, "messaging": []})


@pytest.fixture
def page():
    return FacebookPlatform(access())


def subscribe(token, mode="subscribe"):
    asked = {"hub.mode": mode, "hub.verify_token": token, "hub.challenge": "1158201444"}
    return RawRequest("GET", asked, {}, b"")


def comment(number, at=SECONDS):
    return {
        "item": "comment", "verb": "add", "comment_id": f"9_{number}", "post_id": f"{PAGE}_9", "parent_id": f"{PAGE}_9",
        "from": {"id": f"7{number}", "name": "Maria Silva"}, "message": f"Comment {number}", "created_time": at,
    }  # fmt: skip


def said(number, at=SECONDS):
    return {"from": f"1650555000{number}", "id": f"wamid.{number}", "timestamp": str(at), "type": "text",
            "text": {"body": f"Message {number}"}}  # fmt: skip


# --- whose call it is


@pytest.mark.parametrize("kind", [FacebookPlatform, InstagramPlatform, WhatsAppPlatform])
def test_all_three_are_called_by_one_webhook(kind):
    assert isinstance(kind(access()), Called)


def test_the_question_with_our_token_is_answered_with_its_challenge(page):
    answer = page.handshake(subscribe("who is this"))
    assert (answer.status, answer.body, answer.type) == (200, "1158201444", "text/plain")


@pytest.mark.parametrize("token", ["", "who is that", "who is thïs"])
def test_the_question_with_another_token_is_not_answered(page, token):
    with pytest.raises(BadSignature):
        page.handshake(subscribe(token))


def test_without_a_token_of_ours_nobody_is_answered():
    with pytest.raises(BadSignature):
        FacebookPlatform(Access()).handshake(subscribe(""))


def test_what_asks_nothing_is_no_handshake(page):
    assert page.handshake(subscribe("who is this", mode="unsubscribe")) is None
    assert page.handshake(call(BODY)) is None


def test_a_right_signature_is_believed(page):
    page.verify(call(BODY))


def test_the_secret_before_holds_while_it_is_being_changed(page):
    page.verify(call(BODY, secret="old"))


def test_the_header_is_made_as_others_make_it():
    """The example GitHub gives for its webhooks, which are signed in the same way."""
    known = "757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"
    assert signature("It's a Secret to Everybody", b"Hello, World!") == f"sha256={known}"


@pytest.mark.parametrize("told", ["", "sha256=", "sha256=" + "0" * 64, "sha1=abc", "sha256=é"])
def test_a_missing_or_wrong_signature_is_refused(page, told):
    with pytest.raises(BadSignature):
        page.verify(call(BODY, signature=told))


def test_the_signature_of_another_secret_is_refused(page):
    with pytest.raises(BadSignature):
        page.verify(call(BODY, secret="theirs"))


def test_the_signature_of_other_bytes_is_refused_even_where_they_say_the_same(page):
    signed = call('{"text": "é"}'.encode())
    with pytest.raises(BadSignature):
        page.verify(RawRequest("POST", {}, signed.headers, rb'{"text": "\u00e9"}'))


def test_without_a_secret_of_ours_nothing_is_believed():
    with pytest.raises(BadSignature):
        FacebookPlatform(Access(secrets={"app_secret": ""})).verify(call(BODY, secret=""))


# --- one payload for each thing


def test_two_entries_of_two_changes_of_two_messages_are_eight_payloads():
    value = {"messaging_product": "whatsapp", "metadata": {"phone_number_id": PHONE}}
    numbers = iter(range(8))
    entries = [
        {
            "id": entry,
            "changes": [
                {"field": "messages", "value": value | {"messages": [said(next(numbers)), said(next(numbers))]}}
                for _ in range(2)
            ],
        }
        for entry in ("one", "two")
    ]
    platform = WhatsAppPlatform(access())
    payloads = platform.split(call(envelope("whatsapp_business_account", *entries)))
    events = [platform.parse(payload.body) for payload in payloads]
    assert [[event.text for event in each] for each in events] == [[f"Message {number}"] for number in range(8)]
    assert {(payload.kind, payload.account) for payload in payloads} == {("whatsapp", PHONE)}


def test_two_entries_of_two_changes_of_a_page_are_four(page):
    entries = [
        {"id": PAGE, "time": SECONDS, "changes": [{"field": "feed", "value": comment(number)} for number in pair]}
        for pair in ((1, 2), (3, 4))
    ]
    payloads = page.split(call(envelope("page", *entries)))
    assert [page.parse(each.body)[0].external_id for each in payloads] == ["9_1", "9_2", "9_3", "9_4"]


def test_two_entries_of_two_messages_are_four_whoever_has_the_conversation_in_hand(page):
    def numbered(number):
        return item(message={"mid": f"m_{number}", "text": "Hello"}) | {"timestamp": SECONDS * 1000 + number}

    entries = [
        {"id": PAGE, "time": 1, "messaging": [numbered(1)], "standby": [numbered(2)]},
        {"id": PAGE, "messaging": [numbered(3), numbered(4)]},
    ]
    payloads = page.split(call(envelope("page", *entries)))
    assert [page.parse(each.body)[0].external_id for each in payloads] == ["m_1", "m_2", "m_3", "m_4"]


def test_what_happened_first_comes_first_whatever_came_first():
    status = {"id": "wamid.9", "status": "sent", "timestamp": str(SECONDS + 1), "recipient_id": "16505550009"}
    body = whatsapp({"statuses": [status]}, {"messages": [said(2, SECONDS + 2), said(0, SECONDS)]})
    platform = WhatsAppPlatform(access())
    events = [event for each in platform.split(call(body)) for event in platform.parse(each.body)]
    assert [event.external_id for event in events] == ["wamid.0", "sent:wamid.9", "wamid.2"]


def test_the_accounts_of_one_app_are_told_apart(page):
    entries = [{"id": PAGE, "time": 1, "messaging": [{}]}, {"id": "another", "time": 1, "messaging": [{}]}]
    found = [(each.kind, each.account) for each in page.split(call(envelope("page", *entries)))]
    assert found == [("facebook", PAGE), ("facebook", "another")]


def test_what_is_for_another_account_is_not_read_as_ours(page):
    for platform, body in [
        (page, feed(comment(1)).replace(PAGE.encode(), b"555")),
        (page, messaging(account=INSTAGRAM, about="instagram")),
        (WhatsAppPlatform(access()), whatsapp({"messages": [said(1)]}, phone="999")),
    ]:
        with pytest.raises(Unreadable):
            platform.parse(body)


def test_a_payload_holds_nobodys_name_but_that_of_who_wrote_it():
    contacts = [{"wa_id": f"1650555000{n}", "profile": {"name": name}} for n, name in enumerate(["Maria", "Jo"])]
    body = whatsapp({"contacts": contacts, "messages": [said(0), said(1)]})
    platform = WhatsAppPlatform(access())
    first, second = platform.split(call(body))
    assert b"Jo" not in first.body
    assert b"Maria" not in second.body
    assert [platform.parse(each.body)[0].author.name for each in (first, second)] == ["Maria", "Jo"]


def test_a_piece_that_is_nothing_known_does_not_hold_up_its_neighbours(page):
    body = envelope("page", "nonsense", 7, {"id": PAGE, "changes": [{"field": "feed", "value": comment(1)}, "odd"]})
    payloads = page.split(call(body))
    assert [page.parse(payload.body)[0].external_id for payload in payloads if not payload.trouble] == ["9_1"]
    assert [payload.trouble != "" for payload in payloads] == [False, True, True]


def test_half_of_an_emoji_is_taken(page):
    body = feed(comment(1) | {"message": "\ud83d broken"})
    (payload,) = page.split(call(body))
    assert page.parse(payload.body)[0].text == "? broken"


@pytest.mark.parametrize("body", [b"", b"\xff", b"[]", b'{"object": "page"}', b'{"entry": 1}', b"[" * 100_000])
def test_what_is_no_call_of_meta_is_unreadable(page, body):
    with pytest.raises(Unreadable):
        page.split(call(body))
    with pytest.raises(Unreadable):
        page.parse(body)


def item(**what):
    return {"sender": {"id": "7"}, "recipient": {"id": PAGE}, "timestamp": SECONDS * 1000} | what


FILE = {"type": "image", "payload": {"url": "https://cdn.example/1.jpg", "coordinates": {"lat": 1, "long": 2}}}
WROTE = {"wa_id": "16505550001", "profile": {"name": "Maria"}}
FAILED = [{"code": 131047, "title": "Re-engagement message"}]
STATUS = {"id": "wamid.9", "status": "failed", "timestamp": str(SECONDS), "recipient_id": "1650", "errors": FAILED}
INSTAGRAM_COMMENT = {"id": "1", "from": {"id": "2", "username": "maria"}, "media": {"id": "3"}, "text": "Hi"}
CALLS = {
    "comment": (FacebookPlatform, feed(comment(1) | {"photos": ["https://cdn.example/1.jpg"]})),
    "reaction": (FacebookPlatform, feed(comment(1) | {"item": "reaction", "reaction_type": "love"})),
    "message": (FacebookPlatform, messaging(item(message={"mid": "m", "text": "t", "attachments": [FILE]}))),
    "edit": (FacebookPlatform, messaging(item(message_edit={"mid": "m", "text": "t"}))),
    "reacted": (FacebookPlatform, messaging(item(reaction={"mid": "m", "action": "react", "emoji": "x"}))),
    "delivered": (FacebookPlatform, messaging(item(delivery={"mids": ["m"], "watermark": SECONDS * 1000}))),
    "read": (FacebookPlatform, messaging(item(read={"watermark": SECONDS * 1000}))),
    "instagram": (
        InstagramPlatform,
        envelope(
            "instagram",
            {"id": INSTAGRAM, "time": SECONDS, "changes": [{"field": "comments", "value": INSTAGRAM_COMMENT}]},
        ),
    ),
    "words": (WhatsAppPlatform, whatsapp({"contacts": [WROTE], "messages": [said(1)]})),
    "receipt": (WhatsAppPlatform, whatsapp({"statuses": [STATUS]})),
}


@pytest.mark.parametrize("name", CALLS)
def test_any_field_may_be_anything(name):
    """Each field of a call in turn is replaced by each kind of nonsense: it is read or refused, nothing else."""
    kind, body = CALLS[name]
    platform, full = kind(access()), json.loads(body)
    assert [event for each in platform.split(call(body)) for event in platform.parse(each.body)]
    for path in list(paths(full)):
        for nonsense in (None, 7, True, "text", [], {}, [[]], [{}], 1e400, "9" * 5000):
            try:
                for payload in platform.split(call(json.dumps(replaced(full, path, nonsense)).encode())):
                    platform.parse(payload.body)
            except Unreadable:
                pass


def paths(value, before=()):
    yield before
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, each in inner:
        yield from paths(each, (*before, key))


def replaced(value, path, new):
    if not path:
        return new
    copy = dict(value) if isinstance(value, dict) else list(value)
    copy[path[0]] = replaced(value[path[0]], path[1:], new)
    return copy
