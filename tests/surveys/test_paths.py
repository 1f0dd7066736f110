"""Which questions are asked, and how far away the end is."""

from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from surveys import paths
from surveys.models import Condition, Question, Version
from tests.factories import ConditionFactory, QuestionFactory, VersionFactory

NOBODY = {}


@pytest.fixture
def asked(db):
    """The recommendation; why, of detractors; what they liked, of promoters; and leave to call."""
    version = VersionFactory()
    nps = QuestionFactory(version=version, key="nps")
    why = QuestionFactory(version=version, kind="text", key="why")
    liked = QuestionFactory(version=version, kind="text", key="liked")
    QuestionFactory(version=version, kind="consent", key="call")
    ConditionFactory(question=why, about=nps, test="at_most", values=[6])
    ConditionFactory(question=liked, about=nps, test="at_least", values=[9])
    return version


def read(version):
    return Version.objects.with_questions().get(pk=version.pk)


def keys(questions):
    return [question.key for question in questions]


def numbers(version):
    return {question.key: question.pk for question in version.questions.all()}


def test_nobody_is_asked_what_waits_for_an_answer_not_given_yet(asked):
    assert keys(paths.path(read(asked), NOBODY, {})) == ["nps", "call"]


def test_a_detractor_is_asked_why_and_a_promoter_what_they_liked(asked):
    nps = numbers(asked)["nps"]
    asked_of = {score: keys(paths.path(read(asked), NOBODY, {nps: score})) for score in (6, 7, 9)}
    assert asked_of == {6: ["nps", "why", "call"], 7: ["nps", "call"], 9: ["nps", "liked", "call"]}


def test_the_next_question_is_the_first_without_an_answer(asked):
    key = numbers(asked)
    assert paths.next_question(read(asked), NOBODY, {}).key == "nps"
    assert paths.next_question(read(asked), NOBODY, {key["nps"]: 3}).key == "why"
    assert paths.next_question(read(asked), NOBODY, {key["nps"]: 3, key["why"]: None, key["call"]: True}) is None


def test_the_longest_way_goes_through_one_branch_not_through_both(asked):
    key = numbers(asked)
    assert paths.longest(read(asked), NOBODY, {}) == 3
    assert paths.longest(read(asked), NOBODY, {key["nps"]: 7}) == 1


def test_the_bar_stands_at_nothing_before_the_first_answer_and_at_all_after_the_last(asked):
    key = numbers(asked)
    answers = [(key["nps"], 3), (key["why"], "Late"), (key["call"], False)]
    bar = [paths.progress(read(asked), NOBODY, dict(answers[:n])) for n in range(4)]
    assert bar == [0, 33, 66, 100]


def test_a_passive_goes_further_at_once(asked):
    assert paths.progress(read(asked), NOBODY, {numbers(asked)["nps"]: 8}) == 50


def test_an_answer_whose_question_is_no_longer_asked_leads_nowhere(asked):
    key = numbers(asked)
    more = QuestionFactory(version=asked, kind="text", key="more")
    liked = Question.objects.get(pk=key["why"])
    Question.objects.filter(pk=liked.pk).update(kind="scale")
    ConditionFactory(question=more, about=liked, test="at_most", values=[2])
    assert "more" in keys(paths.path(read(asked), NOBODY, {key["nps"]: 3, key["why"]: 1}))
    assert "more" not in keys(paths.path(read(asked), NOBODY, {key["nps"]: 10, key["why"]: 1}))


def test_what_the_record_says_is_not_asked_and_counts_all_the_same(db):
    version = VersionFactory()
    country = QuestionFactory(version=version, kind="choice", key="country", choices=["DE", "ES"], fact="country")
    trains = QuestionFactory(version=version, kind="text", key="trains")
    ConditionFactory(question=trains, about=country, test="one_of", values=["DE"])
    assert keys(paths.path(read(version), {"country": "DE"}, {})) == ["trains"]
    assert keys(paths.path(read(version), {"country": "ES"}, {})) == []
    assert keys(paths.path(read(version), {}, {})) == ["country"]


def test_what_was_answered_lately_is_not_asked_and_counts_all_the_same(asked):
    key = numbers(asked)
    fresh = {key["nps"]: 2}
    assert keys(paths.path(read(asked), NOBODY, {}, fresh)) == ["why", "call"]
    assert paths.progress(read(asked), NOBODY, {}, fresh) == 0
    assert paths.progress(read(asked), NOBODY, {key["why"]: "Late"}, fresh) == 50


def test_a_question_may_wait_for_a_fact(db):
    version = VersionFactory()
    ConditionFactory(question=QuestionFactory(version=version), fact="channel", test="one_of", values=["chirp", "mail"])
    assert keys(paths.path(read(version), {"channel": ["phone", "chirp"]}, {})) == ["nps"]
    assert keys(paths.path(read(version), {"channel": "phone"}, {})) == []
    assert keys(paths.path(read(version), {}, {})) == []


