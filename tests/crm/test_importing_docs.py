"""docs/importing.md says of each kind what its fields are: the same as the code."""

from __future__ import annotations

from pathlib import Path

import pytest

from crm.importing.bringing import MOST_BYTES
from crm.importing.fields import CLEAR, FIELDS
from crm.importing.files import ENCODINGS
from crm.importing.rules import read
from crm.models import Import

DOCS = Path(__file__).resolve().parents[2] / "docs" / "importing.md"


def table(what: str) -> str:
    """The fields of one kind as the page shows them."""
    lines = [f"### {Import.What(what).label}", "", "| field | | example | |", "|---|---|---|---|"]
    for each in FIELDS[what]:
        needed = "needed" if each.needed else "several" if each.many else ""
        lines.append(f"| `{each.name}` | {needed} | {each.example} | {each.help} |")
    return "\n".join(lines)


@pytest.mark.parametrize("what", FIELDS)
def test_the_page_shows_the_fields_there_are(what):
    assert table(what) in DOCS.read_text()


@pytest.mark.parametrize("what", FIELDS)
def test_every_example_can_be_read(what):
    examples = {each.name: each.example for each in FIELDS[what] if each.example}
    assert read(what, examples)


def test_it_names_the_encodings_the_word_that_empties_and_the_limit():
    text = DOCS.read_text()
    for said in (*ENCODINGS.values(), CLEAR, f"{MOST_BYTES // 1024 // 1024} MB"):
        assert said in text
