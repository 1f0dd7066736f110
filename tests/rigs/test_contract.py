"""What each network must keep to, asked of servers that others wrote: through Hark's own inbox and outbox.

Elsewhere, as nothing here sends webhooks: batches of batches, tampered and missing signatures, and a post that comes
by webhook and by asking (tests/channels_app/platforms/test_meta_webhook.py, test_x.py, test_generic.py); and a 429 with
its reset, as none of these servers counts (test_wire.py). Killed processes: test_contract_faults.py.
"""

from __future__ import annotations

import pytest

from channels_app import files, inbox, outbox
from channels_app.models import Delivery, Message, RawEvent
from channels_app.platforms.abilities import Looks
from channels_app.platforms.base import Carried, Idempotency, Outgoing
from channels_app.platforms.errors import Duplicate, Rejected
from tests.rigs.customers import MANY_SCRIPTS, PICTURE, Posts
from tests.rigs.desk import Desk, words
from tests.rigs.reading import Reader
from tests.rigs.rig import Rig

State = Delivery.State


# --- what comes in


def test_a_post_to_us_is_seen_once_by_whom_it_is(desk: Desk, posts: Posts):
    seen = desk.message(posts["seen"])
    assert words(seen.text) == "My train is late (seen)"
    assert (seen.identity.value, seen.is_ours) == (desk.rig.customer, False)
    desk.look()
    assert desk.count(external_id=posts["seen"]) == 1


def test_the_second_look_finds_nothing_new(desk: Desk, posts: Posts):
    desk.message(posts["seen"])
    desk.look()
    stored = RawEvent.objects.count()
    desk.look()
    assert RawEvent.objects.count() == stored


def test_the_place_of_reading_survives_json(rig: Rig, posts: Posts):
    reader = Reader(rig)  # its cursor has been JSON after each page
    assert posts["seen"] in {event.external_id for event in reader.found}
    assert reader.read() == []


def test_the_same_page_twice_is_one_row_of_each(desk: Desk, posts: Posts):
    desk.message(posts["seen"])
    before = desk.count()
    for _ in range(2):
        page = desk.channel.connect().fetch_since({}, limit=200)
        assert inbox.keep(channel=desk.channel, payloads=page.payloads)
        inbox.drain(desk.channel)
    assert desk.count() == before


def test_two_posts_of_the_same_moment_are_two(desk: Desk, posts: Posts):
    both = desk.message(posts["one"]), desk.message(posts["two"])
    assert [words(post.text) for post in both] == ["First of two", "Second of two"]


def test_letters_of_all_kinds_come_in_as_they_were_written(desk: Desk, posts: Posts):
    assert words(desk.message(posts["many scripts"]).text) == MANY_SCRIPTS


def test_markup_becomes_the_words_that_the_customer_sees_there(desk: Desk, posts: Posts):
    text = words(desk.message(posts["markup"]).text)
    [there] = [said for said in desk.rig.thread(posts["markup"]) if said.id == posts["markup"]]
    assert text == words(there.text)
    if there.html:  # a server that takes it for HTML: nothing of it stays HTML here
        assert "onerror" not in text or "<img" not in there.html.lower()


def test_a_picture_comes_in_with_its_words(desk: Desk, posts: Posts):
    if not desk.rig.customer_pictures:
        return
    [file] = desk.message(posts["picture"]).attachments.all()
    files.fetch(file.pk)
    file.refresh_from_db()
    assert (file.trouble, file.content_type.partition("/")[0]) == ("", "image")  # a network may draw it anew
    if desk.channel.capabilities.alt_text:
        assert file.alt == PICTURE.alt
    else:
        assert file.name == PICTURE.name


def test_events_in_reverse_order_make_the_same_conversation(desk: Desk, posts: Posts):
    """An answer that arrives before what it answers."""
    first = desk.message(posts["answered"])
    ours = desk.deliver(desk.write(first, "We are looking into it.")).message.external_id
    desk.rig.wait_until("they have read it", lambda: desk.rig.answers_to(posts["answered"]))
    thanks = desk.message(desk.rig.answer(ours, "Thank you"))
    assert thanks.thread_id == first.thread_id
    assert thanks.parent_external_id == ours

    other = Desk.opened(desk.rig, desk.agent)
    page = desk.channel.connect().fetch_since({}, limit=200)
    for payload in reversed(page.payloads):
        inbox.keep(channel=other.channel, payloads=[payload])
        inbox.drain(other.channel)
    assert place(other, posts["answered"]) == place(other, thanks.external_id)
    assert other.count(external_id=posts["answered"]) == 1
    read_there = other.find(ours)  # where the network shows us what we said, we know it for ours
    assert read_there is None or read_there.is_ours


def place(desk: Desk, id: str) -> int:
    thread = desk.find(id).thread
    return thread.joined_to_id or thread.pk


def test_an_edit_is_known_where_the_network_shows_it(desk: Desk, posts: Posts):
    if not desk.rig.customer_edits:
        return
    before = desk.message(posts["edited"])
    desk.rig.edit(posts["edited"], "The train is late, and cold")
    reads_again(desk, "the edit is here", posts["edited"], lambda found: "cold" in found.text)
    assert desk.count(external_id=posts["edited"]) == 1
    assert words(before.versions.get().text) == "The train is late"


