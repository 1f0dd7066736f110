"""The way out: a reply is a row first, is sent once, and where nobody can tell whether it was, it is held and shown."""

from datetime import timedelta

import pytest
from django.conf import settings
from django.db import IntegrityError, models, transaction
from django.utils import timezone

from cases.models import CaseMessage, Note
from channels_app import jobs, live, outbox
from channels_app.models import Delivery, Message
from channels_app.platforms import wire
from channels_app.platforms.base import Idempotency, Sent
from channels_app.platforms.errors import Rejected, TryLater
from crm.models import Activity
from tests import factories
from tests.channels_app.fake_platform import AT, FakePlatform
from tests.channels_app.posts import NOON, at_once, message, post, take_in

pytestmark = pytest.mark.django_db
NATIVE, RECONCILE, NONE = Idempotency.NATIVE, Idempotency.RECONCILE, Idempotency.NONE
State = Delivery.State
QUICKEST = settings.RQ_QUEUES["now"]  # where replies are sent


@pytest.fixture
def question(fake):
    """What a customer asked, on the fake network."""
    ann = factories.IdentityFactory(place="fake", value="ann", customer=factories.CustomerFactory())
    return factories.MessageFactory(thread__channel=fake, external_id="1", identity=ann)


@pytest.fixture
def write(question, agent):
    """`write(network)` is a reply in the outbox of a channel of that network."""

    def write(text="We are looking."):
        return outbox.write(answer_to=question, text=text, by=agent)

    return write


@pytest.fixture(params=[NATIVE, RECONCILE, NONE], ids=str)
def any_network(request, connect):
    return connect(FakePlatform(request.param))


def state_of(delivery):
    delivery.refresh_from_db()
    return delivery.state


def put(delivery, **columns):
    Delivery.objects.filter(pk=delivery.pk).update(**columns)


def minutes_later(delivery, minutes=10):
    """As if so much time had passed over the reply."""
    shift = timedelta(minutes=minutes)
    put(delivery, not_before=models.F("not_before") - shift, lease_until=models.F("lease_until") - shift)


def sweep_and_work(delivery):
    """What the clock and the workers do with it in a minute."""
    jobs.sweep()
    jobs.resolve_doubt(delivery.pk)
    jobs.deliver(delivery.pk)


# --- written


def test_a_reply_is_a_queued_row_before_anything_is_sent(network, write, question, agent):
    delivery = write("  We are looking.\n")
    reply = delivery.message
    assert (delivery.state, delivery.attempts, network.asked) == (State.QUEUED, 0, {})
    assert (reply.text, reply.direction, reply.sent_by, reply.external_id) == ("We are looking.", "out", agent, None)
    assert (reply.thread, reply.identity, reply.parent_external_id) == (question.thread, question.identity, "1")


def test_writing_nudges_its_delivery(network, write, nudges, django_capture_on_commit_callbacks):
    with django_capture_on_commit_callbacks(execute=True):
        delivery = write()
    assert nudges == [("channels_app.jobs.deliver", delivery.pk)]


def test_a_reply_is_as_private_as_the_question(network, write, question):
    Message.objects.filter(pk=question.pk).update(private=True)
    question.refresh_from_db()
    delivery = write()
    jobs.deliver(delivery.pk)
    assert delivery.message.private
    assert network.posts["reply-1"].private


def test_a_reply_waits_for_neither_reader_nor_router(network, write):
    write()
    assert not Message.objects.filter(direction="out").to_read().exists()
    assert not Message.objects.filter(direction="out").to_route().exists()


def test_a_reply_that_is_too_long_says_how_long_it_may_be(connect, write):
    connect(FakePlatform(RECONCILE, text_limit=20))
    with pytest.raises(outbox.TooLong) as refusal:
        write("x" * 21)
    assert str(refusal.value) == "@brand on Fake takes 20 characters; this reply has 21. Shorten it and send again."
    assert not Delivery.objects.exists()
    assert write("x" * 20).state == State.QUEUED


