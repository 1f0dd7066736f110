"""Rules that act when something happens to a case: on each event, in order, once on an occasion."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from cases import assignment, handover, jobs, replies, resolution, routing, rules_engine
from cases.models import Case, Clock, HandOver, Rule, RuleRun
from cases.rules_engine import happened
from crm.models import Activity, Customer, Notice, Skill
from tests import factories
from tests.cases.conftest import converse

pytestmark = pytest.mark.django_db

EVENTS = [event for event in Rule.Event.values if event != "message"]


def rule(event="at_risk", **facts):
    """A rule on `event` that gives 50 points and lets the next one act too."""
    facts = {"priority": None, "points": 50, "stops": False, **facts}
    if event == "waited":
        facts.setdefault("waited_minutes", 1)
    return factories.RuleFactory(event=event, **facts)


def fresh(case):
    return Case.objects.get(pk=case.pk)


def runs():
    return list(RuleRun.objects.order_by("id").values_list("rule__name", "case", "event", "occasion"))


# --- what they do


@pytest.mark.parametrize("event", [event for event in EVENTS if event != "resolved"])
def test_on_each_event_its_rules_act_and_no_others(case, event):
    every = {other: rule(other, name=other) for other in EVENTS}
    happened(event, {case.pk: "once"})
    assert runs() == [(event, case.pk, event, "once")]
    assert fresh(case).reasons == [{"rule": every[event].pk, "points": 50, "why": event}]


def test_a_rule_gives_team_priority_points_and_skills_and_tells_people(case, agent, lead):
    bookings, refunds = factories.TeamFactory(name="Bookings"), Skill.objects.create(name="Refunds")
    assignment.take(case=case, by=agent)
    made = rule(name="Late", team=bookings, priority=1, notify_owner=True)
    made.skills.add(refunds)
    made.notify.add(lead)
    happened("at_risk", {case.pk: "clock:1"})
    now = fresh(case)
    assert (now.team, now.priority, now.rule, now.extra_points, now.owner) == (bookings, 1, made, 50, agent)
    assert list(now.skills.all()) == [refunds]
    assert set(Notice.objects.values_list("user", "kind", "text")) == {
        (agent.pk, "rule", f"Rule “Late”: case #{case.pk}"),
        (lead.pk, "rule", f"Rule “Late”: case #{case.pk}"),
    }
    line = Activity.objects.about(case).get(verb="changed by a rule")
    said = "to Bookings, now urgent, +50 points, needs Refunds, told Lea Brandt, Ana Ruiz"
    assert (line.by, line.detail) == (None, f"Rule “Late”: {said}")
    assert RuleRun.objects.get().done == said


def test_where_nothing_is_left_to_do_the_run_is_kept_but_nothing_is_logged(case):
    Case.objects.update(priority=1)
    rule(priority=2, points=0)
    happened("at_risk", {case.pk: "clock:1"})
    assert RuleRun.objects.get().done == "nothing was left to do"
    assert not Activity.objects.filter(verb="changed by a rule").exists()
    assert fresh(case).priority == 1


def test_points_come_once_per_case_and_keep_within_their_bounds(case):
    most = [rule(name=f"Rule {n}", points=400) for n in range(2)]
    for occasion in ("clock:1", "clock:2"):
        happened("at_risk", {case.pk: occasion})
    assert [reason["rule"] for reason in fresh(case).reasons] == [made.pk for made in most]
    assert fresh(case).extra_points == 600
    assert fresh(case).rank == 1000 - 100 - 600


def test_points_below_nothing_let_it_sink(case):
    rule(points=-80)
    happened("at_risk", {case.pk: "clock:1"})
    assert (fresh(case).extra_points, fresh(case).rank) == (-80, 980)


# --- when they do


def test_a_rule_acts_once_on_an_occasion_and_again_on_the_next(case, lead):
    rule(notify_owner=False).notify.add(lead)
    for occasion in ("clock:1", "clock:1", "clock:2"):
        happened("at_risk", {case.pk: occasion})
    assert [run[3] for run in runs()] == ["clock:1", "clock:2"]


def test_rules_run_in_their_order_until_one_that_stops(case):
    rule(name="Third", position=30)
    rule(name="First", position=10)
    rule(name="Second", position=20, stops=True)
    happened("at_risk", {case.pk: "clock:1"})
    happened("at_risk", {case.pk: "clock:1"})  # the one that stopped does so still
    assert [run[0] for run in runs()] == ["First", "Second"]


def test_a_rule_that_does_not_hold_does_not_stop(case):
    rule(name="Happy", position=10, sentiments=["positive"], stops=True)
    rule(name="Unhappy", position=20, sentiments=["negative"])
    happened("at_risk", {case.pk: "clock:1"})
    assert [run[0] for run in runs()] == ["Unhappy"]


def test_the_first_team_and_the_most_urgent_priority_named_are_what_counts(case):
    first, second = factories.TeamFactory(), factories.TeamFactory()
    rule(position=10, team=first, priority=2)
    rule(position=20, team=second, priority=1)
    rule(position=30, priority=4)
    happened("at_risk", {case.pk: "clock:1"})
    assert (fresh(case).team, fresh(case).priority) == (first, 1)


def test_a_rule_that_is_switched_off_does_nothing(case):
    rule(switched_off_at=timezone.now())
    happened("at_risk", {case.pk: "clock:1"})
    assert runs() == []


@pytest.mark.parametrize(("known", "expected"), [(True, ["It"]), (False, []), (None, ["It"])])
def test_a_rule_may_ask_whether_we_know_who_it_is(case, known, expected):
    Customer.objects.update(known_at=timezone.now())
    rule(name="It", known=known)
    happened("at_risk", {case.pk: "clock:1"})
    assert [run[0] for run in runs()] == expected


def test_words_are_looked_for_in_what_the_customer_said_last(case):
    said = factories.MessageFactory(thread=case.thread, identity=case.identity, text="I want a refund")
    case.entries.create(message=said)
    rule(name="Last", words=["refund"])
    rule(name="First", words=["train"])
    happened("at_risk", {case.pk: "clock:1"})
    assert [run[0] for run in runs()] == ["Last"]


@pytest.mark.parametrize(("states", "expected"), [(["new"], 1), (["waiting", "open"], 0), ([], 1)])
def test_a_rule_may_ask_for_the_state_of_the_case(case, states, expected):
    rule(states=states)
    happened("at_risk", {case.pk: "clock:1"})
    assert len(runs()) == expected


@pytest.mark.parametrize(("kind", "expected"), [("answer", 1), ("resolve", 0)])
def test_a_rule_may_ask_which_promise_is_at_risk(case, kind, expected):
    now = timezone.now()
    times = {"started_at": now, "running_since": now, "due_at": now + timedelta(hours=1), "promised": 60, "warned": 10}
    Clock.objects.create(case=case, kind="answer", risk_at=now - timedelta(minutes=1), **times)
    Clock.objects.create(case=case, kind="resolve", risk_at=now + timedelta(minutes=30), **times)
    rule(promises=[kind])
    happened("at_risk", {case.pk: "clock:1"})
    assert len(runs()) == expected


# --- what they leave alone


def test_a_resolved_case_is_not_changed_but_people_may_be_told(case, agent, lead):
    factories.resolved(case, agent)
    made = rule("resolved", team=factories.TeamFactory(), priority=1)
    made.notify.add(lead)
    before = Case.objects.filter(pk=case.pk).values().get()
    happened("resolved", {case.pk: "resolved:1"})
    assert Case.objects.filter(pk=case.pk).values().get() == before
    assert Notice.objects.get().user == lead
    assert RuleRun.objects.get().done == "told Lea Brandt"


def test_a_joined_case_is_left_alone(case, channel):
    other = factories.CaseFactory(channel=channel)
    Case.objects.filter(pk=case.pk).update(state="merged", merged_into=other)
    rule()
    happened("at_risk", {case.pk: "clock:1"})
    assert runs() == []


def test_what_a_rule_does_sets_off_no_rule_and_not_itself(case, agent):
    for event in EVENTS:
        rule(event, name=event, team=factories.TeamFactory(), priority=1, notify_owner=True)
    assignment.take(case=case, by=agent)
    happened("customer", {case.pk: "customer:1"})
    assert [run[2] for run in runs()] == ["customer"]


def test_who_has_left_is_not_told(case):
    rule().notify.add(factories.UserFactory(is_active=False))
    happened("at_risk", {case.pk: "clock:1"})
    assert not Notice.objects.exists()


# --- who calls them


def test_opening_a_case_is_an_event(talk):
    made = rule("opened", name="New here")
    talk.customer_says("Where is my bag?")
    case = talk.route()
    assert runs() == [("New here", case.pk, "opened", "opened")]
    assert case.reasons == [{"rule": made.pk, "points": 50, "why": "New here"}]


def test_coming_back_is_an_event_each_time(talk, agent, cause):
    rule("reopened", name="Back")
    talk.customer_says("Where is my bag?", minute=0)
    for minute in (10, 20):
        resolution.resolve(case=talk.route(), cause=cause, by=agent)
        talk.customer_says("It is still not here!", minute=minute)
    talk.route()
    assert [run[3] for run in runs()] == ["reopened:1", "reopened:2"]


def test_opening_a_case_again_by_hand_is_an_event(case, agent, cause):
    rule("reopened")
    resolution.reopen(case=resolution.resolve(case=case, cause=cause, by=agent), by=agent)
    assert len(runs()) == 1


def test_our_answer_is_an_event_and_only_saying_that_we_have_seen_it_is_none(case, agent):
    rule("answered", name="Answered")
    replies.reply(case=case, text="We look into it.", by=agent, acknowledges=True)
    assert runs() == []
    delivery = replies.reply(case=case, text="It leaves at noon.", by=agent)
    assert runs() == [("Answered", case.pk, "answered", f"answered:{delivery.message_id}")]


def test_an_answer_from_the_networks_own_app_is_one_too(talk):
    rule("answered", name="Answered")
    talk.customer_says(minute=0)
    ours = talk.we_say(minute=5)
    case = talk.route()
    assert runs() == [("Answered", case.pk, "answered", f"answered:{ours.pk}")]


def test_resolving_is_an_event_for_one_and_for_many(channel, agent, cause):
    rule("resolved", name="Over", notify_owner=True)
    first, *others = [factories.CaseFactory(channel=channel) for _ in range(3)]
    resolution.resolve(case=first, cause=cause, by=agent)
    resolution.resolve_many(cases=[case.pk for case in others], cause=cause, by=agent)
    assert len(runs()) == 3


def test_knowing_a_customer_better_is_an_event_and_knowing_the_same_again_is_none(case):
    rule("customer", name="Key", tiers=["key"])
    jobs.customer_changed(case.customer_id)
    assert runs() == []
    Customer.objects.update(tier="key")
    for _ in range(2):
        jobs.customer_changed(case.customer_id)
    assert len(runs()) == 1


# --- waiting


def waiting(channel, minutes, **facts):
    return factories.CaseFactory(channel=channel, opened_at=timezone.now() - timedelta(minutes=minutes), **facts)


def test_a_case_that_has_waited_long_enough_is_found_once(channel):
    waiting(channel, 59)
    late = waiting(channel, 61)
    rule("waited", name="An hour", waited_minutes=60)
    for _ in range(2):
        rules_engine.watch_waiting()
    assert [run[:2] for run in runs()] == [("An hour", late.pk)]
    assert rules_engine.watch_waiting() == 0  # it is not even looked at again


def test_each_turn_of_waiting_is_an_occasion_of_its_own(channel):
    case = waiting(channel, 90)
    rule("waited", waited_minutes=60)
    rules_engine.watch_waiting()
    Case.objects.filter(pk=case.pk).update(waiting_since=timezone.now() - timedelta(minutes=70))
    rules_engine.watch_waiting()
    assert len(runs()) == 2


@pytest.mark.parametrize("state", ["waiting", "resolved"])
def test_a_case_that_does_not_wait_for_us_is_not_found(channel, agent, state):
    case = waiting(channel, 90)
    if state == "resolved":
        factories.resolved(case, agent)
    else:
        Case.objects.update(state=state)
    rule("waited", waited_minutes=60)
    assert rules_engine.watch_waiting() == 0


def test_what_stops_after_an_hour_does_not_stop_what_waits_for_two(channel):
    rule("waited", name="One hour", waited_minutes=60, position=10, stops=True)
    rule("waited", name="Also one", waited_minutes=60, position=20)
    rule("waited", name="Two hours", waited_minutes=120, position=30)
    case = waiting(channel, 61)
    rules_engine.watch_waiting()
    assert [run[0] for run in runs()] == ["One hour"]
    since = timezone.now() - timedelta(minutes=121)
    RuleRun.objects.update(occasion=rules_engine.occasion_of_waiting(since))
    Case.objects.filter(pk=case.pk).update(waiting_since=since)
    for _ in range(2):
        rules_engine.watch_waiting()
    assert [run[0] for run in runs()] == ["One hour", "Two hours"]


@pytest.mark.parametrize(
    "conditions", [{"sentiments": ["positive"]}, {"tiers": ["key"]}, {"known": True}, {"states": ["open"]}]
)
def test_what_the_database_can_tell_is_not_even_looked_at(channel, conditions):
    waiting(channel, 90)
    rule("waited", waited_minutes=60, **conditions)
    assert rules_engine.watch_waiting() == 0


def test_more_than_one_batch_is_looked_at(channel, monkeypatch):
    monkeypatch.setattr(rules_engine, "BATCH", 2)
    for _ in range(5):
        waiting(channel, 90)
    rule("waited", waited_minutes=60)
    assert rules_engine.watch_waiting() == 5
    assert len(runs()) == 5


# --- message rules


def test_all_message_rules_that_hold_act_until_one_stops(talk, team):
    refunds = Skill.objects.create(name="Refunds")
    first = rule("message", name="Known words", position=10, words=["refund"], points=20)
    first.skills.add(refunds)
    second = rule("message", name="Unhappy", position=20, sentiments=["negative"], priority=2, points=40, stops=True)
    rule("message", name="Rest", position=30, priority=1)
    talk.customer_says("I want my refund", sentiment="negative")
    case = talk.route()
    assert (case.priority, case.rule, case.extra_points) == (2, second, 60)
    assert [reason["why"] for reason in case.reasons] == ["Known words", "Unhappy"]
    assert list(case.skills.all()) == [refunds]
    assert {run[0] for run in runs()} == {"Known words", "Unhappy"}


def test_a_message_rule_acts_once_per_case_and_a_new_one_adds_its_points(talk, lead):
    rule("message", name="Unhappy", sentiments=["negative"], points=40).notify.add(lead)
    rule("message", name="Refund", words=["refund"], points=30)
    talk.customer_says("Late again", minute=0, sentiment="negative")
    talk.customer_says("And late again", minute=1, sentiment="negative")
    talk.route()
    talk.customer_says("Refund me", minute=2, sentiment="negative")
    case = talk.route()
    assert [(reason["why"], reason["points"]) for reason in case.reasons] == [("Unhappy", 40), ("Refund", 30)]
    assert case.extra_points == 70
    assert Notice.objects.count() == 1


def test_a_priority_set_by_hand_is_not_lowered_by_what_the_customer_says_first(talk, lead):
    from cases import urgency

    rule("message", priority=4, points=0)
    talk.we_say("Your train is late, sorry.", minute=0)
    urgency.set_priority(case=talk.route(), priority=2, by=lead)
    talk.customer_says("Thanks for telling me", minute=1)
    case = talk.route()
    assert case.priority == 2
    assert case.reasons == [{"by": lead.pk, "points": 0, "why": "Set to high by Lea Brandt"}]


# --- what it costs, and what happens at the same time


@pytest.mark.parametrize("size", [1, 20])
def test_it_costs_the_same_however_many_cases(channel, lead, size):
    skill = Skill.objects.create(name="Refunds")
    for n in range(3):
        made = rule(name=f"Rule {n}", words=["train"], reach_at_least=None, priority=1)
        made.skills.add(skill)
        made.notify.add(lead)
    cases = [factories.CaseFactory(channel=channel) for _ in range(size)]
    with CaptureQueriesContext(
        connection,
    ) as asked:
        happened("at_risk", {case.pk: "clock:1" for case in cases})
    assert RuleRun.objects.count() == 3 * size
    assert len(asked) == 18, "\n".join(query["sql"][:120] for query in asked)


def test_where_no_rule_is_about_it_it_costs_one_query(case, django_assert_num_queries):
    rule("broken")
    with django_assert_num_queries(1):
        happened("at_risk", {case.pk: "clock:1"})
    with django_assert_num_queries(0):
        happened("at_risk", {})


@pytest.mark.django_db(transaction=True)
def test_what_an_agent_does_while_a_rule_moves_the_case_is_not_lost(channel, team, agent, lead, cause):
    rule(team=factories.TeamFactory(name="Escalations"), priority=1)
    cases = [factories.CaseFactory(channel=channel) for _ in range(12)]
    Case.objects.filter(pk__in=[case.pk for case in cases[8:]]).update(owner=agent, state="open")
    start = Barrier(2, timeout=20)

    def moves():
        start.wait()
        for case in cases:
            happened("at_risk", {case.pk: "clock:1"})
        connection.close()

    def works():
        start.wait()
        for case in cases[:4]:
            assignment.take(case=fresh(case), by=lead)
        for case in cases[4:8]:
            resolution.resolve(case=fresh(case), cause=cause, by=lead)
        for case in cases[8:]:
            handover.hand_over(case=fresh(case), to=lead, story="Late", next_step="Call", by=agent)
        connection.close()

    with ThreadPoolExecutor(2) as pool:
        for done in [pool.submit(moves), pool.submit(works)]:
            done.result()
    now = [fresh(case) for case in cases]
    assert [case.owner for case in now[:4]] == [lead] * 4
    assert HandOver.objects.filter(case__in=now[8:], to=lead, story="Late").count() == 4
    assert {case.state for case in now[4:8]} == {"resolved"}
    assert {(case.team.name, case.priority) for case in (*now[:4], *now[8:])} == {("Escalations", 1)}
    for case in now[4:8]:  # moved before it was resolved, or not at all
        assert (case.team.name, case.priority, case.extra_points) in {("Escalations", 1, 50), (team.name, 3, 0)}


@pytest.mark.django_db(transaction=True)
def test_a_rule_waits_for_who_has_the_case_in_hand_and_then_sees_what_they_did(case, agent, cause):
    rule(priority=1)
    held, go = Barrier(2, timeout=20), Barrier(2, timeout=20)

    def resolves():
        with transaction.atomic():
            resolution.resolve(case=case, cause=cause, by=agent)
            held.wait()
            go.wait()
        connection.close()

    def moves():
        held.wait()
        go.wait()
        happened("at_risk", {case.pk: "clock:1"})
        connection.close()

    with ThreadPoolExecutor(2) as pool:
        for done in [pool.submit(resolves), pool.submit(moves)]:
            done.result()
    assert (fresh(case).state, fresh(case).priority, fresh(case).extra_points) == ("resolved", 3, 0)


@pytest.mark.django_db(transaction=True)
def test_the_same_occasion_told_twice_at_once_is_acted_on_once(case, lead):
    rule().notify.add(lead)
    start = Barrier(4, timeout=20)

    def tells(_n):
        start.wait()
        happened("at_risk", {case.pk: "clock:1"})
        connection.close()

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(tells, range(4)))
    assert RuleRun.objects.count() == 1
    assert Notice.objects.count() == 1
    assert fresh(case).extra_points == 50


@pytest.mark.parametrize("size", [2, 40])
def test_rules_make_routing_no_dearer_with_more_messages(channel, lead, size):
    for event in ("message", "opened", "reopened"):
        rule(event, words=["train"]).notify.add(lead)
    talks = [converse(channel) for _ in range(size)]
    for talk in talks:
        talk.customer_says("My train is late")
    with CaptureQueriesContext(connection) as asked:
        routing.route_batch(channel)
    assert RuleRun.objects.count() == 2 * size
    ROUTED.setdefault("queries", len(asked))
    assert len(asked) == ROUTED["queries"], "\n".join(query["sql"][:120] for query in asked)


ROUTED: dict[str, int] = {}


def test_what_rules_did_long_ago_is_forgotten_of_cases_that_are_over(case, lead):
    long_ago = timezone.now() - rules_engine.KEPT - timedelta(days=1)
    over = factories.resolved(factories.CaseFactory(channel=case.channel), lead)
    _old, of_one_that_goes_on, new = (
        factories.RuleRunFactory(case=of, occasion=word, at=at)
        for of, word, at in ((over, "a", long_ago), (case, "b", long_ago), (over, "c", timezone.now()))
    )
    assert rules_engine.forget_old() == 1
    assert set(RuleRun.objects.values_list("pk", flat=True)) == {of_one_that_goes_on.pk, new.pk}
