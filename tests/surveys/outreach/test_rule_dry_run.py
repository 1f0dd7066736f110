"""What a rule of who calls would have done, before it is in force; and what it says as a sentence."""

from collections import Counter
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from crm import consent, merging
from surveys.models import CallRule
from surveys.outreach import dry_run, follow_ups, rule_words, rules
from tests import factories


def rule(**facts):
    return CallRule(**{"name": "A rule", "to": "care", **facts})


def answered(score, *, days_ago=0, seated=False, **customer):
    who = factories.CustomerFactory(**customer)
    if seated:
        factories.StakeholderFactory(customer=who)
    at = timezone.now() - timedelta(days=days_ago)
    return factories.ResponseFactory(score=score, invitation__customer=who, finished_at=at, started_at=at)


class TestSentence:
    @pytest.mark.parametrize(
        ("facts", "said"),
        [
            ({}, "Everybody: customer care calls within 7 days."),
            ({"groups": ["promoter"], "to": "executive"}, "Promoters: an executive calls within 7 days."),
            (
                {"groups": ["detractor", "passive"], "days": 1},
                "Passives or detractors: customer care calls within 1 day.",
            ),
            (
                {"groups": ["promoter"], "countries": ["DE", "FR"], "languages": ["de", "fr"], "tiers": ["key"]},
                "Promoters in DE or FR of the tier Key speaking German or French: customer care calls within 7 days.",
            ),
            (
                {"groups": ["detractor"], "with_account": True, "to": "sales", "days": 2},
                "Detractors with an account: the sales person of their account calls within 2 days.",
            ),
            (
                {"languages": ["en"], "with_account": True},
                "Everybody speaking English, with an account: customer care calls within 7 days.",
            ),
        ],
    )
    def test_a_rule_reads_as_a_sentence(self, facts, said):
        assert rule_words.sentence(rule(**facts)) == said

    @pytest.mark.django_db
    def test_the_rules_one_begins_with_do_too(self):
        assert [rule_words.sentence(one) for one in rules.defaults()] == [
            "Promoters: an executive calls within 7 days.",
            "Detractors with an account: the sales person of their account calls within 2 days.",
            "Everybody: customer care calls within 7 days.",
        ]


