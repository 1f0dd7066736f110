"""What Hark makes of the mood of a text."""

import subprocess
import sys
from dataclasses import FrozenInstanceError

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from textblob import Blobber

from channels_app.reading import VERSION, Reader, Reading, Sentiment, read
from channels_app.reading.analyzer import CareAnalyzer
from channels_app.reading.cleaning import clean, tokens
from channels_app.reading.lexicon import lexicon
from channels_app.reading.linear import LinearModel
from channels_app.reading.reader import NO_MODEL
from channels_app.reading.words import Word, Words

NEGATIVE, NEUTRAL, POSITIVE, UNKNOWN = Sentiment.NEGATIVE, Sentiment.NEUTRAL, Sentiment.POSITIVE, Sentiment.UNKNOWN


SURE = 0.7

pytestmark = pytest.mark.usefixtures("loaded")


@pytest.fixture(scope="module")
def loaded() -> None:
    """The first reading of a process loads lists and model, which is no part of what a text takes."""
    read(["hello"])


def mood(text: str) -> Sentiment:
    return read([text])[0].sentiment


def language(text: str) -> str:
    return read([text])[0].language


@pytest.mark.parametrize(
    "text",
    [
        "flight cancelled, great 😡",
        "great, another delay 🙃",
        "Great, another delay. Just what I needed",
        "Oh wonderful, locked out again, and nobody answers",
        "Best network ever... said no one ever",
        "thx for nothing",
        "@acme thanks for losing my parcel!",
        "thank you for the delay",
    ],
)
def test_irony_is_not_praise(text: str) -> None:
    assert mood(text) is NEGATIVE


@pytest.mark.parametrize(
    "text",
    [
        "My order never arrived",
        "2 hours on hold and nobody picks up. Unbelievable.",
        "@bank I have been waiting 3 weeks for my refund and still no response",
        "The app does not load on my phone",
        "cant log in to my account",
        "can't log in to my account",
        "no one has called me back",
        "my card was charged twice",
        "the parcel came broken",
        "Your driver was very rude to my mother",
        "why is your app so slow",
        "Worst service I have ever had",
        "Still not fixed.",
        "#NeverAgain #WorstService",
        "The food was fine but the delivery was a nightmare",
    ],
)
def test_a_complaint_is_negative(text: str) -> None:
    assert mood(text) is NEGATIVE


@pytest.mark.parametrize(
    "text",
    [
        "Thanks for the quick help, you guys are the best!",
        "@acme thank you",
        "I really appreciate how you handled this",
        "SOOOOO happy with my new phone!!!",
        "You lost my bag but the crew was amazing and got it back to me, thank you so much!",
        "It's been fixed, thank you!",
        "I cant wait to fly with you again",
        "not bad at all",
        "You killed it!",
        "kudos to the night shift",
    ],
)
def test_praise_and_thanks_are_positive(text: str) -> None:
    assert mood(text) is POSITIVE


@pytest.mark.parametrize(
    "text",
    [
        "Could you tell me when the store opens? thanks!",
        "how do i change my email address?",
        "is my flight delayed?",
        "I'd like to order two pizzas",
        "any update on this?",
    ],
)
def test_a_question_or_a_request_is_neutral_however_polite(text: str) -> None:
    assert mood(text) is NEUTRAL


@pytest.mark.parametrize(
    ("plain", "denied"),
    [
        ("I love it", "I don't love it"),
        ("I love it", "i dont love it"),
        ("that was good", "that was not good"),
        ("this is helpful", "this isn’t helpful"),
        ("your staff are friendly", "your staff are never friendly"),
    ],
)
def test_denied_praise_is_blame(plain: str, denied: str) -> None:
    assert mood(plain) is POSITIVE
    assert mood(denied) is NEGATIVE


def test_what_stands_behind_but_weighs_more() -> None:
    hopeful, bitter = read(["the app is awful but the staff are great", "the staff are great but the app is awful"])
    assert hopeful.score > 0 > bitter.score


def test_shouting_and_stress_weigh_more() -> None:
    plain, stressed, loud = read(["bad service today", "very poor food", "the food was POOR today"])
    assert max(plain.score, stressed.score, loud.score) < 0
    assert read(["very poor food"])[0].score < read(["poor food"])[0].score
    assert read(["the food was POOR today"])[0].score < read(["the food was poor today"])[0].score


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("😡", NEGATIVE),
        ("👍🏽", POSITIVE),
        ("❤️", POSITIVE),
        (":(", NEGATIVE),
        ("thanks :)", POSITIVE),
        ("😡😡😡", NEGATIVE),
    ],
)
def test_a_text_of_signs_is_read(text: str, expected: Sentiment) -> None:
    assert mood(text) is expected


