"""An account at Meta: connected by its login, asked who it is, looked at again."""

from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from channels_app.platforms.abilities import Access, Called, Checked, Looks
from channels_app.platforms.base import EventKind
from channels_app.platforms.errors import AccessRevoked, Rejected, TryLater
from channels_app.platforms.meta.instagram import InstagramPlatform
from channels_app.platforms.meta.page import FacebookPlatform
from channels_app.platforms.meta.whatsapp import WhatsAppPlatform
from channels_app.platforms.registry import PLATFORMS

from .meta_calls import INSTAGRAM, PAGE, Graph, access, refusal

BACK = "https://hark.example/back"
APP = Access({"client_id": "42"}, {"app_secret": "shh", "verify_token": "v"})
KEYS = ({"access_token": "short"}, {"access_token": "long"})
AT = "2027-01-15T08:00:00+0000"
COMMENT, PERSON = "55_66", "7001"


def looked_after(*ids):
    return {"data": [{"id": one, "name": "Skylark", "access_token": f"key of {one}"} for one in ids]}


def granted(*rights):
    return {"data": [{"permission": one, "status": "granted"} for one in rights]}


def facebook(*answers):
    graph = Graph(*answers)
    return FacebookPlatform(access(), graph), graph


# --- connecting


@pytest.mark.parametrize("kind", [FacebookPlatform, InstagramPlatform])
def test_a_person_is_sent_to_facebook_to_say_yes(kind):
    address = urlsplit(kind.authorize_url(APP, back=BACK, state="secret"))
    asked = {name: values[0] for name, values in parse_qs(address.query).items()}
    assert address.netloc == "www.facebook.com"
    assert (asked["client_id"], asked["redirect_uri"], asked["state"]) == ("42", BACK, "secret")
    assert asked["scope"].split(",") == list(kind.scopes)
    assert "shh" not in address.query


def test_a_code_becomes_the_key_of_the_page():
    rights = granted("pages_messaging") | {}
    rights["data"].append({"permission": "pages_show_list", "status": "declined"})
    graph = Graph(*KEYS, looked_after(PAGE), rights)
    known = FacebookPlatform.exchange(APP, code="c0de", back=BACK, transport=graph)
    assert known.settings == {"client_id": "42", "page_id": PAGE, "name": "Skylark", "scopes": "pages_messaging"}
    assert known.secrets == {"app_secret": "shh", "verify_token": "v", "access_token": f"key of {PAGE}"}
    assert graph.form(0) == {"client_id": "42", "client_secret": "shh", "redirect_uri": BACK, "code": "c0de"}
    assert graph.form(1)["fb_exchange_token"] == "short"
    assert graph.asked[2].headers["authorization"] == "Bearer long"


def test_no_secret_stands_in_an_address():
    graph = Graph(*KEYS, looked_after(PAGE), granted())
    FacebookPlatform.exchange(APP, code="c0de", back=BACK, transport=graph)
    addresses = " ".join(str(one.url) for one in graph.asked)
    assert not any(secret in addresses for secret in ("shh", "short", "long", "c0de"))


def test_of_several_pages_the_one_named_is_connected():
    named = Access({"client_id": "42", "page_id": "2"}, APP.secrets)
    known = FacebookPlatform.exchange(
        named, code="c", back=BACK, transport=Graph(*KEYS, looked_after("1", "2"), granted())
    )
    assert known.secrets["access_token"] == "key of 2"
    with pytest.raises(Rejected, match="several"):
        FacebookPlatform.exchange(APP, code="c", back=BACK, transport=Graph(*KEYS, looked_after("1", "2")))


def test_instagram_wants_a_page_with_an_instagram_account():
    with_one = looked_after("1", PAGE)
    with_one["data"][1]["instagram_business_account"] = {"id": INSTAGRAM, "username": "skylark"}
    known = InstagramPlatform.exchange(APP, code="c", back=BACK, transport=Graph(*KEYS, with_one, granted()))
    assert (known.settings["instagram_id"], known.settings["username"]) == (INSTAGRAM, "skylark")
    assert known.secrets["access_token"] == f"key of {PAGE}"
    with pytest.raises(Rejected, match="no such account"):
        InstagramPlatform.exchange(APP, code="c", back=BACK, transport=Graph(*KEYS, looked_after(PAGE)))


