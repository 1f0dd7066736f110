"""The way in: kept raw first, each post once, in batches, and no row holds up another."""

from collections import Counter
from datetime import timedelta

import pytest
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from cases import routing
from cases.models import Case
from channels_app import inbox, jobs
from channels_app.models import Channel, Message, RawEvent, Thread
from channels_app.platforms.archive import ArchivePlatform
from channels_app.platforms.base import Page, RawPayload
from channels_app.platforms.errors import TryLater
from tests import factories
from tests.channels_app.posts import at_once, keep, message, payload, post, take_in

pytestmark = pytest.mark.django_db
RAW = RawEvent.State


# --- kept first


def test_what_came_is_kept_byte_for_byte_before_anyone_looks_at_it(archive):
    body = b'{"id": "1", "text": "caf\xe9 \x00'
    inbox.keep(channel=archive, payloads=[payload(body, "odd.csv, row 7")])
    raw = RawEvent.objects.get()
    assert (bytes(raw.body), raw.origin, raw.state) == (body, "odd.csv, row 7", RAW.NEW)
    assert not Message.objects.exists()


def test_keeping_says_when_the_channel_last_received_something(archive):
    before = timezone.now()
    keep(archive, post(1))
    archive.refresh_from_db()
    assert archive.last_in_at >= before


def test_keeping_nudges_one_drain_of_the_channel(archive, nudges, django_capture_on_commit_callbacks):
    with django_capture_on_commit_callbacks(execute=True):
        assert inbox.keep(channel=archive, payloads=[payload(post(1)), payload(post(2))]) == 2
    assert nudges == [("channels_app.jobs.drain", archive.pk)]


def test_several_channels_are_kept_in_the_order_of_what_came_and_nudged_once_each(
    archive, channel, nudges, django_capture_on_commit_callbacks
):
    said = [payload(post(number)) for number in range(4)]
    with django_capture_on_commit_callbacks(execute=True):
        inbox.keep_many(zip([archive.pk, channel.pk] * 2, said, strict=True))
    rows = [(raw.channel_id, bytes(raw.body)) for raw in RawEvent.objects.order_by("id")]
    assert rows == [(pk, each.body) for pk, each in zip([archive.pk, channel.pk] * 2, said, strict=True)]
    assert sorted(nudges) == sorted(("channels_app.jobs.drain", each.pk) for each in (archive, channel))


def test_that_a_channel_received_something_is_told_once_a_second(archive):
    keep(archive, post(1))
    first = Channel.objects.get(pk=archive.pk).last_in_at
    keep(archive, post(2))
    assert Channel.objects.get(pk=archive.pk).last_in_at == first
    Channel.objects.update(last_in_at=first - timedelta(seconds=2))
    keep(archive, post(3))
    assert Channel.objects.get(pk=archive.pk).last_in_at > first


def test_nothing_kept_nudges_nobody(archive, nudges, django_capture_on_commit_callbacks):
    with django_capture_on_commit_callbacks(execute=True):
        assert inbox.keep(channel=archive, payloads=[]) == 0
    assert nudges == []


def test_an_origin_that_is_too_long_or_has_a_nul_is_made_to_fit(archive):
    inbox.keep(channel=archive, payloads=[payload(post(1), "a\x00b" + "c" * 400)])
    assert RawEvent.objects.get().origin == "ab" + "c" * 298


def test_an_origin_with_half_a_letter_is_kept_without_it(archive):
    inbox.keep(channel=archive, payloads=[payload(post(1), "x \ud800")])
    assert RawEvent.objects.get().origin == "x ?"


def test_a_reading_place_moves_in_the_transaction_that_stores_what_was_read(archive):
    inbox.keep(channel=archive, payloads=[payload(post(1))], cursor={"after": 7})
    assert archive.cursor == {"after": 7}
    assert Channel.objects.get(pk=archive.pk).cursor == {"after": 7}


def test_a_reading_place_stays_where_storing_fails(archive):
    cannot_be_stored = RawPayload(object())
    with pytest.raises(TypeError), transaction.atomic():
        inbox.keep(channel=archive, payloads=[payload(post(1)), cannot_be_stored], cursor={"after": 7})
    assert Channel.objects.get(pk=archive.pk).cursor == {}
    assert not RawEvent.objects.exists()


def test_a_place_another_process_moved_stores_nothing(archive):
    late = Channel.objects.get(pk=archive.pk)
    inbox.keep(channel=archive, payloads=[payload(post(1))], cursor={"after": 1})
    assert inbox.keep(channel=late, payloads=[payload(post(1))], cursor={"after": 1}) == 0
    assert RawEvent.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_of_two_processes_that_fetched_the_same_page_one_stores_it(archive):
    def fetch():
        mine = Channel.objects.get(pk=archive.pk)
        return lambda: inbox.keep(channel=mine, payloads=[payload(post(1))], cursor={"after": 1})

    assert sorted(at_once(fetch(), fetch())) == [0, 1]
    assert RawEvent.objects.count() == 1


