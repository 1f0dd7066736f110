"""The same flood at many hands, with real transactions: one head, each answered once."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier

import pytest
from django.db import connection

from cases import jobs, resolution, routing
from cases.alike import answering, heads
from cases.models import Case, Flood, FloodMember, Opening
from channels_app.models import Delivery
from tests import factories
from tests.cases.conftest import converse

pytestmark = pytest.mark.django_db(transaction=True)
FLIGHT = "Skylark left my suitcase behind in Lisbon and nobody answers the phone since Monday morning"
WORKERS = 4


@pytest.fixture(autouse=True)
def _pace(monkeypatch):
    monkeypatch.setattr(heads, "PACE", timedelta(0))


def at_once(*acts):
    """Each in a thread with a connection of its own, all begun at the same moment."""
    start = Barrier(len(acts))

    def run(act):
        try:
            start.wait()
            return act()
        finally:
            connection.close()

    with ThreadPoolExecutor(len(acts)) as pool:
        return [future.result() for future in [pool.submit(run, act) for act in acts]]


def says(channel, n, minute=0):
    for k in range(n):
        converse(channel).customer_says(f"RT @fan{k}: {FLIGHT}", minute + k)


@pytest.fixture
def channels(team):
    return [factories.ChannelFactory(team=team) for _ in range(WORKERS)]


def visible():
    return set(Case.objects.needing_us().under_one_head().values_list("pk", flat=True))


def test_workers_that_route_the_same_flood_at_once_make_one_head(channels):
    for round_ in range(5):
        for channel in channels:
            says(channel, 5, round_)
        at_once(*(lambda channel=channel: routing.route(channel) for channel in channels))
    flood = Flood.objects.get()
    jobs.keep_floods()
    assert Opening.objects.count() == 1
    assert FloodMember.objects.count() == Case.objects.count() == WORKERS * 5 * 5
    flood.refresh_from_db()
    assert visible() == {flood.head_id}
    assert flood.behind == WORKERS * 5 * 5 - 1


def test_while_a_flood_comes_in_its_heads_are_resolved_and_somebody_always_stands_in_front(channels, agent, cause):
    says(channels[0], 5)
    routing.route(channels[0])

    def resolve():
        for _ in range(15):
            for pk in visible():
                resolution.resolve_many(cases=[pk], cause=cause, by=agent)

    def pour(channel):
        for minute in range(4):
            says(channel, 3, minute + 10)
            routing.route(channel)

    at_once(resolve, *(lambda channel=channel: pour(channel) for channel in channels[1:]))
    jobs.keep_floods()
    jobs.sweep_floods()
    left = Case.objects.needing_us().count()
    assert len(visible()) == (1 if left else 0)
    assert Flood.objects.get().behind == max(left - 1, 0)


def test_workers_that_answer_the_same_flood_at_once_answer_each_once(channels, agent):
    says(channels[0], 12)
    routing.route(channels[0])
    answer = answering.begin(case=Case.objects.first(), text="They are on the flight at noon.", by=agent)
    at_once(*[lambda: jobs.answer_flood(answer.pk)] * WORKERS)
    answer.refresh_from_db()
    assert answer.state == "done"
    assert Delivery.objects.count() == 12
    assert not answer.replies.refused().exists()
