"""Bring your own channel: what others may tell us, who may, and what becomes of an answer on its way to them."""

from __future__ import annotations

import json
import re
import subprocess
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path

import pytest
import standardwebhooks
from hypothesis import given
from hypothesis import strategies as st

from channels_app.platforms import archive, generic
from channels_app.platforms.abilities import Access, Called, Checked, RawRequest, Renews
from channels_app.platforms.base import Carried, EventKind, Idempotency, Measures, Moderation, Outgoing
from channels_app.platforms.errors import (
    AccessRevoked,
    BadSignature,
    Forbidden,
    ParentGone,
    PlatformError,
    RateLimited,
    Rejected,
    TryLater,
    UnknownOutcome,
    Unreadable,
    WindowClosed,
)
from channels_app.platforms.generic import GenericPlatform, answers, proof, reading
from crm.webhooks import signing
from tests.crm.servers import says, serving

SECRET, OTHER = signing.new_secret(), signing.new_secret()
DOCS = (Path(__file__).parents[3] / "docs" / "own-channel.md").read_text()
AT = "2026-11-20T10:00:00Z"
MARIA = {"id": "u-17", "handle": "maria", "name": "Maria Kent"}


@pytest.fixture(autouse=True)
def _at_home(settings):
    settings.ALLOW_LOOPBACK = True


def own(url="", name="Skylark chat", **held):
    return GenericPlatform(Access({"url": url, "name": name}, {"secret": SECRET, **held}))


def event(type="message", at=AT, **data):
    given = {"id": "m-1", "author": MARIA, "text": "My bag is lost.", **data}
    return {"type": type, "timestamp": at, "data": {key: value for key, value in given.items() if value is not ...}}


def body(what) -> bytes:
    return json.dumps(what, ensure_ascii=False).encode()


def only(what):
    (found,) = own().parse(body(what))
    return found


def call(said: bytes, secret=SECRET, key="call-1", seconds=0, **headers):
    """A call as Standard Webhooks' own library signs it; of a header None leaves it out."""
    at = datetime.now(UTC) + timedelta(seconds=seconds)
    signed = {
        "webhook-id": key, "webhook-timestamp": str(int(at.timestamp())),
        "webhook-signature": standardwebhooks.Webhook(secret).sign(key, at, said.decode()),
    } | {f"webhook-{name}": value for name, value in headers.items()}  # fmt: skip
    return RawRequest("POST", {}, {name: value for name, value in signed.items() if value is not None}, said)


def test_it_has_what_an_account_that_calls_us_has():
    platform = own()
    assert isinstance(platform, Called)
    assert isinstance(platform, Checked)
    assert not isinstance(platform, Renews)
    can = platform.capabilities
    assert (can.idempotency, can.poll, can.webhook, can.can_reply) == (Idempotency.NATIVE, False, True, True)
    assert platform.handshake(call(b"{}")) is None
    assert platform.fetch_since({"x": 1}, limit=5).cursor == {"x": 1}


# --- what was said


def test_a_message_is_read_with_all_it_has():
    said = only(
        event(
            conversation="c-5", in_reply_to="m-0", quotes="q-1", private=True, language="en", url="https://x.example/1",
            author={**MARIA, "url": "https://x.example/maria", "followers": 12, "city": "Leeds",
                    "links": ["https://maria.example", "javascript:alert(1)", 7]},
            files=[{"url": "https://x.example/a.png", "name": "a.png", "type": "image/png", "alt": "A bag",
                    "expires_at": "2026-11-21T10:00:00+01:00"}],
        )
    )  # fmt: skip
    assert (said.kind, said.external_id, said.text, said.private) == (EventKind.MESSAGE, "m-1", "My bag is lost.", True)
    assert said.occurred_at == datetime(2026, 11, 20, 10, tzinfo=UTC)
    assert (said.thread_id, said.parent_id, said.quoted_id, said.language) == ("c-5", "m-0", "q-1", "en")
    who = said.author
    assert (who.key, who.handle, who.name, who.reach, who.location) == ("u-17", "maria", "Maria Kent", 12, "Leeds")
    assert who.links == ("https://maria.example",)
    (file,) = said.attachments
    assert (file.url, file.alt, file.expires_at.astimezone(UTC).hour) == ("https://x.example/a.png", "A bag", 9)