@pytest.mark.parametrize("text", ["", "  \n\t ", "\x00"])
def test_an_empty_reply_is_refused(network, write, text):
    with pytest.raises(outbox.NothingToSay):
        write(text)


def test_a_channel_that_only_listens_says_so(archive, agent):
    take_in(archive, post(1))
    with pytest.raises(outbox.CannotSendThere) as refusal:
        outbox.write(answer_to=message(archive, 1), text="Hello", by=agent)
    assert str(refusal.value) == "Archive cannot send replies: it only listens."


def test_what_was_said_by_hand_is_a_record_and_goes_nowhere(team, agent):
    phone = factories.ChannelFactory(platform="by_hand", place="phone", team=team)
    question = factories.MessageFactory(thread__channel=phone)
    delivery = outbox.write(answer_to=question, text="Told her the train is late.", by=agent)
    jobs.deliver(delivery.pk)
    assert state_of(delivery) == State.SENT


# --- sent


def test_a_reply_is_claimed_sent_and_confirmed(any_network, write):
    delivery = write()
    seen = []
    any_network.on_send = lambda out: seen.append(Delivery.objects.get().state)
    jobs.deliver(delivery.pk)
    assert seen == [State.SENDING]
    assert state_of(delivery) == State.SENT
    assert (delivery.sent_at, delivery.attempts, delivery.lease_until, delivery.reason) == (AT, 1, None, "")
    reply = Message.objects.get(pk=delivery.message_id)
    assert (reply.external_id, reply.occurred_at) == ("reply-1", AT)


def test_the_network_is_given_the_key_the_place_and_the_person(network, write, question):
    delivery = write()
    jobs.deliver(delivery.pk)
    out = network.posts["reply-1"]
    assert (out.key, out.text, out.parent_id, out.thread_id, out.recipient) == (
        str(delivery.key), "We are looking.", "1", question.thread.external_id, "ann",
    )  # fmt: skip


def test_a_reply_is_sent_outside_any_transaction_of_the_worker(network, write):
    delivery = write()
    depth = []
    around = len(transaction.get_connection().savepoint_ids)
    network.on_send = lambda out: depth.append(len(transaction.get_connection().savepoint_ids))
    jobs.deliver(delivery.pk)
    assert depth == [around]


def test_a_job_that_comes_twice_sends_once(network, write):
    delivery = write()
    jobs.deliver(delivery.pk)
    jobs.deliver(delivery.pk)
    assert network.asked[str(delivery.key)] == 1


@pytest.mark.parametrize("state", [State.SENDING, State.SENT, State.FAILED, State.IN_DOUBT])
def test_only_a_queued_reply_is_sent(network, write, state):
    delivery = write()
    now = timezone.now()
    put(delivery, state=state, sent_at=now if state == State.SENT else None, lease_until=now + timedelta(minutes=1))
    jobs.deliver(delivery.pk)
    assert (network.asked, state_of(delivery)) == ({}, state)


def test_a_reply_is_not_sent_before_its_time(network, write):
    delivery = write()
    put(delivery, not_before=timezone.now() + timedelta(minutes=1))
    jobs.deliver(delivery.pk)
    assert (network.asked, state_of(delivery)) == ({}, State.QUEUED)


@pytest.mark.django_db(transaction=True)
def test_two_workers_with_the_same_reply_send_it_once(network, write):
    for _ in range(5):
        delivery = write()
        at_once(*[lambda pk=delivery.pk: jobs.deliver(pk)] * 3)
        assert (network.asked[str(delivery.key)], state_of(delivery)) == (1, State.SENT)


def test_every_step_is_told_to_whoever_has_the_case_open(network, write, monkeypatch):
    told = []
    monkeypatch.setitem(live._listeners, "delivery", [lambda pks: told.append(Delivery.objects.get(pk__in=pks).state)])
    jobs.deliver(write().pk)
    assert told == [State.SENDING, State.SENT]


