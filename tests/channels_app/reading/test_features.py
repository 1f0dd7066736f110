"""Texts as numbers: the same alone and in any batch, and bounded."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from channels_app.reading.analyzer import Analyzed
from channels_app.reading.cleaning import clean, tokens
from channels_app.reading.dense import NAMES, UNIT
from channels_app.reading.features import SLOTS, Hashed, hashed

SOME_TEXTS = st.lists(st.one_of(st.text(max_size=50), st.sampled_from(["I don't love it!", "", "NO :(", "2 Züge"])))


def grams(*texts: str, language: str = "") -> Hashed:
    return hashed([tokens(clean(text)) for text in texts], [language] * len(texts))


def of(found: Hashed, text: int) -> set[int]:
    return set(found.slots[found.rows == text].tolist())


@settings(deadline=None)  # the clock of a busy machine says nothing about a text
@given(SOME_TEXTS)
def test_a_text_has_the_same_ngrams_alone_and_in_a_batch(texts: list[str]) -> None:
    together = grams(*texts)
    assert len(together.counts) == len(texts)
    for at, text in enumerate(texts):
        assert of(together, at) == of(grams(text), 0)
        assert together.counts[at] == len(of(together, at))


@settings(deadline=None)  # the clock of a busy machine says nothing about a text
@given(SOME_TEXTS)
def test_every_slot_is_one_of_the_table(texts: list[str]) -> None:
    found = grams(*texts)
    for slots in (found.slots, found.words, found.pairs, found.letters):
        assert ((slots >= 0) & (slots < SLOTS)).all()


def test_each_gram_of_letters_knows_its_word() -> None:
    found = grams("ab cde", "", "f")
    assert found.said == [["ab", "cde"], [], ["f"]]
    counts = np.bincount(found.of_words).tolist()
    assert counts == [3 + 2 + 1, 4 + 3 + 2 + 1, 2 + 1]


def test_words_are_the_same_however_they_are_written() -> None:
    assert of(grams("Soooo GOOD, don't!"), 0) == of(grams("sooo good dont !"), 0)


def test_another_language_has_ngrams_of_its_own() -> None:
    german, english = of(grams("die rate", language="de"), 0), of(grams("die rate", language="en"), 0)
    assert not german & english
    assert english == of(grams("die rate"), 0)


def test_denied_words_are_others() -> None:
    plain, denied = of(grams("good"), 0), of(grams("not good"), 0)
    assert plain < denied
    assert len(denied - plain - of(grams("not"), 0)) == 2, "the pair, and the denied word"


def test_dense_features_are_thousandths_in_the_order_of_their_names() -> None:
    seen = Analyzed().see(["@acme thanks, great! 🙃", ""], ["", ""])
    assert seen.dense.shape == (2, len(NAMES) + 1)
    assert seen.dense.dtype == np.int64
    named = dict(zip(NAMES, seen.dense[0].tolist(), strict=False))
    assert named["exclaimed"] == named["mocking"] == named["handle"] == UNIT
    assert seen.dense[:, -1].tolist() == [UNIT, UNIT]
