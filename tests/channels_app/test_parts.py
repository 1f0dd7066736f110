"""A reply too long for one post leaves as several: each answers the one before, none is sent twice, none alone."""

from dataclasses import replace

import pytest

from channels_app import jobs, outbox
from channels_app.models import Attachment, Delivery, Message
from channels_app.platforms.base import Idempotency
from channels_app.platforms.errors import Rejected, TryLater
from channels_app.taking_back import LeftAlready, take_back
from crm import files
from tests.channels_app.fake_platform import FakePlatform
from tests.channels_app.posts import NOON, message, post, take_in
from tests.channels_app.told import receipt
from tests.crm.made_files import png, upload

pytestmark = pytest.mark.django_db
State = Delivery.State
LONG = "We are sorry. It was the points near Hall. They froze last night. We pay for the taxi you took."


@pytest.fixture
def threaded(connect):
    """A network with posts of 40 characters, and threads of them."""
    return connect(FakePlatform(Idempotency.RECONCILE, text_limit=40, thread_of_parts=True))


@pytest.fixture
def parts(fake, threaded, agent):
    take_in(fake, post(1))
    return outbox.write_parts(answer_to=message(fake, 1), text=LONG, by=agent)


def states():
    return list(Delivery.objects.order_by("pk").values_list("state", flat=True))


def deliver_all(parts):
    for part in parts:
        outbox.deliver(part.pk)


def test_each_part_is_a_reply_that_goes_after_the_one_before(parts):
    texts = [part.message.text for part in parts]
    assert " ".join(texts) == LONG
    assert max(map(len, texts)) <= 40
    assert [part.after for part in parts] == [None, *parts[:-1]]
    assert {part.message.thread_id for part in parts} == {parts[0].message.thread_id}
    assert [part.message.parent_external_id for part in parts] == ["1", *[""] * (len(parts) - 1)]


def test_each_answers_the_one_before(threaded, parts):
    deliver_all(parts)
    sent = [(external_id, out.parent_id) for external_id, out in threaded.posts.items()]
    assert sent == [("reply-1", "1"), ("reply-2", "reply-1"), ("reply-3", "reply-2")]
    assert states() == [State.SENT] * 3


def test_none_leaves_before_the_one_it_goes_after(threaded, parts):
    deliver_all(parts[1:])
    assert (threaded.posts, states()) == ({}, [State.QUEUED] * 3)


def test_the_next_is_nudged_when_one_has_arrived(parts, nudges, django_capture_on_commit_callbacks):
    with django_capture_on_commit_callbacks(execute=True):
        outbox.deliver(parts[0].pk)
    assert ("channels_app.jobs.deliver", parts[1].pk) in nudges
    assert ("channels_app.jobs.deliver", parts[2].pk) not in nudges


def test_an_echo_lets_the_next_one_go_as_well(fake, threaded, parts):
    take_in(fake, post("echo-1", parts[0].message.text, ours=True, reply_to="1", key=str(parts[0].key)))
    outbox.deliver(parts[1].pk)
    assert next(iter(threaded.posts.values())).parent_id == "echo-1"


def test_numbers_are_counted(fake, threaded, agent):
    take_in(fake, post(1))
    parts = outbox.write_parts(answer_to=message(fake, 1), text=LONG, by=agent, numbered=True)
    assert [part.message.text[-4:] for part in parts] == [f" {n}/{len(parts)}" for n in range(1, len(parts) + 1)]
    assert max(len(part.message.text) for part in parts) <= 40


def test_what_fits_is_one_post(fake, threaded, agent):
    take_in(fake, post(1))
    (only,) = outbox.write_parts(answer_to=message(fake, 1), text="Sorry!", by=agent, numbered=True)
    assert only.message.text == "Sorry!"


def test_where_their_name_is_put_before_each_part_it_has_room(fake, connect, agent):
    connect(FakePlatform(Idempotency.RECONCILE, text_limit=40, thread_of_parts=True, names_them=True))
    take_in(fake, post(1))  # by ann
    parts = outbox.write_parts(answer_to=message(fake, 1), text=LONG, by=agent)
    assert max(len(f"@ann {part.message.text}") for part in parts) <= 40
    with pytest.raises(outbox.TooLong) as refusal:
        outbox.write(answer_to=message(fake, 1), text="x" * 36, by=agent)
    assert "takes 35 characters" in str(refusal.value)


# --- what stands in the way


def test_where_the_network_knows_no_such_threads_it_stays_too_long(fake, connect, agent):
    connect(FakePlatform(Idempotency.RECONCILE, text_limit=40))
    take_in(fake, post(1))
    with pytest.raises(outbox.TooLong):
        outbox.write_parts(answer_to=message(fake, 1), text=LONG, by=agent)
    assert not Delivery.objects.exists()


