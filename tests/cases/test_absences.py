"""Whose cases are whose while somebody is away, when they are back, and when somebody has left."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from cases import absences, assignment, handover_ends, resolution
from cases.models import Case, HandOver, Lent
from crm import people
from crm.models import Absence, Activity, Notice, User
from tests import factories

pytestmark = pytest.mark.django_db


def fresh(case):
    return Case.objects.get(pk=case.pk)


def held(user, channel, **facts):
    return factories.CaseFactory(channel=channel, owner=user, **{"state": "open", **facts})


def plan(user, cover=None, hours=24):
    now = timezone.now()
    return Absence.objects.create(
        user=user, cover=cover, starts_at=now - timedelta(minutes=1), ends_at=now + timedelta(hours=hours)
    )


def is_over(absence):
    Absence.objects.filter(pk=absence.pk).update(ends_at=timezone.now() - timedelta(seconds=1))
    absence.refresh_from_db()
    return absence


def where(*cases):
    return [(fresh(case).owner, fresh(case).state) for case in cases]


def told(user):
    return list(Notice.objects.filter(user=user).order_by("id").values_list("kind", "text"))


@pytest.fixture
def cases(agent, channel):
    """Ana's: being worked on, waiting, snoozed."""
    return [
        held(agent, channel), held(agent, channel, state="waiting"),
        held(agent, channel, state="snoozed", snoozed_until=timezone.now() + timedelta(days=2)),
    ]  # fmt: skip


# --- somebody goes


def test_at_the_begin_the_cover_has_every_unresolved_case_as_it_stood(agent, colleague, cases, cause, channel):
    done = factories.resolved(factories.CaseFactory(channel=channel), agent, cause)
    absence = plan(agent, colleague)
    assert set(absences.begin(absence=absence)) == {case.pk for case in cases}
    assert where(*cases) == [(colleague, "open"), (colleague, "waiting"), (colleague, "snoozed")]
    assert fresh(cases[2]).snoozed_until is not None
    assert fresh(done).owner == agent
    assert {lent.case for lent in Lent.objects.filter(absence=absence)} == set(cases)


def test_without_a_cover_they_go_back_to_the_queue_and_a_snoozed_one_wakes(agent, cases):
    absences.begin(absence=plan(agent))
    assert where(*cases) == [(None, "new"), (None, "waiting"), (None, "new")]
    assert fresh(cases[2]).snoozed_until is None


def test_each_case_says_in_its_log_why_it_went(agent, colleague, cases):
    absence = plan(agent, colleague)
    absences.begin(absence=absence)
    line = Activity.objects.about(cases[0]).get()
    assert (line.verb, line.by) == ("lent", None)
    assert line.detail == f"Ana Ruiz is away until {people.until(absence)}; Ben Okafor covers"


def test_the_cover_and_the_team_are_told(agent, colleague, lead, stranger, cases):
    absence = plan(agent, colleague)
    absences.begin(absence=absence)
    span = people.span(absence)
    assert told(colleague) == [("given", f"Ana Ruiz is away, {span}. You cover: 3 cases are yours now.")]
    assert told(lead) == [("team", f"Ana Ruiz is away, {span}. Ben Okafor covers.")]
    assert told(agent) == told(stranger) == []


def test_a_cover_of_somebody_without_cases_hears_that_nothing_is_to_do(agent, colleague):
    absences.begin(absence=plan(agent, colleague))
    assert told(colleague)[0][1].endswith("You cover; just now there is nothing of theirs to do.")


def test_without_a_cover_the_team_hears_how_many_are_back_in_the_queue(agent, colleague, cases):
    absence = plan(agent)
    absences.begin(absence=absence)
    span = people.span(absence)
    assert told(colleague) == [("team", f"Ana Ruiz is away, {span}. 3 cases of theirs are back in the queue.")]