def test_a_deletion_is_known_where_the_network_shows_it(desk: Desk, posts: Posts):
    if not desk.rig.customer_deletes:
        return
    desk.message(posts["deleted"])
    desk.rig.delete(posts["deleted"])
    if desk.channel.capabilities.deletes_seen:
        desk.sees("the deletion is here", lambda: desk.find(posts["deleted"]).deleted_at)
    platform = desk.channel.connect()
    if isinstance(platform, Looks):
        desk.rig.wait_until("it is gone there", lambda: platform.fetch_item(posts["deleted"]) is None)


def reads_again(desk: Desk, what: str, id: str, so) -> None:
    """By itself where the network lets us see edits; else as somebody who reads the post again."""
    if desk.channel.capabilities.edits_seen:
        desk.sees(what, lambda: so(desk.find(id)))
        return
    platform = desk.channel.connect()
    assert isinstance(platform, Looks)

    def read() -> bool:
        inbox.keep(channel=desk.channel, payloads=[platform.fetch_item(id)])
        inbox.drain(desk.channel)
        return so(desk.find(id))

    desk.rig.wait_until(what, read)


# --- what goes out


def test_a_reply_lands_in_the_right_thread_once_and_is_not_taken_for_a_post(desk: Desk, posts: Posts):
    text = f"Sorry! {MANY_SCRIPTS}"[: desk.channel.capabilities.text_limit]
    delivery = desk.reply(posts["seen"], text)
    assert delivery.state == State.SENT, delivery.reason
    desk.deliver(delivery)  # a job that stood in line twice
    there = desk.reads_once(delivery)
    assert there.id == delivery.message.external_id
    for _ in range(2):
        desk.look()
    assert desk.count(external_id=there.id, direction=Message.Direction.OUT) == 1
    assert not desk.count(text__contains=text, direction=Message.Direction.IN)


def test_the_same_key_again_is_no_second_reply(desk: Desk, posts: Posts):
    """As far as the network can tell."""
    delivery = desk.reply(posts["seen"], "A train is on its way to you.")
    out, platform = outbox.outgoing(delivery), desk.channel.connect()
    match desk.idempotency:
        case Idempotency.NATIVE:
            assert platform.send(out).external_id == delivery.message.external_id
        case Idempotency.DETECT:
            with pytest.raises(Duplicate):
                platform.send(out)
        case Idempotency.RECONCILE:
            assert platform.find_sent(out).external_id == delivery.message.external_id
        case Idempotency.NONE:
            assert platform.find_sent(out) is None
    desk.stands_once(delivery)


def test_a_reply_whose_answer_was_lost_is_found_or_held_and_stands_there_once(desk: Desk, posts: Posts):
    delivery = desk.write(desk.message(posts["lost"]), "Nobody hears that this was sent.")
    with desk.rig.door.loses_answer(desk.rig.sending) as lost:
        desk.deliver(delivery)
        lost.wait()
    desk.settle(delivery)
    wanted = State.IN_DOUBT if desk.idempotency is Idempotency.NONE else State.SENT
    assert delivery.state == wanted, delivery.reason
    desk.stands_once(delivery)


def test_what_is_too_long_is_refused_before_it_leaves(desk: Desk, posts: Posts):
    limit = desk.channel.capabilities.text_limit
    if limit is None:
        return
    question = desk.message(posts["long"])
    out = Outgoing("0" * 32, "a" * (int(desk.rig.access().settings.get("text_limit", limit)) + 1), question.external_id,
                   question.thread.external_id, desk.rig.customer)  # fmt: skip
    with pytest.raises(Rejected):
        desk.channel.connect().send(out)
    assert desk.rig.answers_to(posts["long"]) == []


def test_a_picture_leaves_with_its_words(desk: Desk, posts: Posts):
    can = desk.channel.capabilities
    if not can.attachments:
        return
    question = desk.message(posts["long"])
    file = Carried(PICTURE.name, PICTURE.type, lambda: PICTURE.body, PICTURE.alt)
    key = "6fa459ea-ee8a-4ca4-894e-db77e160355e"
    sent = desk.channel.connect().send(
        Outgoing(key, "Yours looks like this", question.external_id, question.thread.external_id, desk.rig.customer,
                 private=question.private, files=[file])
    )  # fmt: skip
    found = desk.rig.wait_until(
        "they see it", lambda: [said for said in desk.rig.thread(posts["long"]) if said.id == sent.external_id]
    )
    assert list(found[0].pictures) == [PICTURE.alt if can.alt_text else PICTURE.name]


# --- what opens the account


def test_a_key_that_opens_nothing_shuts_the_channel_and_nothing_is_lost(desk: Desk, posts: Posts):
    delivery = desk.write(desk.message(posts["shut"]), "We answer as soon as we may.")
    desk.connect(desk.rig.wrong_access())
    assert desk.look().broken_at
    assert desk.deliver(delivery).state == State.QUEUED

    desk.reopen(desk.rig.access())
    assert not desk.look().trouble
    assert desk.deliver(delivery).state == State.SENT


def test_a_key_that_has_run_out_is_renewed_by_itself(desk: Desk, posts: Posts):
    expired = desk.rig.expired_access()
    if expired is None:
        return
    desk.connect(expired)
    assert desk.message(posts["seen"])
    assert not desk.now().broken_at