def test_an_author_may_be_a_customer_of_another_system():
    who = only(event(author={"id": 1001, "kind": "external", "place": "shop"})).author
    assert (who.kind, who.place, who.key) == ("external", "shop", "1001")


def test_numbers_as_ids_are_text_and_two_ids_stay_two():
    assert only(event(id=9007199254740993)).external_id == "9007199254740993"
    assert only(event(id="1.0")).external_id == "1.0"


def test_what_one_of_us_wrote_there_is_ours_and_has_no_author():
    said = only(event(ours=True, author=..., to="u-17", key="k-1"))
    assert (said.is_ours, said.author, said.addressed_to, said.extra) == (True, None, "u-17", {"key": "k-1"})


def test_an_edit_a_deletion_a_receipt_and_a_reaction():
    edited, gone = (
        only(event("edit", text="Found it.")),
        only({"type": "delete", "timestamp": AT, "data": {"id": "m-1"}}),
    )
    assert (edited.kind, edited.external_id, edited.text) == (EventKind.EDIT, "m-1", "Found it.")
    assert (gone.kind, gone.external_id, gone.author) == (EventKind.DELETE, "m-1", None)
    receipt = only({"type": "receipt", "timestamp": AT, "data": {"id": "r-1", "state": "read"}})
    assert (receipt.kind, receipt.parent_id, receipt.extra) == (EventKind.RECEIPT, "r-1", {"state": "read"})
    assert receipt.external_id == "read:r-1"
    liked = only(event("reaction", message="r-1", emoji="👍"))
    assert (liked.kind, liked.parent_id, liked.author.key, liked.extra) == (
        EventKind.REACTION, "r-1", "u-17", {"emoji": "👍"},
    )  # fmt: skip
    assert only(event("reaction", message="r-1", undo=True)).extra["undo"]


def test_an_edit_may_take_all_words_away():
    assert only(event("edit", text="")).text == ""


@pytest.mark.parametrize("text", ["👩‍👩‍👧 𝒽𝒾", "مرحبا", "<script>alert(1)</script>", "a\u202eb\u200b", "x" * 99_999])
def test_text_is_kept_as_it_was_said(text):
    assert only(event(text=text)).text == text


def test_what_a_database_cannot_hold_is_left_out():
    assert only(event(text="a\x00b")).text == "ab"
    said = own().parse(
        b'{"type":"message","timestamp":"%s","data":{"id":"1","author":{"id":"u"},"text":"a\\ud800b"}}' % AT.encode()
    )
    assert said[0].text == "a?b"
    assert len(only(event(text="x" * 200_000)).text) == 100_001


def test_a_script_is_not_an_address():
    said = only(event(url="javascript:alert(1)", author={**MARIA, "url": "data:text/html,x"}))
    assert (said.url, said.author.profile_url) == ("", "")


WRONG = [
    (b"", "This is not JSON."),
    (b"\xff{}", "This is not UTF-8 (byte 0)."),
    (b"[" * 100_000, "This is JSON in too many brackets."),
    (b"[]", "This is JSON, but not an event."),
    (body({"type": "like"}), "“type” is none of message, edit, delete, receipt, reaction, ping."),
    (body({"type": ["message"]}), "“type” is none of message, edit, delete, receipt, reaction, ping."),
    (body({"type": "message", "timestamp": AT}), "“data” is missing, or not an object."),
    (body(event(id=...)), "“id” is missing."),
    (body(event(id=True)), "“id” is not text."),
    (body(event(id=1.5)), "“id” is not text."),
    (body(event(id="x" * 256)), "“id” is longer than 255 characters."),
    (body(event(author=...)), "“author” is missing, or not an object."),
    (body(event(author={"id": "u", "kind": "boss"})), "The author’s “kind” is none of handle, email, phone, external."),
    (body(event(text=...)), "The message has neither text nor files."),
    (body(event(text=["a"])), "“text” is not text."),
    (body(event("edit", text=...)), "The edit does not say what the text is now."),
    (body(event(private="yes")), "“private” is neither true nor false."),
    (body(event(files={"url": "x"})), "“files” is not a list."),
    (body(event(files=["x"])), "One of “files” is not an object."),
    (body(event(files=[{}])), "“url” is missing."),
    (body(event("receipt", state="lost")), "“state” is none of sent, delivered, read, failed."),
    (body(event("reaction")), "“message” is missing."),
    (body(event(at="yesterday")), "“timestamp” is not a time such as 2026-11-20T10:00:00Z."),
    (body(event(at=1795000000)), "“timestamp” is not a time such as 2026-11-20T10:00:00Z."),
    (body(event(at="2026-11-20T10:00:00")), "“timestamp” does not say in which zone it is."),
    (body(event(at="0001-01-01T00:00:00Z")), "“timestamp” is not a time a message can have."),
]