@pytest.mark.parametrize("trouble", ["left", "away"])
def test_a_cover_who_has_left_or_is_away_gets_nothing(agent, colleague, cases, trouble):
    absence = plan(agent, colleague)
    if trouble == "left":
        User.objects.filter(pk=colleague.pk).update(is_active=False)
    else:
        plan(colleague)
    absences.begin(absence=Absence.objects.get(pk=absence.pk))
    assert where(*cases)[0] == (None, "new")


def test_beginning_twice_changes_nothing_more(agent, colleague, cases):
    absence = plan(agent, colleague)
    absences.begin(absence=absence)
    before = Activity.objects.count(), Notice.objects.count()
    assert absences.begin(absence=absence) == []
    assert (Activity.objects.count(), Notice.objects.count()) == before


def test_nothing_happens_before_it_begins(agent, colleague, cases):
    absence = plan(agent, colleague)
    Absence.objects.update(starts_at=timezone.now() + timedelta(hours=1))
    assert absences.begin(absence=absence) == []
    absences.keep()
    assert fresh(cases[0]).owner == agent


def test_a_hand_over_that_waits_is_ended(agent, colleague, lead, cases):
    HandOver.objects.create(case=cases[0], by=agent, to=lead, story="She asked twice.", next_step="Ring her.")
    absences.begin(absence=plan(agent, colleague))
    assert HandOver.objects.get().state == "withdrawn"
    assert handover_ends.sweep() == 0


def test_what_is_reopened_for_who_is_away_is_lent_too(agent, colleague, cases, channel):
    later = held(colleague, channel)
    absence = plan(agent, colleague)
    absences.keep()
    Case.objects.filter(pk=later.pk).update(owner=agent)  # as a case that was resolved and comes back
    absences.keep()
    assert fresh(later).owner == colleague
    assert Lent.objects.filter(absence=absence, case=later).exists()


def test_what_they_take_themselves_while_away_stays_theirs(agent, colleague, case):
    plan(agent, colleague)
    absences.keep()
    assignment.take(case=case, by=agent)
    absences.keep()
    assert fresh(case).owner == agent


@pytest.mark.parametrize("size", [1, 20])
def test_lending_costs_the_same_for_one_case_and_for_twenty(agent, colleague, channel, size):
    for _ in range(size):
        held(agent, channel)
    absence = plan(agent, colleague)
    with CaptureQueriesContext(connection) as captured:
        assert len(absences.begin(absence=absence)) == size
    sizes.setdefault("begin", len(captured))
    assert sizes["begin"] == len(captured), "\n".join(query["sql"][:150] for query in captured)


sizes: dict[str, int] = {}


# --- and comes back


def test_at_the_end_what_nobody_else_took_comes_back(agent, colleague, lead, cases, cause):
    absence = plan(agent, colleague)
    absences.begin(absence=absence)
    assignment.release(case=fresh(cases[0]), by=colleague)
    Case.objects.filter(pk=cases[1].pk).update(owner=lead)
    absences.end(absence=is_over(absence))
    assert where(*cases) == [(agent, "open"), (lead, "waiting"), (agent, "snoozed")]
    assert told(agent) == [("given", "Welcome back: 2 cases are yours again, 1 stays with who took it.")]
    assert told(colleague)[-1] == ("team", "Ana Ruiz is back and has 2 cases again.")
    assert Activity.objects.about(cases[0]).order_by("-id")[0].verb == "returned"
    assert Lent.objects.exclude(back_at=None).count() == 2


def test_what_is_resolved_meanwhile_stays_resolved(agent, colleague, cases, cause):
    absence = plan(agent, colleague)
    absences.begin(absence=absence)
    resolution.resolve(case=fresh(cases[0]), cause=cause, by=colleague)
    absences.end(absence=is_over(absence))
    assert where(cases[0]) == [(colleague, "resolved")]
    assert "2 cases are yours again" in told(agent)[0][1]


