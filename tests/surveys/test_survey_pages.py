"""The pages on which surveys are made: lists, the builder with and without HTMX, the preview, how surveys run."""

import pytest
from django.urls import reverse
from django.utils import timezone

from surveys import building
from surveys.models import Condition, Invitation, Question, Response, Survey, SurveySettings, Version
from tests.factories import CustomerFactory, QuestionFactory, SurveyFactory, VersionFactory, sent_version

pytestmark = pytest.mark.django_db
HTMX = {"HX-Request": "true"}


@pytest.fixture
def version(lead):
    return building.start(name="How is Skylark", kind="nps", brand="Skylark", languages=["en", "de"], by=lead)


@pytest.fixture
def signed_in(lead, as_user):
    return as_user(lead)


def url(version, name="version", *more):
    return reverse(f"surveys:{name}", args=[version.survey_id, version.number, *more])


def question(version, key):
    return Question.objects.select_related("version__survey").get(version=version, key=key)


def keys(version):
    return list(version.questions.values_list("key", flat=True))


def words(text="What else?", de="Was noch?", **more):
    return {"text_en": text, "text_de": de, "help_en": "", "help_de": "", "key": "", "shelf_days": "0"} | more


# --- the list, and how one begins


def test_an_empty_list_says_what_to_do(signed_in):
    page = signed_in.get(reverse("surveys:surveys")).content.decode()
    assert "No surveys yet." in page
    assert reverse("surveys:survey_new") in page


def test_the_list_says_where_each_survey_stands(signed_in, version):
    sent_version(survey=SurveyFactory(name="After a case", kind="case"))
    page = signed_in.get(reverse("surveys:surveys")).content.decode()
    assert "in the making" in page
    assert "first sent" in page
    assert "English, German" in page


def test_the_list_takes_as_many_queries_for_many_surveys(signed_in, django_assert_max_num_queries):
    VersionFactory()
    signed_in.get(reverse("surveys:surveys"))
    with django_assert_max_num_queries(8) as one:
        signed_in.get(reverse("surveys:surveys"))
    VersionFactory.create_batch(19)
    with django_assert_max_num_queries(len(one.captured_queries)):
        signed_in.get(reverse("surveys:surveys"))


def test_the_list_can_be_searched_and_shows_what_is_retired(signed_in, lead, version):
    building.retire(survey=version.survey, retired=True, by=lead)
    found = signed_in.get(reverse("surveys:surveys"), {"state": "retired", "q": "HOW IS"})
    assert "How is Skylark" in found.content.decode()
    assert "How is Skylark" not in signed_in.get(reverse("surveys:surveys")).content.decode()


def test_a_survey_begins_on_one_page_and_is_ready_at_once(signed_in):
    given = {"name": "Twice a year", "kind": "nps", "brand": "Skylark", "languages": ["en", "es"]}
    answer = signed_in.post(reverse("surveys:survey_new"), given, follow=True)
    made = Version.objects.with_questions().get()
    assert answer.redirect_chain == [(made.get_absolute_url(), 302)]
    assert building.ready(made) == []
    assert "Nothing is missing" in answer.content.decode()


def test_what_keeps_it_from_beginning_stands_beside_the_field(signed_in, version, lead):
    building.start(name="After a case", kind="case", by=lead)
    given = {"name": "How is Skylark", "kind": "nps", "languages": ["en"]}
    taken = signed_in.post(reverse("surveys:survey_new"), given)
    assert (taken.status_code, "There is a survey of that name already" in taken.content.decode()) == (422, True)
    second = signed_in.post(reverse("surveys:survey_new"), {"name": "Another", "kind": "case", "languages": ["en"]})
    assert "asks after cases already" in second.content.decode()
    shouted = signed_in.post(reverse("surveys:survey_new"), given | {"name": "HOW is Skylark"})
    assert "There is a survey called “HOW is Skylark” already" in shouted.content.decode()
    mute = signed_in.post(reverse("surveys:survey_new"), {"name": "Mute", "kind": "nps"})
    assert "A survey speaks at least one language." in mute.content.decode()


