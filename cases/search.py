"""Searching cases by what was said in them: words, phrases, what must not be in it, handle, time, channel, cause.

The newest hits are found through the index of words without looking through a table (crm.finding.windows says how);
these are ranked, by how well they fit and how new they are, and a case stands where its best message does.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.contrib.postgres.search import SearchRank, SearchVectorField
from django.db.models import F, QuerySet, Value
from django.db.models.functions import Coalesce
from django.utils import timezone
from django.utils.html import escape
from django.utils.safestring import SafeString

from cases.models import Case
from cases.models.asked import CaseQuerySet
from channels_app.finding import query_of
from channels_app.models import Message
from crm import finding
from crm.finding.reading import clean, folded
from crm.models import Identity, IdentityLink

MOST = 500  # hits that are ranked: the newest
BEFORE, AFTER = 60, 160  # letters shown around the first word found
ENOUGH = 100  # hits among the newest messages: older ones are not looked for
MOST_WORDS = 12
MOST_HANDLES = 200  # that begin with what was typed
HALF_LIFE_DAYS = 90.0  # a hit so old counts half of a new one
PIECE = re.compile(r'(-?)(?:"([^"]*)"?|(\S+))')


@dataclass(frozen=True)
class Asked:
    """What was typed: `words` that may go on, `exact` phrases, and what must be in none of it; all folded."""

    words: tuple[str, ...] = ()
    exact: tuple[str, ...] = ()
    without: tuple[str, ...] = ()
    number: int | None = None  # of a case: "#4711" or "4711"

    @property
    def is_empty(self) -> bool:
        return not (self.words or self.exact)


@dataclass(frozen=True)
class Wanted:
    """The filter around the words. Times are aware; `by_us` None is whoever said it."""

    channel: int | None = None
    cause: int | None = None
    handle: str = ""
    since: datetime | None = None
    until: datetime | None = None
    by_us: bool | None = None
    state: str = ""
    intent: str = ""
    topic: str = ""
    urgency: str = ""


@dataclass
class Hit:
    """A case with the message of it that fits best; `more` other messages fit too."""

    case: int
    message: int
    closeness: float
    more: int = 0
    excerpt: SafeString = field(default_factory=SafeString)


def read(text: str) -> Asked:
    """`delay "refund please" -voucher`, or a case number. One query, and none for nothing."""
    text = clean(text)
    number = text.lstrip("#")
    pieces = [(sign, phrase or word) for sign, phrase, word in PIECE.findall(text)][:MOST_WORDS]
    quoted = ['"' in found.group() for found in PIECE.finditer(text)][:MOST_WORDS]
    parts = folded([piece.lstrip("@") for _, piece in pieces])
    kinds: dict[str, list[str]] = {"words": [], "exact": [], "without": []}
    for (sign, _), is_phrase, part in zip(pieces, quoted, parts, strict=True):
        if part:
            kinds["without" if sign else "exact" if is_phrase else "words"].append(part)
    is_number = number.isascii() and number.isdecimal() and len(number) < 19
    return Asked(**{kind: tuple(found) for kind, found in kinds.items()}, number=int(number) if is_number else None)


def search(asked: Asked, wanted: Wanted, *, cases: CaseQuerySet, narrowed: bool) -> list[Hit]:
    """The cases among `cases` in which somebody said it, the best first. At most MOST messages are ranked. Raises
    crm.finding.TookTooLong.

    `narrowed` says that `cases` are not nearly all there are, so that the newest hits have to be sought among them.
    """
    with finding.bounded():
        return _ranked(_found(asked, wanted, cases, narrowed or wanted != Wanted()))


def _found(asked: Asked, wanted: Wanted, cases: CaseQuerySet, narrow: bool) -> list[tuple[int, int, float, datetime]]:
    """(message, case, how well it fits, when) of the newest that fit. Three queries."""
    query = query_of(asked.words, exact=asked.exact, without=asked.without)
    within = _messages(wanted).filter(case_entry__case__in=under(cases, wanted).order_by().values("pk"))

    def rows_of(hits: QuerySet[Message]) -> QuerySet[Message, Any]:
        allowed = hits.filter(pk__in=within.values("pk")) if narrow else hits.exclude(case_entry=None)
        return allowed.values_list("pk", flat=True)

    said = Message.objects.filter(words=query)
    words = Coalesce("words", Value("", SearchVectorField()))
    newest = finding.newest(
        said, rows_of, "pk", most=MOST, narrowed=narrow, enough=ENOUGH,
        unindexed=Message.objects.alias(said=words).filter(said=query),
    )  # fmt: skip
    fits = SearchRank(F("words"), query, normalization=1)
    said = Message.objects.filter(pk__in=newest, case_entry__case__in=cases.order_by().values("pk"))
    return list(said.values_list("pk", "case_entry__case", fits, "occurred_at").order_by())


def _messages(wanted: Wanted) -> QuerySet[Message]:
    said = Message.objects.all()
    if wanted.by_us is not None:
        said = said.filter(direction=Message.Direction.OUT if wanted.by_us else Message.Direction.IN)
    if wanted.since:
        said = said.filter(occurred_at__gte=wanted.since)
    if wanted.until:
        said = said.filter(occurred_at__lt=wanted.until)
    return said


def under(cases: CaseQuerySet, wanted: Wanted) -> CaseQuerySet:
    """`cases` under the conditions that are the case's own."""
    exact = {
        "channel": wanted.channel, "cause": wanted.cause, "state": wanted.state, "intent": wanted.intent,
        "topic": wanted.topic, "urgency": wanted.urgency,
    }  # fmt: skip
    cases = cases.filter(**{name: value for name, value in exact.items() if value})
    if wanted.handle:
        cases = cases.filter(customer__in=_of_handle(wanted.handle.lstrip("@")))
    return cases


