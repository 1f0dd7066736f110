"""What a comment is about, by its words: topics, causes and the mood of each."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from surveys import lexicon
from surveys.models import Tone, Topic

CAUSES = {1: "Delay", 2: "Lost or late", 3: "Refund late", 4: "App or website", 5: "Seat reservation"}


def about(text):
    """Topic → tone of one text."""
    return {each.topic: each.tone for each in lexicon.suggest([text])[0]}


def causes_in(text):
    return [each.cause for each in lexicon.suggest([text], CAUSES)[0] if each.cause]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Great seats, but far too expensive.", {"product": "praise", "price": "criticism"}),
        ("Customer service never replied", {"support": "criticism"}),
        ("The trains are always late and nobody helped.", {"product": "criticism", "support": "criticism"}),
        ("My adviser is Anna. She is wonderful.", {"relationship": "praise"}),
        ("The account manager changed again", {"relationship": "criticism"}),
        ("cheap seats", {"price": "praise", "product": "neutral"}),
        ("Wi-Fi does not work", {"product": "criticism"}),
        ("WiFi doesnt work", {"product": "criticism"}),
        ("quick reply on the phone", {"support": "praise"}),
        ("Everything great", {}),
        ("Unpünktlich und teuer", {}),
        ("", {}),
        ("😀", {}),
    ],
)
def test_a_comment_praises_one_thing_and_criticises_another(text, expected):
    assert about(text) == expected


def test_a_denial_turns_a_judgement_round():
    assert about("expensive") == {"price": "criticism"}
    assert about("not very expensive") == {"price": "praise"}
    assert about("the staff were not helpful")["support"] == "criticism"
    assert about("We did not go there in the end. It was too expensive") == {"price": "criticism"}  # far behind it


def test_the_longest_phrase_counts_and_is_named():
    found = lexicon.suggest(["It is worth the money"])[0]
    assert [(each.topic, each.tone, each.words) for each in found] == [("price", "praise", "worth the money")]


def test_more_clauses_of_one_kind_outvote_one_of_the_other():
    assert about("Nice seats, filthy toilets, broken doors")["product"] == "criticism"
    assert about("Comfortable seats, dirty toilets")["product"] == "neutral"


def test_a_topic_is_suggested_once_with_all_words_that_say_so():
    found = lexicon.suggest(["The price is high. The fare too. What a price!"])[0]
    assert [(each.topic, each.words) for each in found] == [("price", "price, fare")]


def test_what_a_text_about_one_thing_says_as_a_whole_counts_where_the_clause_is_silent():
    assert about("We asked the conductor. Fantastic!") == {"support": "praise"}
    # of two things it says nothing which is meant
    assert set(about("We asked the conductor about the fare. Fantastic!").values()) == {"neutral"}


def test_each_word_stands_under_one_topic():
    seen = [phrase for phrases in lexicon.words().phrases.values() for phrase, _entry in phrases]
    assert len(seen) == len(set(seen))


def test_every_topic_can_be_named_praised_and_criticised():
    entries = {entry for phrases in lexicon.words().phrases.values() for _phrase, entry in phrases}
    assert entries == {
        lexicon.Entry(topic, tone) for topic in Topic for tone in (None, Tone.PRAISE, Tone.CRITICISM)
    }  # fmt: skip


def test_texts_come_back_in_order():
    texts = ["too expensive", "", "rude staff"] * 30
    found = lexicon.suggest(texts)
    assert [[each.topic for each in one] for one in found] == [["price"], [], ["support"]] * 30
    assert lexicon.topics_of(texts) == [{Topic.PRICE}, set(), {Topic.SUPPORT}] * 30


# --- causes


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Delayed again", [1]),
        ("so many delays", [1]),
        ("where is my refund", [3]),
        ("the website is slow", [4]),
        ("I like your app", [4]),
        ("I had reserved seats", [5]),
        ("I had reserved a table", []),  # not all words of its name
        ("my seat reservation was gone", [5]),
        ("late", []),  # too general to tell a cause
        ("all fine", []),
    ],
)
def test_a_cause_is_suggested_by_the_words_of_its_name(text, expected):
    assert causes_in(text) == expected


def test_words_of_a_name_count_only_where_they_stand_together():
    assert causes_in("a seat with a reservation") == [5]
    assert causes_in("I had a seat. No reservation.") == []


def test_three_causes_at_most_the_surest_first():
    many = dict(enumerate(["Delay", "Refund", "Website", "Seat reservation"], 1))
    found = [each.cause for each in lexicon.suggest(["delay refund website seat reservation"], many)[0] if each.cause]
    assert len(found) == 3
    assert found[0] == 4


def test_a_cause_has_the_tone_of_where_it_stands():
    found = lexicon.suggest(["The website is great, but I hate the delays"], CAUSES)[0]
    assert {each.cause: each.tone for each in found if each.cause} == {4: "praise", 1: "criticism"}


def test_a_cause_without_a_word_of_its_own_is_never_suggested():
    assert lexicon.suggest(["other, in general and so on"], {1: "Other", 2: "", 3: "???"}) == [[]]


@pytest.mark.parametrize(
    ("one", "other"),
    [("delay", "delayed"), ("delays", "delayed"), ("cancelled", "cancellation"), ("canceled", "cancelled"),
     ("charge", "charged"), ("refunds", "refund"), ("companies", "company")],
)  # fmt: skip
def test_forms_of_a_word_have_one_stem(one, other):
    assert lexicon.stem(one) == lexicon.stem(other)


@given(st.lists(st.text(max_size=200), max_size=5))
def test_any_text_can_be_read(texts):
    assert len(lexicon.suggest(texts, CAUSES)) == len(texts)
    assert len(lexicon.topics_of(texts)) == len(texts)


def test_a_text_of_a_megabyte_is_read_no_longer_than_its_beginning():
    assert about("expensive " * 100_000) == {"price": "criticism"}
    assert about("x " * 500_000 + "expensive") == {}
