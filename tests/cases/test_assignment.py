"""Who has a case."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from django.db import connection

from cases import assignment, handover, resolution
from cases.models import Case
from crm.models import Activity
from tests import factories

AT_ONCE = 20


def fresh(case):
    return Case.objects.get(pk=case.pk)


def done_to(case):
    return list(Activity.objects.about(case).order_by("id").values_list("verb", "by__username", "detail"))


# --- take


@pytest.mark.django_db
def test_taking_a_new_case_makes_it_mine_and_open(case, agent):
    assignment.take(case=case, by=agent)
    assert (fresh(case).owner, fresh(case).state) == (agent, "open")
    assert done_to(case) == [("taken", "ana", "")]


@pytest.mark.django_db
def test_taking_a_case_that_waits_for_the_customer_leaves_it_waiting(case, agent):
    Case.objects.update(state="waiting")
    assignment.take(case=case, by=agent)
    assert (fresh(case).owner, fresh(case).state) == (agent, "waiting")


@pytest.mark.django_db
def test_taking_what_i_have_already_changes_nothing_and_logs_nothing_more(case, agent):
    assignment.take(case=case, by=agent)
    assert assignment.take(case=case, by=agent).owner == agent
    assert len(done_to(case)) == 1


@pytest.mark.django_db
def test_taking_what_a_colleague_has_is_refused_by_name(case, agent, colleague):
    assignment.take(case=fresh(case), by=colleague)
    with pytest.raises(assignment.AlreadyTaken, match=r"^Ben Okafor has this case already.$"):
        assignment.take(case=case, by=agent)
    assert fresh(case).owner == colleague


@pytest.mark.django_db
def test_a_lead_who_wants_it_has_to_assign_it_too(case, lead, colleague):
    assignment.take(case=case, by=colleague)
    with pytest.raises(assignment.AlreadyTaken):
        assignment.take(case=case, by=lead)


@pytest.mark.django_db
def test_a_resolved_case_cannot_be_taken(case, agent, colleague):
    factories.resolved(case, colleague)
    for person in (agent, colleague):
        with pytest.raises(assignment.NotWaitingForAnyone, match=r"^This case is resolved; there is nothing to take.$"):
            assignment.take(case=case, by=person)


@pytest.mark.django_db
def test_a_case_of_another_team_cannot_be_taken(case, stranger):
    with pytest.raises(assignment.NobodysCase):
        assignment.take(case=case, by=stranger)
    assert fresh(case).owner is None


@pytest.mark.django_db(transaction=True)
def test_of_twenty_who_take_it_at_once_one_has_it_and_nineteen_are_told_who(case, team):
    people = [factories.UserFactory(teams=[team], first_name=f"Agent {n}", last_name="") for n in range(AT_ONCE)]
    start = Barrier(AT_ONCE, timeout=60)

    def rush(person):
        mine = fresh(case)
        start.wait()
        try:
            return str(assignment.take(case=mine, by=person).owner)
        except assignment.AlreadyTaken as refusal:
            return str(refusal)
        finally:
            connection.close()

    with ThreadPoolExecutor(AT_ONCE) as pool:
        answers = list(pool.map(rush, people))
    winner = fresh(case).owner
    assert answers[people.index(winner)] == str(winner)
    assert answers.count(f"{winner} has this case already.") == AT_ONCE - 1
    assert done_to(case) == [("taken", winner.username, "")]


@pytest.mark.django_db(transaction=True)
def test_of_two_who_take_the_same_pile_at_once_each_case_has_one_owner(channel, team):
    cases = [factories.CaseFactory(channel=channel).pk for _ in range(12)]
    people = [factories.UserFactory(teams=[team]) for _ in range(2)]
    start = Barrier(2, timeout=60)

    def rush(person):
        start.wait()
        try:
            return assignment.take_many(cases=cases, by=person)
        finally:
            connection.close()

    with ThreadPoolExecutor(2) as pool:
        taken = list(pool.map(rush, people))
    assert sum(taken) == 12
    assert [Case.objects.filter(owner=person).count() for person in people] == taken
    assert Activity.objects.filter(verb="taken").count() == 12


# --- give back


@pytest.mark.django_db
def test_giving_back_returns_it_to_the_queue(case, agent):
    assignment.take(case=case, by=agent)
    assignment.release(case=case, by=agent)
    assert (fresh(case).owner, fresh(case).state) == (None, "new")
    assert [verb for verb, *_ in done_to(case)] == ["taken", "given back"]


@pytest.mark.django_db
def test_giving_back_a_case_that_waits_leaves_it_waiting(case, agent):
    Case.objects.update(owner=agent, state="waiting")
    assignment.release(case=fresh(case), by=agent)
    assert (fresh(case).owner, fresh(case).state) == (None, "waiting")


@pytest.mark.django_db
def test_nobody_gives_back_what_a_colleague_has(case, agent, colleague):
    assignment.take(case=case, by=colleague)
    with pytest.raises(assignment.NotYours, match=r"^Only Ben Okafor, who has this case, or a lead can give it away.$"):
        assignment.release(case=case, by=agent)
    assert fresh(case).owner == colleague


@pytest.mark.django_db
def test_a_lead_may_give_back_what_an_agent_has(case, lead, colleague):
    assignment.take(case=case, by=colleague)
    assignment.release(case=case, by=lead)
    assert fresh(case).owner is None


@pytest.mark.django_db
def test_what_nobody_has_cannot_be_given_back(case, agent):
    with pytest.raises(assignment.NobodysCase):
        assignment.release(case=case, by=agent)
    assert done_to(case) == []


@pytest.mark.django_db
def test_giving_back_what_was_moved_a_moment_ago_is_refused(case, agent, lead, colleague):
    assignment.take(case=case, by=agent)
    given = handover.hand_over(case=case, to=colleague, story="Late", next_step="Call", by=lead)
    handover.accept(handover=given, by=colleague)
    with pytest.raises(assignment.AlreadyTaken, match=r"Ben Okafor"):
        assignment.release(case=case, by=agent)
    assert fresh(case).owner == colleague


# --- give


@pytest.mark.django_db
def test_a_case_that_somebody_has_is_not_given_but_handed_over_with_its_story(case, agent, colleague, lead):
    assignment.take(case=case, by=agent)
    for person in (agent, lead):
        with pytest.raises(assignment.HandItOver, match=r"^Ana Ruiz has this case: hand it over with its story"):
            assignment.assign(case=case, to=colleague, by=person)
    assert fresh(case).owner == agent
    assert done_to(case) == [("taken", "ana", "")]


@pytest.mark.django_db
def test_a_case_nobody_has_may_be_given_to_a_colleague(case, agent, colleague):
    assignment.assign(case=case, to=colleague, by=agent)
    assert (fresh(case).owner, fresh(case).state) == (colleague, "open")
    assert done_to(case)[-1] == ("assigned", "ana", "Ben Okafor")


@pytest.mark.django_db
def test_an_agent_may_not_move_a_colleagues_case(case, agent, colleague):
    assignment.take(case=case, by=colleague)
    with pytest.raises(assignment.NotYours):
        assignment.assign(case=case, to=agent, by=agent)
    assert fresh(case).owner == colleague


@pytest.mark.django_db
@pytest.mark.parametrize("role", ["executive", "sales", "support"])
def test_who_does_not_answer_customers_cannot_have_a_case(case, lead, role):
    other = factories.UserFactory(role=role, first_name="Uri", last_name="Katz")
    with pytest.raises(assignment.CannotOwn, match=r"^Uri Katz cannot answer customers, so cannot have a case.$"):
        assignment.assign(case=case, to=other, by=lead)


@pytest.mark.django_db
def test_who_has_left_cannot_have_a_case(case, lead):
    with pytest.raises(assignment.CannotOwn):
        assignment.assign(case=case, to=factories.UserFactory(is_active=False), by=lead)


@pytest.mark.django_db
def test_giving_what_was_taken_a_moment_ago_is_refused(case, agent, colleague, lead):
    seen = fresh(case)
    assignment.take(case=case, by=colleague)
    with pytest.raises(assignment.AlreadyTaken, match=r"Ben Okafor"):
        assignment.assign(case=seen, to=agent, by=lead)


@pytest.mark.django_db
def test_a_resolved_case_cannot_be_given(case, agent, colleague, cause):
    assignment.take(case=case, by=agent)
    resolution.resolve(case=case, cause=cause, by=agent)
    with pytest.raises(assignment.NotWaitingForAnyone):
        assignment.assign(case=fresh(case), to=colleague, by=agent)


# --- many at once


@pytest.fixture
def pile(channel, agent, colleague, stranger):
    """One free case, one mine, one a colleague's, one resolved, one of another team: pks by name."""
    cases = {name: factories.CaseFactory(channel=channel) for name in ("free", "mine", "theirs", "done")}
    Case.objects.filter(pk=cases["mine"].pk).update(owner=agent, state="open")
    Case.objects.filter(pk=cases["theirs"].pk).update(owner=colleague, state="open")
    factories.resolved(cases["done"], colleague)
    elsewhere = factories.CaseFactory(team=stranger.teams.get(), channel=channel)
    return {name: case.pk for name, case in cases.items()} | {"elsewhere": elsewhere.pk}