@pytest.mark.parametrize(("said", "sentence"), WRONG, ids=[sentence for _, sentence in WRONG])
def test_what_cannot_be_read_is_refused_with_a_sentence(said, sentence):
    with pytest.raises(Unreadable) as told:
        own().parse(said)
    assert str(told.value) == sentence


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
FIELDS = [
    "id",
    "author",
    "text",
    "files",
    "state",
    "message",
    "undo",
    "private",
    "ours",
    "to",
    "url",
    "key",
    "language",
]


@given(
    st.sampled_from([*reading.READERS, "ping", "else"]),
    st.just(AT) | JSON,
    JSON | st.dictionaries(st.sampled_from(FIELDS), JSON | st.just(MARIA) | st.just("m-1"), max_size=8),
)
def test_whatever_comes_is_read_or_refused(kind, at, data):
    said = json.dumps({"type": kind, "timestamp": at, "data": data}).encode()
    try:
        found = own().parse(said)
    except Unreadable:
        return
    assert all(each.external_id and each.occurred_at.tzinfo for each in found)


# --- several at once


def batch():
    """Four events of two people, in no order."""
    return [
        event("edit", at="2026-11-20T10:00:03Z", text="My red bag is lost."),
        event(at="2026-11-20T10:00:02Z"),
        event(at="2026-11-20T10:00:02Z", id="m-2", author={"id": "u-18"}),
        event(at="2026-11-20T11:00:01+01:00", id="m-0"),
    ]


def test_each_of_several_events_is_a_payload_of_its_own_the_oldest_first():
    payloads = own().split(call(body({"events": batch()})))
    assert [only(json.loads(each.body)).external_id for each in payloads] == ["m-0", "m-1", "m-2", "m-1"]
    assert {each.origin for each in payloads} == {"webhook call-1"}
    together = own().parse(body({"events": batch()}))
    assert [each.external_id for each in together] == ["m-0", "m-1", "m-2", "m-1"]


def test_one_event_is_kept_as_it_came():
    said = (
        b'{ "type":"message","timestamp":"2026-11-20T10:00:00Z",\n"data":{"id":1,"author":{"id":2},"text":"\\u00e9"}}'
    )
    assert [each.body for each in own().split(call(said))] == [said]


def test_one_that_cannot_be_read_does_not_hold_up_the_others():
    payloads = own().split(call(body({"events": [event(), "nonsense", event(id="m-2"), {"type": "?"}]})))
    assert len(payloads) == 4
    assert not any(each.trouble for each in payloads)
    for each in (payloads[1], payloads[3]):
        with pytest.raises(Unreadable):
            own().parse(each.body)


def test_a_ping_and_an_empty_list_leave_no_trace():
    for said in ({"type": "ping"}, {"events": []}, {"events": [{"type": "ping"}]}):
        assert own().split(call(body(said))) == []


@pytest.mark.parametrize("said", [b"hello", b"[" * 5000])
def test_what_is_no_json_is_kept_whole_with_the_reason(said):
    (kept,) = own().split(call(said))
    assert kept.body == said
    assert kept.trouble.startswith("This is")


def test_half_a_sign_does_not_break_a_batch():
    said = b'{"events":[{"type":"message","timestamp":"%s","data":{"id":"1","author":{"id":"u"},"text":"a\\ud800"}}]}'
    (kept,) = own().split(call(said % AT.encode()))
    assert own().parse(kept.body)[0].text == "a?"


# --- who may call


def test_a_call_signed_with_our_secret_is_theirs():
    own().verify(call(body(event(text="Ü 👍"))))


def test_several_signatures_may_come_and_one_has_to_fit():
    said = body(event())
    right = call(said).headers["webhook-signature"]
    own().verify(call(said, signature=f"v1a,xyz v2,{right[3:]} v1, nonsense {right}"))


