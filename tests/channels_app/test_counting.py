"""Lengths as networks count them. tests/counting.json is also asked of the browser (tests/browser/test_counting.py)."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from channels_app.platforms import counting
from channels_app.platforms.counting import Counting
from channels_app.platforms.registry import PLATFORMS

VECTORS = json.loads((Path(__file__).parent.parent / "counting.json").read_text())
CASES = [(text, how, n) for text, lengths in VECTORS.items() for how, n in lengths.items()]


@pytest.mark.parametrize(("text", "how", "n"), CASES)
def test_each_network_counts_in_its_own_way(text, how, n):
    assert counting.length(text, how) == n


def test_the_vectors_try_every_way_of_counting():
    assert {how for lengths in VECTORS.values() for how in lengths} == set(Counting)


def test_an_x_post_of_280_letters_or_140_han_characters_just_fits():
    assert counting.length("x" * 280, "weighted") == counting.length("字" * 140, "weighted") == 280


def test_bluesky_is_full_at_300_characters_or_at_3000_bytes():
    assert counting.length("é" * 300, "bluesky") == 300
    family = "👨‍👩‍👧‍👦"  # one character, 25 bytes
    assert counting.length(family * 120, "bluesky") == 300
    assert counting.length(family * 121, "bluesky") > 300


@given(st.text(max_size=60))
def test_no_text_is_longer_to_people_than_to_computers(text):
    assert counting.length(text, "graphemes") <= counting.length(text, "codepoints")
    assert counting.length(text, "bluesky") >= counting.length(text, "graphemes")


@given(st.text(alphabet="abcäöé ,", max_size=60))
def test_plain_letters_are_one_each_everywhere(text):
    assert {counting.length(text, how) for how in ("weighted", "mastodon", "graphemes", "codepoints")} == {len(text)}


def test_every_platform_says_how_it_counts():
    assert {platform.capabilities.counts for platform in PLATFORMS.values()} <= set(Counting)