def test_from_the_queue_they_come_back_too_unless_somebody_took_them(agent, lead, cases):
    absence = plan(agent)
    absences.begin(absence=absence)
    assignment.take(case=fresh(cases[0]), by=lead)
    absences.end(absence=is_over(absence))
    assert where(*cases) == [(lead, "open"), (agent, "waiting"), (agent, "open")]


def test_ending_twice_changes_nothing_more(agent, colleague, cases):
    absence = plan(agent, colleague)
    absences.begin(absence=absence)
    absences.end(absence=is_over(absence))
    before = Activity.objects.count(), Notice.objects.count()
    assert absences.end(absence=absence) == []
    assert (Activity.objects.count(), Notice.objects.count()) == before


def test_a_case_that_a_cover_passed_on_by_going_away_comes_back_all_the_same(agent, colleague, lead, cases):
    mine = plan(agent, colleague)
    absences.begin(absence=mine)
    theirs = plan(colleague, lead)
    absences.begin(absence=theirs)
    assert fresh(cases[0]).owner == lead
    absences.end(absence=is_over(mine))
    assert where(*cases) == [(agent, "open"), (agent, "waiting"), (agent, "snoozed")]
    absences.end(absence=is_over(theirs))
    assert fresh(cases[0]).owner == agent
    assert not [text for kind, text in told(colleague) if "Welcome" in text]  # none of them was theirs


def test_who_has_left_meanwhile_gets_nothing_back(agent, colleague, cases):
    absence = plan(agent, colleague)
    absences.begin(absence=absence)
    User.objects.filter(pk=agent.pk).update(is_active=False)
    absences.end(absence=is_over(Absence.objects.get(pk=absence.pk)))
    assert fresh(cases[0]).owner == colleague


def test_an_absence_that_passed_while_nothing_ran_ends_without_a_word(agent, colleague, cases):
    absence = is_over(plan(agent, colleague, hours=1))
    absences.keep()
    absence.refresh_from_db()
    assert absence.ended_at is not None
    assert fresh(cases[0]).owner == agent
    assert told(agent) == []


def test_cancelling_early_brings_the_cases_back_now(
    agent, colleague, cases, nudges, django_capture_on_commit_callbacks
):
    absence = plan(agent, colleague)
    absences.keep()
    with django_capture_on_commit_callbacks(execute=True):
        people.cancel_absence(absence=absence, by=agent)
    assert ("cases.jobs.keep_absences",) in nudges
    absences.keep()
    assert fresh(cases[0]).owner == agent


@pytest.mark.parametrize("size", [1, 20])
def test_coming_back_costs_the_same_for_one_case_and_for_twenty(agent, colleague, channel, size):
    for _ in range(size):
        held(agent, channel)
    absence = plan(agent, colleague)
    absences.begin(absence=absence)
    is_over(absence)
    with CaptureQueriesContext(connection) as captured:
        assert len(absences.end(absence=absence)) == size
    sizes.setdefault("end", len(captured))
    assert sizes["end"] == len(captured), "\n".join(query["sql"][:150] for query in captured)


# --- and who does not


@pytest.mark.parametrize("facts", [{"is_active": False}, {"role": "executive"}])
def test_cases_of_who_no_longer_answers_go_back_to_the_queue(agent, colleague, cases, channel, facts):
    kept = held(colleague, channel)
    User.objects.filter(pk=agent.pk).update(**facts)
    assert len(absences.give_back_of_who_left()) == 3
    assert where(*cases) == [(None, "new"), (None, "waiting"), (None, "new")]
    assert fresh(kept).owner == colleague
    line = Activity.objects.about(cases[0]).get()
    assert (line.verb, line.detail) == ("given back", "Ana Ruiz no longer answers customers")
    assert absences.give_back_of_who_left() == []


def test_what_somebody_resolved_stays_theirs_when_they_leave(agent, case, cause):
    factories.resolved(case, agent, cause)
    User.objects.filter(pk=agent.pk).update(is_active=False)
    assert absences.give_back_of_who_left() == []
