"""Rules as data: the first whose every condition holds places a case."""

import pytest

from cases import rules
from cases.models import Priority, Rule
from cases.rules import Facts
from tests import factories

SAID = {"channel": 1, "text": "My flight was cancelled", "sentiment": "negative", "language": "en", "tier": "standard"}


def facts(**known):
    return Facts(**{**SAID, **known})


def in_force():
    return rules.prepare(Rule.objects.in_force())


def placed_by(said, otherwise=1):
    """The name of the rule that places it; None where no rule does."""
    pk = rules.place(said, in_force(), otherwise=otherwise).rule
    return Rule.objects.get(pk=pk).name if pk else None


def holds(said, **conditions):
    factories.RuleFactory(name="It", **conditions)
    return placed_by(said) == "It"


pytestmark = pytest.mark.django_db


def test_the_first_rule_in_order_wins_though_a_later_one_holds_too():
    factories.RuleFactory(name="Second", position=20)
    factories.RuleFactory(name="First", position=10)
    assert placed_by(facts()) == "First"


def test_of_two_at_the_same_place_the_older_wins():
    factories.RuleFactory(name="Zebra", position=10)
    factories.RuleFactory(name="Aardvark", position=10)
    assert placed_by(facts()) == "Zebra"


def test_a_rule_that_does_not_hold_is_passed_over():
    factories.RuleFactory(name="Happy", position=10, sentiments=["positive"])
    factories.RuleFactory(name="Anything", position=20)
    assert placed_by(facts(sentiment="negative")) == "Anything"


def test_a_rule_without_conditions_always_holds():
    assert holds(facts(text="", sentiment="unknown", language="", tier=""))


def test_where_no_rule_holds_the_channels_team_gets_it_at_normal_priority():
    factories.RuleFactory(sentiments=["positive"])
    assert rules.place(facts(), in_force(), otherwise=7) == rules.Placement(7, Priority.NORMAL, None)


def test_a_rule_gives_its_team_and_priority(team):
    rule = factories.RuleFactory(team=team, priority=Priority.URGENT)
    assert rules.place(facts(), in_force(), otherwise=0) == rules.Placement(team.pk, Priority.URGENT, rule.pk)


def test_a_rule_without_a_team_leaves_the_channels_own():
    rule = factories.RuleFactory(team=None, priority=Priority.HIGH)
    assert rules.place(facts(), in_force(), otherwise=7) == rules.Placement(7, Priority.HIGH, rule.pk)


def test_a_rule_that_is_switched_off_is_not_asked():
    factories.RuleFactory(name="Off", switched_off_at="2026-01-01T00:00Z")
    assert placed_by(facts()) is None


def test_every_filled_condition_has_to_hold():
    conditions = {"sentiments": ["negative"], "tiers": ["key"], "languages": ["en"], "words": ["cancelled"]}
    factories.RuleFactory(name="All of it", **conditions)
    assert placed_by(facts(tier="key")) == "All of it"
    for missing in ({"tier": "standard"}, {"sentiment": "neutral"}, {"language": "de"}, {"text": "Late"}):
        assert placed_by(facts(**{"tier": "key", **missing})) is None


@pytest.mark.parametrize(
    ("word", "text"),
    [
        ("refund", "I want a REFUND, now"),
        ("refund", "refund"),
        ("refund", "Refund?!"),
        ("cancel*", "It was cancelled"),
        ("cancel*", "Please cancel"),
        ("log in", "I cannot log in"),
        ("#fail", "What a day #fail"),
        ("c++", "Is it written in c++?"),
        ("größe", "Die GRÖßE stimmt nicht"),
        ("сбой", "Опять сбой на линии"),
    ],
)
def test_a_word_is_found(word, text):
    assert holds(facts(text=text), words=["nothing like it", word])


@pytest.mark.parametrize(
    ("word", "text"),
    [
        ("app", "I am happy, it happened"),
        ("refund", "refunds"),
        ("cancel*", "uncancelled"),
        ("log in", "login"),
        ("c.t", "cat"),
        ("refund", ""),
    ],
)
def test_a_word_is_not_found_inside_another(word, text):
    assert not holds(facts(text=text), words=[word])


