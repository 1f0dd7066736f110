"""Making surveys: begun, changed, copied, frozen once somebody was asked."""

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone

from crm.models import Activity
from surveys import building, paths, plain
from surveys.building import questions as line
from surveys.building.versions import defaults
from surveys.models import Condition, Question, Version
from tests.factories import ConditionFactory, QuestionFactory, SurveyFactory, UserFactory, VersionFactory, sent_version

pytestmark = pytest.mark.django_db


@pytest.fixture
def version(lead):
    return building.start(name="Twice a year", kind="nps", brand="Skylark", languages=["en", "de"], by=lead)


def read(version):
    return Version.objects.with_questions().get(pk=version.pk)


def keys(version):
    return [question.key for question in read(version).questions.all()]


def question(version, key):
    return Question.objects.select_related("version__survey").get(version=version, key=key)


def text(words="Why?"):
    return {"wording": {"en": {"text": words}, "de": {"text": "Warum?"}}}


# --- begun


def test_a_survey_begins_with_the_recommendation_why_and_leave_to_call(version):
    assert keys(version) == ["nps", "why", "call"]
    assert question(version, "nps").text("de").startswith("Wie wahrscheinlich ist es, dass Sie Skylark")
    assert version.says("thanks") == "A person reads every answer."


@pytest.mark.parametrize("kind", ["nps", "case", "pulse"])
@pytest.mark.parametrize("language", defaults())
def test_a_survey_can_be_sent_as_it_begins_in_every_language_we_have_words_for(kind, language, lead):
    begun = building.start(name="Begun", kind=kind, languages=[language], by=lead)
    assert building.ready(read(begun)) == []
    assert "{brand}" not in str([each.wording for each in read(begun).questions.all()])


def test_a_language_we_have_no_words_for_is_left_to_be_worded(lead):
    begun = building.start(name="Finnish", kind="pulse", languages=["en", "fi"], by=lead)
    assert building.ready(read(begun)) == [
        "The title is missing in Finnish.",
        "“How do you feel about us at the moment?” is not worded in Finnish yet.",
        "“What is the main reason for your score?” is not worded in Finnish yet.",
    ]


def test_after_a_case_only_who_was_not_served_well_is_asked_what_was_amiss(lead):
    begun = building.start(name="After a case", kind="case", by=lead)
    better = question(begun, "better")
    assert plain.Speaker().when(better).startswith("Asked when “How satisfied are you with how we dealt")
    assert plain.Speaker().when(better).endswith("is at most 3")


def test_two_surveys_do_not_share_a_name(version, lead):
    with pytest.raises(building.NameTaken, match="Call this one otherwise"):
        building.start(name="TWICE a year", kind="pulse", by=lead)


def test_one_survey_asks_after_cases(lead):
    first = building.start(name="After a case", kind="case", by=lead)
    with pytest.raises(building.OneAfterCases, match="“After a case” asks after cases already"):
        building.start(name="Another", kind="case", by=lead)
    building.retire(survey=first.survey, retired=True, by=lead)
    building.start(name="Another", kind="case", by=lead)
    with pytest.raises(building.OneAfterCases):
        building.retire(survey=first.survey, retired=False, by=lead)


@pytest.mark.parametrize("languages", [[], [f"l{n}" for n in range(9)]])
def test_a_survey_speaks_one_language_at_least_and_eight_at_most(languages, lead):
    with pytest.raises(building.NoLanguage):
        building.start(name="Babel", kind="nps", languages=languages, by=lead)


def test_who_made_and_changed_it_is_on_record(version, lead):
    building.add_question(version=version, kind="text", values=text(), by=lead)
    assert list(Activity.objects.about(version.survey).values_list("verb", flat=True).order_by("id")) == [
        "made", "given a question",
    ]  # fmt: skip


# --- its questions


def test_a_question_comes_at_the_end_and_is_named_after_its_words(version, lead):
    building.add_question(version=version, kind="text", values=text("What should we fix first, and why?"), by=lead)
    assert keys(version)[-1] == "what_should_we_fix_first_and"