# --- refused, or later


def test_a_reply_the_network_refuses_says_why_and_stops(any_network, write):
    any_network.next = [Rejected("You may not answer this person.")]
    delivery = write()
    jobs.deliver(delivery.pk)
    assert state_of(delivery) == State.FAILED
    assert (delivery.reason, any_network.posts) == ("You may not answer this person.", {})
    minutes_later(delivery, 60)
    sweep_and_work(delivery)
    assert state_of(delivery) == State.FAILED


def test_a_busy_network_is_asked_again_no_sooner_than_it_says(any_network, write):
    any_network.next = [TryLater("Too busy.", after=90)]
    delivery = write()
    before = timezone.now()
    jobs.deliver(delivery.pk)
    assert state_of(delivery) == State.QUEUED
    assert delivery.not_before >= before + timedelta(seconds=90)
    assert delivery.reason == "Too busy."
    minutes_later(delivery)
    sweep_and_work(delivery)
    assert (state_of(delivery), len(any_network.posts)) == (State.SENT, 1)


def test_the_pauses_grow_from_try_to_try(network, write):
    delivery = write()
    pauses = []
    for _ in range(outbox.MOST_ATTEMPTS - 1):
        network.next = [TryLater("Too busy.", after=0)]
        put(delivery, not_before=timezone.now())
        before = timezone.now()
        jobs.deliver(delivery.pk)
        delivery.refresh_from_db()
        pauses.append((delivery.not_before - before).total_seconds())
    assert pauses == sorted(pauses)
    assert pauses[-1] > 20 * pauses[0]


def test_a_network_that_stays_busy_is_given_up_with_the_number_of_tries(network, write):
    delivery = write()
    put(delivery, attempts=outbox.MOST_ATTEMPTS - 1)
    network.next = [TryLater("Too busy.")]
    jobs.deliver(delivery.pk)
    assert (state_of(delivery), delivery.reason) == (
        State.FAILED,
        f"Given up after {outbox.MOST_ATTEMPTS} tries: Too busy.",
    )


# --- nobody can tell


def test_a_reply_that_arrived_though_no_answer_came_is_found_and_not_sent_again(network, write):
    network.next = [network.SWALLOWED]
    delivery = write()
    jobs.deliver(delivery.pk)
    assert state_of(delivery) == State.SENT
    assert (delivery.message.external_id, network.asked[str(delivery.key)]) == ("reply-1", 1)


def test_a_reply_that_never_arrived_is_sent_once_more_only_when_it_cannot_arrive_any_more(network, write):
    network.next = [network.LOST]
    delivery = write()
    jobs.deliver(delivery.pk)
    sweep_and_work(delivery)
    assert (state_of(delivery), network.asked[str(delivery.key)]) == (State.IN_DOUBT, 1)
    assert delivery.reason == "The line broke."
    minutes_later(delivery)
    sweep_and_work(delivery)
    assert (state_of(delivery), list(network.posts)) == (State.SENT, ["reply-1"])


def test_a_reply_that_arrives_late_is_not_sent_twice(network, write):
    network.next = [network.LOST]
    delivery = write()
    jobs.deliver(delivery.pk)
    network.posts["reply-1"] = outbox.outgoing(delivery)  # the network was slow, that was all
    minutes_later(delivery)
    sweep_and_work(delivery)
    assert (state_of(delivery), network.asked[str(delivery.key)]) == (State.SENT, 1)


def test_while_the_network_cannot_be_asked_a_reply_stays_in_doubt(network, write):
    network.next, network.blind = [network.SWALLOWED], True
    delivery = write()
    jobs.deliver(delivery.pk)
    minutes_later(delivery)
    sweep_and_work(delivery)
    assert state_of(delivery) == State.IN_DOUBT
    network.blind = False
    sweep_and_work(delivery)
    assert (state_of(delivery), len(network.posts)) == (State.SENT, 1)


