"""What the house says in calls and in what is written instead, in place of Hark's own sentences."""

import string
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone, translation

from surveys.models import CallText
from surveys.outreach import dossier, letters, opening, texts
from tests import factories
from tests.surveys.outreach.test_calling import call_to

pytestmark = pytest.mark.django_db
Key = CallText.Key
ALL_NAMES = {"name", "who", "day", "score", "what", "title", "groups"}


@pytest.fixture
def keep(lead):
    def keep(key, text, language="en"):
        return texts.keep(key=key, language=language, text=text, by=lead)

    return keep


def called(language="en", **facts):
    customer = factories.CustomerFactory(name="Sara Lund", given_name="Sara", country="GB", language=language)
    return call_to(customer, factories.UserFactory(first_name="Ana", last_name="Ruiz"), **facts)


def begins(call):
    return opening.sentence(dossier.gather(call, call.owner, timezone.now()), call.owner)


# --- where they are said


def test_a_call_begins_with_the_words_of_the_house(keep):
    call = called()
    assert begins(call).startswith("Hello Sara, this is Ana Ruiz.")
    keep(Key.SAY_HELLO, "{who} here. Is this {name}?")
    assert begins(call).startswith("Ana Ruiz here. Is this Sara?")


def test_a_letter_is_written_in_the_words_of_the_house_for_its_language(keep):
    keep(Key.THANKS, "we rang you to say thanks.")
    keep(Key.THANKS, "wir wollten Ihnen danken.", "de")
    keep(Key.THANKS_SUBJECT, "Danke!", "de")
    english, german, french = (called(language) for language in ("en", "de-CH", "fr"))
    assert letters.words(english) == "Hello Sara Lund,\n\nwe rang you to say thanks.\n\nAna Ruiz"
    mail = letters.letter(german, "sara@example.com")
    assert (mail.subject, mail.body.splitlines()[2]) == ("Danke!", "wir wollten Ihnen danken.")
    assert letters.words(french).startswith("Bonjour Sara Lund,\n\nmerci")


def test_a_second_letter_tells_in_the_words_of_the_house(keep):
    for key, text in ((Key.TOLD, "you asked, we did:"), (Key.TOLD_END, "So long."), (Key.TOLD_SUBJECT, "Done")):
        keep(key, text)
    mail = letters.letter(called(kind="second", due_at=timezone.now() + timedelta(days=1)), "sara@example.com")
    assert mail.subject == "Done"
    assert "you asked, we did:" in mail.body
    assert "So long." in mail.body


def test_of_however_many_one_query_is_asked(keep):
    for key in Key:
        keep(key, "Said by the house.")
    with CaptureQueriesContext(connection) as asked:
        said = texts.here()
        assert {said.say(key) for key in Key} == {"Said by the house."}
    assert len(asked) == 1


# --- what they may name


@pytest.mark.parametrize("key", Key)
def test_each_has_a_sentence_of_its_own_and_may_say_just_the_same(key, keep):
    own = str(texts.OWN[key])
    assert keep(key, own).text == own
    facts = dict.fromkeys(ALL_NAMES, "this")
    assert texts.here().say(key, **facts) == texts.Texts().say(key, **facts)


@pytest.mark.parametrize("wrong", ["{whom}", "{name.password}", "{name!r}", "{name:>99}", "{name[0]}", "{}", "{0}"])
def test_what_stands_for_nothing_is_refused(keep, wrong):
    with pytest.raises(texts.NamesNothing) as refused:
        keep(Key.SAY_HELLO, f"Good day {wrong}.")
    assert str(refused.value) == f"“{wrong}” stands for nothing here. This sentence may name: {{name}}, {{who}}."
    assert not CallText.objects.exists()


@pytest.mark.parametrize("wrong", ["Good day {name", "Good day name}"])
def test_a_brace_that_stands_alone_is_refused(keep, wrong):
    with pytest.raises(texts.HalfAName, match=r"^A { or } stands alone\. This sentence names nothing\.$"):
        keep(Key.ASK_PROMOTER, wrong)


def test_hark_is_not_taught_a_language_it_does_not_speak(keep):
    with pytest.raises(texts.NotSpoken, match=r"^Hark does not speak “mi”\. Choose one of these: ar, de"):
        keep(Key.ASK_PROMOTER, "He aha?", "mi")


def test_a_subject_is_one_line(keep):
    assert keep(Key.THANKS_SUBJECT, "Thank\n  you").text == "Thank you"


def test_kept_again_it_is_replaced_and_taken_back_harks_own_is_said(keep, lead):
    keep(Key.ASK_PROMOTER, "Why?")
    kept = keep(Key.ASK_PROMOTER, "Why us?")
    assert CallText.objects.get().text == "Why us?"
    texts.drop(kept=kept, by=lead)
    assert texts.here().say(Key.ASK_PROMOTER) == "What should we never change?"


def test_all_names_are_known_here():
    """Else the test above would not fill them."""
    found = {name for own in texts.OWN.values() for _said, name, *_how in string.Formatter().parse(str(own)) if name}
    assert found == ALL_NAMES
    assert set(texts.OWN) == set(Key)
    with translation.override("de"):
        assert texts.names_in(Key.HELLO) == ["name"]