def test_two_questions_of_the_same_words_are_named_apart(version, lead):
    for _ in range(3):
        building.add_question(version=version, kind="text", values=text("Why?"), by=lead)
    assert keys(version) == ["nps", "why", "call", "why_2", "why_3", "why_4"]


def test_words_of_which_no_name_can_be_made_leave_the_kind(version, lead):
    building.add_question(version=version, kind="text", values={"wording": {"en": {"text": "なぜ"}}}, by=lead)
    assert keys(version)[-1] == "text"


def test_a_name_stands_once(version, lead):
    with pytest.raises(building.KeyTaken, match="named “why” already"):
        building.add_question(version=version, kind="text", values=text() | {"key": "why"}, by=lead)
    with pytest.raises(building.KeyTaken):
        building.change_question(question=question(version, "call"), values={"key": "why"}, by=lead)


def test_there_is_one_recommendation(version, lead):
    with pytest.raises(building.OneRecommendation):
        building.add_question(version=version, kind="nps", values=text(), by=lead)


def test_a_question_moves_and_the_others_close_up(version, lead):
    building.move(question=question(version, "call"), to=1, by=lead)
    assert keys(version) == ["call", "nps", "why"]
    building.move(question=question(version, "call"), to=99, by=lead)
    assert keys(version) == ["nps", "why", "call"]
    assert [each.position for each in read(version).questions.all()] == [1, 2, 3]


def test_a_question_never_moves_before_one_it_waits_for(version, lead):
    nps, why = question(version, "nps"), question(version, "why")
    building.add_condition(question=why, about=nps, test="at_most", values=[6], by=lead)
    with pytest.raises(building.Loops, match="waits for the answer to “How likely"):
        building.move(question=why, to=1, by=lead)
    with pytest.raises(building.Loops):
        building.move(question=nps, to=2, by=lead)
    assert keys(version) == ["nps", "why", "call"]


def test_a_question_goes_with_what_looks_at_its_answer_and_comes_back_with_it(version, lead):
    nps, why = question(version, "nps"), question(version, "why")
    building.add_condition(question=why, about=nps, test="at_most", values=[6], by=lead)
    deed = building.remove(question=nps, by=lead)
    assert keys(version) == ["why", "call"]
    assert not Condition.objects.exists()
    back = building.put_back(deed=deed, by=lead)
    assert (back.pk, keys(version)) == (nps.pk, ["nps", "why", "call"])
    assert plain.Speaker().when(question(version, "why")) == "Asked when the recommendation is at most 6"


def test_a_question_is_put_back_by_who_took_it_out_and_once(version, lead):
    deed = building.remove(question=question(version, "why"), by=lead)
    with pytest.raises(line.deeds.NothingToUndo):
        building.put_back(deed=deed, by=UserFactory(role="lead"))
    building.put_back(deed=deed, by=lead)
    with pytest.raises(line.deeds.UndoneAlready):
        building.put_back(deed=deed, by=lead)


def test_a_question_does_not_come_back_beside_another_of_its_name(version, lead):
    deed = building.remove(question=question(version, "why"), by=lead)
    building.add_question(version=version, kind="text", values=text() | {"key": "why"}, by=lead)
    with pytest.raises(building.KeyTaken):
        building.put_back(deed=deed, by=lead)


# --- on what a question depends


@pytest.mark.parametrize(
    ("about", "test", "values", "refusal"),
    [
        ("call", "one_of", [True], building.Loops),
        ("why", "one_of", ["Late"], building.TextDecidesNothing),
        ("nps", "at_most", [11], building.NoSuchAnswer),
        ("nps", "at_most", [3, 4], building.NoSuchAnswer),
        ("nps", "at_most", [], building.NoSuchAnswer),
        ("nps", "one_of", ["6"], building.NoSuchAnswer),
    ],
)
def test_a_condition_that_could_never_hold_is_refused(version, lead, about, test, values, refusal):
    building.add_question(version=version, kind="text", values=text() | {"key": "last"}, by=lead)
    waiting = question(version, "last" if about == "why" else "call")
    with pytest.raises(refusal):
        building.add_condition(question=waiting, about=question(version, about), test=test, values=values, by=lead)