def forged():
    said = body(event())
    right = call(said).headers["webhook-signature"]
    changed = said.replace(b"lost", b"gone")
    return {
        "another secret": call(said, OTHER),
        "other bytes": RawRequest("POST", {}, call(said).headers, changed),
        "a space more": RawRequest("POST", {}, call(said).headers, said + b" "),
        "another id": call(said, id="call-2"),
        "another time": call(said, timestamp=str(int(datetime.now(UTC).timestamp()) + 1)),
        "no signature": call(said, signature=None),
        "an empty signature": call(said, signature=""),
        "no id": call(said, id=None),
        "no time": call(said, timestamp=None),
        "a time that is none": call(said, timestamp="now"),
        "a time with a point": call(said, timestamp="1795000000.5"),
        "digits of another script": call(said, timestamp="١٢٣"),
        "a time without end": call(said, timestamp="9" * 400),
        "another version": call(said, signature=f"v2,{right[3:]}"),
        "half a signature": call(said, signature=right[:-4]),
        "only the version": call(said, signature="v1,"),
        "not of this world": call(said, signature="v1,é\udcff"),
        "too old": call(said, seconds=-301),
        "too new": call(said, seconds=302),
    }


@pytest.mark.parametrize("how", forged())
def test_any_other_call_is_refused(how):
    with pytest.raises(BadSignature) as told:
        own().verify(forged()[how])
    assert SECRET not in str(told.value)
    assert "Maria" not in str(told.value)


@pytest.mark.parametrize("seconds", [-290, 290])
def test_a_clock_may_be_off_by_some_minutes(seconds):
    own().verify(call(body(event()), seconds=seconds))


@pytest.mark.parametrize("secret", ["", "whsec_", "!", "whsec_!!!"])
def test_without_a_secret_nobody_may_call(secret):
    """Not even who signs with the empty key."""
    bare = GenericPlatform(Access({}, {"secret": secret, "before": secret, "until": "2999-01-01T00:00:00+00:00"}))
    request = call(body(event()))
    said = f"{request.headers['webhook-id']}.{request.headers['webhook-timestamp']}.".encode() + request.body
    empty = proof._signature("", said).decode()
    with pytest.raises(BadSignature):
        bare.verify(call(body(event()), signature=empty))


def test_bytes_that_are_no_text_can_be_signed_and_are_kept():
    said, headers = b"\xff\xfe", call(b"x").headers
    signature = proof._signature(SECRET, f"call-1.{headers['webhook-timestamp']}.".encode() + said).decode()
    request = RawRequest("POST", {}, {**headers, "webhook-signature": signature}, said)
    own().verify(request)
    assert own().split(request)[0].trouble == "This is not UTF-8 (byte 0)."


def test_a_new_secret_holds_at_once_and_the_old_one_for_a_day():
    now = datetime(2026, 11, 20, 10, tzinfo=UTC)
    renewed = proof.with_new_secret(own().access, now=now)
    assert renewed.secrets["secret"] != SECRET
    assert renewed.settings == own().access.settings
    assert proof.in_force(renewed, now) == [renewed.secrets["secret"], SECRET]
    assert proof.in_force(renewed, now + timedelta(hours=24)) == [renewed.secrets["secret"]]
    assert SECRET not in repr(renewed)


def test_both_secrets_are_taken_meanwhile_and_the_old_one_not_for_longer():
    said, now = body(event()), datetime.now(UTC)
    changing = GenericPlatform(proof.with_new_secret(own().access, now=now))
    changing.verify(call(said))
    changing.verify(call(said, changing.access.secrets["secret"]))
    changed = GenericPlatform(proof.with_new_secret(own().access, now=now - timedelta(days=1)))
    changed.verify(call(said, changed.access.secrets["secret"]))
    with pytest.raises(BadSignature):
        changed.verify(call(said))


def test_the_first_secret_follows_nobody():
    first = proof.with_new_secret(Access({"url": "https://x.example"}), now=datetime.now(UTC))
    assert set(first.secrets) == {"secret"}


def test_what_we_send_cannot_be_played_back_to_us():
    with serving(says(200, b"{}")) as server:
        ours = own(server.url)
        ours.send(reply())
        ours.check()
        for measure in (Measures.HIDE, Measures.DELETE):
            ours.moderate(Moderation(measure, "m-1", "u-17"))
        sent = [said for _, _, said in server.heard]
    assert len(sent) == 4
    for said in sent:
        with pytest.raises(Unreadable, match="“type” is none of"):
            ours.parse(said)