@pytest.mark.parametrize("words", [["*"], ["**"], [" * "]])
def test_a_star_alone_is_no_word_and_finds_nothing(words):
    assert not holds(facts(), words=words)


@pytest.mark.parametrize(
    ("spoken", "expected"), [("es", True), ("ES", True), ("es-MX", True), ("en", False), ("", False)]
)
def test_a_language_holds_in_any_spelling_a_network_uses(spoken, expected):
    assert holds(facts(language=spoken), languages=["es", "pt"]) is expected


@pytest.mark.parametrize(("tier", "expected"), [("key", True), ("valued", True), ("standard", False), ("", False)])
def test_a_tier_holds_when_it_is_any_of_those_named(tier, expected):
    assert holds(facts(tier=tier), tiers=["key", "valued"]) is expected


@pytest.mark.parametrize(
    ("reach", "expected"), [(None, False), (0, False), (9_999, False), (10_000, True), (15_300, True)]
)
def test_reach_holds_from_so_many_followers_on(reach, expected):
    assert holds(facts(reach=reach), reach_at_least=10_000) is expected


@pytest.mark.parametrize("reach", [None, 0, 5_000_000])
def test_a_rule_that_does_not_ask_for_reach_does_not_look_at_it(reach):
    assert holds(facts(reach=reach), sentiments=["negative"])


@pytest.mark.parametrize(("mood", "expected"), [("negative", True), ("positive", False), ("unknown", False)])
def test_a_mood_holds_when_it_is_any_of_those_named(mood, expected):
    assert holds(facts(sentiment=mood), sentiments=["negative"]) is expected


def test_a_channel_holds_when_it_is_any_of_those_named(channel, archive):
    factories.RuleFactory(name="Here").channels.set([channel])
    assert placed_by(facts(channel=channel.pk)) == "Here"
    assert placed_by(facts(channel=archive.pk)) is None


def test_asking_for_the_rules_costs_two_queries_however_many_there_are(channel, django_assert_num_queries):
    for _ in range(12):
        factories.RuleFactory().channels.set([channel])
    with django_assert_num_queries(2):
        rules.place(facts(), in_force(), otherwise=1)


# --- several that act


def test_each_that_holds_acts_until_one_stops():
    for position, stops in ((10, False), (20, True), (30, False)):
        factories.RuleFactory(name=f"At {position}", position=position, stops=stops)
    acted = rules.place(facts(), in_force(), otherwise=1).acted
    assert [rule.name for rule in acted] == ["At 10", "At 20"]


def test_the_first_team_and_the_most_urgent_priority_count():
    first, second = factories.TeamFactory(), factories.TeamFactory()
    factories.RuleFactory(position=10, priority=None, stops=False)
    factories.RuleFactory(position=20, team=first, priority=Priority.HIGH, stops=False)
    urgent = factories.RuleFactory(position=30, team=second, priority=Priority.URGENT, stops=False)
    assert rules.place(facts(), in_force(), otherwise=0) == rules.Placement(first.pk, Priority.URGENT, urgent.pk)


def test_what_says_nothing_of_priority_leaves_it_normal(team):
    rule = factories.RuleFactory(team=team, priority=None)
    assert rules.place(facts(), in_force(), otherwise=0) == rules.Placement(team.pk, Priority.NORMAL, rule.pk)


@pytest.mark.parametrize(("known", "expected"), [(True, True), (False, False)])
def test_whether_we_know_them_holds_as_it_is_asked(known, expected):
    assert holds(facts(known=True), known=known) is expected


def test_points_are_given_once_and_keep_within_their_bounds():
    rule = Rule(pk=1, name="Much", points=500)
    reasons = rules.with_points([], [rule])
    assert rules.with_points(reasons, [rule]) == reasons == [{"rule": 1, "points": 500, "why": "Much"}]
    assert rules.total(reasons * 2) == 600
    assert rules.total([{"points": -500}] * 3) == -1000


def test_an_unsaved_rule_gives_points_beside_a_priority_set_by_hand():
    reasons = [{"by": 7, "points": 0, "why": "Set to high by Ana"}]
    assert len(rules.with_points(reasons, [Rule(name="Tried", points=5)])) == 2
