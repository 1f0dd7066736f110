"""Which conversation a post stands in, whatever the order in which its posts arrive."""

from itertools import permutations

import pytest
from django.db import transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cases.models import Case
from channels_app import inbox, outbox
from channels_app.models import Message, Thread
from tests import factories
from tests.channels_app.posts import at_once, keep, message, post, take_in, threads_of

pytestmark = pytest.mark.django_db

QUICKLY = settings(
    max_examples=40, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@st.composite
def arrivals(draw, conversations=3):
    """Conversations of posts that answer any earlier one, and the batches in which they arrive.

    Each post is (conversation, number, number of the post it answers or None).
    """
    posts = []
    for c in range(draw(st.integers(1, conversations))):
        posts.append((c, 0, None))
        posts += [(c, n, draw(st.integers(0, n - 1))) for n in range(1, draw(st.integers(1, 7)))]
    left, batches = draw(st.permutations(posts)), []
    while left:
        size = draw(st.integers(1, len(left)))
        batches.append(left[:size])
        left = left[size:]
    return batches


def said(conversation, number, parent, **more):
    """A row of it. The customer of the conversation says what is even, our account answers what is odd."""
    ours = {"ours": True, "to": f"customer{conversation}"} if number % 2 else {"author": f"customer{conversation}"}
    answers = {} if parent is None else {"reply_to": f"{conversation}-{parent}"}
    return post(
        f"{conversation}-{number}", f"Word {number} of {conversation}", minute=number, **ours, **answers, **more
    )


def arrive(channel, batches, step, **more):
    for batch in batches:
        step(channel, *[said(*entry, **more) for entry in batch])


def take_and_route(channel, *rows):
    keep(channel, *rows)
    inbox.work_off(channel)


def standing(channel):
    """The numbers of the conversations in each thread."""
    found = {}
    for thread, external_id in Message.objects.filter(channel=channel).values_list("thread_id", "external_id"):
        found.setdefault(thread, []).append(external_id.split("-")[0])
    return [set(conversations) for conversations in found.values()]


def in_a_world_of_its_own(examine):
    """Undo one example before the next."""
    sid = transaction.savepoint()
    try:
        examine()
    finally:
        transaction.savepoint_rollback(sid)


# --- any order, any batching


@QUICKLY
@given(batches=arrivals())
def test_posts_of_a_conversation_end_in_one_thread_and_conversations_never_join(archive, batches):
    def examine():
        arrive(archive, batches, take_in)
        found = standing(archive)
        assert all(len(conversations) == 1 for conversations in found)
        assert len(found) == len({c for batch in batches for c, _, _ in batch})

    in_a_world_of_its_own(examine)


@QUICKLY
@given(batches=arrivals())
def test_a_conversation_is_one_case_of_its_customer(archive, batches):
    def examine():
        arrive(archive, batches, take_and_route)
        customers = {c for batch in batches for c, _, _ in batch}
        cases = Case.objects.exclude(state=Case.State.MERGED)
        assert sorted(case.identity.value for case in cases) == sorted(f"customer{c}" for c in customers)
        for case in cases:
            theirs = Message.objects.filter(case_entry__case=case).values_list("external_id", flat=True)
            assert {i.split("-")[0] for i in theirs} == {case.identity.value.removeprefix("customer")}
        assert not Message.objects.filter(case_entry=None).exists()

    in_a_world_of_its_own(examine)


@QUICKLY
@given(batches=arrivals(), data=st.data())
def test_threads_the_network_names_are_believed_whatever_answers_what(archive, batches, data):
    """Also where a post answers one of another thread, and a thread has the name of a post."""

    def examine():
        ids = [f"{c}-{n}" for batch in batches for c, n, _ in batch]
        names = {i: data.draw(st.sampled_from(["T", "U", ids[0]])) for i in ids}
        for batch in batches:
            take_in(archive, *[said(*entry, thread=names[f"{entry[0]}-{entry[1]}"]) for entry in batch])
        for found in Message.objects.select_related("thread"):
            assert found.thread.external_id == names[found.external_id]
        assert not Thread.objects.exclude(joined_to=None).exists()

    in_a_world_of_its_own(examine)


@pytest.mark.parametrize("order", [*permutations("abc")], ids="".join)
def test_a_chain_of_three_is_one_thread_in_every_order(archive, order):
    chain = {"a": post("a"), "b": post("b", reply_to="a"), "c": post("c", reply_to="b")}
    for one in order:
        take_in(archive, chain[one])
    assert len(threads_of(archive, "abc")) == 1


def test_two_answers_to_a_post_we_never_got_stand_together(archive):
    take_in(archive, post("b", reply_to="a"))
    take_in(archive, post("c", reply_to="a", author="bob"))
    assert len(threads_of(archive, "bc")) == 1


def test_two_people_in_one_thread_have_a_case_each(archive):
    take_and_route(archive, post(1), post(2, reply_to="1", author="bob"))
    assert len(threads_of(archive, [1, 2])) == 1
    assert sorted(case.identity.value for case in Case.objects.all()) == ["ann", "bob"]


def test_a_post_that_answers_itself_is_a_conversation_of_its_own(archive):
    take_in(archive, post(1, reply_to="1"), post(2))
    assert len(threads_of(archive, [1, 2])) == 2


def test_posts_that_answer_each_other_in_a_ring_stand_together(archive):
    take_in(archive, post(1, reply_to="2"))
    take_in(archive, post(2, reply_to="1"))
    assert len(threads_of(archive, [1, 2])) == 1


def test_the_younger_thread_is_joined_to_the_older(archive):
    take_in(archive, post("b", reply_to="a"))
    take_in(archive, post("d", reply_to="c"))
    older = message(archive, "b").thread
    take_in(archive, post("c", reply_to="b"))
    assert threads_of(archive, "bcd") == {older.pk}
    assert Thread.objects.get(external_id="d").joined_to == older


def test_a_thread_joined_twice_leads_to_the_last_survivor_in_one_step(archive):
    for child, parent in ("ba", "dc", "fe"):
        take_in(archive, post(child, reply_to=parent))
    take_in(archive, post("e", reply_to="d"))  # f joins d
    take_in(archive, post("c", reply_to="b"))  # d joins b
    survivor = message(archive, "b").thread_id
    assert set(Thread.objects.exclude(joined_to=None).values_list("joined_to", flat=True)) == {survivor}
    assert threads_of(archive, "bcdef") == {survivor}


def test_the_same_ids_on_another_channel_are_other_conversations(archive, team):
    other = factories.ChannelFactory(platform="archive", place="other", team=team)
    take_in(archive, post(1))
    take_in(other, post(2, reply_to="1"))
    assert threads_of(archive, [1]).isdisjoint(threads_of(other, [2]))


# --- threads the network names


def test_a_named_thread_gathers_posts_that_answer_nothing(archive):
    take_in(archive, post(1, thread="T"), post(2, thread="T"))
    take_in(archive, post(3, thread="T"), post(4, thread="U"))
    assert len(threads_of(archive, [1, 2, 3])) == 1
    assert threads_of(archive, [4]).isdisjoint(threads_of(archive, [1]))


@pytest.mark.parametrize("order", [(0, 1), (1, 0)], ids=["question first", "answer first"])
def test_an_answer_does_not_tie_two_named_threads_together(archive, order):
    rows = [post("a", thread="T"), post("b", thread="U", reply_to="a")]
    for n in order:
        take_in(archive, rows[n])
    assert len(threads_of(archive, "ab")) == 2


@pytest.mark.parametrize("batched", [True, False], ids=["at once", "one by one"])
def test_a_thread_named_after_its_first_post_takes_that_post_in(archive, batched):
    rows = [post("b", thread="a"), post("a")]
    for batch in [rows] if batched else [[row] for row in rows]:
        assert {raw.state for raw in take_in(archive, *batch)} == {"stored"}
    assert len(threads_of(archive, "ab")) == 1


def test_what_the_network_puts_into_a_thread_that_was_joined_stands_with_the_survivor(archive):
    take_in(archive, post("b", reply_to="a"), post("q", thread="T"))
    take_in(archive, post("a", reply_to="q"))  # without a name itself, it shows that both are one
    take_in(archive, post("r", thread="T"))
    assert threads_of(archive, "abqr") == {message(archive, "b").thread_id}


# --- what a join does to what is under way


def test_a_join_moves_a_reply_that_is_on_its_way(fake, network, agent):
    take_in(fake, post("d", reply_to="c"))
    take_in(fake, post("b", reply_to="a", author="bob"))
    delivery = outbox.write(answer_to=message(fake, "b"), text="We are looking.", by=agent)
    network.on_send = lambda out: take_in(fake, post("c", reply_to="b"))  # while it is being sent, the threads join
    outbox.deliver(delivery.pk)
    delivery.refresh_from_db()
    assert delivery.state == "sent"
    assert delivery.message.thread_id == message(fake, "d").thread_id
    assert Message.objects.filter(channel=fake, direction="out").get() == delivery.message


def test_the_networks_copy_of_our_reply_is_known_after_a_join(fake, network, agent):
    take_in(fake, post("b", reply_to="a"))
    delivery = outbox.write(answer_to=message(fake, "b"), text="We are looking.", by=agent)
    outbox.deliver(delivery.pk)
    take_in(fake, post("a", author="bob"))
    (raw,) = take_in(fake, post("reply-1", "We are looking.", ours=True, reply_to="b", key=str(delivery.key)))
    assert (raw.state, Message.objects.filter(direction="out").count()) == ("duplicate", 1)


def test_a_reply_is_written_to_the_thread_that_survived(fake, network, agent):
    take_in(fake, post("b", reply_to="a"))
    take_in(fake, post("d", reply_to="c"))
    asked = message(fake, "d")  # read before the join, as a page does
    take_in(fake, post("c", reply_to="b"))
    delivery = outbox.write(answer_to=asked, text="We are looking.", by=agent)
    assert delivery.message.thread_id == message(fake, "b").thread_id


@pytest.mark.django_db(transaction=True)
def test_a_reply_written_while_threads_join_never_stays_behind(fake, network, agent):
    for n in range(8):
        take_in(fake, post(f"b{n}", reply_to=f"a{n}"), post(f"d{n}", reply_to=f"c{n}", author="bob"))
        asked = message(fake, f"d{n}")
        keep(fake, post(f"c{n}", reply_to=f"b{n}"))
        at_once(
            lambda: inbox.take_in(fake),
            lambda asked=asked: outbox.write(answer_to=asked, text="We are looking.", by=agent),
        )
    assert not Message.objects.exclude(thread__joined_to=None).exists()


def test_joined_threads_of_one_customer_become_one_case(archive):
    take_and_route(archive, post("b", reply_to="a"))
    take_and_route(archive, post("d", reply_to="c"))
    assert Case.objects.count() == 2
    take_and_route(archive, post("c", reply_to="b"))
    (case,) = Case.objects.exclude(state=Case.State.MERGED)
    assert case.entries.count() == 3