def test_a_reply_that_never_arrives_is_given_up_as_not_sent(network, write):
    delivery = write()
    put(delivery, attempts=outbox.MOST_ATTEMPTS - 1)
    network.next = [network.LOST]
    jobs.deliver(delivery.pk)
    minutes_later(delivery)
    sweep_and_work(delivery)
    assert (state_of(delivery), network.posts) == (State.FAILED, {})


@pytest.mark.parametrize("fate", ["SWALLOWED", "LOST"])
def test_where_the_same_key_twice_is_one_post_it_is_simply_sent_again(connect, write, fate):
    native = connect(FakePlatform(NATIVE))
    native.next = [getattr(native, fate)]
    delivery = write()
    jobs.deliver(delivery.pk)
    jobs.deliver(delivery.pk)
    assert (state_of(delivery), list(native.posts), native.asked[str(delivery.key)]) == (State.SENT, ["reply-1"], 2)


def test_sending_the_same_key_again_and_again_has_its_pauses_and_its_end(connect, write):
    native = connect(FakePlatform(NATIVE))
    native.next = [native.LOST] * 100
    delivery = write()
    for _ in range(3):
        jobs.deliver(delivery.pk)
    assert native.asked[str(delivery.key)] == 2
    for _ in range(20):
        minutes_later(delivery)
        sweep_and_work(delivery)
    assert (state_of(delivery), native.asked[str(delivery.key)]) == (State.IN_DOUBT, outbox.MOST_ATTEMPTS)


@pytest.mark.parametrize("fate", ["SWALLOWED", "LOST"])
def test_where_nobody_can_tell_a_reply_is_held_and_never_sent_on_a_guess(connect, write, fate):
    mute = connect(FakePlatform(NONE))
    mute.next = [getattr(mute, fate)]
    delivery = write()
    jobs.deliver(delivery.pk)
    minutes_later(delivery, 600)
    sweep_and_work(delivery)
    assert (state_of(delivery), mute.asked[str(delivery.key)]) == (State.IN_DOUBT, 1)


# --- a worker that was killed


def kill_worker(network, delivery):
    """The worker dies after the network took the reply and before it is recorded; its lease runs out."""

    def die(out):
        raise KeyboardInterrupt

    network.on_send = die
    with pytest.raises(KeyboardInterrupt):
        jobs.deliver(delivery.pk)
    network.on_send = lambda out: None


def test_a_reply_whose_worker_died_after_sending_is_found_and_not_sent_twice(network, write):
    delivery = write()
    kill_worker(network, delivery)
    sweep_and_work(delivery)
    assert state_of(delivery) == State.SENDING  # somebody may still be at it
    minutes_later(delivery)
    sweep_and_work(delivery)
    assert (state_of(delivery), network.asked[str(delivery.key)], len(network.posts)) == (State.SENT, 1, 1)


def test_a_reply_whose_worker_died_before_sending_is_sent_once(network, write):
    delivery = write()
    put(delivery, state=State.SENDING, lease_until=timezone.now(), attempts=1)
    sweep_and_work(delivery)
    assert (state_of(delivery), network.asked[str(delivery.key)]) == (State.SENT, 1)


def test_a_reply_left_by_a_dead_worker_says_so_while_it_is_in_doubt(connect, write):
    connect(FakePlatform(NONE))
    delivery = write()
    put(delivery, state=State.SENDING, lease_until=timezone.now(), attempts=1)
    jobs.sweep()
    assert (state_of(delivery), delivery.reason) == (State.IN_DOUBT, "The connection broke while it was being sent.")


def test_where_nobody_can_tell_a_reply_of_a_dead_worker_is_held(connect, write):
    mute = connect(FakePlatform(NONE))
    delivery = write()
    kill_worker(mute, delivery)
    minutes_later(delivery)
    sweep_and_work(delivery)
    assert (state_of(delivery), len(mute.posts)) == (State.IN_DOUBT, 1)