def owners(pile):
    found = dict(Case.objects.values_list("pk", "owner__username"))
    return {name: found[pk] for name, pk in pile.items()}


@pytest.mark.django_db
def test_taking_many_takes_what_is_free_and_leaves_everybody_elses(pile, agent):
    before = owners(pile)
    assert assignment.take_many(cases=pile.values(), by=agent) == 1
    assert owners(pile) == before | {"free": "ana"}


@pytest.mark.django_db
def test_an_agent_gives_only_what_nobody_has(pile, agent, lead):
    before = owners(pile)
    assert assignment.assign_many(cases=pile.values(), to=lead, by=agent) == 1
    assert owners(pile) == before | {"free": "lea"}


@pytest.mark.django_db
def test_a_lead_gives_what_nobody_has_of_whatever_team(pile, agent, lead):
    assert assignment.assign_many(cases=pile.values(), to=agent, by=lead) == 2
    assert owners(pile) == {"free": "ana", "mine": "ana", "theirs": "ben", "done": "ben", "elsewhere": "ana"}


@pytest.mark.django_db
def test_many_cannot_be_given_to_who_does_not_answer(pile, lead):
    with pytest.raises(assignment.CannotOwn):
        assignment.assign_many(cases=pile.values(), to=factories.UserFactory(role="sales"), by=lead)


@pytest.mark.django_db
@pytest.mark.parametrize("size", [1, 20])
def test_taking_many_costs_the_same_however_many(channel, agent, size, django_assert_num_queries):
    cases = [factories.CaseFactory(channel=channel).pk for _ in range(size)]
    assert agent.team_ids
    with django_assert_num_queries(5):  # with the savepoint's two
        assert assignment.take_many(cases=cases, by=agent) == size