def test_a_link_longer_than_a_post_cannot_be_cut(fake, threaded, agent):
    take_in(fake, post(1))
    with pytest.raises(outbox.CannotBeCut):
        outbox.write_parts(answer_to=message(fake, 1), text=f"See https://example.com/{'a' * 40}", by=agent)


def test_nobody_reads_thirty_posts(fake, threaded, agent):
    take_in(fake, post(1))
    with pytest.raises(outbox.TooManyParts) as refusal:
        outbox.write_parts(answer_to=message(fake, 1), text="Sorry about that. " * 60, by=agent)
    assert "more than 20 posts" in str(refusal.value)


# --- a part that does not arrive


def test_a_part_that_fails_stops_those_after_it(threaded, parts):
    outbox.deliver(parts[0].pk)
    threaded.next = [Rejected("It was the same again.")]
    deliver_all(parts[1:])
    assert states() == [State.SENT, State.FAILED, State.FAILED]
    last = Delivery.objects.get(pk=parts[2].pk)
    assert last.reason == "The part before it was not sent, so this one was not either."


@pytest.mark.parametrize("clicked", [1, 2])
def test_trying_it_again_goes_on_from_there(threaded, parts, agent, clicked):
    outbox.deliver(parts[0].pk)
    threaded.next = [Rejected("It was the same again.")]
    outbox.deliver(parts[1].pk)
    outbox.try_again(delivery=parts[clicked], by=agent)
    assert states() == [State.SENT, State.QUEUED, State.QUEUED]
    deliver_all(parts)
    assert (states(), list(threaded.posts)) == ([State.SENT] * 3, ["reply-1", "reply-2", "reply-3"])


def test_while_one_is_in_doubt_the_next_wait(threaded, parts):
    threaded.next, threaded.blind = [threaded.SWALLOWED], True
    deliver_all(parts)
    assert states() == [State.IN_DOUBT, State.QUEUED, State.QUEUED]
    assert Delivery.objects.get(pk=parts[1].pk).waits_for_a_part
    threaded.blind = False
    jobs.resolve_doubt(parts[0].pk)
    deliver_all(parts)
    assert list(threaded.posts) == ["reply-1", "reply-2", "reply-3"]


def test_what_is_given_up_stops_the_rest(threaded, parts):
    Delivery.objects.filter(pk=parts[0].pk).update(attempts=outbox.MOST_ATTEMPTS)
    threaded.next = [TryLater("Busy.")]
    outbox.deliver(parts[0].pk)
    assert states() == [State.FAILED] * 3


def test_what_the_network_could_not_deliver_stops_the_rest(fake, threaded, parts):
    outbox.deliver(parts[0].pk)
    take_in(fake, receipt("failed", "reply-1"))
    assert states() == [State.FAILED] * 3


@pytest.mark.django_db(transaction=True)
def test_one_that_may_not_leave_any_more_stops_the_rest(fake, threaded, agent):
    take_in(fake, post(1))
    parts = outbox.write_parts(answer_to=message(fake, 1), text=LONG, by=agent)
    customer = message(fake, 1).identity.links.get().customer
    customer.do_not_contact_at = NOON
    customer.save()
    outbox.deliver(parts[0].pk)
    assert (states(), threaded.posts) == ([State.FAILED] * 3, {})


# --- taken back, forgotten


def test_taking_it_back_takes_all_back(parts, agent):
    told = take_back(delivery=parts[1], by=agent)
    assert not Delivery.objects.exists()
    assert not Message.objects.filter(direction="out").exists()
    assert told.text == LONG


def test_of_what_has_left_in_part_the_rest_is_taken_back(threaded, parts, agent):
    outbox.deliver(parts[0].pk)
    with pytest.raises(LeftAlready):
        take_back(delivery=parts[0], by=agent)
    assert take_back(delivery=parts[2], by=agent).text == " ".join(part.message.text for part in parts[1:])
    assert states() == [State.SENT]


def test_files_go_with_the_first(fake, threaded, agent):
    take_in(fake, post(1))
    threaded.capabilities = replace(threaded.capabilities, attachments=1, attachment_bytes=10_000, alt_text=True)
    parts = outbox.write_parts(
        answer_to=message(fake, 1),
        text=LONG,
        by=agent,
        attached=[files.checked(upload(png(), "points.png"))],
        alts=["The points"],
    )
    assert Attachment.objects.get().message == parts[0].message
    deliver_all(parts)
    assert [len(out.files) for out in threaded.posts.values()] == [1, 0, 0]
    assert threaded.posts["reply-1"].files[0].alt == "The points"