def test_a_slow_worker_whose_lease_ran_out_does_not_undo_what_was_done_since(network, write):
    """It comes back with "nothing was sent" when the reply was claimed anew and is being sent."""
    delivery = write()

    def meanwhile(out):
        put(delivery, state=State.SENDING, lease_until=timezone.now() + timedelta(minutes=9), attempts=2)
        raise TryLater("Too busy.")

    network.on_send = meanwhile
    jobs.deliver(delivery.pk)
    assert (state_of(delivery), delivery.attempts) == (State.SENDING, 2)


def test_a_worker_that_takes_as_long_as_its_job_may_is_not_taken_for_dead(network, write, monkeypatch):
    """Several uploads and a slow network: nobody else sends meanwhile, or it would stand there twice."""
    delivery, take = write(), network._take

    def slowly(out):
        monkeypatch.setattr(network, "_take", take)
        put(delivery, lease_until=models.F("lease_until") - timedelta(seconds=QUICKEST["DEFAULT_TIMEOUT"]))
        sweep_and_work(delivery)
        return take(out)

    monkeypatch.setattr(network, "_take", slowly)
    jobs.deliver(delivery.pk)
    assert (state_of(delivery), network.asked[str(delivery.key)], len(network.posts)) == (State.SENT, 1, 1)


def test_a_lease_has_room_for_the_last_request_of_a_job():
    assert timedelta(seconds=QUICKEST["DEFAULT_TIMEOUT"] + wire.MOST_SECONDS) <= outbox.LEASE


def test_an_old_answer_that_it_never_arrived_does_not_send_a_reply_that_is_in_doubt_anew(network, write, monkeypatch):
    delivery = write()
    put(delivery, state=State.IN_DOUBT, attempts=1)

    def asked_then_sent_by_another(out):
        put(delivery, not_before=timezone.now() + timedelta(minutes=1), attempts=2)

    monkeypatch.setattr(network, "find_sent", asked_then_sent_by_another)
    jobs.resolve_doubt(delivery.pk)
    assert state_of(delivery) == State.IN_DOUBT


def test_the_sweep_nudges_replies_that_are_due_or_in_doubt(network, write, nudges, django_capture_on_commit_callbacks):
    due, doubtful, later, sent = write(), write(), write(), write()
    put(doubtful, state=State.IN_DOUBT)
    put(later, not_before=timezone.now() + timedelta(minutes=1))
    put(sent, state=State.SENT, sent_at=timezone.now())
    with django_capture_on_commit_callbacks(execute=True):
        outbox.sweep()
    assert nudges == [("channels_app.jobs.resolve_doubt", doubtful.pk), ("channels_app.jobs.deliver", due.pk)]


# --- the echo


def echo(delivery, id="reply-1", **more):
    return post(id, delivery.message.text, ours=True, reply_to="1", key=str(delivery.key), **more)


def test_an_echo_that_comes_before_the_answer_confirms_the_reply_once(network, write, fake):
    delivery = write()
    network.on_send = lambda out: take_in(fake, echo(delivery))
    jobs.deliver(delivery.pk)
    assert (state_of(delivery), delivery.sent_at) == (State.SENT, NOON)
    assert Message.objects.get(direction="out") == delivery.message


def test_an_echo_that_comes_after_the_answer_is_known(network, write, fake):
    delivery = write()
    jobs.deliver(delivery.pk)
    (raw,) = take_in(fake, echo(delivery))
    assert (raw.state, Message.objects.filter(direction="out").count()) == ("duplicate", 1)


def test_an_echo_settles_a_doubt_also_where_nobody_could_ask(connect, write, fake):
    mute = connect(FakePlatform(NONE))
    mute.next = [mute.SWALLOWED]
    delivery = write()
    jobs.deliver(delivery.pk)
    take_in(fake, echo(delivery))
    assert (state_of(delivery), delivery.message.external_id) == (State.SENT, "reply-1")


