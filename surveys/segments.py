"""Whose answers are counted: the cut that a reader chooses, and the parts it can be looked at by.

Country, tier and accounts are as the record says today. The channel is that of the last case opened before they were
asked, the category the cause of the last case resolved before they were asked.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from django.contrib.postgres.expressions import ArraySubquery
from django.contrib.postgres.fields import ArrayField
from django.db.models import Case as When
from django.db.models import Count, Exists, F, Func, IntegerField, OuterRef, Q, QuerySet, Subquery, Value
from django.db.models import When as If
from django.db.models.functions import Coalesce, TruncMonth
from django.utils.formats import date_format
from django.utils.translation import gettext_lazy as _
from django_stubs_ext import StrOrPromise

from cases.models import Case, Cause
from cases.models.states import State
from channels_app.models import Channel
from crm.models import Account, Stakeholder, Tier
from surveys import nps
from surveys.models import Invitation, Response, Wave
from surveys.models.answers import ResponseQuerySet
from surveys.models.waves import InvitationQuerySet, WaveQuerySet

MOST_OFFERED = 300
UNKNOWN = "-"  # in an address: no country is known
NONE = 0  # of a channel, a cause or an account: there is none


# --- what is on the record of a customer, seen from an invitation at the end of `prefix`


def _last_case(prefix: str, column: str, moment: str) -> Coalesce:
    theirs = Case.objects.filter(customer=OuterRef(f"{prefix}customer")).exclude(state=State.MERGED)
    before = theirs.filter(**{f"{moment}__lte": OuterRef(f"{prefix}sent_at")}).order_by(f"-{moment}", "-pk")
    return Coalesce(Subquery(before.values(column)[:1]), Value(NONE), output_field=IntegerField())


def _channel(prefix: str) -> Coalesce:
    return _last_case(prefix, "channel", "opened_at")


def _cause(prefix: str) -> Coalesce:
    return _last_case(prefix, "cause", "resolved_at")


def _seats(prefix: str) -> QuerySet[Stakeholder]:
    """What they are today to accounts that are in use."""
    theirs = Stakeholder.objects.filter(customer=OuterRef(f"{prefix}customer"))
    return theirs.filter(left_on=None, account__closed_at=None)


class Unnest(Func):
    function = "unnest"
    set_returning = True
    output_field = IntegerField()


def _accounts(prefix: str) -> Unnest:
    """Each of their accounts, once however many roles they have in it; NONE for who has none."""
    found = ArraySubquery(_seats(prefix).order_by().values("account").distinct())
    whole = ArrayField(IntegerField())
    none = When(If(Exists(_seats(prefix)), then=found), default=Value([NONE], output_field=whole), output_field=whole)
    return Unnest(none)


# --- the dimensions

Names = Callable[[Iterable[Any]], dict[Any, StrOrPromise]]


@dataclass(frozen=True)
class Dimension:
    """One way to part the answers. `by(prefix)`: the value of an answer; `names` of values, in one query at most."""

    key: str
    label: StrOrPromise
    by: Callable[[str], Any]
    names: Names
    none: StrOrPromise


def _account_names(keys: Iterable[int]) -> dict[Any, StrOrPromise]:
    return dict(Account.objects.filter(pk__in=keys).values_list("pk", "name"))


def _channel_names(keys: Iterable[int]) -> dict[Any, StrOrPromise]:
    return dict(Channel.objects.filter(pk__in=keys).values_list("pk", "name"))


def _cause_names(keys: Iterable[int]) -> dict[Any, StrOrPromise]:
    return {cause.pk: str(cause) for cause in Cause.objects.filter(pk__in=keys).select_related("parent")}


DIMENSIONS = {
    dimension.key: dimension
    for dimension in (
        Dimension(
            "country", _("Country"), lambda prefix: F(f"{prefix}customer__country"),
            lambda keys: {key: key for key in keys}, _("Not known"),
        ),
        Dimension(
            "tier", _("Tier"), lambda prefix: F(f"{prefix}customer__tier"), lambda keys: dict(Tier.choices),
            _("Not known"),
        ),
        Dimension("account", _("Account"), _accounts, _account_names, _("In no account")),
        Dimension("channel", _("Channel"), _channel, _channel_names, _("No case before")),
        Dimension("cause", _("Category"), _cause, _cause_names, _("No case resolved before")),
    )
}  # fmt: skip


# --- the cut


@dataclass(frozen=True)
class Cut:
    """Which answers: those of `wave`, or without one those after cases since `since`; of whom; and how trusted.

    `account`, `channel` and `cause` are primary keys, NONE for who has none; a cause means those under it as well.
    `trusted`: without what a person left out, and what is flagged and nobody let in.
    """

    wave: Wave | None = None
    since: datetime | None = None
    country: str | None = None
    tier: str | None = None
    account: int | None = None
    channel: int | None = None
    cause: int | None = None
    trusted: bool = True

    def responses(self, rows: ResponseQuerySet) -> ResponseQuerySet:
        of_wave = rows.filter(self._when("invitation__"))
        found = self._narrowed(of_wave, "invitation__")
        return found.trusted() if self.trusted else found

    def invitations(self, rows: InvitationQuerySet) -> InvitationQuerySet:
        return self._narrowed(rows.filter(self._when("")), "")

    def people(self, rows: ResponseQuerySet) -> ResponseQuerySet:
        """Answers of such people in whatever wave."""
        found = self._narrowed(rows, "invitation__")
        return found.trusted() if self.trusted else found

    def with_flagged(self) -> Cut:
        return replace(self, trusted=False)

    def _when(self, prefix: str) -> Q:
        if self.wave:
            return Q(**{f"{prefix}wave": self.wave.pk})
        since = {f"{prefix}sent_at__gte": self.since} if self.since else {}
        return Q(**{f"{prefix}wave": None, f"{prefix}case__isnull": False}, **since)

    def _narrowed(self, rows: Any, prefix: str) -> Any:
        plain = {f"{prefix}customer__country": self.country, f"{prefix}customer__tier": self.tier}
        rows = rows.filter(**{name: value for name, value in plain.items() if value is not None})
        if self.account is not None:
            seats = _seats(prefix)
            rows = rows.filter(Exists(seats.filter(account=self.account)) if self.account else ~Exists(seats))
        if self.channel is not None:
            rows = rows.alias(last_channel=_channel(prefix)).filter(last_channel=self.channel)
        if self.cause is not None:
            under = Cause.objects.filter(Q(pk=self.cause) | Q(parent=self.cause)).values("pk") if self.cause else [NONE]
            rows = rows.alias(last_cause=_cause(prefix)).filter(last_cause__in=under)
        return rows

    @property
    def narrowed(self) -> bool:
        """Whether it is of some people only."""
        return any(getattr(self, name) is not None for name in DIMENSIONS)


# --- the parts


@dataclass(frozen=True)
class Segment:
    """One part of the answers. `rest`: how it differs from all others, judged beside the other parts."""

    key: Any
    name: str
    tally: nps.Tally
    score: nps.Score
    rest: nps.Change | None

    @property
    def asked(self) -> str:
        """The value of the filter that leads to them."""
        return str(self.key) if self.key != "" else UNKNOWN

    @property
    def stands_out(self) -> bool:
        return self.rest is not None and self.rest.certain


@dataclass(frozen=True)
class Segments:
    """Parts by one dimension, the largest first."""

    dimension: Dimension
    lines: Sequence[Segment]

    @property
    def shown(self) -> list[Segment]:
        return [line for line in self.lines if line.score.shown]

    @property
    def too_few(self) -> list[Segment]:
        """Of whom nothing is shown but that they are there."""
        return [line for line in self.lines if not line.score.shown]


def segments(rows: ResponseQuerySet, dimension: Dimension, whole: nps.Tally, least: int) -> Segments:
    """Two queries. In accounts somebody counts in each of theirs; elsewhere the parts make up the whole."""
    tallies = nps.counted(rows.annotate(part=dimension.by("invitation__")), "part")
    names = dimension.names([key for key in tallies if key])
    large = sum(tally.n >= least for tally in tallies.values())
    lines = [
        Segment(
            key, str(names.get(key, key) if key else dimension.none), tally, nps.score(tally, least),
            nps.change(tally, whole - tally, least, comparisons=large),
        )
        for key, tally in tallies.items()
    ]  # fmt: skip
    return Segments(dimension, sorted(lines, key=lambda line: (-line.tally.n, line.name)))


# --- over time


@dataclass(frozen=True)
class Point:
    """One wave, or one month of answers after cases. `change`: since the last point before it that is shown."""

    key: Any
    name: str
    at: datetime
    score: nps.Score
    change: nps.Change | None


MOST_POINTS = 12


def over_waves(cut: Cut, waves: Sequence[Wave], least: int) -> list[Point]:
    """The newest MOST_POINTS of `waves`, which come the newest first; the oldest stands first. One query."""
    newest = list(waves[:MOST_POINTS])
    rows = cut.people(Response.objects.filter(invitation__wave__in=[wave.pk for wave in newest]))
    tallies = nps.counted(rows, "invitation__wave")
    return _points([(wave.pk, wave.name, wave.opens_at, tallies.get(wave.pk, nps.Tally())) for wave in newest], least)


def over_months(cut: Cut, least: int) -> list[Point]:
    """Months of the reader's zone in which cases were asked about. One query."""
    rows = cut.responses(Response.objects.all()).annotate(month=TruncMonth("invitation__sent_at"))
    tallies = nps.counted(rows, "month")
    months = sorted(tallies, reverse=True)[:MOST_POINTS]
    return _points(
        [(month.date().isoformat(), date_format(month, "M Y"), month, tallies[month]) for month in months], least
    )


def _points(found: Sequence[tuple[Any, str, datetime, nps.Tally]], least: int) -> list[Point]:
    """`found` has the newest first."""
    points: list[Point] = []
    before: nps.Tally | None = None
    for key, name, at, tally in reversed(found):
        since = nps.change(tally, before, least) if before else None
        points.append(Point(key, name, at, nps.score(tally, least), since))
        before = tally if tally.n >= least else before
    return points


# --- what can be chosen


def waves_asked(waves: WaveQuerySet) -> list[Wave]:
    """Those with anybody asked, the newest first, with `answers`: how many gave a number. One query."""
    scored = Count("invitations__response", filter=Q(invitations__response__score__isnull=False))
    return list(waves.asked().select_related("version__survey").annotate(answers=scored))


def accounts_of(wave: Wave | None) -> list[tuple[int, str]]:
    """Accounts whose people were asked in `wave`, or after cases: at most MOST_OFFERED by name."""
    asked = Invitation.objects.filter(wave=wave, customer=OuterRef("stakeholders__customer")).order_by()
    there = Account.objects.in_use().filter(Exists(asked), stakeholders__left_on=None).order_by("name", "pk")
    return list(there.values_list("pk", "name").distinct()[:MOST_OFFERED])