@pytest.mark.parametrize(
    ("test", "values", "said", "asked_then"),
    [
        ("at_least", [9], 9, True),
        ("at_least", [9], 8, False),
        ("at_most", [6], 6, True),
        ("at_most", [6], 7, False),
        ("at_most", [1], True, False),  # a permission is no number
        ("at_most", [6], None, False),
        ("one_of", [0, 5], 0, True),
        ("one_of", ["a", "b"], ["b", "c"], True),
        ("none_of", ["a", "b"], ["b", "c"], False),
        ("none_of", ["a"], [], True),
        ("none_of", ["a"], None, True),
        ("one_of", [True], True, True),
        ("one_of", [True], False, False),
    ],
)
def test_a_condition_says_what_it_reads_like(test, values, said, asked_then):
    condition = Condition(about_id=1, test=test, values=values)
    assert paths.holds(condition, NOBODY, {1: said}) is asked_then


def test_of_an_unanswered_question_not_even_none_of_holds():
    assert not paths.holds(Condition(about_id=1, test="none_of", values=["a"]), NOBODY, {})


def test_a_question_that_waits_for_a_later_one_loops(asked):
    nps = Question.objects.get(version=asked, key="nps")
    call = Question.objects.get(version=asked, key="call")
    assert paths.loops(read(asked)) == []
    ConditionFactory(question=nps, about=call, test="one_of", values=[True])
    assert keys(paths.loops(read(asked))) == ["nps"]


def test_a_version_that_came_with_its_questions_is_walked_without_a_query(asked, django_assert_num_queries):
    version = read(asked)
    with django_assert_num_queries(0):
        paths.path(version, NOBODY, {})
        paths.progress(version, NOBODY, {})
        paths.loops(version)


def test_a_survey_of_many_branches_is_measured_all_the_same():
    """Twenty branches are a million ways, but conditions that looked their last tell no ways apart."""
    chain = made([("scale", [])] + [("scale", [(n, "at_least", [3])]) for n in range(20)])
    assert paths.longest(chain, NOBODY, {}) == 21


def test_more_ways_than_are_worth_trying_count_as_all_that_may_come(monkeypatch):
    version = made([("scale", []), ("scale", [(0, "at_most", [2])]), ("scale", [(0, "at_least", [3])])])
    assert paths.longest(version, NOBODY, {}) == 2
    monkeypatch.setattr(paths, "MOST_TRIED", 1)
    assert paths.longest(version, NOBODY, {}) == 3
    assert paths.longest(version, NOBODY, {1: 2}) == 1


def made(questions):
    """In memory: kind and conditions (place of an earlier one, test, values) each. Numbers are places and one."""
    version = Version(pk=1, languages=["en"])
    rows = []
    for place, (kind, conditions) in enumerate(questions):
        several = kind == "several"
        kept = "choice" if several else kind
        row = Question(pk=place + 1, version=version, position=place + 1, key=f"q{place}", kind=kept, several=several)
        row.choices, row.low, row.high = (["a", "b", "c"] if kept == "choice" else []), 1, 4
        about = [Condition(question=row, about_id=n + 1, test=test, values=values) for n, test, values in conditions]
        row._prefetched_objects_cache = {"conditions": about}
        rows.append(row)
    version._prefetched_objects_cache = {"questions": rows}
    return version


ANSWERS = {
    "scale": [None, 1, 2, 3, 4],
    "choice": [None, ["a"], ["b"], ["c"]],
    "several": [None, ["a"], ["b"], ["c"], ["a", "b"], ["a", "c"], ["b", "c"], ["a", "b", "c"]],
    "consent": [None, True, False],
}


@st.composite
def surveys(draw):
    kinds = draw(st.lists(st.sampled_from(sorted(ANSWERS)), min_size=1, max_size=5))
    questions = []
    for place, kind in enumerate(kinds):
        earlier = st.integers(0, place - 1) if place else st.nothing()
        conditions = draw(st.lists(earlier.flatmap(lambda n: looking_at(n, kinds[n])), max_size=2 if place else 0))
        questions.append((kind, conditions))
    return questions


def looking_at(place, kind):
    if kind == "scale":
        tests = st.sampled_from(["at_least", "at_most"])
        return st.tuples(st.just(place), tests, st.integers(1, 4).map(lambda n: [n]))
    among = [True, False] if kind == "consent" else ["a", "b", "c"]
    values = st.lists(st.sampled_from(among), min_size=1, unique=True)
    return st.tuples(st.just(place), st.sampled_from(["one_of", "none_of"]), values)


@given(surveys())
@settings(max_examples=150, deadline=None)
def test_the_longest_way_is_the_longest_of_all_that_can_be_walked(questions):
    version = made(questions)
    ways = product(*(ANSWERS[kind] for kind, _conditions in questions))
    lengths = [len(paths.path(version, NOBODY, dict(enumerate(way, start=1)))) for way in ways]
    assert paths.longest(version, NOBODY, {}) == max(lengths)


@given(surveys(), st.data())
@settings(max_examples=150, deadline=None)
def test_the_bar_never_goes_back(questions, data):
    version, said, bar = made(questions), {}, [0]
    while question := paths.next_question(version, NOBODY, said):
        said[question.pk] = data.draw(st.sampled_from(ANSWERS[questions[question.pk - 1][0]]))
        bar.append(paths.progress(version, NOBODY, said))
    assert bar == sorted(bar)
    assert bar[-1] == 100
