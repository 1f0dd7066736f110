"""Cells as other systems write them: read as one value, or refused with a sentence."""

import re
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crm.cells import plain, safe
from crm.importing import values
from crm.models import Order, Tier


@pytest.mark.parametrize(
    ("cell", "day"),
    [
        ("2026-04-30", date(2026, 4, 30)),
        ("30.04.2026", date(2026, 4, 30)),
        ("3.4.2026", date(2026, 4, 3)),  # dots: the day comes first
        ("30/04/2026", date(2026, 4, 30)),
        ("04/30/2026", date(2026, 4, 30)),
        ("4-4-2026", date(2026, 4, 4)),
        ("2026-04-30T00:00:00Z", date(2026, 4, 30)),
        ("2026-04-30 00:00:00", date(2026, 4, 30)),
    ],
)
def test_a_date_with_one_reading_is_read(cell, day):
    assert values.day(cell) == day


@pytest.mark.parametrize("cell", ["31.02.2026", "2026-02-31", "30/04/26", "soon", "2026-04-30 17:05", "13/13/2026"])
def test_what_is_no_date_is_refused(cell):
    with pytest.raises(values.NotADate, match="is not a date; write it as 2026-04-30"):
        values.day(cell)


def test_a_date_with_two_readings_is_refused_with_both():
    with pytest.raises(values.TwoDates, match="may be 4 March 2026 or 3 April 2026"):
        values.day("03/04/2026")


@pytest.mark.parametrize(
    ("cell", "moment"),
    [
        ("2026-04-30T17:05:00+02:00", datetime(2026, 4, 30, 15, 5, tzinfo=UTC)),
        ("2026-04-30 17:05", datetime(2026, 4, 30, 17, 5, tzinfo=UTC)),
        ("30.04.2026", datetime(2026, 4, 30, tzinfo=UTC)),
    ],
)
def test_a_moment_is_read_in_utc(cell, moment):
    assert values.moment(cell) == moment


@pytest.mark.parametrize("cell", ["now", "2026-13-01T10:00", "2026-04-30T25:00:00Z"])
def test_what_is_no_moment_is_refused(cell):
    with pytest.raises(values.NotATime):
        values.moment(cell)


@pytest.mark.parametrize("cell", ["1800-01-01", "2199-12-31", "01.01.1800", "31.12.2199", "2199-12-31T23:59:59-12:00"])
def test_the_first_and_the_last_year_are_taken(cell):
    assert values.moment(cell)


@pytest.mark.parametrize("read", [values.day, values.moment])
@pytest.mark.parametrize(("cell", "year"), [("1799-12-31", "1799"), ("0024-05-01", "0024"), ("01.01.2200", "2200")])
def test_a_year_that_cannot_be_meant_is_refused_with_the_years_that_can(read, cell, year):
    with pytest.raises(values.OddYear) as refusal:
        read(cell)
    assert str(refusal.value) == f"“{cell}” is in the year {year}; Hark keeps dates from 1800 to 2199."


@pytest.mark.parametrize("cell", ["9999-12-31T23:59:59-12:00", "0001-01-01T00:00:00+12:00", "2200-01-01T00:00:00Z"])
def test_so_is_a_moment_in_such_a_year_whatever_its_offset(cell):
    with pytest.raises(values.OddYear, match="Hark keeps dates from 1800 to 2199"):
        values.moment(cell)


@pytest.mark.parametrize(
    ("cell", "amount", "currency"),
    [
        ("1234.5", "1234.50", ""),
        ("1,234.50", "1234.50", ""),
        ("1.234,50", "1234.50", ""),
        ("1'234.50", "1234.50", ""),
        ("1 234,50", "1234.50", ""),
        ("1,234,567", "1234567.00", ""),
        ("12,5", "12.50", ""),
        ("-5", "-5.00", ""),
        ("12.5000", "12.50", ""),
        ("EUR 12", "12.00", "EUR"),
        ("12.50 €", "12.50", "EUR"),
        ("£3", "3.00", "GBP"),
    ],
)
def test_an_amount_is_read_as_people_write_it(cell, amount, currency):
    assert values.amount(cell) == (Decimal(amount), currency)


@pytest.mark.parametrize("cell", ["1,234", "12.345"])
def test_an_amount_with_two_readings_is_refused_with_both(cell):
    with pytest.raises(values.TwoAmounts, match="may be"):
        values.amount(cell)


@pytest.mark.parametrize(
    "cell", ["", "x", "$5", "12..5", "1,2,3", "0.125", "1234.567", "99999999999", "EUR 5 USD", "1e9", "12\n"]
)
def test_what_is_no_amount_is_refused_and_never_rounded(cell):
    with pytest.raises(values.NotAnAmount):
        values.amount(cell)