def test_a_survey_leads_to_its_newest_version(signed_in, version, lead):
    Version.objects.filter(pk=version.pk).update(sent_at=timezone.now())
    following = building.new_version(survey=version.survey, by=lead)
    answer = signed_in.get(version.survey.get_absolute_url())
    assert answer.url == following.get_absolute_url()


def test_a_survey_is_renamed_and_copied(signed_in, version):
    edit = reverse("surveys:survey_edit", args=[version.survey_id])
    signed_in.post(edit, {"name": "In spring and autumn", "brand": ""})
    signed_in.post(reverse("surveys:survey_copy", args=[version.survey_id]), {"name": "In short"})
    assert set(Survey.objects.values_list("name", flat=True)) == {"In spring and autumn", "In short"}
    twice = signed_in.post(reverse("surveys:survey_copy", args=[version.survey_id]), {"name": "In short"})
    assert (twice.status_code, "There is a survey called “In short” already" in twice.content.decode()) == (422, True)
    assert signed_in.post(edit, {"name": "In short", "brand": ""}).status_code == 422


def test_a_survey_is_retired_and_brought_back(signed_in, version):
    retire = reverse("surveys:survey_retire", args=[version.survey_id])
    signed_in.post(retire, {"retired": "1"})
    assert Survey.objects.retired().exists()
    signed_in.post(retire, {"retired": "0"})
    assert Survey.objects.in_use().exists()


# --- the builder


def test_the_page_shows_the_questions_in_every_language_with_the_effort_beside_them(signed_in, version):
    page = signed_in.get(url(version)).content.decode()
    assert "How likely are you to recommend Skylark" in page
    assert "Wie wahrscheinlich ist es" in page
    assert "Asked of everybody" in page
    assert "Short enough, and nothing is asked that we know." in page
    assert reverse("surveys:wave_new") in page


def test_the_page_takes_as_many_queries_for_many_questions(signed_in, version, django_assert_max_num_queries):
    signed_in.get(url(version))
    with django_assert_max_num_queries(12) as few:
        signed_in.get(url(version))
    for n in range(17):
        QuestionFactory(version=version, kind="text", key=f"more{n}")
    with django_assert_max_num_queries(len(few.captured_queries)):
        signed_in.get(url(version))


@pytest.mark.parametrize("kind", ["choice", "scale", "text", "consent"])
def test_each_kind_of_question_has_its_form(signed_in, version, kind):
    page = signed_in.get(url(version, "question_new"), {"kind": kind}).content.decode()
    assert ('name="choices_de"' in page) == (kind == "choice")
    assert ('name="low_means_en"' in page) == (kind == "scale")
    assert ('name="permission"' in page) == (kind == "consent")


def test_no_such_kind_of_question(signed_in, version):
    assert signed_in.get(url(version, "question_new"), {"kind": "smiley"}).status_code == 404


def test_a_question_is_added_by_a_plain_form(signed_in, version):
    answer = signed_in.post(url(version, "question_new") + "?kind=text", words())
    assert answer.url == url(version)
    assert keys(version)[-1] == "what_else"
    assert question(version, "what_else").text("de") == "Was noch?"


def test_a_question_is_added_in_place(signed_in, version):
    answer = signed_in.post(url(version, "question_new") + "?kind=text", words(), headers=HTMX)
    page = answer.content.decode()
    assert page.lstrip().startswith('<div id="builder"') or '<div id="builder"' in page[:400]
    assert "<html" not in page
    made = question(version, "what_else")
    assert f'id="edit-{made.pk}"' in page
    assert page.split(f'id="edit-{made.pk}"')[1].split(">")[0].endswith("autofocus")


