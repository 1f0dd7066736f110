"""A long text as several posts: nothing is lost, each fits, and nothing that belongs together is torn."""

from itertools import pairwise

import pytest
import regex
from hypothesis import given
from hypothesis import strategies as st

from channels_app.platforms import counting, cutting

WAYS = [str(way) for way in counting.Counting]
WORDS = st.sampled_from([
    "Hello", "train", "a", "I’m", "für", "列車は遅れています。", "👩‍👩‍👧‍👦", "🇩🇪🇫🇷", "e\u0301e\u0301", "https://example.com/a/b?c=d",
    "example.com", "@ann@social.example", "@ann", "#late", "ann.lee@example.com", "…", "Sorry.", "(Really!)", "x" * 30,
])  # fmt: skip
GAPS = st.sampled_from([" ", "  ", "\n", "\n\n", ", ", ". ", ""])
TEXTS = st.lists(st.tuples(WORDS, GAPS), min_size=1, max_size=80).map(
    lambda all: "".join(a + b for a, b in all).strip()
)


@given(text=st.one_of(TEXTS, st.text(min_size=1, max_size=400)), limit=st.integers(60, 140), how=st.sampled_from(WAYS))
def test_the_parts_joined_are_the_text_and_each_fits(text, limit, how):
    try:
        found = cutting.pieces(text, limit, how)
    except cutting.TooWide:
        ends = cutting._ends(text)
        assert max(counting.length(text[a:b], how) for a, b in pairwise([0, *ends])) > limit
        return
    assert "".join(found) == text
    assert all(counting.length(piece.strip(), how) <= limit for piece in found)


@given(text=TEXTS, limit=st.integers(80, 140), how=st.sampled_from(WAYS))
def test_numbered_parts_fit_with_their_number(text, limit, how):
    try:
        found = cutting.cut(text, limit, how, numbered=True)
    except cutting.TooWide:
        return
    assert all(counting.length(part, how) <= limit for part in found)
    if len(found) > 1:
        assert [part.rpartition(" ")[2] for part in found] == [f"{n}/{len(found)}" for n in range(1, len(found) + 1)]


@given(text=TEXTS, limit=st.integers(60, 140), how=st.sampled_from(WAYS))
def test_no_address_name_or_emoji_is_torn(text, limit, how):
    try:
        found = cutting.pieces(text, limit, how)
    except cutting.TooWide:
        return
    cuts, at = set(), 0
    for piece in found[:-1]:
        at += len(piece)
        cuts.add(at)
    whole = [*counting.WEB.finditer(text), *counting.CLUSTER.finditer(text), *regex.finditer(r"@\w+(?!\w)", text)]
    assert not [match[0] for match in whole if any(match.start() < cut < match.end() for cut in cuts)]


def test_what_fits_is_one_part():
    assert cutting.cut("Short.", 300, "graphemes", numbered=True) == ["Short."]


def test_a_cut_stands_at_the_end_of_a_sentence():
    text = "We are sorry for the delay. It was the points. " * 3
    assert cutting.cut(text.strip(), 60, "graphemes")[0] == "We are sorry for the delay. It was the points."


def test_else_at_the_end_of_a_word():
    assert cutting.cut("one two three four five", 10, "graphemes") == ["one two", "three four", "five"]


def test_a_language_without_blanks_is_cut_between_its_characters():
    assert cutting.cut("列車は遅れていますごめんなさい", 6, "graphemes") == ["列車は遅れて", "いますごめん", "なさい"]


def test_an_address_stays_whole_and_one_that_is_too_long_is_refused():
    long = f"https://example.com/{'a' * 60}"
    assert cutting.cut(f"See there: {long} please.", 90, "codepoints") == ["See there:", f"{long} please."]
    assert len(cutting.cut(f"See there: {long}", 30, "mastodon")) == 2
    with pytest.raises(cutting.TooWide):
        cutting.cut(f"See there: {long}", 70, "codepoints")


def test_numbers_have_room_also_where_there_are_many():
    found = cutting.cut("word " * 60, 30, "graphemes", numbered=True)
    assert len(found) > 9
    assert found[0].endswith(f" 1/{len(found)}")
    assert max(map(len, found)) <= 30


def test_a_text_without_end_is_not_cut_for_ever():
    found = cutting.cut("word " * 20_000, 300, "bluesky", most=20)
    assert len(found) == 21
    assert counting.length(found[-1], "bluesky") > 300
