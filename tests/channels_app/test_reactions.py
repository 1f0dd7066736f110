"""Who likes what: each person with one sign at a time, the same whatever order it is told in."""

from itertools import permutations

import pytest
from django.utils import timezone

from channels_app import live, reactions
from channels_app.models import Message, RawEvent, Reaction
from tests.channels_app.posts import message, post, take_in
from tests.channels_app.told import sign

pytestmark = pytest.mark.django_db
RAW = RawEvent.State


@pytest.fixture
def liked(fake, network):
    take_in(fake, post(1))
    return message(fake, 1)


def shown(liked):
    return reactions.shown([liked]).get(liked.pk, [])


def test_signs_are_counted_under_their_message(fake, liked):
    take_in(fake, sign(1, who="bob"), sign(1, who="cid"), sign(1, who="dan", emoji="👍"))
    assert shown(liked) == [("♥", 2), ("👍", 1)]


def test_the_same_sign_twice_counts_once(fake, liked):
    take_in(fake, sign(1), sign(1))
    take_in(fake, sign(1))
    assert shown(liked) == [("♥", 1)]


def test_what_networks_say_in_words_is_shown_as_a_sign(fake, liked):
    take_in(fake, sign(1, who="bob", emoji="love"), sign(1, who="cid", emoji="LIKE"), sign(1, who="dan", emoji="like"))
    assert shown(liked) == [("👍", 2), ("❤️", 1)]


@pytest.mark.parametrize("order", list(permutations(range(4))))
@pytest.mark.parametrize("batched", [False, True], ids=["one by one", "at once"])
def test_the_last_sign_of_a_person_stands_whatever_the_order(fake, liked, order, batched):
    rows = [
        sign(1, emoji="👍", minute=1), sign(1, emoji="👍", minute=2, undo="yes"), sign(1, emoji="😮", minute=3),
        sign(1, emoji="❤️", minute=4),
    ]  # fmt: skip
    told = [rows[n] for n in order]
    for batch in [told] if batched else [[row] for row in told]:
        take_in(fake, *batch)
    assert shown(liked) == [("❤️", 1)]


@pytest.mark.parametrize("emoji", ["👍", ""], ids=["named", "whatever it was"])
@pytest.mark.parametrize("late", [False, True])
def test_what_was_taken_back_stands_no_more(fake, liked, emoji, late):
    rows = [sign(1, emoji="👍", minute=1), sign(1, emoji=emoji, minute=2, undo="yes")]
    for row in rows[::-1] if late else rows:
        take_in(fake, row)
    assert shown(liked) == []
    take_in(fake, sign(1, emoji="👍", minute=3))
    assert shown(liked) == [("👍", 1)]


def test_a_sign_to_a_message_we_do_not_have_says_so(fake, liked):
    (raw,) = take_in(fake, sign("lost"))
    assert (raw.state, raw.reason) == (RAW.DUPLICATE, "A sign to a message that Hark does not have.")


def test_a_sign_in_the_same_batch_as_its_message_counts(fake, network):
    take_in(fake, sign(2), post(2))
    assert shown(message(fake, 2)) == [("♥", 1)]


def test_our_own_sign_is_not_counted(fake, liked):
    (raw,) = take_in(fake, sign(1, ours=True, who=None))
    assert (raw.state, shown(liked)) == (RAW.DUPLICATE, [])


def test_where_the_network_does_not_say_who_each_sign_counts(fake, liked):
    take_in(fake, sign(1, who=None, minute=1), sign(1, who=None, minute=2))
    assert shown(liked) == [("♥", 2)]


def test_nothing_is_kept_of_who_liked_an_erased_message(fake, liked):
    Message.objects.filter(pk=liked.pk).update(erased_at=timezone.now(), text="")
    (raw,) = take_in(fake, sign(1))
    assert bytes(raw.body) == b""
    assert not Reaction.objects.exists()


def test_whoever_has_the_case_open_sees_it_come(fake, liked, monkeypatch):
    told = []
    monkeypatch.setitem(live._listeners, "message", [told.extend])
    take_in(fake, sign(1, who="bob"), sign(1, who="cid"))
    take_in(fake, sign(1, who="bob"))
    assert told == [liked.pk]


@pytest.mark.parametrize("n", [1, 20])
def test_the_queries_do_not_grow_with_the_batch(fake, network, django_assert_max_num_queries, n):
    take_in(fake, *[post(k) for k in range(n)])
    with django_assert_max_num_queries(25):
        take_in(fake, *[sign(k, who=f"p{k}") for k in range(n)], *[sign(k, who="bob", emoji="👍") for k in range(n)])
    assert Reaction.objects.count() == 2 * n
