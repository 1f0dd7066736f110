"""How an account is, from what its people wrote, what we owe them an answer to, and what is late.

One definition for list, page, export and API. Every figure says what it counts; where there is nothing to count, so is
said. The thresholds are judgements, each with its reason beside it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from django.db.models import Count, Min, Q, QuerySet
from django.utils import timezone
from django.utils.timesince import timesince
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from cases.models import Case
from cases.models.states import NEEDS_US, UNRESOLVED
from channels_app.models import Message, Sentiment
from crm.accounts import Condition, Health
from crm.models import Account, IdentityLink, Order, Stakeholder
from crm.templatetags.hark import as_percent

PERIOD = timedelta(days=30)  # long enough for a pattern, short enough that what was mended is forgotten

# Whoever waits over a day has told colleagues; after three working people look for another supplier's number.
WAITS_WATCH, WAITS_RISK = timedelta(days=1), timedelta(days=3)
# People write to care when something is wrong: a third of it negative is an ordinary month, more than half is not.
NEGATIVE_WATCH, NEGATIVE_RISK = 0.50, 0.70
# Of fewer messages a single bad day makes three quarters.
NEGATIVE_BASE = 5
# One late order happens; a second one, or one late for a week, is what account reviews are about.
LATE_RISK, LATE_DAYS_RISK = 2, 7


READ = (Sentiment.NEGATIVE, Sentiment.NEUTRAL, Sentiment.POSITIVE)  # the moods of a message that could be read


@dataclass(frozen=True)
class Figures:
    """What is known of an account.

    `waits_since`: since when the oldest unanswered message of its people waits. `read`, `negative`: their messages of
    the PERIOD whose mood could be read. `orders`: under way. `promised_on`: the earliest day one of those was due.
    """

    people: int = 0
    unresolved: int = 0
    waits_since: datetime | None = None
    read: int = 0
    negative: int = 0
    orders: int = 0
    late: int = 0
    promised_on: date | None = None


Judgement = tuple[Condition, str]


def health(accounts: Sequence[Account], now: datetime) -> dict[int, Health]:
    """By primary key of the account. Four queries, however many accounts."""
    known = figures([account.pk for account in accounts], now)
    return {account.pk: judge(known[account.pk], now) for account in accounts}


def figures(accounts: Sequence[int], now: datetime) -> dict[int, Figures]:
    if not accounts:
        return {}
    there = Stakeholder.objects.present().filter(account__in=accounts)
    orders = _orders(accounts, timezone.localdate(now))
    parts = (_people(there), _cases(there), _moods(there, now - PERIOD), orders)
    return {pk: Figures(**{name: n for part in parts for name, n in part.get(pk, {}).items()}) for pk in accounts}


def open_cases(customers: Iterable[int]) -> dict[int, int]:
    """How many cases of each customer are not resolved; who has none is left out. One query."""
    unresolved = Case.objects.unresolved().filter(customer__in=list(customers)).order_by()
    return dict(unresolved.values_list("customer").annotate(n=Count("pk")))


Part = dict[int, dict[str, Any]]


def _people(there: QuerySet[Stakeholder]) -> Part:
    counted = there.order_by().values("account").annotate(people=Count("customer", distinct=True))
    return _by_account(counted)


def _cases(there: QuerySet[Stakeholder]) -> Part:
    """Somebody may hold two roles: each case is counted once."""
    unresolved = there.filter(customer__cases__state__in=UNRESOLVED).order_by().values("account")
    counted = unresolved.annotate(
        unresolved=Count("customer__cases", distinct=True),
        waits_since=Min("customer__cases__waiting_since", filter=Q(customer__cases__state__in=NEEDS_US)),
    )
    return _by_account(counted)


def _moods(there: QuerySet[Stakeholder], since: datetime) -> Part:
    """Messages of theirs whose mood could be read, and the negative ones among them."""
    said = "customer__links__identity__messages"
    read = there.filter(
        **{
            "customer__links__state": IdentityLink.State.CONFIRMED,
            f"{said}__direction": Message.Direction.IN,
            f"{said}__occurred_at__gte": since,
            f"{said}__sentiment__in": READ,
        }
    )
    negative = Q(**{f"{said}__sentiment": Sentiment.NEGATIVE})
    counted = (
        read.order_by()
        .values("account")
        .annotate(read=Count(said, distinct=True), negative=Count(said, filter=negative, distinct=True))
    )
    return _by_account(counted)


def _orders(accounts: Sequence[int], today: date) -> Part:
    under_way = Order.objects.under_way().filter(account__in=accounts).order_by().values("account")
    late = Q(promised_on__lt=today)
    counted = under_way.annotate(orders=Count("pk"), late=Count("pk", filter=late), promised_on=Min("promised_on"))
    return _by_account(counted)


def _by_account(counted: Iterable[Any]) -> Part:
    return {row["account"]: {name: n for name, n in row.items() if name != "account"} for row in counted}


# --- what the figures mean


def judge(known: Figures, now: datetime) -> Health:
    """The worst of what is found decides; everything that was looked at is said, the worst first."""
    if not known.people and not known.orders:
        nothing = _("No stakeholder is known and no order is under way, so there is nothing to judge by.")
        return Health(Condition.UNKNOWN, (nothing,))
    found = [_of_cases(known, now), _of_moods(known), _of_orders(known, timezone.localdate(now))]
    ordered = sorted((j for j in found if j), key=lambda j: list(Condition).index(j[0]))
    return Health(ordered[0][0], tuple(sentence for _condition, sentence in ordered), known.people)


def _of_cases(known: Figures, now: datetime) -> Judgement:
    if not known.unresolved:
        return Condition.GOOD, _("No case of their people is open.")
    n = known.unresolved
    cases = ngettext("%(n)d case of their people is not resolved", "%(n)d cases of their people are not resolved", n)
    if known.waits_since is None:
        return Condition.GOOD, _("%(cases)s; none waits for us.") % {"cases": cases % {"n": n}}
    waits = now - known.waits_since
    said = _("%(cases)s; the longest wait for an answer is %(time)s.")
    level = _level(waits >= WAITS_RISK, waits >= WAITS_WATCH)
    return level, said % {"cases": cases % {"n": n}, "time": timesince(known.waits_since, now, depth=1)}


def _of_moods(known: Figures) -> Judgement:
    facts = {"n": known.read, "negative": known.negative, "days": PERIOD.days}
    if not known.read:
        return Condition.GOOD, _("Nobody of theirs has written in the last %(days)d days.") % facts
    said = ngettext(
        "%(negative)d of %(n)d message in the last %(days)d days is negative",
        "%(negative)d of %(n)d messages in the last %(days)d days are negative",
        known.read,
    )
    share = known.negative / known.read
    if known.read < NEGATIVE_BASE:
        return Condition.GOOD, _("%(said)s: too few to judge by.") % {"said": said % facts}
    text = f"{said % facts} ({as_percent(share)})."
    return _level(share > NEGATIVE_RISK, share > NEGATIVE_WATCH), text


def _of_orders(known: Figures, today: date) -> Judgement | None:
    if not known.orders:
        return None
    facts = {"n": known.orders, "late": known.late}
    if not known.late or known.promised_on is None:
        return Condition.GOOD, ngettext(
            "%(n)d order is under way, not late.", "%(n)d orders are under way, none late.", known.orders
        ) % facts
    days = (today - known.promised_on).days
    late = ngettext(
        "%(late)d of %(n)d orders under way is late", "%(late)d of %(n)d orders under way are late", known.late
    )
    by = ngettext("%(late)s, by %(days)d day.", "%(late)s, by up to %(days)d days.", days)
    at_risk = known.late >= LATE_RISK or days >= LATE_DAYS_RISK
    return _level(at_risk, True), by % {"late": late % facts, "days": days}


def _level(risk: bool, watch: bool) -> Condition:
    return Condition.AT_RISK if risk else Condition.WATCH if watch else Condition.GOOD
