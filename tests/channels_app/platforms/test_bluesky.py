"""What Bluesky says, as events: pure."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from channels_app.platforms.base import EventKind
from channels_app.platforms.bluesky.facets import facets, with_addresses
from channels_app.platforms.bluesky.names import TID, key_at, key_of, moment_of, place
from channels_app.platforms.bluesky.reading import events
from channels_app.platforms.errors import PlatformError, Unreadable
from tests.channels_app.platforms.sky import MARIA, OTHER, POST, US, Sky

AT = datetime(2026, 11, 20, 12, 30, tzinfo=UTC)


@pytest.fixture
def sky():
    return Sky()


def read(item):
    (event,) = events(json.dumps(item).encode(), ours=US, server="https://pds.example")
    return event


def link(text: str, shown: str, uri: str) -> dict:
    start = len(text[: text.index(shown)].encode())
    feature = {"$type": "app.bsky.richtext.facet#link", "uri": uri}
    return {"index": {"byteStart": start, "byteEnd": start + len(shown.encode())}, "features": [feature]}


# --- posts


def test_a_mention_is_a_public_message_of_its_author(sky):
    uri = sky.post(MARIA, "Wo ist mein Zug? 🚆", at=AT, langs=["de-DE"])
    event = read(sky.tell(uri))
    assert (event.kind, event.external_id, event.thread_id, event.parent_id) == (EventKind.MESSAGE, uri, uri, "")
    assert (event.text, event.language, event.private, event.is_ours) == ("Wo ist mein Zug? 🚆", "de", False, False)
    assert (event.author.key, event.author.handle, event.author.name) == (MARIA, "maria.example", "Maria")
    assert event.occurred_at == AT
    assert event.url == f"https://bsky.app/profile/{MARIA}/post/{uri.rpartition('/')[2]}"


def test_a_nested_answer_names_what_it_answers_and_what_the_thread_began_with(sky):
    first = sky.post(US, "We fly again.")
    second = sky.post(MARIA, "When?", reply=first)
    third = sky.post(OTHER, "I ask as well", reply=second)
    event = read(sky.tell(third, "reply", reasonSubject=first))
    assert (event.parent_id, event.thread_id) == (second, first)


@pytest.mark.parametrize("with_pictures", [False, True])
def test_a_quote_names_what_it_quotes_and_begins_a_thread(sky, with_pictures):
    ours = sky.post(US, "We fly again.")
    inner = {"uri": ours, "cid": "bafy"}
    embed = {"record": {"record": inner}, "media": {"images": []}} if with_pictures else {"record": inner}
    quote = sky.post(MARIA, "Really?", embed=embed)
    event = read(sky.tell(quote, "quote"))
    assert (event.quoted_id, event.parent_id, event.thread_id) == (ours, "", quote)


def test_a_like_is_a_reaction_to_our_post(sky):
    ours = sky.post(US, "We fly again.")
    uri = sky.like(ours)
    event = read(sky.told[0])
    assert (event.kind, event.external_id, event.parent_id) == (EventKind.REACTION, uri, ours)
    assert event.author.key == MARIA


def test_a_like_of_something_else_than_a_post_says_nothing(sky):
    uri = sky.like(sky.post(US, "x"))
    item = sky.told[0] | {"reasonSubject": f"at://{US}/app.bsky.feed.generator/trains"}
    assert uri
    assert events(json.dumps(item).encode(), ours=US) == []


@pytest.mark.parametrize("reason", ["follow", "repost", "like-via-repost", "verified", "something-new"])
def test_what_is_no_post_for_us_says_nothing(sky, reason):
    item = sky.tell(sky.post(MARIA, "Hello"), reason)
    assert events(json.dumps(item).encode(), ours=US) == []


def test_a_record_of_our_account_is_ours_and_is_addressed_to_whom_it_answers(sky):
    asked = sky.post(MARIA, "Where?")
    answer = sky.post(US, "At gate 4.", reply=asked, at=AT)
    event = read(sky.records[answer])
    assert (event.is_ours, event.author, event.addressed_to, event.occurred_at) == (True, None, MARIA, AT)


def test_a_record_dated_tomorrow_is_from_now(sky):
    early = sky.post(US, "x", at=sky.now + timedelta(days=1))
    assert read(sky.records[early]).occurred_at <= datetime.now(UTC)


def test_who_wrote_it_is_the_account_of_the_address_whoever_else_is_named(sky):
    item = sky.tell(sky.post(MARIA, "Hello"))
    event = read(item | {"author": {"did": OTHER, "handle": "otto.example", "displayName": "Skylark Care"}})
    assert (event.author.key, event.author.handle, event.author.name) == (MARIA, "", "")


def test_a_handle_that_is_not_theirs_is_no_handle(sky):
    item = sky.tell(sky.post(MARIA, "Hello"))
    assert read(item | {"author": {"did": MARIA, "handle": "handle.invalid"}}).author.handle == ""


# --- pictures


def shown(*images: dict) -> dict:
    return {"$type": "app.bsky.embed.images#view", "images": list(images)}


def test_pictures_come_with_their_words(sky):
    picture = {"fullsize": "https://cdn.example/f/1@jpeg", "thumb": "https://cdn.example/t/1", "alt": "A broken seat"}
    item = sky.tell(sky.post(MARIA, "Look")) | {"post": {"embed": shown(picture)}}
    (file,) = read(item).attachments
    assert (file.url, file.type, file.alt) == ("https://cdn.example/f/1@jpeg", "image/jpeg", "A broken seat")


def test_pictures_beside_a_quoted_post_are_found(sky):
    embed = {"media": shown({"fullsize": "https://cdn.example/f/1", "alt": ""}), "record": {}}
    assert len(read(sky.tell(sky.post(MARIA, "Look")) | {"post": {"embed": embed}}).attachments) == 1


def test_pictures_of_our_own_posts_lie_on_our_server(sky):
    image = {"alt": "Map", "image": {"$type": "blob", "ref": {"$link": "bafk1"}, "mimeType": "image/png"}}
    uri = sky.post(US, "Look", embed={"$type": "app.bsky.embed.images", "images": [image]})
    (file,) = read(sky.records[uri]).attachments
    assert file.url == f"https://pds.example/xrpc/com.atproto.sync.getBlob?did={US}&cid=bafk1"
    assert (file.type, file.alt) == ("image/png", "Map")


def test_an_address_that_is_none_is_no_picture(sky):
    item = sky.tell(sky.post(MARIA, "x")) | {"post": {"embed": shown({"fullsize": "javascript:alert(1)"})}}
    assert read(item).attachments == ()


# --- links: what is seen and where it leads


@pytest.mark.parametrize(
    ("shown_as", "uri", "told"),
    [
        ("skylark.example/ref…", "https://skylark.example/refund?a=1", "https://skylark.example/refund?a=1"),
        ("skylark.example/r...", "https://skylark.example/refund", "https://skylark.example/refund"),
        ("https://skylark.example/", "https://skylark.example/", "https://skylark.example/"),
        ("here 🚆", "https://evil.example/", "here 🚆 (https://evil.example/)"),
        ("skylark.example", "https://evil.example/", "skylark.example (https://evil.example/)"),
        ("here", "https://evil.example/\u202egpj", "here (https://evil.example/gpj)"),
        ("here", "javascript:alert(1)", "here"),
    ],
)
def test_a_link_is_told_with_the_address_it_leads_to(sky, shown_as, uri, told):
    text = f"Grüße 🚆: {shown_as} bitte"
    item = sky.tell(sky.post(MARIA, text, facets=[link(text, shown_as, uri)]))
    assert read(item).text == f"Grüße 🚆: {told} bitte"


def test_the_address_of_a_card_stands_below_the_text(sky):
    card = {"$type": "app.bsky.embed.external", "external": {"uri": "https://news.example/late", "title": "Late"}}
    assert read(sky.tell(sky.post(MARIA, "Read", embed=card))).text == "Read\nhttps://news.example/late"


def test_places_within_a_letter_or_beyond_the_text_are_passed_over():
    feature = {"$type": "app.bsky.richtext.facet#link", "uri": "https://a.example"}
    wild = [(1, 2), (-4, 2), (0, 900), (3, 3), (5, 1), ("x", 2)]
    given_ = [{"index": {"byteStart": a, "byteEnd": b}, "features": [feature]} for a, b in wild]
    assert with_addresses("é🚆", [*given_, None, {}, {"index": 3}]) == "é🚆"


# --- what cannot be read


@pytest.mark.parametrize(
    "body",
    [
        b"", b"[]", b"{}", b"\xff", b'{"uri": "https://x"}', b'{"uri": "at://maria.example/app.bsky.feed.post/3k"}',
        b'{"uri": "at://did:plc:m/app.bsky.feed.post/3k"}',
        b'{"uri": "at://did:plc:m/app.bsky.feed.post/3k", "record": {"text": "x"}}',
        b'{"uri": "at://did:plc:m/app.bsky.feed.post/3k", "record": {"text": "x"}, "indexedAt": "soon"}',
    ],
)  # fmt: skip
def test_what_is_no_post_is_unreadable(body):
    with pytest.raises(Unreadable):
        events(body, ours=US)


ODD = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8) | st.just("at://did:plc:m/app.bsky.feed.post/3k"),
    lambda inner: st.lists(inner, max_size=3)
    | st.dictionaries(
        st.sampled_from(
            ["text", "facets", "embed", "reply", "parent", "root", "uri", "langs", "images", "media", "record", "index",
             "features", "external", "byteStart", "byteEnd", "author", "did", "handle", "alt", "fullsize", "thumbnail"]
        ),
        inner,
        max_size=4,
    ),
    max_leaves=20,
)  # fmt: skip


@given(record=st.dictionaries(st.sampled_from(["text", "facets", "embed", "reply", "langs"]), ODD), extra=ODD)
def test_whatever_is_sent_is_read_or_refused(record, extra):
    item = {
        "uri": f"at://{MARIA}/{POST}/3kaaaaaaaaaaa", "cid": extra, "author": extra, "post": extra, "embed": extra,
        "record": record, "reason": "mention", "indexedAt": "2026-11-20T12:30:00.000Z",
    }  # fmt: skip
    try:
        (event,) = events(json.dumps(item).encode(), ours=US)
    except PlatformError:
        return
    assert "\x00" not in event.text


# --- our own links, mentions and tags


def marked(text: str, **known: str) -> list[tuple[str, str]]:
    raw = text.encode()
    asked = {name.replace("_", "."): did for name, did in known.items()}
    found = facets(text, asked.get)
    said = [raw[f["index"]["byteStart"] : f["index"]["byteEnd"]].decode() for f in found]
    return [
        (part, next(v for k, v in f["features"][0].items() if k != "$type"))
        for part, f in zip(said, found, strict=True)
    ]


def test_places_are_counted_in_bytes():
    found = marked("Grüße 👩‍👩‍👧 @maria.example: https://skylark.example/ü #Zug.", maria_example=MARIA)
    assert found == [
        ("@maria.example", MARIA), ("https://skylark.example/ü", "https://skylark.example/ü"), ("#Zug", "Zug"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("see skylark.com/a, please", [("skylark.com/a", "https://skylark.com/a")]),
        ("(https://a.example/b)", [("https://a.example/b", "https://a.example/b")]),
        ("write to care@skylark.com", []),
        ("https://a.example/#top and #1 and a#b", [("https://a.example/#top", "https://a.example/#top")]),
        ("@nobody.example", []),
        ("https://b.example/@maria.example", [("https://b.example/@maria.example",) * 2]),
    ],
)
def test_only_what_is_a_link_a_mention_or_a_tag_is_marked(text, said):
    assert marked(text, maria_example=MARIA) == said


def test_a_name_is_asked_for_once_and_not_for_ever():
    asked = []
    facets("@a.example " * 50 + " ".join(f"@n{n}.example" for n in range(50)), lambda name: asked.append(name))
    assert len(asked) == len(set(asked)) == 10


@given(st.text(max_size=80))
def test_places_always_lie_on_letters_and_in_order(text):
    raw, end = text.encode("utf-8", "replace"), 0
    for facet in facets(raw.decode(), lambda name: MARIA):
        start, stop = facet["index"]["byteStart"], facet["index"]["byteEnd"]
        assert end <= start < stop <= len(raw)
        raw[start:stop].decode()
        end = stop


# --- names


@given(st.text(), st.text())
def test_a_key_is_valid_the_same_each_time_and_older_than_any_other(one, other):
    key = key_of(one)
    assert TID.fullmatch(key)
    assert key == key_of(one)
    assert (key == key_of(other)) == (one == other)
    assert key < key_at(datetime(2006, 1, 1, tzinfo=UTC))


@given(st.datetimes(datetime(2020, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC)))
def test_a_key_tells_its_moment(moment):
    assert abs(moment_of(key_at(moment)) - moment) <= timedelta(microseconds=1)


def test_a_real_key_is_read():
    assert moment_of("3jzfcijpj2z2a").year == 2023
    assert moment_of("3jzfcijpj2z") is None


@pytest.mark.parametrize(
    "address", ["", None, 3, "at://maria.example/a/b", "at://did:plc:m/a", f"at://did:plc:{'m' * 300}/a/b"]
)
def test_what_is_no_address_names_no_place(address):
    assert place(address) is None
