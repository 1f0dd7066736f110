"""What one of us takes on, and how many names a week all of them together can take."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from django.db import transaction
from django.db.models import Count, QuerySet
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from crm.errors import Refused
from crm.models import Absence, User
from crm.models.activity import log
from surveys.models import Call, Caller
from surveys.models.calls import CALLER_OF
from surveys.outreach import countries as lands
from surveys.outreach.assigning import roster

MOST = 200  # names a week: forty calls a working day


class DoesNotCall(Refused):
    sentence = _("{person} is given no calls: executives, sales people and agents who work here are.")


class TooMany(Refused):
    sentence = _("Between 0 and {most} names a week.")


@transaction.atomic
def keep(*, user: User, per_week: int, countries: Iterable[str], by: User) -> Caller:
    """What they take on from now on; no countries: all. Calls they have stay theirs, and more they asked for too.

    Raises DoesNotCall, TooMany and countries.NotACountry.
    """
    if not user.is_active or user.role not in CALLER_OF:
        raise DoesNotCall(person=user)
    if not 0 <= per_week <= MOST:
        raise TooMany(most=MOST)
    facts = {"per_week": per_week, "countries": lands.known(countries)}
    kept, _made = Caller.objects.update_or_create(user=user, defaults=facts)
    log("changed", kept, by=by)
    return kept


# --- who they are, and how much room there is


@dataclass(frozen=True)
class Line:
    """One person as the list shows them. `cap`: names a week with what they asked for; `given`: of these, this week."""

    person: User
    takes: Caller
    cap: int
    given: int
    is_away: bool

    @property
    def to(self) -> Call.To:
        return CALLER_OF[self.person.role]

    @property
    def more(self) -> int:
        """What they asked for beyond their names a week, as long as it holds."""
        return self.cap - self.takes.per_week


@dataclass(frozen=True)
class Room:
    """Of one kind of caller: how many there are, how many names a week they take, how many calls wait in the pool."""

    to: Call.To
    people: int
    names: int
    waiting: int


def people(to: str = "") -> QuerySet[User]:
    """Who calls for `to`; for "" everybody who does."""
    return User.objects.filter(is_active=True, role__in=_roles(to))


def _roles(to: str) -> list[str]:
    return [role for role, kind in CALLER_OF.items() if to in ("", kind)]


def lines(people: Sequence[User]) -> list[Line]:
    """Three queries, however many."""
    now, pks = timezone.now(), [person.pk for person in people]
    takes, given = _takes(pks), roster.given_to(pks, now)
    away = set(Absence.objects.at(now).filter(user__in=pks).values_list("user", flat=True))
    rows = ((person, takes.get(person.pk) or Caller(user=person)) for person in people)
    return [
        Line(
            person, row, roster.cap_of(row, now), given.get(person.pk, roster.Given()).this_week, person.pk in away
        )
        for person, row in rows
    ]  # fmt: skip


def _takes(people: Iterable[int]) -> dict[int, Caller]:
    return {caller.user_id: caller for caller in Caller.objects.filter(user__in=people)}


def rooms() -> list[Room]:
    """Of each kind of caller. Three queries."""
    now, roles = timezone.now(), dict(people().values_list("pk", "role"))
    takes, names, heads = _takes(roles), Counter[str](), Counter[str]()
    for pk, role in roles.items():
        heads[CALLER_OF[role]] += 1
        names[CALLER_OF[role]] += roster.cap_of(takes.get(pk) or Caller(), now)
    waiting = Counter(dict(Call.objects.in_pool().order_by().values_list("to").annotate(Count("pk"))))
    return [Room(to, heads[to], names[to], waiting[to]) for to in Call.To]


def room(to: str) -> Room:
    return next(each for each in rooms() if each.to == to)