# --- an answer on its way


def reply(**fields):
    said = {"key": "7c1e8a52-1", "text": "We have found it. 👍", "parent_id": "m-1", "thread_id": "c-5"}
    return Outgoing(**{**said, "recipient": "u-17", "private": True, **fields})


def test_an_answer_arrives_signed_under_its_key():
    with serving(says(200, b'{"id": "r-9", "at": "2026-11-20T10:05:00Z"}')) as server:
        sent = own(server.url).send(reply(files=[Carried("a.txt", "text/plain", lambda: b"abc", "A list")]))
    assert (sent.external_id, sent.at) == ("r-9", datetime(2026, 11, 20, 10, 5, tzinfo=UTC))
    ((_path, headers, said),) = server.heard
    assert headers["webhook-id"] == "7c1e8a52-1"
    told = standardwebhooks.Webhook(SECRET).verify(said, headers)
    assert told["type"] == "reply"
    assert told["data"] == {
        "key": "7c1e8a52-1", "text": "We have found it. 👍", "in_reply_to": "m-1", "conversation": "c-5", "to": "u-17",
        "private": True, "files": [{"name": "a.txt", "type": "text/plain", "alt": "A list", "body": "YWJj"}],
    }  # fmt: skip


def test_while_a_secret_changes_both_sign():
    changing = proof.with_new_secret(own().access, now=datetime.now(UTC))
    with serving(says(200, b"{}")) as server:
        GenericPlatform(Access({"url": server.url}, changing.secrets)).send(reply())
    ((_path, headers, said),) = server.heard
    for secret in (SECRET, changing.secrets["secret"]):
        standardwebhooks.Webhook(secret).verify(said, headers)
    with pytest.raises(standardwebhooks.WebhookVerificationError):
        standardwebhooks.Webhook(OTHER).verify(said, headers)


def test_the_same_key_again_is_the_same_answer():
    """Their side takes it and its answer is lost; the second time it says which one that is."""
    posted, numbers = {}, count(1)

    def chat(handler):
        _path, headers, _body = handler.server.heard[-1]
        known = headers["webhook-id"] in posted
        number = posted.setdefault(headers["webhook-id"], f"r-{next(numbers)}")
        says(200 if known else 502, json.dumps({"id": number}).encode())(handler)

    with serving(chat) as server:
        with pytest.raises(UnknownOutcome):
            own(server.url).send(reply())
        assert own(server.url).send(reply()).external_id == "r-1"
        assert own(server.url).send(reply()).external_id == "r-1"
    assert posted == {"7c1e8a52-1": "r-1"}


@pytest.mark.parametrize(
    "said",
    [b"", b"ok", b"[]", b"{}", b'{"id": ""}', b'{"id": true}', b'{"id": {}}', b"\xff", b'{"id": "%s"}' % (b"x" * 256)],
)
def test_who_gives_it_no_id_calls_it_by_its_key(said):
    with serving(says(200, said)) as server:
        assert own(server.url).send(reply()).external_id == "7c1e8a52-1"


@pytest.mark.parametrize(
    "said", [b'{"id": 7, "at": "then"}', b'{"id": 7, "at": "2026-11-20T10:00:00"}', b'{"id": 7, "at": 5}']
)
def test_without_a_time_that_can_be_read_it_was_now(said):
    before = datetime.now(UTC)
    with serving(says(201, said)) as server:
        sent = own(server.url).send(reply())
    assert sent.external_id == "7"
    assert before <= sent.at <= datetime.now(UTC)


def test_who_has_it_already_may_say_so():
    with serving(says(409, b'{"id": "r-1"}')) as server:
        assert own(server.url).send(reply()).external_id == "r-1"


