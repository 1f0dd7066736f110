"""What comments are about in German, Spanish and French: the words of each, and how people spell them."""

from __future__ import annotations

import pytest

from channels_app.reading.topic_words import LANGUAGES
from surveys import lexicon, themes
from surveys.lexicon_words import words
from surveys.models import Theme, Tone, Topic
from tests import factories

FOREIGN = [language for language in LANGUAGES if language != "en"]


def about(text, language):
    """Topic → tone of one text."""
    return {each.topic: each.tone for each in lexicon.suggest([text], languages=[language])[0]}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Bequeme Sitze, aber viel zu teuer.", {"product": "praise", "price": "criticism"}),
        ("Der Zug war schon wieder verspätet und niemand antwortet", {"product": "criticism", "support": "criticism"}),
        ("Das Personal war großartig", {"support": "praise"}),
        ("Das Personal war nicht besonders gut", {"support": "criticism"}),
        ("Freundliche Schaffnerin, danke!", {"support": "praise"}),
        ("Gar nicht teuer", {"price": "praise"}),
        ("Die App ist eine Katastrophe", {"product": "criticism"}),
        ("Unser Ansprechpartner hat schon wieder gewechselt", {"relationship": "criticism"}),
        ("Unsere Betreuerin kennt unser Geschäft", {"relationship": "praise"}),
        ("Seit Wochen warte ich auf die Erstattung", {"support": "neutral"}),
        ("Teure Reise", {"price": "criticism", "product": "neutral"}),
        ("Bahnhofsmission", {}),  # whole words only
        ("Alles bestens", {}),
    ],
)
def test_a_german_comment_praises_one_thing_and_criticises_another(text, expected):
    assert about(text, "de") == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Asientos cómodos, pero carísimo.", {"product": "praise", "price": "criticism"}),
        ("El tren llegó tarde y nadie contesta", {"product": "criticism", "support": "criticism"}),
        ("Excelente atención al cliente", {"support": "praise"}),
        ("La atención no fue buena", {"support": "criticism"}),
        ("Un diez para la tripulación", {"support": "praise"}),
        ("No es caro", {"price": "praise"}),
        ("La aplicación es un desastre", {"product": "criticism"}),
        ("Nuestro contacto ha vuelto a cambiar", {"relationship": "criticism"}),
        ("Nuestra asesora nos escucha", {"relationship": "praise"}),
        ("Espero el reembolso", {"support": "neutral"}),
        ("Me llamo Carla", {}),
        ("Todo perfecto", {}),
    ],
)
def test_a_spanish_comment_praises_one_thing_and_criticises_another(text, expected):
    assert about(text, "es") == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Sièges confortables, mais trop cher.", {"product": "praise", "price": "criticism"}),
        ("L'avion était en retard et personne ne répond", {"product": "criticism", "support": "criticism"}),
        ("Le personnel était formidable", {"support": "praise"}),
        ("Le service n'est pas bon", {"support": "criticism"}),
        ("Ce n’est pas cher", {"price": "praise"}),
        ("C'est plus cher qu'avant", {"price": "criticism"}),
        ("L'appli est une catastrophe", {"product": "criticism"}),
        ("Notre contact a encore changé", {"relationship": "criticism"}),
        ("Notre conseillère est à l'écoute", {"relationship": "praise"}),
        ("Cher service client", {"support": "neutral"}),  # an address
        ("Une heure d'attente au téléphone", {"support": "criticism"}),
        ("Rien à dire", {}),
    ],
)
def test_a_french_comment_praises_one_thing_and_criticises_another(text, expected):
    assert about(text, "fr") == expected


@pytest.mark.parametrize(
    ("language", "right", "typed"),
    [
        ("de", "Verspätung, unfreundlich, überfüllt", "Verspaetung, unfreundlich, ueberfuellt"),
        ("es", "avión incómodo, atención pésima", "avion incomodo, atencion pesima"),
        ("fr", "Réclamation sans réponse, siège cassé", "Reclamation sans reponse, siege casse"),
    ],
)
def test_what_is_typed_without_umlauts_or_accents_is_understood(language, right, typed):
    assert about(right, language) == about(typed, language) != {}


def test_the_tilde_is_a_letter():
    assert about("baño sucio", "es") == {"product": "criticism"}
    assert about("bano", "es") == {}


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("Guten Tag. Wo ist mein Koffer? Schönen Abend", "de"),
        ("Buenas tardes. ¿Dónde está mi maleta?", "es"),
        ("Où est ma valise ? Bonne soirée", "fr"),
    ],
)
def test_a_greeting_is_no_praise(text, language):
    assert about(text, language) == {"product": "neutral"}


@pytest.mark.parametrize("language", FOREIGN)
def test_each_word_stands_under_one_topic(language):
    seen = [phrase for phrases in words(language).phrases.values() for phrase, _entry in phrases]
    assert {phrase for phrase in seen if seen.count(phrase) > 1} == set()


@pytest.mark.parametrize("language", FOREIGN)
def test_no_word_praises_and_blames(language):
    seen = [phrase for phrases in words(language).judging.values() for phrase, _entry in phrases]
    assert {phrase for phrase in seen if seen.count(phrase) > 1} == set()


@pytest.mark.parametrize("language", FOREIGN)
def test_every_topic_can_be_named_praised_and_criticised(language):
    entries = {entry for phrases in words(language).phrases.values() for _phrase, entry in phrases}
    assert entries == {lexicon.Entry(topic, tone) for topic in Topic for tone in (None, Tone.PRAISE, Tone.CRITICISM)}


@pytest.mark.parametrize("language", ["", "it", "en", "EN-gb", "?"])
def test_any_other_language_is_matched_with_the_english_words(language):
    assert words(language) is words("en")
    assert about("too expensive, caro", language) == {"price": "criticism"}


@pytest.mark.parametrize("language", ["de-AT", "DE", "de"])
def test_a_language_is_known_by_its_first_two_letters(language):
    assert about("teuer", language) == {"price": "criticism"}


def test_each_text_is_matched_with_the_words_of_its_own_language():
    said = [("zu teuer", "de"), ("too expensive", "en"), ("demasiado caro", "es"), ("zu teuer", "en")]
    found = lexicon.topics_of([text for text, _ in said], [language for _, language in said])
    assert found == [{Topic.PRICE}, {Topic.PRICE}, {Topic.PRICE}, set()]


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("text", "asked_in", "expected"),
    [
        ("teuer", "de", {"price": "criticism"}),  # too short to tell: that of the survey
        ("teuer", "en", {}),
        ("Die Züge sind leider immer verspätet und schmutzig", "en", {"product": "criticism"}),  # it tells by itself
        ("The trains are always late and dirty", "de", {"product": "criticism"}),
    ],
)
def test_a_comment_is_read_in_its_own_language_else_in_that_of_the_survey(text, asked_in, expected):
    response = factories.ResponseFactory(language=asked_in)
    themes.suggest([factories.AnswerFactory(response=response, text=text)])
    assert dict(Theme.objects.values_list("topic", "tone")) == expected