# --- once


def test_a_post_becomes_a_message_of_a_known_person_in_a_thread(archive):
    take_in(archive, post(1, "My bag is lost.", author="Ann", url="https://a.example/1", language="en"))
    found = message(archive, 1)
    assert (found.text, found.direction, found.url, found.language) == (
        "My bag is lost.",
        "in",
        "https://a.example/1",
        "en",
    )
    assert (found.identity.value, found.identity.handle, found.identity.place) == ("ann", "Ann", "twitter")
    assert found.thread.external_id == "1"


def test_loading_the_same_twice_stores_it_once(archive):
    rows = [post(n, f"Post {n}") for n in range(5)]
    first, again = take_in(archive, *rows), take_in(archive, *rows)
    assert {raw.state for raw in first} == {RAW.STORED}
    assert {raw.state for raw in again} == {RAW.DUPLICATE}
    assert Message.objects.count() == 5


def test_the_same_post_twice_in_one_batch_is_stored_once(archive):
    assert [raw.state for raw in take_in(archive, post(1), post(1))] == [RAW.STORED, RAW.DUPLICATE]
    assert Message.objects.count() == 1


def test_the_database_itself_refuses_a_second_message_with_the_same_id(archive):
    take_in(archive, post(1))
    known = message(archive, 1)
    with pytest.raises(IntegrityError, match="a_message_is_stored_once"), transaction.atomic():
        factories.MessageFactory(thread=known.thread, external_id="1")


def test_the_same_id_on_two_channels_is_two_posts(archive, team):
    other = factories.ChannelFactory(platform="archive", place="other", team=team)
    take_in(archive, post(1))
    take_in(other, post(1))
    assert Message.objects.count() == 2


@pytest.mark.django_db(transaction=True)
def test_two_workers_on_one_channel_store_each_post_once(archive):
    keep(
        archive,
        *[post(n, f"Post {n}", author=f"author{n % 7}") for n in range(40)],
        *[post(n, f"Post {n}") for n in range(20)],
    )
    at_once(*[lambda: inbox.drain(Channel.objects.get(pk=archive.pk))] * 3)
    assert sorted(Message.objects.values_list("external_id", flat=True)) == sorted(str(n) for n in range(40))
    assert Counter(RawEvent.objects.values_list("state", flat=True)) == {RAW.STORED: 40, RAW.DUPLICATE: 20}
    assert not Message.objects.to_read().exists()


def test_draining_reads_what_it_stored_and_hands_it_on(archive, nudges, django_capture_on_commit_callbacks):
    keep(archive, post(1, "My flight was cancelled, great 😡"))
    with django_capture_on_commit_callbacks(execute=True):
        assert inbox.drain(archive) == 1
    found = message(archive, 1)
    assert (found.sentiment, found.reader != "", found.read_at is not None) == ("negative", True, True)
    assert nudges == [("cases.jobs.route_message", archive.pk)]


def test_what_the_network_says_of_the_language_is_believed(archive):
    keep(archive, post(1, "Danke schön", language="nl"), post(2, "Wo bleibt mein Koffer, ich warte seit drei Tagen?"))
    inbox.drain(archive)
    assert [message(archive, n).language for n in (1, 2)] == ["nl", "de"]


def test_a_drain_that_finds_nothing_hands_nothing_on(archive, nudges, django_capture_on_commit_callbacks):
    with django_capture_on_commit_callbacks(execute=True):
        assert inbox.drain(archive) == 0
    assert nudges == []


def test_working_off_goes_the_whole_way_to_the_case(archive):
    keep(archive, post(1))
    inbox.work_off(archive)
    assert Case.objects.get().entries.get().message == message(archive, 1)


def test_a_paged_backlog_is_taken_in_whole(archive, monkeypatch):
    monkeypatch.setattr(inbox, "BATCH", 3)
    keep(archive, *[post(n) for n in range(8)])
    assert inbox.drain(archive) == 8
    assert Message.objects.exclude(read_at=None).count() == 8


# --- in batches