@pytest.mark.parametrize(
    ("status", "said", "kind", "sentence"),
    [
        (400, b"", Rejected, "Skylark chat refused it (status 400)."),
        (422, b'{"error": "too-long"}', Rejected, "Skylark chat finds it too long."),
        (422, b'{"error": "gone"}', ParentGone, "what was to be answered is not there"),
        (403, b'{"error": "blocked"}', Forbidden, "do not want to hear from us"),
        (422, b'{"error": "window-closed"}', WindowClosed, "too late to answer there"),
        (422, b'{"error": "Maria Kent has left"}', Rejected, "Skylark chat refused it (status 422)."),
        (422, b'{"error": {}}', Rejected, "Skylark chat refused it (status 422)."),
        (403, b"", Forbidden, "does not let us do this"),
        (410, b"", ParentGone, "has no such thing any more"),
        (401, b"", AccessRevoked, "does not accept our signature"),
        (404, b"", TryLater, "Nothing takes what we send"),
        (302, b"", TryLater, "Hark follows none"),
        (429, b'{"error": "gone"}', RateLimited, "asked too often"),
        (503, b"", TryLater, "is busy"),
        (500, b'{"error": "gone"}', UnknownOutcome, "stumbled over it"),
    ],
)  # fmt: skip
def test_each_answer_means_one_thing(status, said, kind, sentence):
    with serving(says(status, said)) as server, pytest.raises(PlatformError) as told:
        own(server.url).send(reply())
    assert type(told.value) is kind
    assert sentence in str(told.value)
    assert "Maria" not in str(told.value)
    assert len(server.heard) == 1


def test_who_is_busy_says_until_when():
    with serving(says(429, b"", **{"retry-after": "77", "x-odd": "é"})) as server, pytest.raises(RateLimited) as told:
        own(server.url).send(reply())
    assert told.value.after == 77


def test_a_line_that_breaks_after_it_was_written_leaves_it_unknown():
    with serving(lambda handler: handler.connection.close()) as server, pytest.raises(UnknownOutcome):
        own(server.url).send(reply())
    assert len(server.heard) == 1


def test_where_nobody_listens_nothing_was_sent():
    with serving() as server:
        pass
    with pytest.raises(TryLater):
        own(server.url).send(reply())


@pytest.mark.parametrize(
    "url", ["https://10.0.0.1/hook", "https://169.254.169.254/", "http://93.184.215.14/", "javascript:alert(1)"]
)
def test_nothing_leaves_for_an_address_inside(url):
    with pytest.raises(Rejected):
        own(url).send(reply())


def test_who_only_listens_cannot_answer():
    with pytest.raises(Rejected, match="only listens"):
        own("").send(reply())
    assert own("").check().handle == "Skylark chat"


def test_without_a_secret_nothing_is_sent():
    with serving() as server, pytest.raises(AccessRevoked):
        GenericPlatform(Access({"url": server.url})).send(reply())
    assert server.heard == []


# --- measures, and whether it is there


def test_hiding_is_asked_and_may_be_taken_back():
    with serving(says(204, b"")) as server:
        for undo in (False, True):
            own(server.url).moderate(Moderation(Measures.HIDE, "m-1", "u-17", undo=undo))
    told = [json.loads(said)["data"] for _, _, said in server.heard]
    assert told == [{"measure": "hide", "id": "m-1", "undo": False}, {"measure": "hide", "id": "m-1", "undo": True}]
    assert len({headers["webhook-id"] for _, headers, _ in server.heard}) == 2


def test_what_is_gone_is_deleted_but_not_hidden():
    with serving(says(410, b"")) as server:
        own(server.url).moderate(Moderation(Measures.DELETE, "r-1", ""))
        with pytest.raises(ParentGone):
            own(server.url).moderate(Moderation(Measures.HIDE, "m-1", "u-17"))


def test_a_measure_whose_answer_was_lost_is_tried_again():
    with serving(says(500, b"")) as server, pytest.raises(TryLater):
        own(server.url).moderate(Moderation(Measures.HIDE, "m-1", "u-17"))


def test_what_it_is_not_asked_for_it_does_not_hear_of():
    with serving() as server:
        for kind in (Measures.LIKE, Measures.BLOCK, Measures.REPORT, Measures.MARK_READ):
            with pytest.raises(Rejected):
                own(server.url).moderate(Moderation(kind, "m-1", "u-17"))
    assert server.heard == []


def test_a_check_says_who_is_there():
    with serving(says(200, b'{"name": "Skylark chat, Leeds"}')) as server:
        assert own(server.url).check().handle == "Skylark chat, Leeds"
    with serving(says(200, b'{"name": 5}')) as server:
        assert own(server.url).check().handle == "Skylark chat"