@pytest.mark.parametrize(
    "text", ["", "   \n", "@acme", "https://example.com/a?b=c", "...", "\x00", "asdf qwer zxcv", "12345"]
)
def test_where_nothing_can_be_read_the_mood_is_unknown_and_not_neutral(text: str) -> None:
    assert read([text]) == [Reading(UNKNOWN, 0.0, 0.0, "", 0.0, ())]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Il mio volo è stato cancellato", "it"),
        ("Obrigado pela ajuda, muito rápido", "pt"),
        ("Mijn vlucht is vertraagd en niemand helpt", "nl"),
        ("Mój lot został odwołany", "pl"),
        ("Mitt flyg är försenat igen", "sv"),
        ("Uçuşum iptal edildi, kimse cevap vermiyor", "tr"),
        ("מתי תגיע ההזמנה שלי? חיכיתי שבוע", "he"),
        ("أين طلبي؟ انتظرت طويلا", "ar"),
        ("電話で対応してもらいました", "ja"),
    ],
)
def test_the_mood_of_a_language_without_words_is_left_unknown(text: str, expected: str) -> None:
    reading = read([text])[0]
    assert (reading.language, reading.sentiment) == (expected, UNKNOWN)
    assert reading.language_confidence > 0.5


def test_signs_decide_in_a_language_whose_words_are_not_read() -> None:
    assert mood("Gdzie jest moja paczka? Nikt nie odpowiada 😡😡") is NEGATIVE
    assert mood("תודה רבה ❤️❤️") is POSITIVE
    assert mood("تأخرت الرحلة مرة أخرى 😡") is NEGATIVE


@pytest.mark.parametrize(
    "text", ["ok", "danke schön", "DM sent", "ha ha ha ha", "Привет, где мой заказ", "你好我的订单在哪里"]
)
def test_a_language_that_the_text_does_not_tell_is_not_guessed(text: str) -> None:
    assert language(text) == ""


@pytest.mark.parametrize(
    "text", ["I have been waiting for my bag", "why is there no answer?", "Good service in this store"]
)
def test_english_is_told(text: str) -> None:
    assert language(text) == "en"


@pytest.mark.parametrize("text", ["no apology? cool.", "I LOVE MY PHONE", "Mad love from town"])
def test_short_english_is_not_taken_for_another_language(text: str) -> None:
    assert language(text) in ("en", "")


def test_handles_and_links_do_not_count() -> None:
    assert mood("@LoveGreatBestBuy what time do you open") is NEUTRAL
    assert mood("what time do you open https://best.example/awesome-love") is NEUTRAL
    assert mood("mail lovely@great.example") is mood("mail")


def test_names_of_companies_that_are_words_do_not_count() -> None:
    assert mood("the United flight to Denver at noon") is NEUTRAL


def test_text_is_cleaned_of_what_is_not_language() -> None:
    assert clean("RT @acme: see <b>#NeverAgain</b> &amp; http://x.example/y").split() == [
        ":",
        "see",
        "Never",
        "Again",
        "&",
    ]
    assert clean(r"don\u2019t").strip() == "don't"


def test_waiting_is_a_complaint_where_somebody_is_spoken_to() -> None:
    talk, complaint = read(["maths all day tomorrow, still", "@acme all day, still"])
    assert talk.sentiment is not NEGATIVE
    assert complaint.score < talk.score


def test_the_reasons_are_the_words_that_decided() -> None:
    reasons = read(["Flight cancelled, great 😡"])[0].reasons
    assert reasons[0].startswith("😡 -")
    assert "cancelled -0.5" in reasons
    assert "waiting 3 -0.5" in read(["@bank waiting 3 weeks"])[0].reasons


def test_the_reasons_show_the_assessments_of_textblob() -> None:
    assert "TextBlob: great +0.8" in read(["Flight cancelled, great 😡"])[0].reasons


def test_there_are_six_reasons_at_most() -> None:
    words = "awful terrible horrible rude useless pathetic disgusting appalling"
    assert 3 <= len(read([words])[0].reasons) <= 6


def test_more_of_the_same_is_surer() -> None:
    one, more = read(["rude staff", "rude staff, awful food, terrible room"])
    assert more.score < one.score
    assert more.confidence > one.confidence


def test_a_text_that_speaks_for_both_sides_is_less_bad() -> None:
    torn, clear = read(["amazing food but rude staff", "awful food and rude staff"])
    assert torn.score > clear.score


STRONG = (
    "Worst service ever, never again!",
    "This is unacceptable, I am furious",
    "@acme your driver was rude and my parcel arrived broken",
    "I hate this app, it is terrible",
    "You are amazing, thank you so much!",
    "I love it, best support ever",
    "@acme great service today, very happy",
)
SAYING_NOTHING = (
    "I bought it on Monday.",
    "The store is in Leeds.",
    "My order number is 4711.",
    "It is the blue one.",
    "I wrote to you on Tuesday from my phone.",
    "The parcel was sent to my office address.",
)


@settings(deadline=None)  # the clock of a busy machine says nothing about a text
@given(st.sampled_from(STRONG), st.lists(st.sampled_from(SAYING_NOTHING), min_size=1, max_size=3))
def test_sentences_that_say_nothing_behind_it_do_not_turn_a_strong_mood(strong: str, behind: list[str]) -> None:
    assert read([strong])[0].confidence >= SURE
    assert mood(f"{strong} {' '.join(behind)}") is mood(strong)