@pytest.mark.django_db
class TestTrying:
    def test_it_says_how_many_of_the_last_answers_it_would_have_given_to_whom(self):
        for score in (10, 9, 7, 3):
            answered(score)
        report = dry_run.try_out(rule(groups=["promoter"], to="executive"))
        assert (report.looked, report.held, report.decided, report.changed) == (4, 2, 2, 2)
        assert [(str(who), was, would) for who, was, would in report.callers] == [
            ("An executive", 0, 2), ("The sales person of their account", 0, 0), ("Customer care", 4, 2),
        ]  # fmt: skip

    def test_it_looks_at_the_record_as_it_is(self):
        answered(9, country="DE", language="de-AT", tier="key")
        answered(9, country="FR", language="de", tier="key")
        answered(2, country="DE", language="de", seated=True)
        tried = [
            {"countries": ["DE"]}, {"languages": ["de"]}, {"tiers": ["key"]}, {"with_account": True},
            {"groups": ["promoter"], "countries": ["DE"]},
        ]  # fmt: skip
        assert [dry_run.try_out(rule(**facts)).decided for facts in tried] == [2, 3, 2, 1, 1]

    def test_each_answer_counts_in_the_group_it_was_in(self):
        first = answered(10, days_ago=40)
        factories.ResponseFactory(score=2, invitation__customer=first.invitation.customer)
        report = dry_run.try_out(rule(groups=["promoter"], to="executive"))
        assert (report.looked, report.decided) == (2, 1)

    def test_an_earlier_rule_decides_instead_and_is_named(self):
        factories.CallRuleFactory(name="All to sales", to="sales")
        answered(9)
        report = dry_run.try_out(rule(groups=["promoter"], to="executive"))
        assert (report.held, report.decided, report.changed) == (1, 0, 0)
        assert [(each.name, n) for each, n in report.decide_instead] == [("All to sales", 1)]

    def test_a_changed_rule_is_tried_in_its_place_and_a_stopped_one_as_if_it_were_not(self):
        standing = factories.CallRuleFactory(position=1, to="care", stopped_at=timezone.now())
        factories.CallRuleFactory(position=2, to="sales")
        answered(9)
        standing.to = "executive"
        report = dry_run.try_out(standing)
        assert (report.decided, report.before["sales"], report.after["executive"]) == (1, 1, 1)

    def test_only_another_number_of_days_is_a_change_too(self):
        factories.CallRuleFactory(name="Slow", position=9, to="care", days=7)
        answered(9)
        quick = CallRule.objects.get()
        quick.days = 2
        assert dry_run.try_out(quick).changed == 1

    def test_who_may_not_be_called_is_left_out_and_counted(self):
        refused, forgotten = answered(9).invitation.customer, answered(9).invitation.customer
        consent.record(customer=refused, purpose="call", state="refused", how="Said so", by=None)
        type(forgotten).objects.filter(pk=forgotten.pk).update(erased_at=timezone.now())
        answered(9)
        report = dry_run.try_out(rule())
        assert (report.looked, report.not_called, report.decided) == (3, 2, 1)

    def test_what_a_merged_record_answered_counts_for_who_stands_now(self, lead):
        gone = answered(9, country="FR").invitation.customer
        merging.merge(survivor=factories.CustomerFactory(country="DE"), absorbed=gone, by=lead)
        assert dry_run.try_out(rule(countries=["DE"])).decided == 1

    def test_only_answers_that_are_called_about_are_looked_at_and_called_ones_too(self):
        factories.FollowUpFactory(response=answered(9))
        answered(None)
        factories.ResponseFactory(invitation__by="elsewhere")
        assert dry_run.try_out(rule()).looked == 1

    def test_it_looks_at_the_newest(self):
        for days_ago in range(4):
            answered(9 if days_ago < 2 else 1, days_ago=days_ago)
        report = dry_run.try_out(rule(groups=["detractor"]), last=2)
        assert (report.looked, report.decided) == (2, 0)

    def test_it_says_how_many_names_a_week_that_is_and_whether_there_is_room(self):
        for days_ago in range(28):
            answered(9, days_ago=days_ago)
        report = dry_run.try_out(rule(to="executive"))
        assert (report.a_week, report.room.people, report.room.names, report.too_many) == (7, 0, 0, True)
        factories.CallerFactory(user=factories.UserFactory(role="executive"), per_week=7)
        report = dry_run.try_out(rule(to="executive"))
        assert (report.room.people, report.room.names, report.too_many) == (1, 7, False)

    def test_answers_of_one_day_are_all_of_a_week(self):
        for _each in range(3):
            answered(9)
        assert dry_run.try_out(rule()).a_week == 3

    def test_without_an_answer_it_says_nothing(self):
        report = dry_run.try_out(rule())
        assert (report.looked, report.decided, report.a_week) == (0, 0, 0)

    def test_what_it_says_is_what_happens_once_the_rule_is_in_force(self, lead):
        rules.defaults()
        answers = [
            answered(
                score,
                seated=score % 2 == 0,
                country="DE" if score % 3 else "FR",
                tier="key" if score > 5 else "standard",
            )
            for score in range(11)
            if score != 8
        ]
        tried = rule(groups=["detractor"], countries=["DE"], to="executive")
        CallRule.objects.filter(position=2).update(stopped_at=timezone.now())
        CallRule.objects.filter(position=3).update(groups=["passive", "promoter"])
        report = dry_run.try_out(tried)
        rules.save(rule=tried, by=lead)
        calls = follow_ups.owe(answers)
        assert report.after == Counter(call.to for call in calls)
        assert report.decided == sum(call.rule == tried for call in calls) > 0

    def test_nothing_is_written(self):
        standing = factories.CallRuleFactory(to="care")
        answered(9)
        standing.to = "sales"
        dry_run.try_out(standing)
        standing.refresh_from_db()
        assert (standing.to, CallRule.objects.count()) == ("care", 1)

    def test_it_asks_as_often_for_twenty_answers_as_for_one(self):
        answered(9, seated=True)
        with CaptureQueriesContext(connection) as one:
            dry_run.try_out(rule())
        for _each in range(19):
            answered(9, seated=True)
        factories.CallRuleFactory.create_batch(5, groups=["passive"])
        with CaptureQueriesContext(connection) as twenty:
            dry_run.try_out(rule())
        assert len(twenty) == len(one) <= 9