def test_an_unknown_outcome_does_not_undo_what_the_echo_confirmed(network, write, fake):
    delivery = write()
    network.next = [network.SWALLOWED]
    network.on_send = lambda out: take_in(fake, echo(delivery))
    jobs.deliver(delivery.pk)
    assert (state_of(delivery), network.asked[str(delivery.key)]) == (State.SENT, 1)


def test_an_echo_not_recognised_in_time_gives_way_to_the_reply_it_was(network, agent, team, fake):
    """Its text was changed by the network and it carries no key, so it was stored as a post of ours."""
    case = factories.CaseFactory(channel=fake, message="Where is my train?")
    question = case.entries.get().message
    delivery = outbox.write(answer_to=question, text="We are looking.", by=agent)
    CaseMessage.objects.create(case=case, message=delivery.message)
    changed = post("reply-1", "We are looking. https://t.example/1", ours=True, reply_to=question.external_id)

    def echoed(out):
        take_in(fake, changed)
        CaseMessage.objects.create(case=case, message=message(fake, "reply-1"))

    network.on_send = echoed
    jobs.deliver(delivery.pk)
    assert state_of(delivery) == State.SENT
    assert Message.objects.get(direction="out") == delivery.message
    assert set(case.entries.values_list("message", flat=True)) == {question.pk, delivery.message_id}


def test_an_id_the_network_gave_to_another_reply_already_costs_that_reply_nothing(network, write, monkeypatch):
    first = write("We are looking.")
    jobs.deliver(first.pk)
    second = write("We have found it.")
    monkeypatch.setattr(network, "send", lambda out: Sent("reply-1", AT))
    jobs.deliver(second.pk)
    assert (state_of(first), first.message.external_id) == (State.SENT, "reply-1")
    assert (state_of(second), second.reason) == (State.IN_DOUBT, "The network gave it the id of another reply.")


# --- a person tries again


def test_a_reply_that_failed_can_be_tried_again(network, write, agent):
    network.next = [Rejected("Not now.")]
    delivery = write()
    jobs.deliver(delivery.pk)
    outbox.try_again(delivery=delivery, by=agent)
    assert state_of(delivery) == State.QUEUED
    jobs.deliver(delivery.pk)
    assert (state_of(delivery), len(network.posts)) == (State.SENT, 1)


def test_another_try_after_giving_up_counts_from_one(network, write, agent):
    delivery = write()
    put(delivery, state=State.FAILED, attempts=outbox.MOST_ATTEMPTS)
    outbox.try_again(delivery=delivery, by=agent)
    network.next = [TryLater("Too busy.")]
    jobs.deliver(delivery.pk)
    assert (state_of(delivery), delivery.attempts) == (State.QUEUED, 1)


def test_a_reply_in_doubt_is_looked_for_and_not_simply_sent(
    network, write, agent, nudges, django_capture_on_commit_callbacks
):
    network.next, network.blind = [network.SWALLOWED], True
    delivery = write()
    jobs.deliver(delivery.pk)
    with django_capture_on_commit_callbacks(execute=True):
        outbox.try_again(delivery=delivery, by=agent)
    assert nudges == [("channels_app.jobs.resolve_doubt", delivery.pk)]
    assert state_of(delivery) == State.IN_DOUBT


@pytest.mark.parametrize(
    ("state", "word"), [(State.SENT, "sent"), (State.QUEUED, "queued"), (State.SENDING, "sending")]
)
def test_what_is_gone_or_going_cannot_be_tried_again(network, write, agent, state, word):
    delivery = write()
    now = timezone.now()
    put(delivery, state=state, sent_at=now if state == State.SENT else None, lease_until=now)
    with pytest.raises(outbox.AlreadyGone) as refusal:
        outbox.try_again(delivery=delivery, by=agent)
    assert str(refusal.value) == f"This reply is {word} by now; there is nothing to try again."