@pytest.mark.parametrize(
    ("answer", "means"), [(refusal(100, 36009), Rejected), (httpx.ReadError("x"), TryLater), ({}, TryLater)]
)
def test_a_code_that_does_not_hold_gives_nothing(answer, means):
    with pytest.raises(means):
        FacebookPlatform.exchange(APP, code="c", back=BACK, transport=Graph(answer))


def test_the_page_has_the_webhook_called():
    platform, graph = facebook()
    platform.subscribe()
    assert graph.paths() == [f"POST /{PAGE}/subscribed_apps"]
    assert {"feed", "messages", "message_echoes"} <= set(graph.form()["subscribed_fields"].split(","))


# --- asking


def test_an_account_says_who_it_is_and_which_rights_are_missing():
    graph = Graph({"id": PAGE, "name": "Skylark"})
    rights = " ".join(FacebookPlatform.scopes[1:])
    health = FacebookPlatform(access(scopes=rights), graph).check()
    assert (health.handle, health.key, list(health.missing)) == ("Skylark", PAGE, ["pages_show_list"])


def test_where_the_rights_are_not_known_none_is_said_to_be_missing():
    platform, _ = facebook({"id": PAGE, "name": "Skylark"})
    assert list(platform.check().missing) == []


def test_a_key_that_was_taken_away_is_told():
    platform, _ = facebook(refusal(190, 460))
    with pytest.raises(AccessRevoked, match="connect"):
        platform.check()


@pytest.mark.parametrize("kind", [FacebookPlatform, InstagramPlatform, WhatsAppPlatform])
def test_each_has_the_abilities_it_claims(kind):
    platform = kind(access())
    assert isinstance(platform, Called)
    assert isinstance(platform, Checked)
    assert isinstance(platform, Looks) is (kind is not WhatsAppPlatform)
    assert platform.kind not in PLATFORMS or PLATFORMS[platform.kind] is kind


# --- looking again


def row(number, **more):
    return {"id": number, "message": "Late", "from": {"id": PERSON, "name": "Maria"}, "created_time": AT} | more


def test_a_comment_is_read_as_it_is_now():
    platform, graph = facebook(row(COMMENT, message="Late, again"))
    (event,) = platform.parse(platform.fetch_item(COMMENT).body)
    assert (event.kind, event.external_id, event.text) == (EventKind.MESSAGE, COMMENT, "Late, again")
    assert (event.parent_id, event.thread_id) == (f"{PAGE}_55", f"{PAGE}_55")
    assert graph.paths() == [f"GET /{COMMENT}"]


def test_what_is_gone_is_none_and_a_message_is_not_asked_for():
    platform, graph = facebook(refusal(100, 33))
    assert platform.fetch_item(COMMENT) is None
    with pytest.raises(Rejected):
        platform.fetch_item("m_1")
    assert platform.fetch_context("m_1") == []
    assert len(graph.asked) == 1


def test_what_stands_above_an_answer_comes_the_oldest_first():
    ours = row(f"{PAGE}_55") | {"from": {"id": PAGE}}
    platform, graph = facebook(row("55_77", parent={"id": COMMENT}), ours, row(COMMENT))
    post, comment = [platform.parse(each.body)[0] for each in platform.fetch_context("55_77")]
    assert (post.external_id, post.parent_id, post.is_ours) == (f"{PAGE}_55", "", True)
    assert (comment.external_id, comment.parent_id, comment.is_ours) == (COMMENT, f"{PAGE}_55", False)
    assert graph.paths() == ["GET /55_77", f"GET /{PAGE}_55", f"GET /{COMMENT}"]


def test_above_a_comment_on_instagram_stands_what_we_showed():
    told = {"id": "2", "text": "Late", "from": {"id": PERSON}, "timestamp": AT, "media": {"id": "9"}}
    shown = {"id": "9", "caption": "Our new trains", "owner": {"id": INSTAGRAM}, "timestamp": AT}
    platform = InstagramPlatform(access(), Graph(told, shown))
    (above,) = platform.fetch_context("2")
    (event,) = platform.parse(above.body)
    assert (event.external_id, event.text, event.is_ours, event.thread_id) == ("9", "Our new trains", True, "9")


def test_somebody_is_shown_as_they_show_themselves():
    told = {"id": PERSON, "name": "Maria Silva", "username": "maria", "follower_count": 12}
    author = InstagramPlatform(access(), Graph(told)).profile(PERSON)
    assert (author.key, author.handle, author.name, author.reach) == (PERSON, "maria", "Maria Silva", 12)
    assert InstagramPlatform(access(), Graph(refusal(100, 2018218))).profile(PERSON) is None
