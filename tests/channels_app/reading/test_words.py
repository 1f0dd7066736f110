"""The words Hark reads by."""

import pytest

from channels_app.reading.lexicon import lexicon
from channels_app.reading.phrases import Phrase, Table
from channels_app.reading.teaching import VALUES
from channels_app.reading.words import ASPECTS, LANGUAGES, Word, Words, bundled_words, in_tokens

TARMAC = Word("en", "topic", "account", "tarmac", 1)


def test_words_without_additions_have_no_digest_and_others_have_one_of_their_own() -> None:
    plain = Words.bundled()
    one, other = plain.with_added([TARMAC]), plain.with_added([TARMAC._replace(weight=0.5)])
    assert plain.digest == ""
    assert len({plain.digest, one.digest, other.digest}) == 3
    assert one == plain.with_added([TARMAC])
    assert hash(one) == hash(plain.with_added([TARMAC]))


def test_the_order_of_additions_does_not_matter_where_they_say_different_things() -> None:
    more = TARMAC._replace(words="gate")
    assert Words.bundled().with_added([TARMAC, more]) == Words.bundled().with_added([more, TARMAC])


def test_of_two_that_say_the_same_thing_the_later_one_counts() -> None:
    found = Words.bundled().with_added([TARMAC, TARMAC._replace(weight=0.2)])
    assert [each.weight for each in found.added] == [0.2]


def test_adding_leaves_what_was_there_alone() -> None:
    Words.bundled().with_added([TARMAC])
    assert Words.bundled().added == ()


@pytest.mark.parametrize("aspect", ASPECTS)
def test_all_four_languages_have_words_for_each_aspect(aspect: str) -> None:
    assert Words.bundled().languages_with(aspect) == set(LANGUAGES) == {"en", "de", "es", "fr"}
    assert all(len(bundled_words(language, aspect)) > 40 for language in LANGUAGES)


def test_a_language_that_leads_gave_words_has_words() -> None:
    words = Words.bundled().with_added([Word("it", "topic", "price", "caro", 1)])
    assert "it" in words.languages_with("topic")
    assert "it" not in words.languages_with("intent")


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("aspect", ASPECTS)
def test_every_word_speaks_for_a_value_within_bounds_and_can_occur(language: str, aspect: str) -> None:
    for each in bundled_words(language, aspect):
        assert -1 <= each.weight <= 1, each
        assert each.value in (("",) if aspect == "sentiment" else VALUES[aspect]), each
        assert in_tokens(each.words, language), each


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("# hours", ("#", "hours")),
        ("deliver*", ("deliver*",)),
        ("Don't Load", ("don't", "load")),
        ("thx", ("thanks",)),
        ("two hours", ("#", "hours")),
    ],
)
def test_words_are_taken_apart_as_texts_are(words: str, expected: tuple[str, ...]) -> None:
    assert in_tokens(words, "en") == expected


def test_french_words_lose_what_is_elided_before_them() -> None:
    assert in_tokens("l'avion", "fr") == ("avion",)


def test_the_longest_phrase_counts_and_a_whole_word_before_a_stem() -> None:
    phrases = [("late",), ("late", "fee"), ("lat*",), ("late", "f*", "again")]
    table = Table(Phrase(words, {}) for words in phrases)
    assert table.longest(["late", "fee"], 0) == Phrase(("late", "fee"), {})
    assert table.longest(["late", "fees", "again"], 0) == Phrase(("late", "f*", "again"), {})
    assert table.longest(["late"], 0) == Phrase(("late",), {})
    assert table.longest(["latency"], 0) == Phrase(("lat*",), {})
    assert table.longest(["la"], 0) is None


def test_a_word_that_a_lead_weighs_changes_the_mood_lexicon() -> None:
    words = Words.bundled().with_added(
        [
            Word("en", "sentiment", "", "wobbl*", -1),
            Word("en", "sentiment", "", "great", 0),
            Word("en", "sentiment", "", "on the house", 0.9),
            Word("en", "sentiment", "", "free of char*", 0.5),
        ]
    )
    changed = lexicon(words)
    assert changed.known("wobbling") == (-1, "complaint")
    assert changed.known("great") == (0, "neutral")
    assert [entry for phrase, entry in changed.phrases["on"] if phrase == ("on", "the", "house")] == [(0.9, "praise")]
    assert lexicon().known("great") != (0, "neutral")
    assert lexicon(words) is lexicon(Words.bundled().with_added(words.added))


@pytest.mark.parametrize("language", ["de", "es", "fr"])
def test_another_language_has_a_lexicon_of_moods(language: str) -> None:
    found = lexicon(language=language)
    assert {"praise", "complaint", "courtesy"} <= {entry.kind for entry in found.words.values()}
    assert found.denying
    assert found.signs == lexicon().signs


def test_a_language_without_files_has_signs_alone() -> None:
    found = lexicon(language="it")
    assert not found.words
    assert found.signs