def test_a_reply_sent_while_somebody_looked_at_the_old_page_is_not_tried_again(network, write, agent):
    delivery = write()
    put(delivery, state=State.FAILED)
    stale = Delivery.objects.get(pk=delivery.pk)
    put(delivery, state=State.SENT, sent_at=timezone.now())
    with pytest.raises(outbox.AlreadyGone):
        outbox.try_again(delivery=stale, by=agent)


@pytest.mark.django_db(transaction=True)
def test_two_people_who_try_again_at_once_send_it_once(network, write, agent, colleague):
    delivery = write()
    put(delivery, state=State.FAILED)

    def again(by):
        try:
            outbox.try_again(delivery=delivery, by=by)
        except outbox.AlreadyGone:
            return "refused"
        return "queued"

    assert sorted(at_once(lambda: again(agent), lambda: again(colleague))) == ["queued", "refused"]
    at_once(*[lambda: jobs.deliver(delivery.pk)] * 2)
    assert network.asked[str(delivery.key)] == 1


# --- a person decides, where the network cannot be asked


@pytest.fixture
def in_doubt(connect, write):
    """A reply of which nobody can tell whether it arrived: it did not. And its network."""
    mute = connect(FakePlatform(NONE))
    mute.next = [mute.LOST]
    delivery = write()
    jobs.deliver(delivery.pk)
    return delivery, mute


def test_a_person_says_that_it_arrived(in_doubt, agent):
    delivery, mute = in_doubt
    outbox.count_as_sent(delivery=delivery, by=agent)
    assert (state_of(delivery), delivery.reason, delivery.message.external_id) == (State.SENT, "", None)
    assert delivery.sent_at <= timezone.now()
    sweep_and_work(delivery)
    assert (state_of(delivery), mute.asked[str(delivery.key)]) == (State.SENT, 1)


def test_a_person_sends_it_again_under_the_same_key(in_doubt, agent):
    delivery, mute = in_doubt
    outbox.send_again(delivery=delivery, by=agent)
    assert (state_of(delivery), delivery.attempts) == (State.QUEUED, 0)
    jobs.deliver(delivery.pk)
    assert (state_of(delivery), delivery.attempts, mute.asked[str(delivery.key)]) == (State.SENT, 1, 2)


def test_sent_again_it_may_still_be_told_by_its_echo(in_doubt, agent, fake):
    delivery, mute = in_doubt
    outbox.send_again(delivery=delivery, by=agent)
    take_in(fake, echo(delivery))
    jobs.deliver(delivery.pk)
    assert (state_of(delivery), mute.asked[str(delivery.key)]) == (State.SENT, 1)


def test_nobody_is_asked_where_nobody_can_tell(in_doubt, agent, nudges, django_capture_on_commit_callbacks):
    delivery, _mute = in_doubt
    with django_capture_on_commit_callbacks(execute=True), pytest.raises(outbox.NobodyToAsk) as refusal:
        outbox.try_again(delivery=delivery, by=agent)
    assert str(refusal.value).startswith("@brand on Fake cannot be asked whether this reply arrived.")
    assert (nudges, state_of(delivery), delivery.attempts) == ([], State.IN_DOUBT, 1)


@pytest.mark.parametrize("decide", [outbox.count_as_sent, outbox.send_again])
@pytest.mark.parametrize("idempotency", [NATIVE, Idempotency.DETECT, RECONCILE])
def test_where_the_network_can_be_asked_nobody_decides(connect, write, agent, decide, idempotency):
    connect(FakePlatform(idempotency))
    delivery = write()
    put(delivery, state=State.IN_DOUBT)
    with pytest.raises(outbox.CanBeAsked):
        decide(delivery=delivery, by=agent)
    assert state_of(delivery) == State.IN_DOUBT


