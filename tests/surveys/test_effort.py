"""What a survey costs those who answer it, before anybody is asked."""

from datetime import timedelta

import pytest
from django.utils import timezone

from surveys import building, effort
from surveys.models import Version
from tests.factories import (
    AnswerFactory,
    ConditionFactory,
    CustomerFactory,
    InvitationFactory,
    QuestionFactory,
    ResponseFactory,
    UserFactory,
    VersionFactory,
)

pytestmark = pytest.mark.django_db


def check(version, audience_size=None):
    return effort.check(Version.objects.with_questions().get(pk=version.pk), audience_size)


def long_one(questions):
    version = VersionFactory()
    for n in range(questions):
        QuestionFactory(version=version, kind="scale", key=f"q{n}")
    return version


def kinds(found):
    return [(finding.kind, finding.fails) for finding in found.findings]


@pytest.mark.parametrize("kind", ["nps", "case", "pulse"])
def test_the_surveys_one_begins_with_cost_three_screens_and_under_a_minute(kind):
    version = building.start(name="How are we doing?", kind=kind, brand="Skylark", by=UserFactory(role="lead"))
    found = check(version)
    assert found.longest <= 3
    assert found.seconds < 60
    assert found.after_third == 100
    assert found.findings == []


@pytest.mark.parametrize(
    ("questions", "after_third", "said"),
    [(3, 100, []), (10, 30, []), (11, 27, [("bar", False)]), (15, 20, [("bar", False)]), (16, 18, [("bar", True)])],
)
def test_the_bar_after_three_questions_warns_under_30_and_fails_under_20(questions, after_third, said):
    found = check(long_one(questions))
    assert (found.after_third, kinds(found)) == (after_third, said)


def test_it_says_how_many_questions_are_too_many():
    failing, warning = (check(long_one(questions)).findings[0] for questions in (17, 11))
    assert failing.what_to_do == "Take out 2 questions, or ask them only of some."
    assert warning.what_to_do == "Take out 1 question, or ask it only of some."


def test_a_question_behind_a_condition_of_an_answer_counts_on_its_own_way_alone():
    version = VersionFactory()
    nps = QuestionFactory(version=version)
    for n in range(10):
        behind = QuestionFactory(version=version, kind="scale", key=f"low{n}")
        ConditionFactory(question=behind, about=nps, test="at_most", values=[6])
    for n in range(10):
        behind = QuestionFactory(version=version, kind="scale", key=f"high{n}")
        ConditionFactory(question=behind, about=nps, test="at_least", values=[9])
    assert check(version).longest == 11


def test_the_way_that_costs_most_is_that_of_the_customer_who_is_asked_most():
    version = VersionFactory()
    QuestionFactory(version=version)
    for country in ("DE", "DE", "ES"):
        one = QuestionFactory(version=version, kind="scale", key=f"q{version.questions.count()}")
        ConditionFactory(question=one, fact="country", test="one_of", values=[country])
    assert check(version).longest == 3


def test_own_words_cost_more_than_a_click():
    version = VersionFactory()
    text, click = QuestionFactory(version=version, kind="text", key="why"), QuestionFactory(version=version)
    assert effort.seconds(text) > effort.seconds(click) + 10


def test_more_choices_cost_more():
    version = VersionFactory()
    few = QuestionFactory(version=version, kind="choice", key="few", choices=["a", "b"])
    many = QuestionFactory(version=version, kind="choice", key="many", choices=list("abcdefgh"))
    assert effort.seconds(many) > effort.seconds(few) + 2


def test_what_stands_on_the_record_is_found_with_its_share():
    for country in ("DE", "ES", "FR", ""):
        CustomerFactory(country=country)
    version = VersionFactory()
    question = QuestionFactory(version=version, kind="choice", key="where", choices=["DE", "ES"], fact="country")
    found = check(version, audience_size=12_000).findings
    assert [finding.sentence for finding in found] == [
        "“What about where?”: country stands on the record of 75 % (about 9,000 people). They are not asked."
    ]
    assert found[0].question == question
    assert found[0].fails


def test_what_few_have_on_the_record_may_be_asked_of_the_others():
    CustomerFactory(country="DE")
    CustomerFactory.create_batch(3)
    version = VersionFactory()
    QuestionFactory(version=version, kind="choice", key="where", choices=["DE", "ES"], fact="country")
    assert kinds(check(version)) == [("known", False)]


def test_a_question_that_asks_for_a_fact_without_saying_so_fails():
    CustomerFactory(country="DE")
    CustomerFactory.create_batch(3)
    version = VersionFactory()
    QuestionFactory(version=version, kind="choice", key="country", choices=["DE", "ES"])
    assert kinds(check(version)) == [("known", True)]


def test_what_nobody_has_on_the_record_is_asked_freely():
    CustomerFactory()
    version = VersionFactory()
    QuestionFactory(version=version, kind="choice", key="where", choices=["DE", "ES"], fact="country")
    assert check(version).findings == []


def answered(key, days_ago, shelf_days=90):
    """By somebody, in another survey."""
    version = VersionFactory()
    question = QuestionFactory(version=version, kind="text", key=key, shelf_days=shelf_days)
    response = ResponseFactory(
        invitation=InvitationFactory(
            version=version, wave=None, state="answered", ended_at=timezone.now(), customer=CustomerFactory()
        )
    )
    when = timezone.now() - timedelta(days=days_ago)
    AnswerFactory(response=response, question=question, answered_at=when)


def test_what_was_answered_within_its_shelf_life_is_found_with_its_share():
    answered("trains", days_ago=10)
    answered("trains", days_ago=100)
    CustomerFactory.create_batch(2)
    version = VersionFactory()
    QuestionFactory(version=version, kind="text", key="trains", shelf_days=60)
    found = check(version).findings
    assert [(finding.kind, finding.fails) for finding in found] == [("fresh", False)]
    assert found[0].sentence == (
        "“What about trains?” was answered by 25 % in the last 60 days. They are not asked again."
    )


def test_what_most_have_answered_lately_fails():
    answered("trains", days_ago=10)
    version = VersionFactory()
    QuestionFactory(version=version, kind="text", key="trains", shelf_days=60)
    assert kinds(check(version)) == [("fresh", True)]


def test_what_is_asked_each_time_has_no_shelf_life():
    answered("nps", days_ago=10)
    version = VersionFactory()
    QuestionFactory(version=version, key="nps")
    assert check(version).findings == []


def test_words_nobody_reads_and_words_that_are_forced_are_said():
    version = VersionFactory()
    QuestionFactory(version=version, kind="text", key="why", wording={"en": {"text": "why " * 41}}, required=True)
    assert sorted(kinds(check(version))) == [("forced", False), ("wordy", False)]


def test_more_than_three_minutes_are_too_many():
    version = VersionFactory()
    for n in range(7):
        QuestionFactory(version=version, kind="text", key=f"q{n}")
    assert kinds(check(version)) == [("long", False)]


def test_what_fails_comes_first():
    version = long_one(16)
    QuestionFactory(version=version, kind="text", key="why", required=True)
    assert [finding.fails for finding in check(version).findings] == [True, False]


def test_a_long_survey_is_checked_in_as_many_queries_as_a_short_one(django_assert_num_queries):
    for questions in (1, 12):
        version = VersionFactory()
        for n in range(questions):
            QuestionFactory(version=version, kind="text", key=f"q{n}", shelf_days=30)
        QuestionFactory(version=version, kind="choice", key="country", fact="country")
        read = Version.objects.with_questions().get(pk=version.pk)
        with django_assert_num_queries(3):
            effort.check(read)
