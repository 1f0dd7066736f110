"""Cells as other systems write them: read as one value, or refused with a sentence."""

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

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


@pytest.mark.parametrize("cell", ["now", "2026-13-01T10:00", "9999-12-31T23:59:59-12:00"])
def test_what_is_no_moment_is_refused(cell):
    with pytest.raises(values.NotATime):
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
]  # fmt: skip


@pytest.mark.parametrize("cell", AWKWARD)
def test_what_was_made_safe_comes_back_as_it_was(cell):
    assert plain(safe(cell)) == cell


@pytest.mark.parametrize("cell", AWKWARD)
def test_nothing_that_was_made_safe_begins_like_a_formula(cell):
    assert safe(cell).lstrip(" \t\r\n")[:1] not in set("=+-@|%＝＋－＠")


@pytest.mark.parametrize("cell", ["plain", "O'Neil", "a=b", "'quoted", "1234", "", "🚂"])
def test_what_is_no_formula_stays_as_it_is(cell):
    assert safe(cell) == cell == plain(cell)
