"""Whom a request is about: each record that was merged into one, each name they go by."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property

from crm.models import Customer, Identity, IdentityLink, IdentityRequest

SHORTEST = 3  # characters: a shorter handle is too often part of something else
SAME_DIGITS = 9  # at the end of a phone number, however its beginning is written


@dataclass(frozen=True)
class Person:
    """`customer` stands for them; `records` and `identities` are the pks of all that is theirs."""

    customer: Customer
    records: tuple[int, ...]
    identities: tuple[int, ...]
    names: Names = field(compare=False)

    @property
    def absorbed(self) -> int:
        """How many other records were merged into this one."""
        return len(self.records) - 1


def person(customer: Customer) -> Person:
    """The whole person, whichever of their records was named."""
    customer = customer.survivor
    records = _family(customer.pk)
    identities = _identities(records)
    return Person(customer, records, identities, Names(_words(records, identities)))


def _family(pk: int) -> tuple[int, ...]:
    found, newest = [pk], [pk]
    while newest:
        newest = list(Customer.objects.filter(merged_into__in=newest).order_by("pk").values_list("pk", flat=True))
        found += newest
    return tuple(found)


def _identities(records: Iterable[int]) -> tuple[int, ...]:
    """Theirs by a confirmed link; and what they claimed when we asked them, where nobody has it by one."""
    confirmed = IdentityLink.objects.filter(state=IdentityLink.State.CONFIRMED)
    theirs = set(confirmed.filter(customer__in=records).values_list("identity", flat=True))
    claims = IdentityRequest.objects.filter(identity__in=theirs).exclude(claim=None).values("claim")
    unowned = Identity.objects.filter(pk__in=claims).exclude(pk__in=confirmed.values("identity"))
    return tuple(sorted(theirs | set(unowned.values_list("pk", flat=True))))


def _words(records: Iterable[int], identities: Iterable[int]) -> list[str]:
    found: list[str] = []
    handles = Identity.objects.filter(pk__in=identities, erased_at=None)
    for *known, display_name in handles.values_list("value", "handle", "profile_url", "display_name"):
        found += [*known, *_full(display_name)]
    names = Customer.objects.filter(pk__in=records)
    for name, given, family in names.values_list("name", "given_name", "family_name"):
        found += [*_full(name), *_full(f"{given} {family}")]
    return found


def _full(name: str) -> list[str]:
    """A name of one word alone is other people's as well."""
    return [name] if " " in name.strip() else []


class Names:
    """What one person is called, to be found in what others keep: whole words, in any case, numbers however written.

    A handle that is a common word, or a short number, counts only where it is written as a handle (@anna, /anna) or
    stands alone between quotes or separators.
    """

    def __init__(self, words: Iterable[str]) -> None:
        self.words = sorted({word.strip() for word in words if len(word.strip()) >= SHORTEST}, key=len, reverse=True)

    @cached_property
    def expression(self) -> str:
        """A regular expression that Python and PostgreSQL read alike; empty where there are no names."""
        return "|".join(map(_as_expression, self.words))

    @cached_property
    def _compiled(self) -> re.Pattern[str]:
        return re.compile(self.expression or r"(?!)", re.IGNORECASE | re.MULTILINE)

    def stand_in(self, text: str) -> bool:
        return self._compiled.search(text) is not None

    def stand_in_bytes(self, body: bytes) -> bool:
        """In whatever way the bytes are text: nobody knows of those that could not be read."""
        readings = [body.decode("utf-8", "replace"), body.replace(b"\x00", b"").decode("latin-1")]
        if b"\\u" in body:
            readings.append(re.sub(r"\\u([0-9a-fA-F]{4})", lambda m: chr(int(m[1], 16)), readings[0]))
        return any(map(self.stand_in, readings))


def _as_expression(word: str) -> str:
    digits = re.sub(r"\D", "", word)
    if len(digits) >= SAME_DIGITS and not re.search(r"[^\d\s()+./-]", word):
        return r"\+?[\d\s()./-]{0,8}" + r"[\s()./-]{0,2}".join(digits[-SAME_DIGITS:]) + r"(?!\d)"
    written = r"\s+".join(re.escape(part) for part in word.split())
    if _is_telling(word):
        return rf"(?<!\w){written}(?!\w)"
    return rf"[@/]{written}(?!\w)|(?:^|[\"',;|\t]){written}(?:$|[\"',;|\t])"


def _is_telling(word: str) -> bool:
    """Nobody else is called so: an address, a full name, a handle that is not a word or is a long one."""
    return len(word) >= 9 or (len(word) >= 5 and not word.isalpha() and not word.isdecimal())