@pytest.mark.parametrize(
    ("read", "cell", "value"),
    [
        (values.country, "gb", "GB"),
        (values.language, "pt_BR", "pt-br"),
        (values.currency, "€", "EUR"),
        (values.currency, "usd", "USD"),
        (values.time_zone, "Europe/London", "Europe/London"),
        (values.choice(Tier), "Key", "key"),
        (values.choice(Order.State), "SHIPPED", "shipped"),
        (values.web_address(300), "example.com/a", "https://example.com/a"),
        (values.web_address(300), "http://example.com", "http://example.com"),
        (values.text(3), "abc", "abc"),
    ],
)
def test_what_can_be_read_is_read(read, cell, value):
    assert read(cell) == value


@pytest.mark.parametrize(
    ("read", "cell", "sentence"),
    [
        (values.country, "Germany", "“Germany” is not a country in two letters"),
        (values.country, "UK", "the United Kingdom is GB"),
        (values.language, "English", "is not the code of a language"),
        (values.currency, "$", "is not a currency in three letters"),
        (values.time_zone, "Mars/Olympus", "Europe/Madrid is one"),
        (values.choice(Tier), "gold", "“gold” is none of these: standard, valued, key"),
        (values.web_address(300), "javascript:alert(1)", "is not a web address"),
        (values.web_address(300), "n/a", "is not a web address"),
        (values.text(3), "abcd", "is longer than 3 characters"),
        (values.text(9), "a\x00b", "null character"),
        (values.text(9), "\ud83d", "half of a letter"),
    ],
)
def test_what_cannot_be_is_refused_in_a_sentence(read, cell, sentence):
    with pytest.raises(values.CannotBe, match=sentence):
        read(cell)


def test_a_sentence_repeats_only_the_beginning_of_a_huge_cell():
    with pytest.raises(values.CannotBe) as refusal:
        values.country("x" * 1_000_000)
    assert len(str(refusal.value)) < 200


# --- cells no spreadsheet runs

AWKWARD = [
    "=1+1", "+44 113", "-2", "@sum", "\t=1", "\r=1", "|cmd", "%0A", " =1", "'=1", "''+1", "'quoted", "plain", "", "'",
    "＝1", "\n=1", "O'Neil", "a=b", "=", "'\t", "- a note", "🚂", "שלום", "=HYPERLINK(\"http://x\")",
    "\u00a0=1", "a;=1", "a;'=1", "a; ''+1", "a\n-1", "a\r\n\r\n@b", "a\t%1", ";;=1", "\n\n=1", "; \n =1",
    "'; \u3000＝1", "\t\t=1", "\t;=1",
    "a\n\n", "a;b", "a; ' =1", "a;'b", "+1;+2\t+3\n+4", "=cmd|' /C calc'!A0", "x;=cmd|'/c calc'!A0;y", "-;-", "';'=",
]  # fmt: skip
# how spreadsheets set cells apart, each in some country or program, none of them heeding quotes in the middle of a cell
APART = [",", ";", "\t", "\n", "\r", "[;\t\r\n]"]


@pytest.mark.parametrize("cell", AWKWARD)
def test_what_was_made_safe_comes_back_as_it_was(cell):
    assert plain(safe(cell)) == cell


@pytest.mark.parametrize("cell", AWKWARD)
def test_nothing_that_was_made_safe_begins_like_a_formula(cell):
    assert safe(cell).lstrip()[:1] not in set("=+-@|%＝＋－＠")


@pytest.mark.parametrize("apart", APART)
@pytest.mark.parametrize("cell", [cell for cell in AWKWARD if "," not in cell])
def test_nor_does_any_piece_of_it_where_a_spreadsheet_cuts_elsewhere(cell, apart):
    pieces = re.split(apart, safe(cell))
    assert [piece for piece in pieces if piece.lstrip()[:1] in set("=+-@|%＝＋－＠") and piece.strip()] == []


@given(st.text(alphabet="=+-@'; \t\r\na%\u00a0", max_size=12))
def test_whatever_the_signs_it_comes_back_and_does_not_run(cell):
    assert plain(safe(cell)) == cell
    pieces = re.split("[;\t\r\n]", safe(cell))
    assert not any(piece.strip() and piece.lstrip()[0] in "=+-@%" for piece in pieces)


@pytest.mark.parametrize("cell", ["plain", "O'Neil", "a=b", "'quoted", "1234", "", "🚂", "one; two", "a\n\nb\r\n'c'"])
def test_what_is_no_formula_stays_as_it_is(cell):
    assert safe(cell) == cell == plain(cell)
