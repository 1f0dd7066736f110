"""X calls us: its challenge, its signatures, and what one call may hold."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json

import pytest

from channels_app.platforms.abilities import Access, Called, RawRequest
from channels_app.platforms.base import EventKind
from channels_app.platforms.errors import BadSignature
from channels_app.platforms.x import XPlatform

US, MARIA = "930524282358325248", "3001969357"
NEW, OLD = "X-Twitter-Webhooks-Signature-OAuth2".lower(), "X-Twitter-Webhooks-Signature".lower()
BODY = '{"for_user_id":"930524282358325248","tweet_create_events":[],"said":"Überall 🧳"}'.encode()


def signed(secret: str, body: bytes = BODY) -> str:
    return "sha256=" + base64.b64encode(hmac.new(secret.encode(), body, hashlib.sha256).digest()).decode()


def call(body: bytes = BODY, **headers: str) -> RawRequest:
    return RawRequest("POST", {}, {name.replace("_", "-"): value for name, value in headers.items()}, body)


def platform(**secrets: str) -> XPlatform:
    return XPlatform(Access({"account_id": US}, secrets))


def challenge(token: str) -> RawRequest:
    return RawRequest("GET", {"crc_token": token}, {}, b"")


def test_x_can_call():
    assert isinstance(platform(), Called)


# --- the challenge


def test_the_challenge_is_answered_with_the_secret_of_oauth_2():
    answer = platform(client_secret="c", consumer_secret="k").handshake(challenge("ab12=="))
    assert (answer.status, answer.type) == (200, "application/json")
    assert json.loads(answer.body) == {"response_token": signed("c", b"ab12==")}


def test_an_app_of_oauth_1_answers_with_its_consumer_secret():
    assert json.loads(platform(consumer_secret="k").handshake(challenge("ab12")).body)["response_token"] == signed(
        "k", b"ab12"
    )


def test_the_answer_is_the_one_of_a_known_example():
    """Worked out with openssl: printf foo | openssl dgst -sha256 -hmac bar -binary | base64"""
    answer = platform(client_secret="bar").handshake(challenge("foo"))
    assert json.loads(answer.body)["response_token"] == "sha256=FHkzIYqqvAuLEKKzpcNGhMjZQ0G88QpHNtxycPd0GFE="


def test_while_a_secret_is_replaced_the_new_one_answers():
    answer = platform(client_secret="new", client_secret_before="old").handshake(challenge("t"))
    assert json.loads(answer.body)["response_token"] == signed("new", b"t")


def test_a_call_that_asks_nothing_is_no_challenge():
    assert platform(client_secret="c").handshake(RawRequest("GET", {}, {}, b"")) is None
    assert platform(client_secret="c").handshake(RawRequest("POST", {"crc_token": "t"}, {}, BODY)) is None


def test_without_a_secret_no_challenge_is_answered():
    with pytest.raises(BadSignature):
        platform(client_secret="").handshake(challenge("t"))


def test_nobody_gets_our_signature_under_an_event_by_calling_it_a_challenge():
    for body in (BODY.decode(), "\ufeff" + BODY.decode(), f"  {BODY.decode()}"):
        with pytest.raises(BadSignature):
            platform(client_secret="c").handshake(challenge(body))


# --- the signatures


@pytest.mark.parametrize(("header", "name"), [(NEW, "client_secret"), (OLD, "consumer_secret")])
class TestASignature:
    def test_that_fits_is_taken(self, header, name):
        platform(**{name: "s"}).verify(call(**{header: signed("s")}))

    def test_with_another_secret_is_refused(self, header, name):
        with pytest.raises(BadSignature):
            platform(**{name: "s"}).verify(call(**{header: signed("other")}))

    def test_under_other_bytes_is_refused(self, header, name):
        same_json = BODY.decode().encode("ascii", "backslashreplace")
        for other in (BODY + b" ", same_json, b""):
            with pytest.raises(BadSignature):
                platform(**{name: "s"}).verify(call(other, **{header: signed("s")}))

    def test_that_is_none_is_refused(self, header, name):
        for nonsense in ("", "sha256=", "sha1=abc", signed("s").removeprefix("sha256="), "ß", signed("s") + "x"):
            with pytest.raises(BadSignature):
                platform(**{name: "s"}).verify(call(**{header: nonsense}))

    def test_of_the_secret_before_is_taken_while_it_holds(self, header, name):
        platform(**{name: "new", f"{name}_before": "old"}).verify(call(**{header: signed("old")}))
        with pytest.raises(BadSignature):
            platform(**{name: "new"}).verify(call(**{header: signed("old")}))

    def test_is_never_right_where_we_hold_no_secret(self, header, name):
        for held in ({}, {name: ""}, {name: "", f"{name}_before": ""}):
            with pytest.raises(BadSignature):
                platform(**held).verify(call(**{header: signed("")}))


def test_a_call_without_a_signature_is_refused():
    with pytest.raises(BadSignature):
        platform(client_secret="c", consumer_secret="k").verify(call())


def test_of_two_signatures_the_one_of_oauth_2_decides():
    both = platform(client_secret="c", consumer_secret="k")
    both.verify(call(**{NEW: signed("c"), OLD: signed("wrong")}))
    with pytest.raises(BadSignature):
        both.verify(call(**{NEW: signed("wrong"), OLD: signed("k")}))


def test_of_two_signatures_the_one_counts_whose_secret_we_hold():
    platform(consumer_secret="k").verify(call(**{NEW: signed("unknown to us"), OLD: signed("k")}))


def test_a_signature_is_not_one_of_the_other_kind():
    with pytest.raises(BadSignature):
        platform(client_secret="c", consumer_secret="k").verify(call(**{OLD: signed("c")}))


def test_no_secret_stands_in_what_is_said_about_it():
    with pytest.raises(BadSignature) as refused:
        platform(client_secret="sk-0815").verify(call(**{NEW: "sha256=x"}))
    assert "sk-0815" not in str(refused.value)


# --- what a call holds


def post(number: str, at: int, **more: object) -> dict[str, object]:
    user = {"id_str": MARIA, "screen_name": "maria"}
    return {"id_str": number, "timestamp_ms": str(at), "text": f"post {number}", "user": user, **more}


def message(number: str, at: int) -> dict[str, object]:
    said = {"sender_id": MARIA, "target": {"recipient_id": US}, "message_data": {"text": f"message {number}"}}
    return {"type": "message_create", "id": number, "created_timestamp": str(at), "message_create": said}


PEOPLE = {
    MARIA: {"id": MARIA, "screen_name": "maria", "name": "Maria"},
    US: {"id": US, "screen_name": "SkylarkAir"},
    "777": {"id": "777", "screen_name": "somebody_else"},
}


def split(call_: object) -> list:
    return platform().split(call(json.dumps(call_).encode()))


def test_each_event_of_a_call_is_kept_alone_and_the_oldest_comes_first():
    pieces = split(
        {
            "for_user_id": US,
            "tweet_create_events": [post("12", 4_000), post("11", 1_000)],
            "direct_message_events": [message("22", 3_000), message("21", 2_000)],
            "users": PEOPLE,
        }
    )
    events = [platform().parse(piece.body) for piece in pieces]
    assert [[event.external_id for event in each] for each in events] == [["11"], ["dm/21"], ["dm/22"], ["12"]]


def test_each_piece_names_the_account_it_is_for():
    (piece,) = split({"for_user_id": US, "tweet_create_events": [post("1", 1)]})
    assert (piece.kind, piece.account, piece.origin) == ("x", US, f"x {US}")
    revoked = {"date_time": "2026-11-20T09:48:12+00:00", "target": {"app_id": "1"}, "source": {"user_id": US}}
    (piece,) = split({"user_event": {"revoke": revoked}})
    assert piece.account == US
    assert [event.kind for event in platform().parse(piece.body)] == [EventKind.REVOKED]


def test_a_piece_keeps_who_it_names_and_nobody_else():
    (piece,) = split({"for_user_id": US, "direct_message_events": [message("21", 1)], "users": PEOPLE})
    kept = json.loads(piece.body)
    assert set(kept["users"]) == {MARIA, US}
    assert platform().parse(piece.body)[0].author.name == "Maria"


def test_what_is_kept_is_the_networks_own_word():
    one = post("11", 1_000, strange={"field": [1, "two"]})
    assert json.loads(split({"for_user_id": US, "tweet_create_events": [one]})[0].body) == {
        "for_user_id": US,
        "tweet_create_events": [one],
    }


def test_the_same_call_twice_gives_the_same_pieces():
    whole = {"for_user_id": US, "tweet_create_events": [post("12", 2), post("11", 1)]}
    assert split(whole) == split(whole)


@pytest.mark.parametrize(
    "kind",
    [
        "follow_events", "block_events", "mute_events", "direct_message_indicate_typing_events", "replay_job_status",
    ],
)  # fmt: skip
def test_who_typed_followed_or_muted_is_not_kept(kind):
    assert split({"for_user_id": US, kind: [{"created_timestamp": "1"}]}) == []


def test_one_event_that_cannot_be_read_does_not_hold_up_the_others():
    pieces = split({"for_user_id": US, "tweet_create_events": [{"id": 5}, post("11", 1)]})
    assert len(pieces) == 2
    assert platform().parse(pieces[0].body)[0].external_id == "11"


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"7", b"\xff\xfe", b"[" * 100_000])
def test_what_is_no_call_of_x_is_kept_with_the_reason(body):
    (piece,) = platform().split(call(body))
    assert piece.body == body
    assert piece.trouble.endswith(".")
