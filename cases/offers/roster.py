"""Who could answer now, and what cases ask for: loaded for many people and many cases in a fixed number of queries."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import Count, OuterRef, Q, QuerySet
from django.utils import timezone

from cases.models import Case, Offer
from cases.offers.fitting import Answerer, Fit, Need, best
from channels_app.models import Attempt, Message, Module
from crm import hours
from crm.models import Membership, Skill, User
from crm.people import speaks, with_absence

Lacking = Mapping[int, frozenset[str]]
Met = Mapping[int, Mapping[int, int]]
HELD = (Case.State.NEW, Case.State.OPEN, Case.State.SNOOZED)  # what counts against the load cap


def best_for(case: Case) -> list[Fit]:
    """Who fits this case, the best first, each with the reasons. 8 queries, however many people there are."""
    needs = needs_of([case])
    return best(needs[0], who_could([case.team_id], needs))


def needs_of(cases: Sequence[Case]) -> list[Need]:
    """What these cases ask for, in their order; retired skills are asked for no more. One query, and the channels'."""
    asked: dict[int, dict[int, str]] = defaultdict(dict)
    rows = Case.skills.through.objects.filter(case__in=[case.pk for case in cases], skill__retired_at=None)
    for case, skill, name in rows.values_list("case_id", "skill_id", "skill__name"):
        asked[case][skill] = name
    return [_need(case, asked[case.pk]) for case in cases]


def _need(case: Case, skills: dict[int, str]) -> Need:
    by_hand = case.channel.capabilities.written_by_hand
    return Need(
        case=case.pk, team=case.team_id, customer=case.customer_id, language=case.language.partition("-")[0],
        place=None if by_hand else case.channel.place, skills=skills, owner=case.owner_id,
    )  # fmt: skip


def who_could(teams: Iterable[int], needs: Iterable[Need] = ()) -> list[Answerer]:
    """Everybody of these teams who answers customers, with all that decides whether they fit one of `needs`."""
    now, asked = timezone.now(), list(needs)
    people = list(_people(list(teams), now))
    pks = [person.pk for person in people]
    shifts = hours.load(person.shift_id for person in people if person.shift_id)
    loads, offered = _loads(pks), _offered(pks)
    uncertified, met = facts_about(pks, asked)
    return [
        Answerer(
            user=person, teams=frozenset(person.in_teams), languages=frozenset(speaks(person.languages)),
            skills=frozenset(person.can), load=loads[person.pk] + offered[person.pk], offered=offered[person.pk],
            is_here=not person.is_away and hours.is_open(shifts.get(person.shift_id), now),
            uncertified=uncertified[person.pk], met=met[person.pk],
        )
        for person in people
    ]  # fmt: skip


def facts_about(people: Sequence[int], needs: Sequence[Need]) -> tuple[Lacking, Met]:
    """On which networks of `needs` each of them may only draft, and whom of those customers they know."""
    if not needs:
        return defaultdict(frozenset), defaultdict(dict)
    lacking = _uncertified(people, {need.place for need in needs if need.place is not None})
    return lacking, _met(people, {need.customer for need in needs})


def _people(teams: Sequence[int], now: datetime) -> QuerySet[Any]:
    """With `is_away`, `in_teams` and `can`."""
    members = Membership.objects.filter(team__in=teams).values("user")
    own_teams = Membership.objects.filter(user=OuterRef("pk")).values("team")
    own_skills = Skill.people.through.objects.filter(user=OuterRef("pk")).values("skill")
    found = with_absence(User.objects.who_answer().filter(pk__in=members), now)
    return found.annotate(in_teams=ArraySubquery(own_teams), can=ArraySubquery(own_skills)).order_by("pk")


def _loads(people: Sequence[int]) -> dict[int, int]:
    rows = Case.objects.filter(owner__in=people, state__in=HELD).values_list("owner").annotate(Count("pk"))
    return defaultdict(int, rows.order_by())


def _offered(people: Sequence[int]) -> dict[int, int]:
    """What they are offered just now, which may become theirs."""
    rows = Offer.objects.standing().filter(user__in=people).values_list("user").annotate(Count("pk"))
    return defaultdict(int, rows.order_by())


def _uncertified(people: Sequence[int], places: Iterable[str]) -> dict[int, frozenset[str]]:
    """Networks on which they may only draft, of those in question."""
    wanted = set(places)
    modules = list(Module.objects.in_force().filter(Q(place="") | Q(place__in=wanted)).values_list("pk", "place"))
    held: dict[int, set[int]] = defaultdict(set)
    valid = Attempt.objects.valid().filter(user__in=people, module__in=[pk for pk, _ in modules])
    for user, module in valid.values_list("user_id", "module_id") if modules else ():
        held[user].add(module)
    needed = {place: {pk for pk, of in modules if of in ("", place)} for place in wanted}
    return {pk: frozenset(place for place in wanted if not needed[place] <= held[pk]) for pk in people}


def _met(people: Sequence[int], customers: Iterable[int]) -> dict[int, dict[int, int]]:
    """In how many of the customer's cases each of them has answered."""
    met: dict[int, dict[int, int]] = defaultdict(dict)
    said = Message.objects.filter(sent_by__in=people, case_entry__case__customer__in=set(customers))
    rows = said.values_list("sent_by", "case_entry__case__customer").annotate(Count("case_entry__case", distinct=True))
    for user, customer, cases in rows.order_by():
        met[user][customer] = cases
    return met
