"""Which language a text is in."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from channels_app.reading.prepared import prepare


def language(text: str, *among: str) -> str:
    return prepare(text, among=frozenset(among)).language


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("I have been waiting for my bag", "en"),
        ("Wo bleibt mein Paket? Das ist schrecklich", "de"),
        ("Merci beaucoup, service impeccable", "fr"),
        ("où est ma valise", "fr"),
        ("muchas gracias", "es"),
        ("Il mio volo è stato cancellato", "it"),
        ("Para mim é melhor por causa do preço das passagens", "pt"),
        ("Mijn vlucht is vertraagd en niemand helpt", "nl"),
        ("מתי תגיע ההזמנה שלי", "he"),
    ],
)
def test_a_language_is_told(text: str, expected: str) -> None:
    reading = prepare(text)
    assert reading.language == expected
    assert reading.language_confidence > 0.5


@pytest.mark.parametrize(
    "text",
    [
        "My parcel is still not here, was soll das, ich warte seit Wochen und niemand antwortet",
        "Hello, I need help with the order. Bonjour, nous avons toujours des problèmes avec votre service",
    ],
)
def test_two_languages_at_once_are_none(text: str) -> None:
    assert language(text) == ""


@pytest.mark.parametrize("text", ["", "ok", "😡😡", "@acme", "12345", "ha ha ha ha", "hola"])
def test_what_does_not_tell_is_not_guessed(text: str) -> None:
    assert language(text) == ""


def test_names_of_places_do_not_make_a_text_spanish() -> None:
    assert language("My flight to Las Vegas and the one to El Paso are both late") == "en"


def test_only_languages_that_are_served_are_told() -> None:
    italian = "Il mio volo è stato cancellato"
    assert language(italian, "en", "de") == ""
    assert language(italian, "en", "it") == "it"
    assert language("Wo bleibt mein Paket? Das ist schrecklich", "en", "fr") == ""


def test_a_language_beyond_those_usually_met_is_told_where_it_is_served() -> None:
    russian, danish = "Привет, где мой заказ сегодня", "Hvor bliver min pakke af, jeg har ventet i tre uger nu"
    assert language(russian) == ""
    assert language(russian, "en", "ru") == "ru"
    assert language(danish, "en", "da") == "da"


def test_a_language_nobody_knows_is_not_asked_for() -> None:
    assert language("Wo bleibt mein Paket? Das ist schrecklich", "xx") == ""


def test_what_a_network_told_beats_our_own_opinion() -> None:
    reading = prepare("Wo bleibt mein Paket? Das ist schrecklich", told="nl")
    assert (reading.language, reading.language_confidence) == ("nl", 1.0)


@given(st.text(max_size=200), st.sets(st.sampled_from(["en", "de", "ru", "ar", "it"])))
def test_any_text_has_a_language_of_those_served_or_none(text: str, among: set[str]) -> None:
    told = language(text, *among)
    assert told == "" or not among or told in among