def test_a_choice_without_choices_is_refused_beside_the_field(signed_in, version):
    typed = words(choices_en="Only one", choices_de="", low="", topic="", fact="")
    answer = signed_in.post(url(version, "question_new") + "?kind=choice", typed, headers=HTMX)
    assert answer.status_code == 422
    assert "Write two choices at least" in answer.content.decode()
    assert "What else?" in answer.content.decode()
    assert keys(version) == ["nps", "why", "call"]


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ({"choices_en": "Late\nlate", "choices_de": ""}, "Each choice stands once."),
        ({"choices_en": "Late\nDirty", "choices_de": "Spät"}, "These are 1 lines; English has 2."),
        ({"choices_en": "Late\nDirty", "choices_de": "", "text_en": ""}, "This field is required."),
        ({"choices_en": "Late\nDirty", "choices_de": "", "key": "why"}, "named “why” already"),
        ({"choices_en": "Late\nDirty", "choices_de": "", "key": "Why not"}, "Small letters, digits and _"),
    ],
)
def test_what_is_wrong_with_a_choice_stands_beside_its_field(signed_in, version, typed, said):
    answer = signed_in.post(url(version, "question_new") + "?kind=choice", words(**typed))
    assert (answer.status_code, said in answer.content.decode()) == (422, True)


def test_a_scale_ends_above_where_it_begins(signed_in, version):
    ends = {f"{end}_means_{code}": "" for end in ("low", "high") for code in ("en", "de")}
    answer = signed_in.post(url(version, "question_new") + "?kind=scale", words(low="5", high="5", **ends))
    assert "A scale ends above where it begins." in answer.content.decode()


def test_a_second_recommendation_is_refused(signed_in, version):
    ends = {f"{end}_means_{code}": "" for end in ("low", "high") for code in ("en", "de")}
    answer = signed_in.post(url(version, "question_new") + "?kind=nps", words(**ends))
    assert (answer.status_code, "a score has one question" in answer.content.decode()) == (422, True)


def choice(version, lead, lines=("Late", "Dirty", "Full")):
    named = {line.lower(): line for line in lines}
    wording = {"en": {"text": "What was it?", "choices": named}, "de": {"text": "Was war es?"}}
    values = {"choices": list(named), "wording": wording}
    return building.add_question(version=version, kind="choice", values=values, by=lead)


def test_a_choice_worded_otherwise_stays_the_same_choice(signed_in, version, lead):
    which = choice(version, lead)
    typed = words(text="What was it?", choices_en="Full\nToo late\nDirty", choices_de="Voll\nZu spät\nSchmutzig")
    signed_in.post(url(version, "question", which.pk), typed | {"key": which.key})
    changed = question(version, which.key)
    assert changed.choices == ["full", "too_late", "dirty"]
    assert changed.labels("de") == [("full", "Voll"), ("too_late", "Zu spät"), ("dirty", "Schmutzig")]


def test_a_choice_that_keeps_its_line_keeps_its_name(signed_in, version, lead):
    which = choice(version, lead)
    typed = words(text="What was it?", choices_en="Too late\nDirty\nFull", choices_de="")
    signed_in.post(url(version, "question", which.pk), typed | {"key": which.key})
    assert question(version, which.key).labels() == [("late", "Too late"), ("dirty", "Dirty"), ("full", "Full")]


def test_choices_of_a_fact_are_kept_as_the_record_keeps_them(signed_in, version):
    typed = words(text="Which tier?", choices_en="Standard\nKey\nSomething else", choices_de="", fact="tier")
    signed_in.post(url(version, "question_new") + "?kind=choice", typed)
    assert question(version, "which_tier").choices == ["standard", "key", "something_else"]


def test_a_question_is_changed_in_its_place(signed_in, version):
    why = question(version, "why")
    form = signed_in.get(url(version, "question", why.pk), headers=HTMX).content.decode()
    assert "What is the main reason for your score?" in form
    typed = words("Why that score?", "Warum?", key="why", required="on")
    signed_in.post(url(version, "question", why.pk), typed, headers=HTMX)
    changed = question(version, "why")
    assert (changed.text(), changed.text("de"), changed.required) == ("Why that score?", "Warum?", True)