def test_a_question_does_not_wait_for_itself(version, lead):
    nps = question(version, "nps")
    with pytest.raises(building.Loops):
        building.add_condition(question=nps, about=nps, test="at_most", values=[6], by=lead)


def test_an_unknown_fact_is_refused(version, lead):
    with pytest.raises(building.NoSuchAnswer):
        building.add_condition(
            question=question(version, "why"), fact="shoe_size", test="one_of", values=["44"], by=lead
        )


def test_conditions_read_as_sentences(version, lead):
    why, call = question(version, "why"), question(version, "call")
    building.add_condition(question=call, about=question(version, "nps"), test="at_least", values=[9], by=lead)
    building.add_condition(question=call, fact="tier", test="none_of", values=["standard", "valued"], by=lead)
    asked = {each.key: plain.Speaker().when(each) for each in read(version).questions.all()}
    assert asked["why"] == "Asked of everybody"
    assert asked["call"] == "Asked when the recommendation is at least 9, and their tier is not Standard or Valued"
    assert why.pk


def test_a_condition_can_be_taken_away(version, lead):
    why = question(version, "why")
    made = building.add_condition(question=why, about=question(version, "nps"), test="at_most", values=[6], by=lead)
    building.remove_condition(condition=made, by=lead)
    assert not Condition.objects.exists()


# --- ready to be sent


def test_a_survey_without_questions_is_not_ready():
    assert building.ready(read(VersionFactory())) == ["There is no question yet. Add the first."]


def test_a_recommendation_is_what_a_survey_twice_a_year_is_for(version, lead):
    building.remove(question=question(version, "nps"), by=lead)
    assert building.ready(read(version)) == [
        "A survey that is asked twice a year asks for the recommendation. Add the question from 0 to 10."
    ]


def test_languages_that_lack_the_same_are_named_together(lead):
    begun = building.start(name="Nordic", kind="pulse", languages=["fi", "sv", "en"], by=lead)
    assert "“How do you feel about us at the moment?” is not worded in Finnish and Swedish yet." in building.ready(
        read(begun)
    )


def test_a_choice_without_choices_is_not_ready(version):
    QuestionFactory(version=version, kind="choice", key="which", choices=["a"], wording={
        code: {"text": "Which?", "choices": {"a": "A"}} for code in ("en", "de")
    })  # fmt: skip
    assert building.ready(read(version)) == ["“Which?” needs two choices at least."]


def test_a_choice_without_words_in_a_language_is_not_ready(version):
    QuestionFactory(version=version, kind="choice", key="which", wording={
        "en": {"text": "Which?", "choices": {"yes": "Yes", "no": "No"}},
        "de": {"text": "Welche?", "choices": {"yes": "Ja"}},
    })  # fmt: skip
    assert building.ready(read(version)) == ["“Which?” is not worded in German yet."]


def test_a_branch_that_loops_is_not_ready(version):
    ConditionFactory(question=question(version, "nps"), about=question(version, "call"), test="one_of", values=[True])
    ready = building.ready(read(version))
    assert len(ready) == 1
    assert ready[0].endswith("waits for an answer that comes after it. Move it down.")
    assert [each.key for each in paths.loops(read(version))] == ["nps"]


def test_a_condition_on_an_answer_that_is_gone_is_not_ready(version, lead):
    values = {
        "choices": ["a", "b"],
        "wording": {c: {"text": "Which?", "choices": {"a": "A", "b": "B"}} for c in ("en", "de")},
    }
    which = building.add_question(version=version, kind="choice", values=values, by=lead)
    last = building.add_question(version=version, kind="text", values=text(), by=lead)
    building.add_condition(question=last, about=which, test="one_of", values=["b"], by=lead)
    building.change_question(question=which, values={"choices": ["a", "c"]}, by=lead)
    assert "“Why?” waits for b, which is no answer to “Which?” any more." in building.ready(read(version))


