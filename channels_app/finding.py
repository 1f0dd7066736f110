"""Finding a customer by what they wrote."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from django.contrib.postgres.search import SearchQuery
from django.db.models import QuerySet
from django.utils.translation import gettext as _

from channels_app.models import Message
from crm import finding
from crm.models import IdentityLink

SHORTEST = 3  # letters that one of the words must have, or two signs: everybody wrote "a"
WHOLE = 4  # letters: a word shorter than that has to be there as it is, a longer one may go on
BEFORE, AFTER = 20, 50  # letters shown of what they wrote, before and after the first word looked for


def register() -> None:
    finding.add_way(by_what_they_wrote)


def by_what_they_wrote(search: finding.Search) -> Iterable[finding.Hit]:
    """Who wrote all these words in one message; the newest message of each."""
    phrases = search.asked.phrases
    if max(map(len, phrases), default=0) < SHORTEST:
        return []
    said = Message.objects.filter(direction=Message.Direction.IN, words=query_of(phrases))

    def within(messages: QuerySet[Message]) -> QuerySet[Message, tuple[Any, ...]]:
        """Of each customer the newest of the messages: who writes much must not push others out."""
        owned = IdentityLink.objects.confirmed().filter(customer__in=search.customers.order_by().values("pk"))
        theirs = messages.filter(identity__links__in=owned)
        newest = theirs.order_by("identity__links__customer_id", "-pk").distinct("identity__links__customer_id")
        shown = Message.objects.filter(pk__in=newest.values("pk"), identity__links__in=owned)
        return shown.values_list("identity__links__customer", "text")

    rows = search.newest(said, within, "pk")
    return [
        finding.Hit(customer, finding.Closeness.WROTE, _("Wrote: {words}").format(words=_excerpt(text, search.asked)))
        for customer, text in rows
    ]


def query_of(phrases: Iterable[str], *, exact: Iterable[str] = (), without: Iterable[str] = ()) -> SearchQuery:
    """All `phrases`, whose last word may go on; all `exact` ones as they stand; and none of `without`.

    Each is of letters and digits alone, folded by PostgreSQL, so that nothing in it is a sign.
    """
    each = [_sequence(phrase, ":*" if len(phrase) >= WHOLE else "") for phrase in phrases]
    each += [_sequence(phrase) for phrase in exact]
    each += [f"!{_sequence(phrase)}" for phrase in without]
    return SearchQuery(" & ".join(each), config="simple", search_type="raw")


def _sequence(phrase: str, ending: str = "") -> str:
    return "(" + " <-> ".join(f"'{word}'" for word in phrase.split()) + ending + ")"


def _excerpt(text: str, asked: finding.Asked) -> str:
    """What they wrote around the first of the words, on one line."""
    line = " ".join(text.split())
    at = min((found.start() for part in asked.parts if (found := _found(part, line))), default=0)
    start = max(0, at - BEFORE)
    start = line.rfind(" ", 0, start) + 1 if start else 0
    end = at + AFTER
    return ("…" if start else "") + line[start:end].strip() + ("…" if end < len(line) else "")


def _found(part: str, line: str) -> re.Match[str] | None:
    return re.search(rf"\b{re.escape(part)}", line, re.IGNORECASE)