def test_what_a_form_does_not_show_of_a_question_stays(signed_in, version):
    nps = question(version, "nps")
    ends = {"low_means_en": "Never", "low_means_de": "", "high_means_en": "Always", "high_means_de": "Immer"}
    signed_in.post(url(version, "question", nps.pk), words("Would you?", "", key="nps", required="on", **ends))
    changed = question(version, "nps")
    assert changed.wording["en"] == {"text": "Would you?", "low": "Never", "high": "Always"}
    assert changed.ends == (0, 10)


def test_wording_missing_in_a_language_is_marked(signed_in, version):
    why = question(version, "why")
    page = signed_in.post(url(version, "question", why.pk), words("Why?", "", key="why"), headers=HTMX).content.decode()
    assert "not in German yet" in page
    assert "“Why?” is not worded in German yet." in page
    assert "Plan a wave with it" not in page


def test_a_question_moves(signed_in, version):
    call = question(version, "call")
    signed_in.post(url(version, "question_move", call.pk), {"to": "1"})
    assert keys(version) == ["call", "nps", "why"]
    assert signed_in.post(url(version, "question_move", call.pk), {"to": "up"}).status_code == 404


def test_a_move_that_would_loop_is_refused_in_a_sentence(signed_in, version, lead):
    nps, why = question(version, "nps"), question(version, "why")
    building.add_condition(question=why, about=nps, test="at_most", values=[6], by=lead)
    answer = signed_in.post(url(version, "question_move", why.pk), {"to": "1"}, headers=HTMX)
    assert (answer.status_code, "so it is asked after it" in answer.content.decode()) == (422, True)
    assert keys(version) == ["nps", "why", "call"]


def test_a_question_is_taken_out_and_put_back(signed_in, version):
    why = question(version, "why")
    page = signed_in.post(url(version, "question_remove", why.pk), headers=HTMX).content.decode()
    assert keys(version) == ["nps", "call"]
    undo = page.split('action="/surveys/questions/')[1].split('"')[0]
    signed_in.post(f"/surveys/questions/{undo}")
    assert keys(version) == ["nps", "why", "call"]


def test_taking_out_what_others_depend_on_says_so(signed_in, version, lead):
    nps, why = question(version, "nps"), question(version, "why")
    building.add_condition(question=why, about=nps, test="at_most", values=[6], by=lead)
    page = signed_in.post(url(version, "question_remove", nps.pk), headers=HTMX).content.decode()
    assert "What depended on it is asked of more people now: 1." in page


# --- of whom a question is asked


def test_a_condition_is_chosen_in_two_steps(signed_in, version):
    nps, why = question(version, "nps"), question(version, "why")
    first = signed_in.get(url(version, "conditions", why.pk), headers=HTMX).content.decode()
    assert "the recommendation" in first
    assert 'name="values"' not in first
    second = signed_in.get(url(version, "conditions", why.pk), {"on": f"answer:{nps.pk}"}, headers=HTMX)
    assert 'name="values"' in second.content.decode()
    given = {"on": f"answer:{nps.pk}", "test": "at_most", "values": "6"}
    page = signed_in.post(url(version, "conditions", why.pk), given, headers=HTMX).content.decode()
    assert "Asked when the recommendation is at most 6" in page


def test_a_condition_of_a_fact_offers_its_values(signed_in, version):
    CustomerFactory(country="ES")
    why = question(version, "why")
    page = signed_in.get(url(version, "conditions", why.pk), {"on": "fact:country"}).content.decode()
    assert 'value="ES"' in page
    signed_in.post(url(version, "conditions", why.pk), {"on": "fact:country", "test": "one_of", "values": ["ES"]})
    assert "Asked when their country is ES" in signed_in.get(url(version)).content.decode()


