"""Cells as other systems write them, read as values of ours, or refused in a sentence: nothing is guessed.

Each reader takes a text that is not empty and returns the value, or raises CannotBe.
"""

from __future__ import annotations

import re
import zoneinfo
from collections.abc import Callable
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Any, TypeVar

from django.core.exceptions import ValidationError
from django.core.validators import URLValidator
from django.db.models import Choices
from django.utils import timezone
from django.utils.dateparse import parse_date, parse_datetime
from django.utils.translation import gettext_lazy as _

from crm.errors import Refused

Reader = Callable[[str], Any]
D = TypeVar("D", bound=date)
SHOWN = 60  # characters of a cell a sentence repeats
LARGEST = Decimal("9999999999.99")
YEARS = range(1800, 2200)  # as in the API; outside of them a year is a slip of the hand
MARKS = {"€": "EUR", "£": "GBP"}  # "$" and "¥" are of several countries
WRITTEN_DATE = re.compile(r"(\d{1,4})([./-])(\d{1,2})\2(\d{1,4})")
WRITTEN_AMOUNT = re.compile(r"\s*([A-Za-z]{3}|[€£])?\s*(-?[\d.,'’\s]{0,30}\d)\s*([A-Za-z]{3}|[€£])?\s*")


class CannotBe(Refused):
    """Base of what a cell cannot be."""

    def __init__(self, text: str, **facts: object) -> None:
        super().__init__(text=text if len(text) <= SHOWN else f"{text[:SHOWN]}…", **facts)


class TooLong(CannotBe):
    sentence = _("“{text}” is longer than {most} characters.")


class NoNull(CannotBe):
    sentence = _("“{text}” has a null character in it, or half of a letter: nothing that can be kept.")


class NotOneOf(CannotBe):
    sentence = _("“{text}” is none of these: {choices}.")


class NotACountry(CannotBe):
    sentence = _("“{text}” is not a country in two letters: GB, DE, US.")


class NotUk(CannotBe):
    sentence = _("“{text}” is not a country in two letters; the United Kingdom is GB.")


class NotALanguage(CannotBe):
    sentence = _("“{text}” is not the code of a language: en, de, pt-br.")


class NotATimeZone(CannotBe):
    sentence = _("“{text}” is not a time zone; Europe/Madrid is one.")


class NotADate(CannotBe):
    sentence = _("“{text}” is not a date; write it as 2026-04-30.")


class TwoDates(CannotBe):
    sentence = _("“{text}” may be {one} or {other}; write it as 2026-04-30.")


class NotATime(CannotBe):
    sentence = _("“{text}” is not a date or a time; write it as 2026-04-30 or 2026-04-30T17:05:00+02:00.")


class OddYear(CannotBe):
    sentence = _("“{text}” is in the year {year}; Hark keeps dates from 1800 to 2199.")


class NotAnAmount(CannotBe):
    sentence = _("“{text}” is not an amount with at most two decimals; write it as 1234.50.")


class TwoAmounts(CannotBe):
    sentence = _("“{text}” may be {one} or {other}; write it with two decimals: {one}.00.")


class NotACurrency(CannotBe):
    sentence = _("“{text}” is not a currency in three letters: EUR, GBP, USD.")


class NotAWebAddress(CannotBe):
    sentence = _("“{text}” is not a web address; one begins with https://.")


def text(most: int) -> Reader:
    def read(cell: str) -> str:
        if len(cell) > most:
            raise TooLong(cell, most=most)
        if not keepable(cell):
            raise NoNull("".join(c if keepable(c) else "�" for c in cell))
        return cell

    return read


def keepable(cell: str) -> bool:
    """Whether PostgreSQL can hold it: no null character, and no half of a surrogate pair."""
    return "\x00" not in cell and not any("\ud800" <= c <= "\udfff" for c in cell)


def choice(choices: type[Choices]) -> Reader:
    """By value or by label, in any case."""

    def read(cell: str) -> Any:
        wanted = cell.casefold().replace(" ", "_"), cell.casefold()
        for value, label in choices.choices:
            if str(value) in wanted or str(label).casefold() in wanted:
                return value
        raise NotOneOf(cell, choices=", ".join(str(value) for value in choices.values))

    return read


def country(cell: str) -> str:
    code = cell.upper()
    if code == "UK":
        raise NotUk(cell)
    if not re.fullmatch("[A-Z]{2}", code):
        raise NotACountry(cell)
    return code


def language(cell: str) -> str:
    code = cell.lower().replace("_", "-")
    if len(code) > 8 or not re.fullmatch("[a-z]{2,3}(-[a-z0-9]{2,4})?", code):
        raise NotALanguage(cell)
    return code