@pytest.mark.parametrize(("status", "kind"), [(401, AccessRevoked), (400, TryLater), (500, TryLater), (404, TryLater)])
def test_a_check_that_fails_says_what_is_wrong(status, kind):
    with serving(says(status, b"")) as server, pytest.raises(TryLater) as told:
        own(server.url).check()
    assert type(told.value) is kind
    assert str(status) in str(told.value) or kind is AccessRevoked


def test_no_secret_is_shown():
    assert SECRET not in repr(own("https://x.example").access)


# --- what the page says


def blocks(language):
    return re.findall(rf"```{language}\n(.*?)```", DOCS, re.DOTALL)


def test_the_page_shows_events_as_they_are_read_and_sent():
    heard, sent = (json.loads(block) for block in blocks("json"))
    assert only(heard).external_id == "m-1001"
    with serving(says(200, b"{}")) as server:
        own(server.url).send(reply())
    assert set(json.loads(server.heard[0][2])["data"]) == set(sent["data"])
    assert set(json.loads(server.heard[0][2])) == set(sent)


def test_the_page_names_the_limits():
    can = GenericPlatform.capabilities
    for said in (
        f"{can.text_limit:,} characters at most", f"{can.attachment_bytes // 1_000_000} MB each", "four at most",
        f"nothing within {generic.SECONDS:.0f} seconds", f"at most {reading.LONGEST} characters",
        f"{archive.TEXT_LIMIT:,} characters are kept",
    ):  # fmt: skip
        assert said in DOCS, said
    assert (can.attachments, proof.WINDOW, answers.LATER) == (4, timedelta(minutes=5), 600)


def test_the_page_names_each_type_and_each_reason():
    for name in (*reading.READERS, "ping", *reading.STATES, *reading.KINDS[1:], *answers.REASONS):
        assert f"`{name}`" in DOCS or f'"{name}"' in DOCS, name


def test_the_senders_of_the_page_are_understood():
    teller, _listener = blocks("python")
    (shell,) = blocks("sh")
    with serving(says(200, b"")) as server:
        names = {"HARK_SECRET": SECRET, "HARK_WEBHOOK": server.url}
        exec(teller, names)
        names["tell_hark"](event(text="Ü 👍"))
        told = 'curl() { for word; do printf "%s\\0" "$word"; done; }\n' + shell
        ran = subprocess.run(
            ["bash", "-euc", told], env={"PATH": "/usr/bin:/bin", **names_only(names)}, capture_output=True, check=True
        )
    ((_path, headers, said),) = server.heard
    lower = {name.lower(): value for name, value in headers.items()}
    own().verify(RawRequest("POST", {}, lower, said))
    assert only(json.loads(said)).text == "Ü 👍"

    url, *words = ran.stdout.decode().split("\0")[:-1]
    options = list(zip(words[::2], words[1::2], strict=True))
    given = dict(value.split(": ", 1) for flag, value in options if flag == "-H")
    (shown,) = [value for flag, value in options if flag == "-d"]
    assert url == server.url
    own().verify(RawRequest("POST", {}, given, shown.encode()))
    assert own().split(RawRequest("POST", {}, given, shown.encode())) == []


def names_only(names):
    return {name: names[name] for name in ("HARK_SECRET", "HARK_WEBHOOK")}


def test_the_listener_of_the_page_says_each_answer_once():
    _teller, listener = blocks("python")
    chat = []

    def post_to_chat(conversation, text):
        chat.append((conversation, text))
        return f"r-{len(chat)}"

    names = {"HARK_SECRET": SECRET, "post_to_chat": post_to_chat}
    exec(listener, names)

    def hears(handler):
        _path, headers, said = handler.server.heard[-1]
        status, answered = names["hark_calls"](said, headers)
        says(status, json.dumps(answered).encode())(handler)

    with serving(hears) as server:
        ours = own(server.url)
        assert ours.check().handle == "Skylark chat"
        assert [ours.send(reply()).external_id for _ in range(2)] == ["r-1", "r-1"]
        with pytest.raises(Rejected, match="does not do this"):
            ours.moderate(Moderation(Measures.HIDE, "m-1", "u-17"))
        with pytest.raises(AccessRevoked):
            GenericPlatform(Access({"url": server.url}, {"secret": OTHER})).send(reply())
    assert chat == [("c-5", "We have found it. 👍")]
