"""What was typed, made ready to be looked for."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property

from django.db import connection

from crm.models.sought import spaced

LONGEST = 200  # letters that are looked at
MOST_WORDS = 8
FEWEST_DIGITS = 4  # of a phone number: fewer lead to everybody
NO_LETTERS = re.compile(r"[\x00-\x1f\x7f\ud800-\udfff]")
NUMBER = re.compile(r"(?:tel:)?[+(\d][\d\s().+/-]*", re.ASCII | re.IGNORECASE)
THREE = re.compile(r"[^\W_]{3}")  # what PostgreSQL makes trigrams of


def clean(text: str) -> str:
    """One line without what no name holds, of a length that can be looked for."""
    return " ".join(NO_LETTERS.sub(" ", text)[:LONGEST].split())


def is_selective(part: str) -> bool:
    """Whether it has the three letters in a row that a trigram index needs to find it anywhere in a text."""
    return bool(THREE.search(part))


@dataclass(frozen=True)
class Asked:
    """`parts` is the text as typed, cut at its spaces; `phrases` are their words as `Customer.sought` has them."""

    text: str
    phrases: tuple[str, ...]

    @cached_property
    def parts(self) -> tuple[str, ...]:
        """A leading @ only says that a handle is meant."""
        return tuple(filter(None, (part.lstrip("@") for part in self.text.split()[:MOST_WORDS])))

    @cached_property
    def whole(self) -> str:
        return self.text.lstrip("@")

    @cached_property
    def digits(self) -> tuple[str, ...]:
        """The digits of a phone number in the ways they may be kept, the longest first; empty for anything else."""
        if not NUMBER.fullmatch(self.text):
            return ()
        written = (self.text, re.sub(r"\(\s*0\s*", "(", self.text))  # +44 (07116) dials 7116 from abroad
        found = dict.fromkeys(re.sub(r"\D", "", way).lstrip("0") for way in written)
        return tuple(digits for digits in found if len(digits) >= FEWEST_DIGITS)


def read(text: str) -> Asked:
    """One query: PostgreSQL folds the words as it folded the names."""
    text = clean(text)
    parts = [part.lstrip("@") for part in text.split()[:MOST_WORDS]]
    return Asked(text, tuple(filter(None, folded(parts))))


TYPED = "unnest(%s::text[]) WITH ORDINALITY AS typed(part, n)"
FOLDED = f"SELECT btrim({spaced('part')}) FROM {TYPED} ORDER BY n"  # noqa: S608 - of constants


def folded(parts: list[str]) -> list[str]:
    """Each part as it would stand in an index; "" where nothing of it is looked for. One query, none for nothing."""
    if not parts:
        return []
    with connection.cursor() as cursor:
        cursor.execute(FOLDED, [parts])
        return [phrase or "" for (phrase,) in cursor.fetchall()]
