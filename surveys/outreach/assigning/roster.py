"""Who may call, read and locked: nobody else gives them a name before we have."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Count, Max, Q, QuerySet
from django.utils import timezone

from crm.models import Absence, Stakeholder, User
from crm.models.staff import LEADING_ROLES
from crm.people import speaks
from surveys.models import Call, Caller
from surveys.models.calls import CALLER_OF
from surveys.outreach.assigning.fair import NEVER, Person

MAY_CALL = (*CALLER_OF, *LEADING_ROLES)
WAITED = timedelta(days=90)  # who was given none for so long has waited as long as anybody


@dataclass(frozen=True)
class Given:
    """Of one person: first calls of this week, and when the last call was given."""

    this_week: int = 0
    last: datetime = NEVER


def week_began(now: datetime) -> datetime:
    """Monday, midnight, on the clock of the house."""
    here = timezone.localtime(now, timezone.get_default_timezone())
    monday = (here - timedelta(days=here.weekday())).date()
    return timezone.make_aware(datetime(monday.year, monday.month, monday.day), timezone.get_default_timezone())


def week_ends(now: datetime) -> datetime:
    return week_began(week_began(now) + timedelta(days=8))


def who_may_call() -> QuerySet[User]:
    """All of them, here or away."""
    return User.objects.filter(is_active=True, role__in=MAY_CALL)


def callers(pools: Collection[str], owners: Iterable[int], now: datetime) -> list[Person]:
    """Who is here of those who work these pools, and of `owners`; their rows are locked. Four queries."""
    roles = [role for role, to in CALLER_OF.items() if to in pools]
    return persons(Q(role__in=roles) | Q(pk__in=list(owners), role__in=MAY_CALL), now)


def persons(whom: Q, now: datetime) -> list[Person]:
    """Those of them who are here: neither gone for good nor away."""
    rows = User.objects.filter(whom, is_active=True).order_by("pk")
    found = list(rows.select_for_update(of=("self",), no_key=True))
    pks = [user.pk for user in found]
    away = set(Absence.objects.at(now).filter(user__in=pks).values_list("user", flat=True))
    takes = {caller.user_id: caller for caller in Caller.objects.filter(user__in=pks)}
    given = given_to(pks, now)
    here = [user for user in found if user.pk not in away]
    return [_person(user, takes.get(user.pk) or Caller(user=user), given.get(user.pk, Given()), now) for user in here]


def _person(user: User, caller: Caller, given: Given, now: datetime) -> Person:
    return Person(
        user=user.pk, to=str(CALLER_OF.get(user.role, "")), cap=cap_of(caller, now), given=given.this_week,
        last=given.last, countries=frozenset(code.upper() for code in caller.countries),
        languages=frozenset(speaks(user.languages)),
    )  # fmt: skip


def cap_of(caller: Caller, now: datetime) -> int:
    asked = caller.more if caller.more_until and caller.more_until > now else 0
    return caller.per_week + asked


def given_to(users: Collection[int], now: datetime) -> dict[int, Given]:
    """One query. A call that was handed back or taken from them takes no place."""
    theirs = Call.objects.filter(owner__in=users, owned_since__gt=now - WAITED).order_by().values_list("owner")
    week = Count("pk", filter=Q(owned_since__gte=week_began(now), kind=Call.Kind.FIRST))
    return {pk: Given(number, last) for pk, number, last in theirs.annotate(week=week, newest=Max("owned_since"))}


def sales_people(customers: Collection[int]) -> dict[int, int]:
    """Customer → the sales person of their account; of several accounts, where their word weighs most. One query."""
    seats = Stakeholder.objects.present().filter(customer__in=customers, account__closed_at=None)
    rows = seats.exclude(account__owner=None).weightiest_first().values_list("customer", "account__owner")
    found: dict[int, int] = {}
    for customer, owner in rows:
        found.setdefault(customer, owner)
    return found