def time_zone(cell: str) -> str:
    if cell not in zoneinfo.available_timezones():
        raise NotATimeZone(cell)
    return cell


def day(cell: str) -> date:
    """ISO, or written in a way that leaves one reading: 30.04.2026 (dots: day first), 30/04/2026, 04/30/2026."""
    return _within_years(cell, _day_in(cell))


def _within_years(cell: str, found: D) -> D:
    if found.year not in YEARS:
        raise OddYear(cell, year=f"{found.year:04}")
    return found


def _day_in(cell: str) -> date:
    try:
        if found := parse_date(cell):
            return found
    except ValueError as error:
        raise NotADate(cell) from error
    written = WRITTEN_DATE.fullmatch(cell)
    if not written or len(written[4]) != 4:
        return _day_of_a_moment(cell)
    first, second, year = int(written[1]), int(written[3]), int(written[4])
    found_both = [_day(year, second, first), _day(year, first, second)]
    readings = {found for found in (found_both[:1] if written[2] == "." else found_both) if found}
    if not readings:
        raise NotADate(cell)
    if len(readings) == 2:
        one, other = (f"{found.day} {found:%B %Y}" for found in sorted(readings))
        raise TwoDates(cell, one=one, other=other)
    return readings.pop()


def _day(year: int, month: int, of_month: int) -> date | None:
    try:
        return date(year, month, of_month)
    except ValueError:
        return None


def _day_of_a_moment(cell: str) -> date:
    """Of "2026-04-30T00:00:00Z", as many systems export a date; at another hour it is not a date."""
    try:
        found = parse_datetime(cell)
    except ValueError:
        found = None
    if found is None or found.time() != time():
        raise NotADate(cell)
    return found.date()


def moment(cell: str) -> datetime:
    """A time; without an offset it is UTC, and a date alone is its first minute."""
    try:
        found = parse_datetime(cell)
    except ValueError as error:
        raise NotATime(cell) from error
    if found is None:
        try:
            found = datetime.combine(day(cell), time())
        except NotADate as error:
            raise NotATime(cell) from error
    _within_years(cell, found)  # before the offset, which may lead beyond what a date can be
    return found.astimezone(UTC) if timezone.is_aware(found) else found.replace(tzinfo=UTC)


def amount(cell: str) -> tuple[Decimal, str]:
    """(amount, currency or ""): 1234.5, 1,234.50, 1.234,50, EUR 12, 12.50 €. At most two decimals, nothing rounded."""
    parts = WRITTEN_AMOUNT.fullmatch(cell)
    if not parts or not cell.isprintable() or (parts[1] and parts[3]):
        raise NotAnAmount(cell)
    exact = Decimal(_with_a_point(cell, re.sub(r"[\s'’]", "", parts[2])))
    if exact != exact.quantize(Decimal("0.01")) or abs(exact) > LARGEST:
        raise NotAnAmount(cell)
    mark = parts[1] or parts[3] or ""
    return exact.quantize(Decimal("0.01")), MARKS.get(mark, mark.upper())


def _with_a_point(cell: str, number: str) -> str:
    """Of two different signs the last is the point. One sign before three digits may be either, and is refused."""
    signs = [sign for sign in number if sign in ".,"]
    if not signs:
        return number
    whole, _point, rest = number.rpartition(signs[-1])
    grouped = re.fullmatch(r"-?\d{1,3}(([.,])\d{3})(\2\d{3})*", number)
    if len(signs) == 1 and grouped and not whole.lstrip("-").startswith("0"):
        raise TwoAmounts(cell, one=whole + rest, other=f"{whole}.{rest}")
    if len(set(signs)) == 1 and len(signs) > 1:
        whole, rest = number, "0"
    if re.search("[.,]", whole) and not re.fullmatch(r"-?\d{1,3}(?:([.,])\d{3})(?:\1\d{3})*", whole):
        raise NotAnAmount(cell)
    return f"{re.sub('[.,]', '', whole)}.{rest}"


def currency(cell: str) -> str:
    code = MARKS.get(cell, cell.upper())
    if not re.fullmatch("[A-Z]{3}", code):
        raise NotACurrency(cell)
    return code


def web_address(most: int) -> Reader:
    allowed, short = URLValidator(schemes=["http", "https"]), text(most)

    def read(cell: str) -> str:
        address: str = short(cell)
        if "://" not in address and re.match(r"www\.|[\w-]+(\.[\w-]+)+(/|$)", address):
            address = f"https://{address}"
        try:
            allowed(address)
        except ValidationError as error:
            raise NotAWebAddress(cell) from error
        return address

    return read
