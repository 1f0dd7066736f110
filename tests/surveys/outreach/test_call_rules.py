"""Who calls whom: the first rule in order whose conditions all hold."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from surveys.models import CallRule
from surveys.outreach import rules
from surveys.outreach.rules import Facts
from tests import factories

PROMOTER = Facts("promoter", country="DE", language="de-AT", tier="key")


def rule(**facts):
    return CallRule(**{"name": "A rule", "to": "care", **facts})


@pytest.mark.parametrize(
    ("conditions", "holds"),
    [
        ({}, True),
        ({"groups": ["promoter"]}, True),
        ({"groups": ["passive", "detractor"]}, False),
        ({"countries": ["FR", "DE"]}, True),
        ({"countries": ["FR"]}, False),
        ({"languages": ["de"]}, True),
        ({"languages": ["en"]}, False),
        ({"tiers": ["key"]}, True),
        ({"tiers": ["standard"]}, False),
        ({"with_account": True}, False),
        ({"groups": ["promoter"], "countries": ["FR"]}, False),
        ({"stopped_at": "2026-01-01"}, False),
    ],
)
def test_a_rule_holds_where_all_its_conditions_do(conditions, holds):
    assert (rules.choose([rule(**conditions)], PROMOTER) is not None) == holds


def test_the_first_in_order_decides_however_they_come():
    late, early = rule(position=2, to="care"), rule(position=1, to="executive")
    assert rules.choose([late, early], PROMOTER) is early


def test_where_no_rule_holds_care_calls_within_a_week():
    decided = rules.decide([rule(groups=["passive"], to="sales")], PROMOTER)
    assert (decided.to, decided.days, decided.rule) == ("care", 7, None)


FACTS = st.builds(
    Facts, st.sampled_from(["promoter", "passive", "detractor"]), st.sampled_from(["", "DE", "FR"]),
    st.sampled_from(["", "de", "fr-CA"]), st.sampled_from(["standard", "key"]), st.booleans(),
)  # fmt: skip
SOME_RULES = st.lists(
    st.builds(
        CallRule, position=st.integers(0, 9), groups=st.lists(st.sampled_from(["promoter", "passive"]), max_size=2),
        countries=st.lists(st.sampled_from(["DE", "FR"]), max_size=2),
        to=st.sampled_from(["executive", "sales", "care"]),
    ),
    max_size=6,
)  # fmt: skip


@given(SOME_RULES, FACTS)
def test_a_rule_that_is_chosen_holds_and_no_earlier_one_does(several, facts):
    chosen = rules.choose(several, facts)
    holding = [one for one in several if rules.choose([one], facts)]
    assert (chosen is None) == (not holding)
    assert chosen is None or chosen.position == min(one.position for one in holding)


@pytest.mark.parametrize(
    ("early", "late", "covered"),
    [
        ({}, {"groups": ["promoter"]}, True),
        ({"groups": ["promoter"]}, {}, False),
        ({"groups": ["promoter", "passive"]}, {"groups": ["passive"], "countries": ["DE"]}, True),
        ({"groups": ["promoter"]}, {"groups": ["promoter", "passive"]}, False),
        ({"with_account": True}, {"groups": ["promoter"]}, False),
        ({"with_account": True}, {"groups": ["promoter"], "with_account": True}, True),
        ({"stopped_at": "2026-01-01"}, {}, False),
    ],
)
def test_a_rule_behind_one_that_holds_wherever_it_does_is_never_asked(early, late, covered):
    first, second = rule(pk=1, position=1, **early), rule(pk=2, position=2, **late)
    assert rules.never_asked([second, first]) == ({2: first} if covered else {})


@given(SOME_RULES, st.lists(FACTS, max_size=20))
def test_what_is_never_asked_never_decides(several, facts):
    for pk, one in enumerate(several, 1):
        one.pk = pk
    never = rules.never_asked(several)
    assert not {chosen.pk for each in facts if (chosen := rules.choose(several, each))} & never.keys()


@pytest.mark.django_db
class TestChanging:
    def test_a_new_rule_stands_behind_the_others(self, lead):
        factories.CallRuleFactory(position=4)
        made = rules.save(rule=rule(countries=["de ", "DE"], languages=["DE"]), by=lead)
        assert (made.position, made.countries, made.languages, made.changed_by) == (5, ["DE"], ["de"], lead)

    @pytest.mark.parametrize(
        ("wrong", "said"),
        [
            ({"groups": ["fans"]}, "“fans” is no group, so this rule would hold for nobody."),
            ({"tiers": ["gold"]}, "“gold” is no tier"),
            ({"to": "robot"}, "“robot” is no kind of caller"),
            ({"days": 0}, "Give whoever calls a day at least."),
            ({"name": "Taken"}, "There is a rule called “Taken” already."),
        ],
    )
    def test_what_could_not_work_is_refused(self, lead, wrong, said):
        factories.CallRuleFactory(name="Taken")
        with pytest.raises(rules.Refused, match=said):
            rules.save(rule=rule(**wrong), by=lead)
        assert CallRule.objects.count() == 1

    def test_a_stopped_rule_decides_nothing_until_it_is_resumed(self, lead):
        made = factories.CallRuleFactory()
        assert rules.choose([rules.stop(rule=made, by=lead)], PROMOTER) is None
        assert rules.choose([rules.resume(rule=made, by=lead)], PROMOTER) == made

    def test_a_rule_moves_one_place_and_stays_at_the_end(self, lead):
        first, second, third = (factories.CallRuleFactory(name=name) for name in "abc")
        rules.move(rule=third, up=True, by=lead)
        rules.move(rule=first, up=True, by=lead)
        assert [one.name for one in CallRule.objects.all()] == ["a", "c", "b"]
        rules.move(rule=third, up=False, by=lead)
        assert list(CallRule.objects.all()) == [first, second, third]

    def test_one_begins_with_three_rules_and_they_are_made_once(self):
        assert len(rules.defaults()) == 3
        assert rules.defaults() == []
        made = list(CallRule.objects.all())
        assert rules.decide(made, Facts("promoter")).to == "executive"
        assert rules.decide(made, Facts("detractor", has_account=True)).to == "sales"
        assert rules.decide(made, Facts("detractor")).to == "care"
        assert rules.decide(made, Facts("passive", has_account=True)).to == "care"
