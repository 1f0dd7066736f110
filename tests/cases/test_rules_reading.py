"""Rules by what was read of a message: mood, wish, topic and urgency, and how sure that has to be."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from cases import dry_run, rules, rules_engine
from cases.dry_run import Draft
from cases.models import Case, Rule
from cases.rules import Facts, Sure
from tests import factories
from tests.cases.conftest import converse

pytestmark = pytest.mark.django_db

SAID = {"channel": 1, "text": "", "sentiment": "negative", "language": "en", "tier": "standard"}
READ = {"intent": "complaint", "topic": "price", "urgency": "high"}
FORM = {"name": "Angry and urgent", "position": "50", "event": "message", "priority": "1"}


def holds(sure=(1.0, 1.0, 1.0, 1.0), read=READ, **conditions):
    rule = Rule(name="It", position=1, **conditions)
    return rules.ready(rule, ()).holds(Facts(**SAID, **read, sure=Sure(*sure)))


@pytest.mark.parametrize(
    ("condition", "held", "not_held"),
    [
        ("intents", ["complaint", "abuse"], ["question"]), ("topics", ["price"], ["support", "none"]),
        ("urgencies", ["high", "medium"], ["low"]),
    ],
)  # fmt: skip
def test_it_holds_when_any_of_its_values_was_read(condition, held, not_held):
    assert holds(**{condition: held})
    assert not holds(**{condition: not_held})


def test_what_was_not_read_is_no_value():
    assert not holds(read={}, intents=["complaint"])
    assert holds(read={})


@pytest.mark.parametrize(
    ("sure", "conditions", "held"),
    [
        ((0.9, 0.1, 0.1, 0.1), {"sentiments": ["negative"]}, True),
        ((0.6, 0.9, 0.9, 0.9), {"sentiments": ["negative"]}, False),
        ((0.1, 0.7, 0.7, 0.1), {"intents": ["complaint"], "topics": ["price"]}, True),
        ((0.1, 0.7, 0.6, 0.1), {"intents": ["complaint"], "topics": ["price"]}, False),
        ((0.1, 0.1, 0.1, 0.7), {"urgencies": ["high"]}, True),
        ((0.696, 0.0, 0.0, 0.0), {"sentiments": ["negative"]}, True),  # people see 70 %
        ((0.694, 0.0, 0.0, 0.0), {"sentiments": ["negative"]}, False),
    ],
)
def test_each_that_it_asks_for_has_to_be_read_that_surely(sure, conditions, held):
    assert holds(sure, sure_at_least=70, **conditions) is held


# --- where messages come in


def test_a_message_is_routed_by_its_mood_only_when_that_is_sure(channel):
    upset = factories.TeamFactory(name="Upset")
    factories.RuleFactory(name="Surely angry", sentiments=["negative"], sure_at_least=70, team=upset)
    placed = []
    for confidence in (0.9, 0.5):
        talk = converse(channel)
        talk.customer_says("Great. Just great.", sentiment="negative", confidence=confidence)
        placed.append(talk.route().team)
    assert placed == [upset, channel.team]


def test_a_message_is_routed_by_wish_topic_and_urgency(channel):
    factories.RuleFactory(
        name="Money, now", intents=["complaint"], topics=["price"], urgencies=["high"], sure_at_least=60, priority=1
    )
    talk = converse(channel)
    sure = dict.fromkeys(("intent_confidence", "topic_confidence", "urgency_confidence"), 0.8)
    talk.customer_says("Charged twice and my rent is due today", **READ, **sure)
    case = talk.route()
    assert (case.priority, case.rule.name) == (1, "Money, now")


# --- where cases change


def said(case, **facts):
    message = case.entries.get().message
    for name, value in facts.items():
        setattr(message, name, value)
    message.save()


@pytest.mark.parametrize(("confidence", "points"), [(0.9, 50), (0.5, 0)])
def test_other_events_ask_how_surely_it_was_read_when_it_was_said(channel, confidence, points):
    case = factories.CaseFactory(channel=channel, intent="complaint")
    said(case, intent="complaint", intent_confidence=confidence)
    factories.RuleFactory(
        event="at_risk", intents=["complaint"], sure_at_least=70, priority=None, points=50, stops=False
    )
    rules_engine.happened("at_risk", {case.pk: "clock:1"})
    assert Case.objects.get(pk=case.pk).extra_points == points


def test_a_case_that_has_waited_is_asked_what_it_is_about(channel):
    long_ago = timezone.now() - timedelta(hours=2)
    cases = {
        urgency: factories.CaseFactory(channel=channel, urgency=urgency, opened_at=long_ago)
        for urgency in ("high", "low")
    }
    factories.RuleFactory(event="waited", waited_minutes=60, urgencies=["high"], priority=None, points=50)
    assert rules_engine.watch_waiting() == 1
    assert Case.objects.get(pk=cases["high"].pk).extra_points == 50
    assert Case.objects.get(pk=cases["low"].pk).extra_points == 0


# --- tried


def test_the_trial_asks_a_message_how_it_was_read(channel):
    for confidence in (0.9, 0.5):
        case = factories.CaseFactory(channel=channel)
        said(case, urgency="high", urgency_confidence=confidence)
    rule = Rule(name="Tried", position=50, priority=1, urgencies=["high"], sure_at_least=70)
    report = dry_run.try_out(Draft(rule))
    assert (report.looked, report.held) == (2, 1)


def test_the_trial_of_another_event_asks_the_case_and_how_sure_that_was(channel):
    for confidence in (0.9, 0.5):
        case = factories.CaseFactory(channel=channel, topic="price")
        said(case, topic="price", topic_confidence=confidence)
    rule = Rule(name="Tried", event="opened", position=50, priority=1, topics=["price"], sure_at_least=70)
    assert dry_run.try_out(Draft(rule)).held == 1


def test_the_trial_costs_the_same_however_many_cases(channel, asked):
    def trial():
        rule = Rule(name="Tried", event="opened", position=50, priority=1, topics=["price"], sure_at_least=70)
        return asked(lambda: dry_run.try_out(Draft(rule)))

    factories.CaseFactory(channel=channel)
    one = trial()
    for _ in range(19):
        factories.CaseFactory(channel=channel)
    assert trial() == one <= 7


# --- said and typed


@pytest.fixture
def desk(as_user, lead):
    return as_user(lead)


def test_a_lead_makes_one_and_reads_it_as_a_sentence(desk):
    facts = {"sentiments": ["negative"], "intents": ["complaint"], "topics": ["price"], "urgencies": ["high"]}
    desk.post("/settings/rules/new/", FORM | facts | {"sure_at_least": "70"})
    made = Rule.objects.get()
    assert (made.intents, made.topics, made.urgencies, made.sure_at_least) == (["complaint"], ["price"], ["high"], 70)
    page = desk.get("/settings/rules/").content.decode()
    for words in ("Complaint", "Price", "Hours matter", "read with 70 % or more"):
        assert words in page


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ({"sure_at_least": "70"}, "Choose a mood, a wish, a topic or an urgency that has to be read so surely."),
        ({"sure_at_least": "0", "intents": ["idea"]}, "greater than or equal to 1"),
        ({"sure_at_least": "101", "intents": ["idea"]}, "less than or equal to 100"),
        ({"intents": ["rage"]}, "Select a valid choice"),
        ({"topics": ["weather"]}, "Select a valid choice"),
        ({"urgencies": ["now"]}, "Select a valid choice"),
    ],
)
def test_what_cannot_be_asked_is_refused_beside_its_field(desk, wrong, sentence):
    page = desk.post("/settings/rules/new/", FORM | wrong)
    assert page.status_code == 422
    assert sentence in page.content.decode()
