"""Texts as they are searched: folded by PostgreSQL itself, so that they are true for every write, single or in bulk."""

from __future__ import annotations

from typing import Any

from django.contrib.postgres.search import SearchVectorField
from django.db import models
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models.sql.compiler import SQLCompiler

from crm.models.match_keys import plain

# Chinese and Japanese are written without spaces: each sign is a word, and what is looked for are signs in a row
SIGN = "[\\u2E80-\\u2FDF\\u3005-\\u30FF\\u3400-\\u9FFF\\uF900-\\uFAFF]"
LONGEST_NAME = 400  # letters: an index holds 2,700 bytes a row, and a letter may take four
LONGEST_TEXT = 20_000


def spaced(sql: str, longest: int = LONGEST_NAME) -> str:
    """SQL for the words of `sql`, folded, with a space before, between and behind: " jose obrien diaz "."""
    apart = f"regexp_replace({plain(sql)}, '({SIGN})', ' \\1 ', 'g')"
    return f"' ' || btrim(left(regexp_replace({apart}, ' +', ' ', 'g'), {longest})) || ' '"


class Sought(models.Func):
    """The words of several texts as one text; of nothing, two spaces."""

    output_field = models.TextField()

    def as_sql(  # type: ignore[override]
        self, compiler: SQLCompiler, connection: BaseDatabaseWrapper, **context: Any
    ) -> tuple[str, list[Any]]:
        compiled = [compiler.compile(source) for source in self.get_source_expressions()]
        together = " || ' ' || ".join(sql for sql, _ in compiled)
        return f"({spaced(together)})", [value for _, params in compiled for value in params]


class SoughtWords(models.Func):
    """The words of a text with their places, for a search by words: as they stand, in no language's grammar."""

    arity = 1
    output_field = SearchVectorField()

    def as_sql(  # type: ignore[override]
        self, compiler: SQLCompiler, connection: BaseDatabaseWrapper, **context: Any
    ) -> tuple[str, list[Any]]:
        sql, params = compiler.compile(self.get_source_expressions()[0])
        return f"to_tsvector('simple'::regconfig, {spaced(f'left({sql}, {LONGEST_TEXT})', LONGEST_TEXT)})", list(params)
