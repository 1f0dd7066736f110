"""What people want, what it is about and how soon somebody has to act, as the words tell it."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from channels_app.reading.model import Intent, Sentiment, Topic, Urgency
from channels_app.reading.prepared import prepare
from channels_app.reading.wishes import UNTOLD, Wishes, tell
from channels_app.reading.words import Word, Words

NEUTRAL = Sentiment.NEUTRAL


def told(text: str, mood: Sentiment = NEUTRAL, words: Words | None = None) -> Wishes:
    return tell(prepare(text), mood, words or Words.bundled())


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("my order never arrived", Intent.COMPLAINT),
        ("Good morning, I was charged twice. Could you look into it, please? Thank you.", Intent.COMPLAINT),
        ("why is my order late?", Intent.COMPLAINT),
        ("the app does not load on my phone", Intent.COMPLAINT),
        ("somebody hacked my account", Intent.COMPLAINT),
        ("is my flight delayed?", Intent.QUESTION),
        ("what time do you open on Sunday?", Intent.QUESTION),
        ("can you tell me the opening hours", Intent.QUESTION),
        ("how do I change my address?", Intent.QUESTION),
        ("thanks for the great help!", Intent.COMPLIMENT),
        ("how much is the new plan?", Intent.PURCHASE),
        ("do you ship to Norway?", Intent.PURCHASE),
        ("I want to buy two of these", Intent.PURCHASE),
        ("it would be great if you added a dark mode", Intent.IDEA),
        ("Could you add a dark mode?", Intent.IDEA),
        ("click here to win a free phone", Intent.ABUSE),
        ("just sent you a DM", Intent.OTHER),
        ("no thanks", Intent.OTHER),
    ],
)
def test_a_wish_is_told_by_words_and_by_how_they_are_said(text: str, expected: Intent) -> None:
    assert told(text).intent.value == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("the parcel came damaged", Topic.PRODUCT),
        ("the refund is too small and the fee too high", Topic.PRICE),
        ("I cannot log in, it says wrong password", Topic.ACCOUNT),
        ("your agent was rude and hung up on me", Topic.SUPPORT),
        ("hello there everybody", Topic.NONE),
    ],
)
def test_the_topic_is_told(text: str, expected: Topic) -> None:
    assert told(text).topic.value == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("my lawyer will write to you about the lost parcel", Urgency.HIGH),
        ("the charger caught fire", Urgency.HIGH),
        ("someone used my card, it is fraud", Urgency.HIGH),
        ("stranded at the airport with two kids, no hotel", Urgency.HIGH),
        ("my flight today was cancelled, I need help", Urgency.HIGH),
        ("my order never arrived, you never sent my insulin", Urgency.HIGH),
        ("somebody just walked in on us, the door of our room doesn't lock", Urgency.HIGH),
        ("my account was emptied and nobody picks up", Urgency.HIGH),
        ("is the hall open to wheelchairs? is there a wheelchair at the door?", Urgency.LOW),
        ("how early should I be at the airport for an 8am flight?", Urgency.LOW),
        ("my card was charged a fee though I paid in time", Urgency.MEDIUM),
        ("my order never arrived", Urgency.MEDIUM),
        ("I still cannot log in", Urgency.MEDIUM),
        ("how much is the new plan?", Urgency.LOW),
        ("thank you so much!", Urgency.LOW),
        ("it would be great if you added a dark mode", Urgency.LOW),
    ],
)
def test_how_soon_somebody_has_to_act_is_told(text: str, expected: Urgency) -> None:
    assert told(text).urgency.value == expected


def test_a_fault_that_is_denied_is_none() -> None:
    assert told("no delays today").intent.value != Intent.COMPLAINT
    assert told("no emergency, whenever you have time").urgency.value == Urgency.LOW


def test_praise_that_is_denied_speaks_for_a_complaint() -> None:
    assert told("this is not amazing").votes["intent"]["complaint"] > 0


def test_the_mood_speaks_for_a_complaint_or_a_compliment() -> None:
    assert told("😡", Sentiment.NEGATIVE).intent.value == Intent.COMPLAINT
    assert told("❤️", Sentiment.POSITIVE).intent.value == Intent.COMPLIMENT


def test_praise_in_a_bad_mood_is_no_compliment() -> None:
    assert told("great, another delay", Sentiment.NEGATIVE).intent.value == Intent.COMPLAINT


def test_the_words_that_decided_are_the_reasons() -> None:
    wishes = told("my booking was cancelled and the refund and the fee are missing, my lawyer will write to you")
    assert "cancelled +0.7" in wishes.intent.reasons
    assert "refund +0.8" in wishes.topic.reasons
    assert "lawyer +1.0" in wishes.urgency.reasons


def test_more_words_for_the_same_make_it_surer() -> None:
    one, more = told("it is broken"), told("it is broken, the app keeps crashing, and my order never arrived")
    assert more.intent.confidence > one.intent.confidence


@pytest.mark.parametrize(
    "text", ["", "@acme", "https://example.com", "Il mio volo è stato cancellato", "電話で対応してもらいました"]
)
def test_where_there_are_no_words_nothing_is_told(text: str) -> None:
    assert told(text, Sentiment.UNKNOWN) == UNTOLD


def test_gibberish_is_not_taken_for_english() -> None:
    assert told("asdf qwer zxcv", Sentiment.UNKNOWN) == UNTOLD


@pytest.mark.parametrize(
    ("text", "intent", "topic"),
    [
        ("Der Zug ist ausgefallen und niemand geht ans Telefon", Intent.COMPLAINT, Topic.PRODUCT),
        ("Wie kann ich meine Adresse ändern?", Intent.QUESTION, Topic.ACCOUNT),
        ("Was kostet das Abo für Studenten?", Intent.PURCHASE, Topic.PRICE),
        ("Vielen Dank für die schnelle Hilfe, das Personal war sehr freundlich", Intent.COMPLIMENT, Topic.SUPPORT),
        ("Mi vuelo fue cancelado y nadie responde", Intent.COMPLAINT, Topic.PRODUCT),
        ("¿Cómo puedo cambiar mi contraseña?", Intent.QUESTION, Topic.ACCOUNT),
        ("¿Cuánto cuesta el envío a Perú?", Intent.PURCHASE, Topic.PRICE),
        ("Muchas gracias por la ayuda, el personal es muy amable", Intent.COMPLIMENT, Topic.SUPPORT),
        ("Mon colis n'est toujours pas arrivé", Intent.COMPLAINT, Topic.PRODUCT),
        ("Comment puis-je modifier mon adresse ?", Intent.QUESTION, Topic.ACCOUNT),
        ("Combien coûte l'abonnement pour les étudiants ?", Intent.PURCHASE, Topic.PRICE),
        ("Merci beaucoup, votre conseillère était très aimable", Intent.COMPLIMENT, Topic.SUPPORT),
    ],
)
def test_german_spanish_and_french_are_told_as_well(text: str, intent: Intent, topic: Topic) -> None:
    wishes = told(text)
    assert (wishes.intent.value, wishes.topic.value) == (intent, topic)


@pytest.mark.parametrize(
    "text",
    [
        "Ich schalte meinen Anwalt ein, das Geld ist immer noch nicht da",
        "Estamos varados en el aeropuerto con dos niños y sin hotel",
        "Bonjour, mon compte a été piraté, aidez-moi",
    ],
)
def test_other_languages_know_what_is_urgent(text: str) -> None:
    assert told(text).urgency.value == Urgency.HIGH


def test_what_a_lead_says_of_a_word_counts() -> None:
    plain = "my sprocket is wobbly"
    words = Words.bundled().with_added(
        [
            Word("en", "topic", "account", "sprocket*", 1),
            Word("en", "intent", "complaint", "is wobbly", 1),
            Word("en", "urgency", "high", "wobbly", 1),
        ]
    )
    assert told(plain).topic.value == Topic.NONE
    wishes = told(plain, words=words)
    assert (wishes.topic.value, wishes.intent.value, wishes.urgency.value) == ("account", "complaint", "high")


def test_a_lead_takes_the_meaning_of_a_word_away() -> None:
    words = Words.bundled().with_added([Word("en", "urgency", "high", "lawyer", 0)])
    text = "my daughter became a lawyer"
    assert told(text).urgency.value == Urgency.HIGH
    assert told(text, words=words).urgency.value == Urgency.LOW


def test_a_word_that_speaks_against_a_value_does_so() -> None:
    words = Words.bundled().with_added([Word("en", "topic", "price", "refund", -1)])
    assert told("refund", words=words).votes["topic"]["price"] < 0


def test_a_language_is_read_by_the_words_that_leads_added_alone() -> None:
    text = "Il mio volo è stato cancellato e nessuno risponde"
    words = Words.bundled().with_added([Word("it", "intent", "complaint", "cancellat*", 1)])
    assert told(text).intent.value == ""
    assert told(text, words=words).intent.value == Intent.COMPLAINT


@given(st.text(max_size=300), st.sampled_from(Sentiment))
def test_any_text_is_told_within_bounds(text: str, mood: Sentiment) -> None:
    for wish in told(text, mood)[:3]:
        assert 0 <= wish.confidence <= 1
        assert len(wish.reasons) <= 4


def test_a_message_costs_little() -> None:
    texts = [
        prepare(f"@acme my order {n} never arrived and nobody answers, can you help me today please?")
        for n in range(300)
    ]
    words = Words.bundled()
    start = time.process_time()
    for text in texts:
        tell(text, NEUTRAL, words)
    assert (time.process_time() - start) / len(texts) < 0.002  # ten times what it takes on a slow machine