def busy_batch(size: int) -> list[dict]:
    """New posts of new and known people, answers to them, our own posts, edits, deletions and repeats."""
    rows = []
    for n in range(size // 5):
        rows += [
            post(f"q{n}", f"Question {n}", author=f"person{n}"),
            post(f"a{n}", f"Answer {n}", reply_to=f"q{n}", ours=True),
            post(f"f{n}", f"Follow-up {n}", author=f"person{n}", reply_to=f"a{n}"),
            post(f"q{n}", f"Question {n}, edited", author=f"person{n}", kind="edit"),
            post(f"f{n}", kind="delete", author=f"person{n}"),
        ]
    return rows


@pytest.mark.parametrize(
    ("step", "before"),
    [
        (inbox.take_in, []),
        (inbox.read_batch, [inbox.take_in]),
        (routing.route_batch, [inbox.take_in, inbox.read_batch]),
    ],
    ids=["storing", "reading", "routing"],
)
def test_a_batch_takes_the_same_number_of_queries_for_10_events_and_for_400(step, before, team):
    counts = []
    for size in (10, 400):
        channel = factories.ChannelFactory(platform="archive", place=f"place-{size}", team=team)
        keep(channel, *busy_batch(size))
        for earlier in before:
            earlier(channel)
        with CaptureQueriesContext(connection) as queries:
            assert step(channel) >= size / 5
        counts.append(len(queries))
    assert counts[0] == counts[1]


def test_joining_many_threads_at_once_takes_the_same_number_of_queries_as_joining_one(team):
    counts = []
    for size in (1, 60):
        channel = factories.ChannelFactory(platform="archive", place=f"place-{size}", team=team)
        take_in(channel, *[post(f"b{n}", reply_to=f"a{n}") for n in range(size)])
        take_in(channel, *[post(f"d{n}", reply_to=f"c{n}") for n in range(size)])
        keep(channel, *[post(f"c{n}", reply_to=f"b{n}") for n in range(size)])
        with CaptureQueriesContext(connection) as queries:
            inbox.take_in(channel)
        assert Thread.objects.filter(channel=channel, joined_to=None).count() == size
        counts.append(len(queries))
    assert counts[0] == counts[1]


# --- no row holds up another


def test_a_row_that_cannot_be_read_is_set_aside_with_its_reason_and_its_neighbours_are_stored(archive):
    bad = post(2) | {"at": "the day after tomorrow"}
    first, poison, last = take_in(archive, post(1), bad, post(3))
    assert [first.state, poison.state, last.state] == [RAW.STORED, RAW.REJECTED, RAW.STORED]
    assert poison.reason == "“the day after tomorrow” is not a time."
    assert set(Message.objects.values_list("external_id", flat=True)) == {"1", "3"}


def test_a_payload_that_breaks_the_parser_is_set_aside_alone(archive, monkeypatch):
    parse = ArchivePlatform.parse
    monkeypatch.setattr(ArchivePlatform, "parse", lambda self, body: 1 / 0 if b"poison" in body else parse(self, body))
    raws = take_in(archive, post(1), post(2, "poison"), post(3))
    assert [raw.state for raw in raws] == [RAW.STORED, RAW.REJECTED, RAW.STORED]
    assert raws[1].reason == "Hark could not read it: ZeroDivisionError."


@pytest.mark.parametrize(
    "poison",
    [
        {"text": "half a\x00 line"},
        {"id": "x" * 300},
        {"thread": "t" * 300},
        {"author": {"key": "k" * 300}},
        {"author": {"key": "bob", "followers": 10**12}},
        {"author": {"key": "bob", "name": "n\x00"}},
    ],
    ids=lambda poison: next(iter(poison)),
)
def test_an_event_the_database_will_not_have_is_set_aside_and_its_neighbours_are_stored(channel, poison):
    good = {"kind": "message", "author": {"key": "ann"}, "text": "Hello", "at": "2026-11-20T12:00:00+00:00"}
    raws = take_in(channel, good | {"id": "1"}, good | {"id": "2"} | poison, good | {"id": "3"})
    assert [raw.state for raw in raws] == [RAW.STORED, RAW.REJECTED, RAW.STORED]
    assert raws[1].reason.startswith("Hark could not store it: ")
    assert set(Message.objects.values_list("external_id", flat=True)) == {"1", "3"}


def test_what_a_batch_says_of_each_row_is_the_same_when_one_of_them_is_poison(channel):
    good = {"kind": "message", "author": {"key": "ann"}, "text": "Hello", "at": "2026-11-20T12:00:00+00:00"}
    first = good | {"id": "1"}
    raws = take_in(
        channel, first, first, first | {"kind": "edit", "text": "Hello!"}, good | {"id": "2", "text": "\x00"}
    )
    assert [raw.state for raw in raws] == [RAW.STORED, RAW.DUPLICATE, RAW.STORED, RAW.REJECTED]
    assert message(channel, 1).text == "Hello!"


def test_a_row_known_to_be_unreadable_on_arrival_is_a_dead_letter_at_once(archive):
    inbox.keep(channel=archive, payloads=[RawPayload(b"torn", "posts.csv, row 1", "The row is torn.")])
    raw = RawEvent.objects.get()
    assert (raw.state, raw.reason) == (RAW.REJECTED, "The row is torn.")


# --- dead letters again


def test_a_dead_letter_put_back_is_read_again_once_hark_can_read_it(archive, nudges, monkeypatch):
    with monkeypatch.context() as broken:
        broken.setattr(ArchivePlatform, "parse", lambda self, body: 1 / 0)
        (raw,) = take_in(archive, post(1))
    nudges.clear()
    assert inbox.replay(rows=RawEvent.objects.filter(pk=raw.pk)) == 1
    inbox.drain(archive)
    raw.refresh_from_db()
    assert (raw.state, raw.reason) == (RAW.STORED, "")
    assert message(archive, 1).text == "Where is my train?"


def test_putting_back_nudges_each_channel_once(archive, team, nudges, django_capture_on_commit_callbacks):
    other = factories.ChannelFactory(platform="archive", place="other", team=team)
    raws = take_in(archive, b"no", b"no") + take_in(other, b"no")
    with django_capture_on_commit_callbacks(execute=True):
        assert inbox.replay(rows=iter(raws)) == 3
    assert sorted(nudges[-2:]) == sorted(
        [("channels_app.jobs.drain", archive.pk), ("channels_app.jobs.drain", other.pk)]
    )


def test_only_dead_letters_can_be_put_back(archive):
    stored, rejected = take_in(archive, post(1), b"no")
    assert inbox.replay(rows=[stored, rejected]) == 1
    stored.refresh_from_db()
    assert stored.state == RAW.STORED


# --- the sweep


def test_the_sweep_finds_each_channel_at_the_step_where_its_work_stopped(team):
    kept, stored, read, done = [
        factories.ChannelFactory(platform="archive", place=f"place-{n}", team=team) for n in range(4)
    ]
    for channel in (kept, stored, read, done):
        keep(channel, post(1), post(2))
    for channel in (stored, read, done):
        inbox.take_in(channel)
    for channel in (read, done):
        inbox.read_batch(channel)
    routing.route(done)
    assert inbox.unfinished() == {"raw": {kept.pk}, "held_up": set(), "unread": {stored.pk}, "unrouted": {read.pk}}


def test_the_sweep_nudges_what_is_missing(archive, channel, nudges, django_capture_on_commit_callbacks):
    keep(archive, post(1))
    factories.MessageFactory(thread__channel=channel, routed_at=None)
    with django_capture_on_commit_callbacks(execute=True):
        jobs.sweep()
    assert nudges == [("channels_app.jobs.drain", archive.pk), ("cases.jobs.route_message", channel.pk)]


def test_a_killed_process_leaves_work_that_a_later_drain_finishes(archive, monkeypatch):
    def killed(raw):
        raise KeyboardInterrupt

    keep(archive, post(1))
    with monkeypatch.context() as then:
        then.setattr(inbox, "_record", killed)
        with pytest.raises(KeyboardInterrupt):
            inbox.take_in(archive)
    assert not Message.objects.exists()
    assert inbox.unfinished()["raw"] == {archive.pk}
    inbox.work_off(archive)
    assert Case.objects.count() == 1


# --- fetching


def test_a_fetch_keeps_the_page_and_its_cursor(fake, network):
    network.page = Page([payload(post(1))], {"after": 1})
    jobs.poll(fake.pk)
    fake.refresh_from_db()
    assert fake.cursor == {"after": 1}
    assert RawEvent.objects.get().channel == fake


def test_a_page_with_more_behind_it_asks_for_the_next_at_once(
    fake, network, nudges, django_capture_on_commit_callbacks
):
    network.page = Page([payload(post(1))], {"after": 1}, more=True)
    with django_capture_on_commit_callbacks(execute=True):
        jobs.poll(fake.pk)
    assert ("channels_app.jobs.poll", fake.pk) in nudges


def test_what_is_wrong_with_a_network_stands_on_its_channel_until_it_is_right_again(fake, network, monkeypatch):
    def unreachable(cursor, *, limit):
        raise TryLater("The network cannot be reached.")

    with monkeypatch.context() as down:
        down.setattr(network, "fetch_since", unreachable)
        jobs.poll(fake.pk)
    fake.refresh_from_db()
    assert fake.trouble == "The network cannot be reached."
    jobs.poll(fake.pk)
    fake.refresh_from_db()
    assert fake.trouble == ""


def test_a_paused_channel_is_not_asked(fake, network, nudges, django_capture_on_commit_callbacks):
    Channel.objects.filter(pk=fake.pk).update(paused_at=timezone.now())
    with django_capture_on_commit_callbacks(execute=True):
        jobs.poll_all()
    assert ("channels_app.jobs.poll", fake.pk) not in nudges
