"""The table of examples that leads are shown."""

from collections import Counter

import pytest

from channels_app.reading import read
from channels_app.reading.examples import ASPECTS, Shown, examples, said
from channels_app.reading.teaching import VALUES


@pytest.mark.parametrize("example", examples(), ids=[each.about for each in examples()])
def test_the_table_tells_what_is_read_right_and_what_wrong(example: Shown) -> None:
    read_as = said(read([example.text])[0])
    assert {aspect for aspect, truth in example.truth.items() if read_as[aspect] != truth} == example.wrong


def test_no_more_of_it_is_read_wrong_than_is_known() -> None:
    """Examples that are read wrong come in on purpose, and change these numbers; a new rule may only lower them."""
    assert Counter(aspect for each in examples() for aspect in each.wrong) == {"sentiment": 13, "intent": 2, "topic": 3}


def test_the_kinds_of_text_that_matter_stand_in_it() -> None:
    told = " ".join(each.about for each in examples()).lower()
    for kind in ("empty", "emoji only", "100,000", "two languages", "right to left", "sarcasm", "denied", "threat"):
        assert kind in told


def test_it_speaks_of_values_that_there_are() -> None:
    for each in examples():
        assert each.truth.keys() <= set(ASPECTS)
        assert each.wrong <= each.truth.keys()
        assert all(each.truth[aspect] in ("", "unknown", *VALUES[aspect]) for aspect in each.truth if aspect in VALUES)


def test_a_long_text_is_as_long_as_it_says() -> None:
    assert max(len(each.text) for each in examples()) >= 100_000
