"""A name as keys to be found by, worked out by PostgreSQL itself: true for every write, single or in bulk.

`crm.matching.names.words` says the same in Python; a test holds them together.
"""

from __future__ import annotations

from typing import Any

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models.sql.compiler import SQLCompiler

LETTERS = (("ß", "ss"), ("æ", "ae"), ("œ", "oe"), ("þ", "th"))
ONE_FOR_ONE = ("øłđıð", "oldid")


def plain(sql: str) -> str:
    """SQL for `sql` in lower case, without accents, its words kept apart by one space."""
    found = f"translate(lower({sql}), '{ONE_FOR_ONE[0]}', '{ONE_FOR_ONE[1]}')"
    for letter, two in LETTERS:
        found = f"replace({found}, '{letter}', '{two}')"
    bare = f"regexp_replace(normalize({found}, NFKD), '[\\u0300-\\u036f''’ʼ`.]', '', 'g')"
    return f"btrim(regexp_replace({bare}, '[^[:alnum:]]+', ' ', 'g'))"


class PlainKey(models.Func):
    """A text without case, accents, marks and spaces, as `crm.matching.names.name_key`."""

    arity = 1
    output_field = models.TextField()

    def as_sql(  # type: ignore[override]
        self, compiler: SQLCompiler, connection: BaseDatabaseWrapper, **context: Any
    ) -> tuple[str, list[Any]]:
        sql, params = compiler.compile(self.get_source_expressions()[0])
        return f"replace({plain(sql)}, ' ', '')", list(params)


class NameWords(models.Func):
    """The words of a customer's name, given name, family name and nickname, as text[]; one may stand twice."""

    arity = 4
    output_field = ArrayField(models.TextField())

    def as_sql(  # type: ignore[override]
        self, compiler: SQLCompiler, connection: BaseDatabaseWrapper, **context: Any
    ) -> tuple[str, list[Any]]:
        columns = [compiler.compile(source)[0] for source in self.get_source_expressions()]
        return self._sql(*columns), []

    def _sql(self, name: str, given: str, family: str, nickname: str) -> str:
        together = " || ' ' || ".join((name, given, family, nickname))
        return f"string_to_array({plain(together)}, ' ')"


class MatchKeys(NameWords):
    """The words, and first and last name as one word, as in a handle: `{maria, cantwell, mariacantwell}`."""

    def _sql(self, name: str, given: str, family: str, nickname: str) -> str:
        whole, last = plain(name), f"replace({plain(family)}, ' ', '')"
        joined = (
            f"split_part({whole}, ' ', 1) || split_part({whole}, ' ', -1)",
            f"split_part({plain(given)}, ' ', 1) || {last}",
            f"replace({plain(nickname)}, ' ', '') || {last}",
        )
        return f"({super()._sql(name, given, family, nickname)} || ARRAY[{', '.join(joined)}])"


NAME_FIELDS = ("name", "given_name", "family_name", "nickname")


def match_keys_sql(table: str) -> str:
    """The index's own expression over the columns of `table`, for a query that Django cannot say."""
    return MatchKeys(*NAME_FIELDS)._sql(*(f'{table}."{field}"' for field in NAME_FIELDS))
