"""What is told to open pages: numbered without gaps, kept for those who come back, told to those who may hear it."""

from datetime import timedelta

import pytest
import redis
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from channels_app import live
from channels_app.live import News
from channels_app.models import LiveEvent, LiveStream
from crm.privacy import retention
from tests import factories
from tests.channels_app.posts import at_once

pytestmark = pytest.mark.django_db
committing = pytest.mark.django_db(transaction=True)


@pytest.fixture
def tell(django_capture_on_commit_callbacks):
    """`tell(stream, ...)` tells it something, in a transaction that has committed."""

    def tell(*streams, **data):
        with django_capture_on_commit_callbacks(execute=True):
            live.tell([News(stream, "case", data) for stream in streams])

    return tell


def told(stream):
    return list(LiveEvent.objects.filter(stream=stream).order_by("number").values_list("number", flat=True))


@pytest.fixture
def followed():
    live.follow("team:1", 0)
    return "team:1"


# --- numbers


def test_each_stream_counts_from_one_for_itself(followed, tell):
    live.follow("case:1", 0)
    for stream in (followed, "case:1", followed):
        tell(stream)
    assert (told(followed), told("case:1")) == ([1, 2], [1])
    assert live.numbers([followed, "case:1", "case:2"]) == {followed: 2, "case:1": 1, "case:2": 0}


@committing
def test_numbers_have_no_gaps_however_many_publish_at_once(followed):
    live.follow("case:1", 0)

    def publish(worker):
        for n in range(6):
            streams = [followed, "case:1"] if n % 2 else ["case:1", followed]
            live.tell([News(stream, "case", {"by": worker, "n": n}) for stream in streams])

    at_once(*[lambda worker=worker: publish(worker) for worker in range(8)])
    for stream in (followed, "case:1"):
        assert told(stream) == list(range(1, 49))
        assert LiveStream.objects.get(name=stream).newest == 48
        said = LiveEvent.objects.filter(stream=stream).order_by("number").values_list("data", flat=True)
        for worker in range(8):  # and what one of them said keeps its order
            assert [data["n"] for data in said if data["by"] == worker] == list(range(6))


@committing
def test_a_change_that_is_rolled_back_is_told_to_nobody_and_leaves_no_gap(followed, tell):
    with transaction.atomic():
        live.tell([News(followed, "case")])
        transaction.set_rollback(True)
    tell(followed)
    assert told(followed) == [1]


@committing
def test_nothing_is_told_before_the_change_has_committed(followed):
    with transaction.atomic():
        live.tell([News(followed, "case")])
        assert told(followed) == []
    assert told(followed) == [1]


def test_what_happens_between_the_drawing_of_a_page_and_its_first_follow_is_told(tell):
    drawn_at = live.numbers(["case:3"])["case:3"]
    tell("case:3")
    newest, missed = live.follow("case:3", drawn_at)
    assert (newest, [event["number"] for event in missed]) == (1, [1])


def test_the_numbers_of_a_page_cost_one_query(followed, django_assert_num_queries, tell):
    tell(followed)
    for _ in range(2):
        with django_assert_num_queries(1):
            assert live.numbers([followed, "case:1", "case:2"]) == {followed: 1, "case:1": 0, "case:2": 0}


def test_streams_nobody_has_followed_store_nothing(followed, tell):
    tell("team:2", followed, "case:9")
    assert list(LiveEvent.objects.values_list("stream", flat=True)) == [followed]


def test_telling_takes_the_same_number_of_queries_for_one_piece_of_news_and_for_fifty(tell):
    streams = [f"case:{n}" for n in range(50)]
    live.numbers(streams)
    counts = []
    for some in (streams[:1], streams):
        with CaptureQueriesContext(connection) as queries:
            tell(*some)
        counts.append(len(queries))
    assert counts[0] == counts[1]


def test_a_dead_wire_costs_a_repaint_and_not_the_change(followed, monkeypatch, tell):
    class Dead:
        async def group_send(self, group, message):
            raise redis.ConnectionError

    monkeypatch.setattr(live, "get_channel_layer", Dead)
    tell(followed)
    assert told(followed) == [1]


# --- coming back


def test_who_comes_back_is_told_what_was_missed_in_its_order(followed, tell):
    for n in range(5):
        tell(followed, n=n)
    newest, missed = live.follow(followed, 2)
    assert newest == 5
    assert [(event["number"], event["data"]) for event in missed] == [(3, {"n": 2}), (4, {"n": 3}), (5, {"n": 4})]
    assert missed[0] == {"do": "event", "stream": followed, "number": 3, "kind": "case", "data": {"n": 2}}


def test_who_missed_nothing_is_told_nothing(followed, tell):
    tell(followed)
    assert live.follow(followed, 1) == (1, [])


def test_the_first_to_follow_begins_at_nought():
    assert live.follow("team:7", 0) == (0, [])
    assert LiveStream.objects.get().name == "team:7"


def test_who_missed_too_much_asks_for_the_whole_again(followed, monkeypatch, tell):
    monkeypatch.setattr(live, "MOST_MISSED", 3)
    for _ in range(4):
        tell(followed)
    assert live.follow(followed, 0) == (4, None)
    assert len(live.follow(followed, 1)[1]) == 3


def test_who_comes_back_after_it_was_forgotten_asks_for_the_whole_again(followed, tell):
    for _ in range(3):
        tell(followed)
    LiveEvent.objects.filter(number__lte=2).update(at=timezone.now() - live.KEPT - timedelta(seconds=1))
    retention.due()
    assert told(followed) == [3]
    assert live.follow(followed, 1) == (3, None)
    assert len(live.follow(followed, 2)[1]) == 1


@pytest.mark.parametrize("since", [-1, 7, 10**30, -(10**30)])
def test_a_place_that_cannot_be_asks_for_the_whole_again(followed, since, tell):
    tell(followed)
    assert live.follow(followed, since) == (1, None)


# --- who may hear it


def test_a_case_is_told_to_those_who_may_see_it(case, agent, stranger, lead):
    assert [live.may_follow(user, f"case:{case.pk}") for user in (agent, stranger, lead)] == [True, False, True]


def test_a_team_is_told_to_its_members_and_to_those_who_lead(team, agent, stranger, lead):
    assert [live.may_follow(user, f"team:{team.pk}") for user in (agent, stranger, lead)] == [True, False, True]


@pytest.mark.parametrize("role", ["executive", "sales", "support"])
def test_roles_that_do_not_answer_follow_neither_queue_nor_case(case, team, role):
    member = factories.UserFactory(role=role, teams=[team])
    assert not live.may_follow(member, f"team:{team.pk}")
    assert not live.may_follow(member, f"case:{case.pk}")


@pytest.mark.parametrize(
    "stream",
    ["", "case", "case:", "case:x", "case:-1", "case:²", "case:٣", "case:1\x00", "nothing:1", "case:" + "9" * 30],
)
def test_what_is_no_stream_is_followed_by_nobody(lead, stream):
    assert not live.may_follow(lead, stream)


def test_a_stream_has_one_name_only(case, lead):
    assert live.may_follow(lead, f"case:{case.pk}")
    assert not live.may_follow(lead, f"case:0{case.pk}")