def test_a_permission_can_be_looked_at(signed_in, version, lead):
    call = question(version, "call")
    last = building.add_question(version=version, kind="text", values={"wording": {"en": {"text": "When?"}}}, by=lead)
    given = {"on": f"answer:{call.pk}", "test": "one_of", "values": ["True"]}
    signed_in.post(url(version, "conditions", last.pk), given)
    assert Condition.objects.get().values == [True]


def test_a_later_answer_is_not_offered_and_not_taken(signed_in, version):
    """A branch that would loop."""
    nps, call = question(version, "nps"), question(version, "call")
    given = {"on": f"answer:{call.pk}", "test": "one_of", "values": ["True"]}
    answer = signed_in.post(url(version, "conditions", nps.pk), given)
    assert answer.status_code == 422
    assert not Condition.objects.exists()


def test_an_answer_that_is_none_is_refused(signed_in, version):
    nps, why = question(version, "nps"), question(version, "why")
    given = {"on": f"answer:{nps.pk}", "test": "at_most", "values": "11"}
    assert signed_in.post(url(version, "conditions", why.pk), given).status_code == 422


def test_a_condition_is_taken_away(signed_in, version, lead):
    nps, why = question(version, "nps"), question(version, "why")
    made = building.add_condition(question=why, about=nps, test="at_most", values=[6], by=lead)
    answer = signed_in.post(reverse("surveys:condition_remove", args=[made.pk]))
    assert answer.url == url(version)
    assert not Condition.objects.exists()


# --- words and languages


def spoken(**more):
    names = [f"{name}_{code}" for name in ("title", "intro", "thanks") for code in ("en", "de")]
    return dict.fromkeys(names, "") | {"title_en": "How are we?", "title_de": "Wie sind wir?", "add": ""} | more


def test_words_are_changed_side_by_side(signed_in, version):
    page = signed_in.get(url(version, "version_words"), headers=HTMX).content.decode()
    assert page.index('name="title_en"') < page.index('name="title_de"') < page.index('name="intro_en"')
    signed_in.post(url(version, "version_words"), spoken())
    assert Version.objects.get().says("title", "de") == "Wie sind wir?"


def test_a_language_is_added_and_taken_out(signed_in, version):
    page = signed_in.post(url(version, "version_words"), spoken(add="fi"), headers=HTMX).content.decode()
    assert 'name="title_fi"' in page
    assert Version.objects.get().languages == ["en", "de", "fi"]
    signed_in.post(url(version, "version_words"), spoken(without="en"))
    assert Version.objects.get().languages == ["de", "fi"]


def test_the_last_language_stays(signed_in, lead):
    one = building.start(name="One", kind="nps", by=lead)
    given = {"title_en": "How?", "intro_en": "", "thanks_en": "", "add": "", "without": "en"}
    answer = signed_in.post(url(one, "version_words"), given)
    assert (answer.status_code, "speaks at least one language" in answer.content.decode()) == (422, True)


# --- a version that was sent


def test_a_version_that_was_sent_offers_the_next_and_nothing_else(signed_in):
    sent = sent_version()
    page = signed_in.get(url(sent)).content.decode()
    assert "Make the next version" in page
    assert "Add a question" not in page
    assert reverse("surveys:question_remove", args=[sent.survey_id, 1, sent.questions.first().pk]) not in page


def test_a_change_to_a_version_that_was_sent_is_refused_in_a_sentence(signed_in):
    sent = sent_version()
    why = question(sent, "why")
    typed = {"text_en": "Why?", "help_en": "", "key": "why", "shelf_days": "0"}
    answer = signed_in.post(url(sent, "question", why.pk), typed)
    assert (answer.status_code, "Make a new version, and change that." in answer.content.decode()) == (422, True)
    away = signed_in.post(url(sent, "question_remove", why.pk), headers=HTMX)
    assert (away.status_code, "Make a new version" in away.content.decode()) == (422, True)
    assert keys(sent) == ["nps", "why"]