@pytest.mark.parametrize("decide", [outbox.count_as_sent, outbox.send_again])
def test_what_is_not_in_doubt_any_more_says_what_became_of_it(in_doubt, agent, decide):
    delivery, _mute = in_doubt
    outbox.count_as_sent(delivery=delivery, by=agent)
    with pytest.raises(outbox.NotInDoubt) as refusal:
        decide(delivery=delivery, by=agent)
    assert str(refusal.value) == "This reply is not in doubt any more: sent."


@pytest.mark.django_db(transaction=True)
def test_of_two_people_who_decide_at_once_one_does(in_doubt, agent, colleague):
    delivery, _mute = in_doubt

    def deciding(decide, by):
        try:
            return decide(delivery=delivery, by=by).state
        except outbox.NotInDoubt as refusal:
            return str(refusal)

    said = at_once(lambda: deciding(outbox.count_as_sent, agent), lambda: deciding(outbox.send_again, colleague))
    won = state_of(delivery)
    assert sorted(said) == sorted([won, f"This reply is not in doubt any more: {won}."])


def test_what_was_decided_is_told_to_whoever_has_the_case_open(in_doubt, agent, monkeypatch):
    delivery, _mute = in_doubt
    told = []
    monkeypatch.setitem(live._listeners, "delivery", [lambda pks: told.append((Delivery.objects.get().state, *pks))])
    outbox.count_as_sent(delivery=delivery, by=agent)
    assert told == [(State.SENT, delivery.pk)]


def test_the_sweep_asks_only_where_something_can_be_learnt(in_doubt, nudges, django_capture_on_commit_callbacks):
    with django_capture_on_commit_callbacks(execute=True):
        outbox.sweep()
    assert nudges == []


def test_the_sweep_asks_first_about_whom_it_asked_longest_ago(
    network, write, nudges, django_capture_on_commit_callbacks
):
    now, doubtful = timezone.now(), [write() for _n in range(3)]
    for ago, delivery in zip((2, 3, 1), doubtful, strict=True):
        put(delivery, state=State.IN_DOUBT, attempts=1, not_before=now - timedelta(hours=ago))
    network.blind = True
    jobs.resolve_doubt(doubtful[1].pk)
    with django_capture_on_commit_callbacks(execute=True):
        outbox.sweep()
    assert [pk for _job, pk in nudges] == [doubtful[0].pk, doubtful[2].pk, doubtful[1].pk]


# --- what the database holds


def test_a_sent_reply_has_its_time_and_only_a_sent_one(network, write):
    delivery = write()
    with pytest.raises(IntegrityError, match="a_sent_reply_has_its_time"), transaction.atomic():
        put(delivery, state=State.SENT)
    with pytest.raises(IntegrityError, match="a_sent_reply_has_its_time"), transaction.atomic():
        put(delivery, sent_at=timezone.now())


def test_a_reply_being_sent_has_a_lease(network, write):
    with pytest.raises(IntegrityError, match="a_reply_being_sent_has_a_lease"), transaction.atomic():
        put(write(), state=State.SENDING)


def test_a_message_is_in_the_outbox_once(network, write):
    with pytest.raises(IntegrityError), transaction.atomic():
        Delivery.objects.create(message=write().message)


def test_a_note_can_never_leave(network, write):
    """From what the outbox sends no relation leads to a note: there is no way to name one."""

    def reachable(model, seen):
        for field in model._meta.get_fields(include_hidden=True):
            target = field.related_model
            forward = field.is_relation and not field.auto_created
            if forward and isinstance(target, type) and target not in seen:
                seen.add(target)
                reachable(target, seen)
        return seen

    assert Message in reachable(Delivery, set())
    assert Note not in reachable(Delivery, set())
    direct = {field.related_model for model in (Delivery, Message) for field in model._meta.get_fields()}
    assert CaseMessage in direct
    assert not {Note, Activity} & direct
    assert not issubclass(Note, Message)
