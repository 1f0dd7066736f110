"""What was done to cases, and taken back by who did it."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from cases import assignment, deeds, joining, promises, resolution, snooze, urgency
from cases.models import Case, CaseLink, Deed
from tests import factories
from tests.cases.test_queue import make

pytestmark = pytest.mark.django_db


def do(client, action, ids, **data):
    return client.post("/queue/bulk/", {"action": action, "ids": ids, **data}, follow=True)


def notice(response):
    return " ".join(str(message) for message in response.context["messages"])


def facts(*pks):
    return list(Case.objects.filter(pk__in=pks).order_by("pk").values())


ACTIONS = {
    "take": lambda world: {},
    "assign": lambda world: {"owner": world.colleague.pk},
    "snooze": lambda world: {"when": "week"},
    "priority": lambda world: {"priority": 1},
    "resolve": lambda world: {"cause": world.cause.pk},
}


class World:
    def __init__(self, **things):
        self.__dict__ |= things


@pytest.fixture
def world(agent, colleague, cause):
    return World(agent=agent, colleague=colleague, cause=cause)


@pytest.mark.parametrize("action", ACTIONS)
def test_what_was_done_to_many_is_undone_exactly(channel, world, as_user, action):
    cases = [make(channel), make(channel, state="waiting"), make(channel)]
    promises.settle(cases)
    before = facts(*cases)
    client = as_user(world.agent)
    response = do(client, action, cases, **ACTIONS[action](world))
    assert "3 of 3 cases changed." in notice(response)
    assert all(now != was for now, was in zip(facts(*cases), before, strict=True))
    deed = Deed.objects.get()
    assert f"/cases/deeds/{deed.pk}/undo/" in response.content.decode()
    undone = client.post(f"/cases/deeds/{deed.pk}/undo/", follow=True)
    assert "Undone for 3 of 3." in notice(undone)
    assert facts(*cases) == before


def test_cases_linked_together_are_unlinked_again(channel, agent, as_user):
    cases = [make(channel) for _ in range(3)]
    client = as_user(agent)
    assert "3 of 3 cases changed." in notice(do(client, "link", cases))
    assert CaseLink.objects.count() == 3
    client.post(f"/cases/deeds/{Deed.objects.get().pk}/undo/")
    assert not CaseLink.objects.exists()


def test_what_somebody_has_changed_since_stays_and_is_counted(channel, agent, colleague, as_user, cause):
    mine, theirs = make(channel), make(channel)
    client = as_user(agent)
    do(client, "take", [mine, theirs])
    resolution.resolve(case=Case.objects.get(pk=theirs), cause=cause, by=colleague)
    response = client.post(f"/cases/deeds/{Deed.objects.get().pk}/undo/", follow=True)
    assert "Undone for 1 of 2: the others have changed since" in notice(response)
    assert [case["state"] for case in facts(mine, theirs)] == ["new", "resolved"]


def test_a_case_is_not_opened_again_beside_another_on_the_same_conversation(channel, agent, cause):
    case = factories.CaseFactory(channel=channel)
    deed = deeds.do(
        action="resolve", cases=[case.pk], by=agent,
        act=lambda pks: resolution.resolve_many(cases=pks, cause=cause, by=agent),
    )  # fmt: skip
    factories.CaseFactory(channel=channel, customer=case.customer, thread=case.thread)
    assert deeds.undo(deed=deed, by=agent) == 0


def test_nobody_else_undoes_it(channel, agent, lead, client):
    case = factories.CaseFactory(channel=channel)
    snooze.snooze(case=case, until=timezone.now() + timedelta(days=1), by=agent)
    deed = Deed.objects.get()
    client.force_login(lead)
    assert client.post(f"/cases/deeds/{deed.pk}/undo/").status_code == 404
    with pytest.raises(deeds.NothingToUndo):
        deeds.undo(deed=deed, by=lead)
    with pytest.raises(deeds.NothingToUndo):
        deeds.last_of(lead, case.pk)


def test_after_a_day_it_stays(channel, agent):
    case = factories.CaseFactory(channel=channel)
    snooze.snooze(case=case, until=timezone.now() + timedelta(days=9), by=agent)
    Deed.objects.update(at=timezone.now() - timedelta(hours=25))
    with pytest.raises(deeds.TooLate):
        deeds.undo(deed=Deed.objects.get(), by=agent)


def test_no_more_than_five_hundred_at_once(channel, agent, as_user):
    case = make(channel)
    response = do(as_user(agent), "take", [case, *range(10**6, 10**6 + 500)])
    assert "At most 500 can be changed at once." in notice(response)
    assert Case.objects.get().state == "new"


def test_what_changed_nothing_offers_no_undo(channel, agent, colleague, as_user):
    response = do(as_user(agent), "take", [make(channel, owner=colleague)])
    assert "0 of 1 case changed." in notice(response)
    assert not Deed.objects.exists()
    assert "/cases/deeds/" not in response.content.decode()


def test_a_deed_holds_no_word_a_customer_wrote(channel, agent):
    one = factories.CaseFactory(channel=channel, subject="zq7x", message="zq8x")
    other = factories.CaseFactory(channel=channel, customer=one.customer, subject="zq9x")
    joining.merge(case=other, into=one, by=agent)
    snooze.snooze(case=one, until=timezone.now() + timedelta(days=1), by=agent)
    assert not any("zq" in str(row) for row in Deed.objects.values_list("before", "after"))


def test_priorities_set_at_once_are_of_ones_own_and_free_cases(channel, agent, colleague):
    mine, theirs = make(channel, owner=agent), make(channel, owner=colleague)
    assert urgency.set_priority_many(cases=[mine, theirs], priority=Case._meta.get_field("priority").default, by=agent)
    assert [bool(case["reasons"]) for case in facts(mine, theirs)] == [True, False]


@pytest.mark.parametrize("action", [*ACTIONS, "link"])
def test_a_hundred_cost_what_one_costs(channel, world, as_user, action):
    client = as_user(world.agent)
    data = {"link": lambda world: {}, **ACTIONS}[action](world)

    def cost(n):
        cases = [make(channel) for _ in range(n)]
        with CaptureQueriesContext(connection) as captured:
            client.post("/queue/bulk/", {"action": action, "ids": cases, **data})
        done = len(captured)
        with CaptureQueriesContext(connection) as captured:
            client.post(f"/cases/deeds/{Deed.objects.latest('pk').pk}/undo/")
        return done, len(captured)

    few, many = (2, 20) if action == "link" else (1, 100)
    cost(few)
    assert cost(few) == cost(many)


@pytest.mark.django_db(transaction=True)
def test_an_undo_against_an_agents_change_keeps_one_of_both_whole(channel, agent, colleague, cause):
    """Twenty cases are taken at once, and taken back while a colleague resolves them."""
    cases = [factories.CaseFactory(channel=channel).pk for _ in range(20)]
    deed = deeds.do(
        action="take", cases=cases, by=agent, act=lambda pks: assignment.take_many(cases=pks, by=agent)
    )  # fmt: skip
    start = Barrier(2, timeout=60)

    def undo():
        start.wait()
        try:
            return deeds.undo(deed=deed, by=agent)
        finally:
            connection.close()

    def resolve():
        start.wait()
        for pk in reversed(cases):
            resolution.resolve(case=Case.objects.get(pk=pk), cause=cause, by=colleague)
        connection.close()

    with ThreadPoolExecutor(2) as pool:
        undone, done = pool.submit(undo), pool.submit(resolve)
        done.result()
    found = list(Case.objects.filter(pk__in=cases).values_list("state", "owner"))
    assert {state for state, _ in found} == {"resolved"}  # each was resolved, before it was given back or after
    assert sum(owner is None for _, owner in found) == undone.result()


def test_deeds_nobody_can_undo_are_forgotten(agent):
    factories.DeedFactory(at=timezone.now() - timedelta(days=8))
    kept = factories.DeedFactory(at=timezone.now() - timedelta(days=6))
    assert deeds.forget_old() == 1
    assert Deed.objects.get() == kept
