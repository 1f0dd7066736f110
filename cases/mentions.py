"""@ana and @travel-care in a note: whom it concerns hears of it, if they may see the case."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.db.models import IntegerField, Q, QuerySet, Value
from django.db.models.functions import Lower
from django.utils.text import slugify
from django.utils.translation import gettext as _

from cases.models import Case, Note
from crm import notices
from crm.models import Notice, Team, User
from crm.models.staff import LEADING_ROLES

NAME = re.compile(r"(?<![\w@.])@(\w[\w.+-]*)")
MOST = 20  # names that are looked up in one note


@dataclass(frozen=True)
class Mentioned:
    """Whom a note calls: by name, and by their team; and who of them may not see the case."""

    people: Sequence[User] = ()
    teams: Sequence[Team] = ()
    members: dict[int, list[User]] = field(default_factory=dict)  # by team
    seeing: frozenset[int] = frozenset()

    def blind(self) -> list[str]:
        """Who is called in vain, as sentences for the writer."""
        gone = [_("%(who)s cannot see this case.") % {"who": who} for who in self.people if who.pk not in self.seeing]
        return gone + [
            _("Nobody of %(team)s can see this case.") % {"team": team}
            for team in self.teams if not any(who.pk in self.seeing for who in self.members[team.pk])
        ]  # fmt: skip


def names_in(text: str) -> list[str]:
    """What stands after an @ at the beginning of a word, in small letters, less a full stop behind it."""
    found = (name.rstrip(".+-").lower() for name in NAME.findall(text))
    return list(dict.fromkeys(name for name in found if name))[:MOST]


def slug(team: Team) -> str:
    return slugify(team.name)


def of(case: Case, text: str) -> Mentioned:
    """Four queries; none where nobody is named."""
    names = names_in(text)
    if not names:
        return Mentioned()
    active = User.objects.filter(is_active=True)
    people = list(active.annotate(name=Lower("username")).filter(name__in=names).order_by("pk"))
    teams = [team for team in Team.objects.in_use() if slug(team) in names]
    members = _members(teams)
    everybody = {who.pk: who for who in (*people, *(who for each in members.values() for who in each))}
    return Mentioned(people, teams, members, _seeing(case, everybody.values()))


def _members(teams: Iterable[Team]) -> dict[int, list[User]]:
    members: dict[int, list[User]] = {team.pk: [] for team in teams}
    if members:
        found = User.objects.filter(is_active=True, memberships__team__in=members).distinct()
        for who in found.prefetch_related("memberships").order_by("pk"):
            who.team_ids = [membership.team_id for membership in who.memberships.all()]
            for team in set(who.team_ids) & set(members):
                members[team].append(who)
    return members


def _seeing(case: Case, people: Iterable[User]) -> frozenset[int]:
    """Asked with the one question that pages ask, for all of them at once."""
    asked = [
        Case.objects.visible_to(who).filter(pk=case.pk).order_by().annotate(who=Value(who.pk, IntegerField()))
        for who in people
    ]
    answers: list[QuerySet[Any]] = [each.values_list("who", flat=True) for each in asked]
    return frozenset(answers[0].union(*answers[1:], all=True)) if answers else frozenset()


def tell(*, note: Note, by: User) -> None:
    """Whoever is named in it and may see its case hears of it, once."""
    case = note.case
    found = of(case, note.text)
    told = {who.pk: _("%(by)s mentions you in a note to case #%(case)d.") for who in found.people}
    for team in found.teams:
        for who in found.members[team.pk]:
            told.setdefault(who.pk, _("%(by)s mentions your team in a note to case #%(case)d."))
    facts = {"by": by, "case": case.pk}
    words = [
        notices.Word(pk, Notice.Kind.MENTION, text % facts, case.get_absolute_url(), case)
        for pk, text in told.items() if pk in found.seeing
    ]  # fmt: skip
    notices.tell_each(words, by=by)


def those_who_see(case: Case) -> tuple[list[User], list[Team]]:
    """Whom to offer while somebody writes: who may see the case, the teams they are of. Three queries."""
    care = Q(role__in=LEADING_ROLES) | Q(memberships__team=case.team_id) | Q(pk=case.owner_id or 0)
    people = User.objects.who_answer().filter(care).distinct().order_by("first_name", "username")
    return list(people), list(Team.objects.in_use().filter(Q(pk=case.team_id) | Q(members__in=people)).distinct())
