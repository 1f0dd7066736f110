"""What the clients of `bin/manage measure_live` count."""

import pytest

from config.measuring_live import Heard


@pytest.mark.parametrize(
    ("came", "gaps", "twice"),
    [
        ([4, 5, 6], 0, 0),
        ([4, 6], 1, 0),  # lost
        ([4, 6, 5], 1, 1),  # out of order: a page asks when 6 comes, and drops the 5 it was told meanwhile
        ([4, 5, 5, 6], 0, 1),
        ([4], 0, 0),
    ],
)
def test_a_gap_is_what_a_page_would_ask_about(came, gaps, twice):
    heard = Heard()
    heard.numbers["team:1"] += came
    heard.numbers["user:1"] += [1, 2]
    assert (heard.gaps(), heard.twice()) == (gaps, twice)