def test_the_next_version_is_made_by_one_button(signed_in):
    sent = sent_version()
    answer = signed_in.post(reverse("surveys:version_new", args=[sent.survey_id]), follow=True)
    assert "Version 2" in answer.content.decode()
    assert keys(Version.objects.get(number=2)) == keys(sent)


# --- the preview


def walk(client, version, **said):
    return client.get(url(version, "preview_screen"), said, follow=True)


def test_the_preview_is_a_phone_and_a_desktop(signed_in, version):
    page = signed_in.get(url(version, "preview"))
    assert page.content.decode().count("<iframe") == 2
    assert "frame-src 'self'" in page.headers["Content-Security-Policy"]
    screen = walk(signed_in, version)
    assert screen.headers["X-Frame-Options"] == "SAMEORIGIN"
    assert "frame-ancestors 'self'" in screen.headers["Content-Security-Policy"]


def test_the_preview_walks_the_branch_that_was_answered(signed_in, version, lead):
    nps, why = question(version, "nps"), question(version, "why")
    building.add_condition(question=why, about=nps, test="at_most", values=[6], by=lead)
    low = walk(signed_in, version, answer="3").content.decode()
    high = walk(signed_in, version, answer="9").content.decode()
    assert "What is the main reason for your score?" in low
    assert "May we call you" in high


def test_the_preview_comes_to_the_end_and_keeps_nothing(signed_in, version):
    answers = {f"q{question(version, 'nps').pk}": "9", f"q{question(version, 'why').pk}": "pass"}
    page = walk(signed_in, version, answer="no", **answers).content.decode()
    assert "Thank you" in page
    assert not Response.objects.exists()
    assert not Invitation.objects.exists()


def test_a_wrong_answer_is_refused_in_the_preview_as_it_would_be(signed_in, version):
    assert "Please choose a number from 0 to 10." in walk(signed_in, version, answer="11").content.decode()


def test_the_preview_speaks_every_language_and_goes_back(signed_in, version):
    nps = question(version, "nps")
    page = walk(signed_in, version, lang="de", **{f"q{nps.pk}": "9"}).content.decode()
    assert "Was ist der wichtigste Grund" in page
    assert f"at={nps.pk}" in page
    again = walk(signed_in, version, lang="de", at=nps.pk, **{f"q{nps.pk}": "9"}).content.decode()
    assert "Wie wahrscheinlich ist es" in again


def test_the_preview_is_asked_of_somebody_we_know(signed_in, version, lead):
    CustomerFactory(country="ES")
    why = question(version, "why")
    building.add_condition(question=why, fact="country", test="one_of", values=["ES"], by=lead)
    assert 'name="fact_country"' in signed_in.get(url(version, "preview")).content.decode()
    there = walk(signed_in, version, fact_country="ES", answer="9").content.decode()
    elsewhere = walk(signed_in, version, answer="9").content.decode()
    assert ("main reason" in there, "main reason" in elsewhere) == (True, False)


def test_a_preview_of_nothing_says_what_to_do(signed_in):
    assert "There is nothing to ask." in signed_in.get(url(VersionFactory(), "preview")).content.decode()


def test_an_address_somebody_typed_is_no_error(signed_in, version):
    odd = {"lang": "xx", "at": "q", f"q{question(version, 'nps').pk}": ["banana", "12"], "fact_country": "☃"}
    assert walk(signed_in, version, **odd).status_code == 200


# --- how surveys run


def test_how_surveys_run_is_one_page(signed_in):
    given = {"begins_on": "2026-01-01", "rest_days": "60", "least": "20", "valid_days": "14", "case_hours": "0"}
    assert signed_in.post(reverse("surveys:survey_settings"), given).status_code == 302
    assert SurveySettings.current().rest_days == 60
    wrong = signed_in.post(reverse("surveys:survey_settings"), given | {"rest_days": "200"})
    assert (wrong.status_code, SurveySettings.current().rest_days) == (422, 60)
