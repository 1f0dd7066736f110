"""By a slip of the keys: words customers are called by that are written almost like what was typed."""

from __future__ import annotations

from collections.abc import Iterable

from django.db import connection
from django.db.models import Q
from django.utils.translation import gettext as _

from crm.finding.hits import Closeness, Hit
from crm.finding.names import called, loosely
from crm.finding.windows import Search
from crm.matching.names import slips
from crm.models import NameWord

ALIKE = 0.4  # trigram similarity of two spellings, before their letters are compared
MOST_SPELLINGS = 6  # of one word

Spellings = dict[str, int]  # a word of somebody's name → its slips from what was typed


def by_slip(search: Search) -> Iterable[Hit]:
    """Every word as it was typed or as it may have been meant, one at least otherwise than typed."""
    phrases = search.asked.phrases
    meant = {phrase: spellings(phrase) for phrase in phrases}
    if not any(meant.values()):
        return []
    condition = Q()
    for phrase in phrases:
        condition &= _any_of(phrase, meant[phrase])
    return [_hit(pk, sought, meant) for pk, sought in called(search, condition, ("pk", "sought"))]


def spellings(word: str) -> Spellings:
    """The nearest words of names, at most MOST_SPELLINGS; none for what is no word, or too short to slip in."""
    if not word.isalpha():
        return {}
    left = {word, *(word[:n] + word[n + 1 :] for n in range(len(word)))}
    with connection.cursor() as cursor:
        cursor.execute("SELECT set_config('pg_trgm.similarity_threshold', %s, true)", [str(ALIKE)])
    near = NameWord.objects.filter(Q(slips__overlap=sorted(left)) | Q(word__trigram_similar=word))
    counted = {other: slips(word, other) for other in near.values_list("word", flat=True) if other != word}
    found = sorted((n, other) for other, n in counted.items() if n)
    return {other: n for n, other in found[:MOST_SPELLINGS]}


def _any_of(phrase: str, meant: Spellings) -> Q:
    condition = loosely([phrase])
    for word in meant:
        condition |= Q(sought__contains=f" {word} ")
    return condition


def _hit(pk: int, sought: str, meant: dict[str, Spellings]) -> Hit:
    taken = [
        (n, phrase, word)
        for phrase, words in meant.items()
        if f" {phrase} " not in sought
        for word, n in words.items()
        if f" {word} " in sought
    ]
    why = ", ".join(f"{phrase.capitalize()} ~ {word.capitalize()}" for _n, phrase, word in taken[:2])
    return Hit(pk, Closeness.SLIP + 1 - sum(n for n, *_ in taken), _("Typo: {words}").format(words=why))
