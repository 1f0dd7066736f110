"""By name: as it is, its beginning, its words, a part of it, or what a record that was merged was called."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.db.models import F, Q
from django.utils.translation import gettext as _

from crm.finding.hits import Closeness, Hit
from crm.finding.reading import is_selective
from crm.finding.windows import Search
from crm.matching.names import words
from crm.models import Customer

MOST_FORMER = 50
COLUMNS = ("pk", "sought", "name", "given_name", "family_name", "nickname")

Row = tuple[int, str, str, str, str, str]


def by_name(search: Search) -> Iterable[Hit]:
    phrases = search.asked.phrases
    if not phrases:
        return []
    rows = _named(search, loosely(phrases))
    if len(rows) == search.most:  # there are more: the best of them may be missing
        whole = " ".join(phrases)
        exactly = Q(sought__in=[f" {whole} ", f" {whole} {whole} "])
        for condition in (exactly, _whole_words(phrases), _beginning(phrases)):
            rows += (better := _named(search, condition))
            if len(better) == search.most:
                break
    return [_hit(row, phrases) for row in rows]


def loosely(phrases: Iterable[str]) -> Q:
    """Each phrase stands somewhere in the name; one of two letters at the beginning of a word."""
    return _holding(phrase if is_selective(phrase) else f" {phrase}" for phrase in phrases)


def _whole_words(phrases: Iterable[str]) -> Q:
    return _holding(f" {phrase} " for phrase in phrases)


def _beginning(phrases: Iterable[str]) -> Q:
    return _holding(f" {phrase}" for phrase in phrases)


def _holding(parts: Iterable[str]) -> Q:
    return Q(*(Q(sought__contains=part) for part in parts))


def _named(search: Search, condition: Q) -> list[Row]:
    return called(search, condition, COLUMNS)


def called(search: Search, condition: Q, columns: tuple[str, ...]) -> list[Any]:
    """These columns of the newest customers to whom the condition applies."""
    hits = Customer.objects.filter(condition)
    return search.newest(hits, lambda hits: (hits & search.customers).values_list(*columns), "pk")


def _hit(row: Row, phrases: tuple[str, ...]) -> Hit:
    pk, sought, name, *others = row
    return Hit(pk, _closeness(sought, phrases), _why(name, others, phrases))


def _closeness(sought: str, phrases: tuple[str, ...]) -> int:
    whole = " ".join(phrases)
    if sought in (f" {whole} ", f" {whole} {whole} "):
        return Closeness.EXACT
    if sought.startswith(f" {whole} "):
        return Closeness.LEADS
    if all(f" {phrase} " in sought for phrase in phrases):
        return Closeness.WORDS
    return Closeness.BEGINS if all(f" {phrase}" in sought for phrase in phrases) else Closeness.WITHIN


def _why(name: str, others: list[str], phrases: tuple[str, ...]) -> str:
    """Where it stands; "" for the name that the row shows anyway."""
    looked_for = [phrase.replace(" ", "") for phrase in phrases]
    if all(word in "".join(words(name)) for word in looked_for):
        return ""
    given, family, nickname = others
    if nickname and any(word in "".join(words(nickname)) for word in looked_for):
        return _("Also called {name}").format(name=nickname)
    return _("Name in full: {name}").format(name=f"{given} {family}".strip() or name)


def by_former_name(search: Search) -> Iterable[Hit]:
    """Records that were merged lead to whoever stands for them now."""
    if not search.asked.phrases:
        return []
    merged = Customer.objects.filter(merged_into__isnull=False, erased_at=None).filter(loosely(search.asked.phrases))
    names = dict(merged.order_by((F("pk") + 0).desc()).values_list("pk", "name")[:MOST_FORMER])
    survivors = _survivors(names)
    standing = set(search.customers.filter(pk__in=set(survivors.values())).values_list("pk", flat=True))
    return [
        Hit(survivor, Closeness.FORMER, _("Merged with {name}").format(name=names[pk]))
        for pk, survivor in survivors.items()
        if survivor in standing
    ]


def _survivors(merged: Iterable[int]) -> dict[int, int]:
    """For each record the one that stands for it: one query a step of the longest line."""
    stands = {pk: pk for pk in merged}
    while stands:
        steps = Customer.objects.filter(pk__in=set(stands.values()), merged_into__isnull=False)
        onward = {pk: into for pk, into in steps.values_list("pk", "merged_into") if into}
        if not onward:
            break
        stands = {pk: onward.get(now, now) for pk, now in stands.items()}
    return stands
