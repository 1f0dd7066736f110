"""Addresses and numbers in one form: however somebody writes them, the same one is the same identity.

E-mail: Unicode form of the domain, lower case throughout, as far as lower case is one letter for one letter of ASCII
(the mailbox of "ß" is not that of "ss"). Phone: E.164, and ";ext=" where somebody sits behind a switchboard, so that
two people of one office stay two. Nothing is looked up on the net.
"""

from __future__ import annotations

import string
from dataclasses import dataclass

import phonenumbers
from django.conf import settings
from django.utils.translation import gettext_lazy as _
from email_validator import EmailNotValidError, validate_email

from crm.errors import Refused
from crm.models import Identity

LONGEST = 255
FEWEST_DIGITS = 5  # with fewer, a country would not help
LOWER = str.maketrans(string.ascii_uppercase, string.ascii_lowercase)
INTERNATIONAL = phonenumbers.PhoneNumberFormat.INTERNATIONAL
E164 = phonenumbers.PhoneNumberFormat.E164


class NotAnAddress(Refused):
    sentence = _("“{text}” is not an address Hark knows how to read.")


class NotAnEmail(NotAnAddress):
    sentence = _("“{text}” is not an e-mail address. One looks like maria@example.com.")


class NotAPhone(NotAnAddress):
    sentence = _("“{text}” is not a phone number. One looks like +44 20 7946 0958.")


class NeedsCountry(NotAPhone):
    sentence = _("“{text}” does not say which country it is in. Begin with the country's code: +44 20 7946 0958.")


class Empty(NotAnAddress):
    sentence = _("Write an address, a number or a handle first.")


class TooLong(NotAnAddress):
    sentence = _("“{text}…” is longer than any address: {limit} characters at most.")


@dataclass(frozen=True, slots=True)
class Written:
    """An address as a key (`value`) and as people write it (`handle`)."""

    value: str
    handle: str


def email(text: str) -> str:
    """The key of an e-mail address. Raises NotAnEmail."""
    return _email(text).value


def phone(text: str, country: str = "") -> str:
    """The key of a phone number. `country` (ISO 3166) is where one without a country's code is; else HOME_COUNTRY.

    Raises NotAPhone, or NeedsCountry where neither says.
    """
    return _phone(text, country).value


def masked(address: str) -> str:
    """An e-mail address that shows whose it may be and not what it is: m…@example.com."""
    box, _at, place = address.rpartition("@")
    return f"{box[:1]}…@{place}"


def written(kind: str, text: str, country: str = "") -> Written:
    """Any kind of address in its one form. Raises NotAnAddress. Handles ignore case; ids of other systems keep it."""
    text = _clean(text)
    if kind == Identity.Kind.EMAIL:
        return _email(text)
    if kind == Identity.Kind.PHONE:
        return _phone(text, country)
    if kind == Identity.Kind.HANDLE:
        shown = text.removeprefix("@").strip()
        if not shown:
            raise Empty
        return Written(shown.casefold()[:LONGEST], shown)
    return Written(text, text)


def as_it_came(kind: str, text: str, country: str = "") -> Written:
    """The same for what a network or a file says: what cannot be read is kept as it came, so that nothing is lost."""
    try:
        return written(kind, text, country)
    except NotAnAddress:
        return Written(text, text)


def identity(kind: str, place: str, text: str, country: str = "") -> Identity:
    """The identity of this address, made where there was none. `place` is empty for e-mail and phone.

    Raises NotAnAddress. A handle whose network keeps numbers for its people is found by how it is written.
    """
    form = written(kind, text, country)
    place = place if kind in (Identity.Kind.HANDLE, Identity.Kind.EXTERNAL) else ""
    if kind == Identity.Kind.HANDLE and (known := Identity.objects.written(place, form.handle)):
        return known
    made, _new = Identity.objects.get_or_create(
        kind=kind, place=place, value=form.value, defaults={"handle": form.handle}
    )
    return made


def _clean(text: str) -> str:
    text = text.replace("\x00", "").strip()
    if not text:
        raise Empty
    if len(text) > LONGEST:
        raise TooLong(text=text[:30], limit=LONGEST)
    return text


def _email(text: str) -> Written:
    text = _clean(text)
    try:
        found = validate_email(text, check_deliverability=False)
    except EmailNotValidError as error:
        raise NotAnEmail(text=text) from error
    return Written(found.normalized.translate(LOWER), found.normalized)


def _phone(text: str, country: str) -> Written:
    text, country = _clean(text), (country or settings.HOME_COUNTRY).upper()
    dialled = f"+{text[2:]}" if text.startswith("00") and not country else text
    try:
        number = phonenumbers.parse(dialled, country or None)
    except phonenumbers.NumberParseException as error:
        raise _why_not(text, error)(text=text) from error
    if not phonenumbers.is_possible_number(number):
        raise NotAPhone(text=text)
    behind = f";ext={number.extension}" if number.extension else ""
    return Written(phonenumbers.format_number(number, E164) + behind, phonenumbers.format_number(number, INTERNATIONAL))


def _why_not(text: str, error: phonenumbers.NumberParseException) -> type[NotAPhone]:
    lost = error.error_type == phonenumbers.NumberParseException.INVALID_COUNTRY_CODE
    long_enough = sum(c.isdigit() for c in text) >= FEWEST_DIGITS
    return NeedsCountry if lost and long_enough and "+" not in text else NotAPhone