def _of_handle(handle: str) -> QuerySet[IdentityLink, Any]:
    """The customers of the identities that begin so."""
    known = Identity.objects.filter(handle__istartswith=handle).order_by().values("pk")[:MOST_HANDLES]
    return IdentityLink.objects.confirmed().filter(identity__in=known).values("customer")


def without_words(wanted: Wanted, *, cases: CaseQuerySet) -> CaseQuerySet:
    """The cases under the filter alone, by when they were opened."""
    found = under(cases, wanted)
    if wanted.since:
        found = found.filter(opened_at__gte=wanted.since)
    if wanted.until:
        found = found.filter(opened_at__lt=wanted.until)
    return found


def _ranked(found: Sequence[tuple[int, int, float, datetime]]) -> list[Hit]:
    """How well a message fits is PostgreSQL's ts_rank, halved for each HALF_LIFE_DAYS of its age."""
    now, best = timezone.now(), dict[int, Hit]()
    for message, case, fits, at in found:
        closeness = fits * 0.5 ** ((now - at).total_seconds() / 86_400 / HALF_LIFE_DAYS)
        hit = best.setdefault(case, Hit(case, message, closeness, more=-1))
        hit.more += 1
        if closeness > hit.closeness:
            hit.message, hit.closeness = message, closeness
    return sorted(best.values(), key=lambda hit: (-hit.closeness, -hit.message))


# --- what is shown


def shown(hits: Sequence[Hit], asked: Asked) -> list[tuple[Hit, Case, Message]]:
    """Each hit with its case and message, the words found marked in its excerpt. A fixed number of queries."""
    cases = Case.objects.with_row().in_bulk([hit.case for hit in hits])
    messages = Message.objects.select_related("identity", "sent_by").in_bulk([hit.message for hit in hits])
    for hit in hits:
        hit.excerpt = excerpt(messages[hit.message].text, asked)
    return [(hit, cases[hit.case], messages[hit.message]) for hit in hits if hit.case in cases]


def excerpt(text: str, asked: Asked) -> SafeString:
    """The text around the first word found, on one line, escaped, with every word found in <mark>."""
    line, pattern = " ".join(text.split()), _pattern(asked)
    found = pattern.search(_plain(line))
    start = max(0, (found.start() if found else 0) - BEFORE)
    start = line.rfind(" ", 0, start) + 1 if start else 0
    cut = line[start : start + BEFORE + AFTER]
    marked, at = ["…" if start else ""], 0
    for match in pattern.finditer(_plain(cut)):
        marked += [escape(cut[at : match.start()]), "<mark>", escape(cut[match.start() : match.end()]), "</mark>"]
        at = match.end()
    return SafeString("".join([*marked, escape(cut[at:]), "…" if start + len(cut) < len(line) else ""]))


def _pattern(asked: Asked) -> re.Pattern[str]:
    """Words as they were folded: whatever stands between two of a phrase, and any ending of a word that may go on."""
    words = [r"\W+".join(map(re.escape, part.split())) + (r"\w*" if len(part) >= 4 else "") for part in asked.words]
    words += [r"\W+".join(map(re.escape, part.split())) for part in asked.exact]
    return re.compile(rf"(?<!\w)(?:{'|'.join(words) or '(?!)'})(?!\w)")


def _plain(text: str) -> str:
    """Lower-case, without accents, letter for letter as long as `text`: so that places in both are the same."""
    return "".join(unicodedata.normalize("NFKD", letter)[0].lower()[:1] or letter for letter in text)


def by_number(asked: Asked, cases: CaseQuerySet) -> Case | None:
    return cases.filter(pk=asked.number).first() if asked.number is not None else None