def test_whether_it_is_ready_is_asked_without_a_query(version, django_assert_num_queries):
    found = read(version)
    with django_assert_num_queries(0):
        building.ready(found)


# --- sent, and the next version


DEEDS = {
    "add": lambda v, by: building.add_question(version=v, kind="text", values=text(), by=by),
    "change": lambda v, by: building.change_question(question=question(v, "why"), values=text(), by=by),
    "move": lambda v, by: building.move(question=question(v, "why"), to=1, by=by),
    "remove": lambda v, by: building.remove(question=question(v, "why"), by=by),
    "words": lambda v, by: building.change_words(version=v, languages=["en"], wording={}, by=by),
    "condition": lambda v, by: building.add_condition(
        question=question(v, "why"), about=question(v, "nps"), test="at_most", values=[6], by=by
    ),
}


@pytest.mark.parametrize("deed", DEEDS)
def test_a_version_that_was_sent_never_changes(deed, lead):
    version = sent_version()
    with pytest.raises(building.WasSent, match="Make a new version, and change that"):
        DEEDS[deed](version, lead)


def test_not_even_past_this_module(lead):
    version = sent_version()
    with pytest.raises(IntegrityError, match="never changes"), transaction.atomic():
        Question.objects.filter(version=version).update(key="other")


def test_what_was_taken_out_does_not_come_back_into_a_version_that_was_sent(version, lead):
    deed = building.remove(question=question(version, "why"), by=lead)
    Version.objects.filter(pk=version.pk).update(sent_at=timezone.now())
    with pytest.raises(building.WasSent):
        building.put_back(deed=deed, by=lead)


def test_the_next_version_asks_the_same_with_conditions_of_its_own(version, lead):
    why = question(version, "why")
    building.add_condition(question=why, about=question(version, "nps"), test="at_most", values=[6], by=lead)
    building.add_condition(question=why, fact="tier", test="one_of", values=["key"], by=lead)
    Version.objects.filter(pk=version.pk).update(sent_at=timezone.now())
    following = building.new_version(survey=version.survey, by=lead)
    assert (following.number, following.is_draft, keys(following)) == (2, True, keys(version))
    assert [c.about and c.about.version_id for c in question(following, "why").conditions.all()] == [following.pk, None]
    assert question(following, "why").wording == why.wording
    building.change_question(question=question(following, "why"), values=text(), by=lead)
    assert question(version, "why").text() == "What is the main reason for your score?"


def test_there_is_one_version_in_the_making(version, lead):
    assert building.new_version(survey=version.survey, by=lead) == version
    assert version.survey.versions.count() == 1


def test_copying_takes_as_many_queries_for_many_questions(lead, django_assert_num_queries):
    for questions in (1, 15):
        survey = SurveyFactory()
        version = VersionFactory(survey=survey)
        nps = QuestionFactory(version=version)
        for n in range(questions):
            ConditionFactory(question=QuestionFactory(version=version, kind="text", key=f"q{n}"), about=nps)
        Version.objects.filter(pk=version.pk).update(sent_at=timezone.now())
        with django_assert_num_queries(11):
            building.new_version(survey=survey, by=lead)


def test_a_copy_is_a_survey_of_its_own(version, lead):
    copy = building.copy(survey=version.survey, name="Twice a year, in short", by=lead)
    assert (copy.number, keys(copy), copy.survey.brand) == (1, keys(version), "Skylark")
    assert copy.survey != version.survey


def test_a_name_may_change_after_it_was_sent(lead):
    survey = sent_version().survey
    assert building.rename(survey=survey, name="Called otherwise", brand="Skylark", by=lead).name == "Called otherwise"


def test_words_of_a_language_taken_out_can_come_back(version, lead):
    words = {"en": {"title": "How are we?"}}
    building.change_words(version=version, languages=["en"], wording=words, by=lead)
    assert building.ready(read(version)) == []
    building.change_words(version=version, languages=["en", "de"], wording={}, by=lead)
    assert read(version).says("title", "de") == "Wie zufrieden sind Sie mit uns?"