def test_a_reading_cannot_be_changed() -> None:
    with pytest.raises(FrozenInstanceError):
        read(["ok"])[0].score = 1.0  # type: ignore[misc]


def test_the_version_is_named() -> None:
    assert Reader().version == VERSION
    assert len(VERSION) <= 40


def test_no_texts_have_no_readings() -> None:
    assert read([]) == []


@pytest.mark.parametrize(
    "unit",
    ["@", "a.", "a@a.", "#A", "&#0;", ":(", "a'", "1.", "<a", "!?", "x", "😡", "no ", "www.", "-a", "\u0301", "\\u"],
)
def test_only_the_beginning_of_a_very_long_text_is_read(unit: str) -> None:
    long = unit * (100_000 // len(unit))
    assert read([long]) == read([long[:2_000]])


@pytest.mark.parametrize(
    "text", ["\ud800 lone \udfff", "\x00NUL great\x00", "\u202egreat\u202c", "e\u0301" * 500, "\U0010ffff"]
)
def test_strange_characters_are_survived(text: str) -> None:
    assert len(read([text])) == 1


@settings(deadline=None)  # the clock of a busy machine says nothing about a text
@given(st.text())
def test_any_text_has_a_reading_within_bounds(text: str) -> None:
    reading = read([text])[0]
    assert -1 <= reading.score <= 1
    assert 0 <= reading.confidence <= 1
    assert 0 <= reading.language_confidence <= 1
    assert len(reading.language) in (0, 2)
    assert len(reading.reasons) <= 6


SOME_WORDS = (
    "not never great but late thanks for cancelled ? ! , . 😡 :) @acme #Fail 3 hours very you don't no one danke"
)
WORDS = st.sampled_from(SOME_WORDS.split())


@settings(deadline=None)  # the clock of a busy machine says nothing about a text
@given(st.lists(WORDS, max_size=25).map(" ".join))
def test_any_order_of_words_has_a_reading_that_repeats(text: str) -> None:
    assert read([text]) == read([text])


@settings(deadline=None)  # the clock of a busy machine says nothing about a text
@given(st.lists(st.one_of(st.text(max_size=60), st.lists(WORDS, max_size=12).map(" ".join)), max_size=8))
def test_a_text_reads_the_same_alone_and_in_a_batch(texts: list[str]) -> None:
    assert read(texts) == [read([text])[0] for text in texts]


def test_every_sign_of_the_lexicon_is_one_that_texts_are_taken_apart_into() -> None:
    signs = set(lexicon().signs) | lexicon().mocking
    assert [sign for sign in signs if [token.text for token in tokens(clean(sign))] != [sign]] == []


def test_every_phrase_of_the_lexicon_can_occur() -> None:
    spelling = lexicon().spelling
    phrases = [words for group in lexicon().phrases.values() for words, _ in group]
    assert [words for words in phrases for word in words if word != word.lower() or word in spelling] == []


def test_the_lexicon_weighs_between_minus_one_and_one() -> None:
    assert all(-1 <= entry.weight <= 1 for entry in lexicon().words.values())
    assert all(-1 <= weight <= 1 for weight in lexicon().signs.values())


def test_reading_needs_no_django() -> None:
    code = "import sys; from channels_app.reading import read; read(['hello']); sys.exit('django' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_without_a_model_the_lists_decide() -> None:
    by_lists = Reader(LinearModel(NO_MODEL))
    reading = by_lists.read(["@acme My order never arrived, great 🙃"])[0]
    assert reading.sentiment is NEGATIVE
    assert by_lists.version.endswith(NO_MODEL)


def test_textblob_is_heard_where_the_lists_know_nothing() -> None:
    word = "exquisite"
    assert word not in lexicon().words
    reading = Reader(LinearModel(NO_MODEL)).read([f"a {word} meal"])[0]
    assert reading.score > 0
    assert reading.reasons[-1].startswith(f"TextBlob: {word} +")


def test_textblob_runs_our_analyser() -> None:
    opinion = Blobber(analyzer=CareAnalyzer())("The meal was not delicious").sentiment
    assert opinion.polarity < 0 < opinion.subjectivity
    assert opinion.assessments[0].words == "not delicious"
    assert opinion.verdict.sentiment is NEGATIVE


def test_a_word_that_a_lead_weighs_is_settled_whatever_the_model_learned() -> None:
    lead = Words.bundled().with_added([Word("en", "sentiment", "", "horrible", 0.0)])
    plain, settled = Reader().read(["a horrible day"])[0], Reader(words=lead).read(["a horrible day"])[0]
    assert plain.sentiment is NEGATIVE
    assert settled.score > plain.score
    assert not any("horrible" in reason for reason in settled.reasons if not reason.startswith("TextBlob"))


def test_a_language_that_the_network_told_is_believed() -> None:
    assert Reader().read(["ok"], ["de"])[0].language == "de"


def test_a_reader_for_some_languages_tells_only_those() -> None:
    text = ["Mój lot został odwołany i nikt nie odpowiada"]
    assert Reader().read(text)[0].language == "pl"
    assert Reader(languages=frozenset({"en", "de"})).read(text)[0].language in ("", "en", "de")
