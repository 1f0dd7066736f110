"""What a list shows of calls: who, whether they may be called now, what they said, and what there is to tell.

A fixed number of queries, however many calls.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.db.models import Count, F, Q
from django.forms import Form
from django.utils import timezone

from cases.accounts import health
from cases.models import Case, Commitment
from crm import hours as opening
from crm.accounts import Health
from crm.hours import Hours, NeverOpen
from crm.models import Absence, Account, Customer, Stakeholder, User
from crm.models.staff import Role
from surveys.models import ActionPlan, Call, Caller, GroupAnswer
from surveys.models.calls import CallQuerySet
from surveys.outreach import answers, hours, second
from surveys.outreach.answers import Said
from surveys.outreach.assigning import roster
from surveys.outreach.hours import Book, Window

NOW, SOON, LATER = "now", "soon", "later"
SOON_IS = timedelta(hours=3)
GRACE = timedelta(days=1)  # a time that was agreed on is late a day later, as the head of calls hears of it


@dataclass
class Card:
    """One call of a list. `opens_at`: when it may be made, and is meant to be; None where their hours never begin.

    `promises`: what we owe them by our word, the next to be due first. `health` of the account: for who may see it.
    """

    call: Call
    window: Window
    theirs: Hours
    when: str
    opens_at: datetime | None
    is_late: bool
    said: Said | None = None  # the latest
    account: Account | None = None
    health: Health | None = None
    promises: Sequence[Commitment] = ()
    tell: Sequence[GroupAnswer] = ()
    open_cases: int = 0
    come: Sequence[ActionPlan] = ()
    picks: Sequence[datetime] = ()
    forms: dict[str, Form] = field(default_factory=dict)

    @property
    def clock(self) -> str:
        """The zone they live in; empty where we reckon with that of our calendar, since we know none of theirs."""
        customer = self.call.customer
        return hours.named(customer.time_zone) or hours.zone_of(customer.country)


def cards(calls: Iterable[Call], now: datetime, by: User) -> list[Card]:
    """In the order of `calls`, which come `with_people()`. At most sixteen queries."""
    found = list(calls)
    if not found:
        return []
    read, said = hours.book(), answers.of_calls(call.pk for call in found)
    accounts = accounts_of(call.customer_id for call in found)
    promised, how = promises_to(found), health(list(set(accounts.values())), now) if sees_health(by) else {}
    seconds, cases = [call for call in found if call.kind == Call.Kind.SECOND], open_cases_of(found)
    told = second.answers_of(seconds) if seconds else {}
    come = second.changes_of(seconds) if seconds else {}
    made = [card(call, read, now) for call in found]
    for one in made:
        one.open_cases = cases.get(one.call.customer_id, 0)
        one.said, one.account = next(iter(said[one.call.pk]), None), accounts.get(one.call.customer_id)
        one.health = how.get(one.account.pk) if one.account else None
        one.promises = promised.get(one.call.customer_id, ())
        one.tell, one.come = told.get(one.call.pk, ()), come.get(one.call.pk, ())
    return made


# --- when


def card(call: Call, read: Book, now: datetime) -> Card:
    """What needs no query."""
    theirs = read.of(call.customer)
    window = hours.look(theirs, now)
    opens_at = _opens_at(call, theirs, window, now)
    late = call.is_live and call.due_at < now - (GRACE if not_before(call) else timedelta())
    return Card(call, window, theirs, _when(opens_at, now), opens_at, late, picks=_picks(theirs, window, now))


def not_before(call: Call) -> datetime | None:
    """An agreed time, their next hours after a try, the day on which there is something to tell. Others: any time."""
    if call.planned_for:
        return call.planned_for
    waits = call.state == Call.State.NOT_REACHED or call.kind == Call.Kind.SECOND
    return call.due_at if waits else None


def _opens_at(call: Call, theirs: Hours, window: Window, now: datetime) -> datetime | None:
    first = not_before(call)
    if first is None or first <= now:
        return window.next_at
    try:
        return opening.next_open(theirs, first)
    except NeverOpen:
        return None


def _when(opens_at: datetime | None, now: datetime) -> str:
    if opens_at is None or opens_at > now + SOON_IS:
        return LATER
    return NOW if opens_at <= now else SOON


def _picks(theirs: Hours, window: Window, now: datetime) -> list[datetime]:
    """Times to call that are chosen with one tap: in two hours, and an hour after they next begin. No query."""
    picks = [_quarter(now + timedelta(hours=2))] if window.now else []
    try:
        closes = opening.next_close(theirs, now) if window.now else now
        begins = opening.next_open(theirs, closes) if closes else now + timedelta(days=1)
    except NeverOpen:
        return []
    picks.append(_quarter(begins + timedelta(hours=1)))
    return [at for at in picks if opening.is_open(theirs, at)]


def _quarter(at: datetime) -> datetime:
    return at.replace(minute=at.minute // 15 * 15, second=0, microsecond=0)


def in_order(found: Iterable[Card]) -> list[tuple[str, list[Card]]]:
    """By when: (now, …), (soon, …), (later, …), none of them empty. Agreed times come first among what is for now."""
    rows = sorted(found, key=_place)
    parts = [(when, [row for row in rows if row.when == when]) for when in (NOW, SOON, LATER)]
    return [part for part in parts if part[1]]


def _place(row: Card) -> tuple[bool, datetime, datetime, int]:
    agreed = row.call.planned_for is not None
    opens = row.opens_at or row.call.due_at + timedelta(days=3650)
    first = row.call.due_at if row.when == NOW else opens
    return (row.when == NOW and not agreed, first, row.call.due_at, row.call.pk)


def callable_now(found: CallQuerySet, now: datetime) -> CallQuerySet:
    """Those whose customers may be called now, and whose time has come. Up to three queries to know where."""
    waits = Q(state=Call.State.NOT_REACHED) | Q(kind=Call.Kind.SECOND)
    ready = found.exclude(planned_for__gt=now).exclude(waits, planned_for=None, due_at__gt=now)
    places = found.order_by().values_list("customer__country", "customer__time_zone").distinct()
    return ready.filter(_somewhere(_open_at(places, now)))


def _open_at(places: Iterable[tuple[str, str]], now: datetime) -> dict[str, list[str]]:
    """Country → the zones in which people may be called there now; one of them empty, where none is known."""
    read, found = hours.book(), dict[str, list[str]]()
    for country, zone in places:
        if hours.look(read.of(Customer(country=country, time_zone=zone)), now).now:
            found.setdefault(country, []).append(zone)
    return found


def _somewhere(zones: Mapping[str, list[str]]) -> Q:
    asked = Q(pk__in=[])
    for country, names in zones.items():
        asked |= Q(customer__country=country, customer__time_zone__in=names)
    return asked


# --- for whom they speak, and what else is open


def accounts_of(customers: Iterable[int]) -> dict[int, Account]:
    """Customer → the account in which their word weighs most. One query."""
    seats = Stakeholder.objects.present().filter(customer__in=set(customers), account__closed_at=None)
    found: dict[int, Account] = {}
    for seat in seats.select_related("account").weightiest_first():
        found.setdefault(seat.customer_id, seat.account)
    return found


def open_cases_of(calls: Iterable[Call]) -> dict[int, int]:
    """Customer → how many of their cases are not resolved: nobody is to be surprised by one. One query."""
    theirs = Case.objects.unresolved().filter(customer__in={call.customer_id for call in calls})
    return dict(theirs.order_by().values_list("customer").annotate(n=Count("pk")))


def promises_to(calls: Iterable[Call]) -> dict[int, list[Commitment]]:
    """Customer → what stands promised in their open cases, the next to be due first. One query."""
    open_ones = Case.objects.unresolved().filter(customer__in={call.customer_id for call in calls})
    rows = Commitment.objects.standing().filter(case__in=open_ones).select_related("case")
    found: dict[int, list[Commitment]] = {}
    for promise in rows.order_by(F("until").asc(nulls_last=True), "pk"):
        if promise.case.customer_id:
            found.setdefault(promise.case.customer_id, []).append(promise)
    return found


def sees_health(user: User) -> bool:
    """How an account is concerns who looks after accounts, and leads."""
    return user.leads or user.role == Role.SALES


# --- whose week


@dataclass(frozen=True)
class Week:
    """How many names somebody has been given this week, and how many they take on."""

    given: int
    cap: int

    @property
    def is_full(self) -> bool:
        return self.given >= self.cap

    @property
    def share(self) -> float:
        return self.given / max(self.cap, 1)


def here(now: datetime) -> list[User]:
    """Who calls, and is not away. One query."""
    return list(roster.who_may_call().exclude(pk__in=Absence.objects.at(now).values("user")))


def week_of(user: User) -> Week:
    return weeks_of([user])[user.pk]


def weeks_of(users: Sequence[User]) -> dict[int, Week]:
    """Two queries."""
    now, pks = timezone.now(), [user.pk for user in users]
    takes = {caller.user_id: caller for caller in Caller.objects.filter(user__in=pks)}
    given = roster.given_to(pks, now)
    return {
        user.pk: Week(given.get(user.pk, roster.Given()).this_week, _cap(takes.get(user.pk), user, now))
        for user in users
    }


def _cap(caller: Caller | None, user: User, now: datetime) -> int:
    return roster.cap_of(caller or Caller(user=user), now)


def first_page(user: User) -> str:
    """Executives begin with their calls, and so do sales people who have some to make. One query, of sales people."""
    if user.role == Role.EXECUTIVE:
        return "surveys:calls"
    has_some = user.role == Role.SALES and Call.objects.live().filter(owner=user).exists()
    return "surveys:calls" if has_some else ""
