"""The words customers are called by, each once: where a name with a typo in it finds the name that was meant."""

from __future__ import annotations

import pgtrigger
from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.db import models

WORD = "^[[:alpha:]]{{3,40}}$"  # braces doubled for format()


class NameWord(models.Model):
    """One word of names. Kept by triggers on the customer alone; a word nobody is called by any more goes at once.

    `slips` holds the word and what is left of it without each one of its letters. Two words that share one of these
    are a dropped, added, changed or swapped letter apart, wherever in the word that is. Two writers may put in the
    same word: it then stands twice, which costs nothing and keeps them from waiting for each other.
    """

    word = models.TextField()
    slips = ArrayField(models.TextField())

    class Meta:
        indexes = [
            models.Index(fields=["word"], name="name_word"),
            GinIndex(fields=["slips"], name="name_word_slips"),
            GinIndex(fields=["word"], opclasses=["gin_trgm_ops"], name="name_word_trigrams"),
        ]

    def __str__(self) -> str:
        return self.word


WORDS = "SELECT DISTINCT word FROM (SELECT unnest(string_to_array(btrim(sought), ' ')) AS word FROM {}"
WORDS += f" WHERE erased_at IS NULL) AS words WHERE word ~ '{WORD}'"
BEFORE, AFTER = WORDS.format("before_it"), WORDS.format("after_it")
PUT_IN = f"""
    INSERT INTO crm_nameword (word, slips)
    SELECT fresh.word, ARRAY(
        SELECT fresh.word UNION
        SELECT overlay(fresh.word PLACING '' FROM n FOR 1) FROM generate_series(1, length(fresh.word)) AS n
    )
    FROM ({AFTER}) AS fresh
    WHERE NOT EXISTS (SELECT FROM crm_nameword AS known WHERE known.word = fresh.word);
"""  # noqa: S608 - of constants
TAKE_OUT = """
    DELETE FROM crm_nameword AS known USING ({gone}) AS gone WHERE known.word = gone.word AND NOT EXISTS (
        SELECT FROM crm_customer AS c WHERE c.sought ~ (' ' || gone.word || ' ') AND c.erased_at IS NULL
    );
"""  # the word has letters alone, so it is no pattern
GONE = TAKE_OUT.format(gone=BEFORE)
REPLACED = TAKE_OUT.format(gone=f"{BEFORE} EXCEPT {AFTER}")
CHANGED = """
    IF NOT EXISTS (
        SELECT FROM before_it AS b JOIN after_it AS a USING (id)
        WHERE a.sought <> b.sought OR a.erased_at IS DISTINCT FROM b.erased_at
    ) THEN RETURN NULL; END IF;
"""


def _kept(
    name: str, operation: pgtrigger.Operation, referencing: pgtrigger.Referencing, func: str
) -> pgtrigger.Trigger:
    return pgtrigger.Trigger(
        name=name, level=pgtrigger.Statement, when=pgtrigger.After, operation=operation, referencing=referencing,
        func=func + "    RETURN NULL;",
    )  # fmt: skip


# on the customer: a statement at a time, so that a COPY of thousands costs one look at the words
KEEP_NAME_WORDS = [
    _kept("name_words_put_in", pgtrigger.Insert, pgtrigger.Referencing(new="after_it"), PUT_IN),
    _kept(
        "name_words_changed", pgtrigger.Update, pgtrigger.Referencing(old="before_it", new="after_it"),
        CHANGED + PUT_IN + REPLACED,
    ),
    _kept("name_words_taken_out", pgtrigger.Delete, pgtrigger.Referencing(old="before_it"), GONE),
]  # fmt: skip
