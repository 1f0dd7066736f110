"""Who is certified for what: the one definition that a person's own page, the board of all and its export share."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import models
from django.db.models import F
from django.http import QueryDict
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from channels_app.certification import RENEWED_FROM, renewable
from channels_app.models import Attempt, Module
from crm import exporting
from crm.models import User
from crm.web import keyset_page

KEY = ("first_name", "last_name", "id")
SIZE = 50


class Standing(models.TextChoices):
    """`AT_RISK`: valid, and ends within 30 days. `FAILED`: tried, never passed."""

    CERTIFIED = "certified", gettext_lazy("Certified")
    AT_RISK = "at_risk", gettext_lazy("Ends soon")
    RUN_OUT = "run_out", gettext_lazy("Ran out")
    FAILED = "failed", gettext_lazy("Not passed yet")
    MISSING = "missing", gettext_lazy("Not begun")


@dataclass(frozen=True)
class Held:
    """What one person has of one module. `best` is the certificate that lasts longest, else the last try."""

    module: Module
    best: Attempt | None
    standing: Standing

    @property
    def is_valid(self) -> bool:
        return self.standing in (Standing.CERTIFIED, Standing.AT_RISK)

    @property
    def until(self) -> datetime | None:
        return self.best.expires_at if self.best else None

    @property
    def may_take(self) -> bool:
        """Not yet passed, run out, or near its end."""
        return self.standing != Standing.CERTIFIED

    @property
    def renewed_from(self) -> datetime | None:
        return self.until - RENEWED_FROM if self.until else None


def held(module: Module, best: Attempt | None, now: datetime | None = None) -> Held:
    return Held(module, best, _standing(best, now or timezone.now()))


def _standing(best: Attempt | None, now: datetime) -> Standing:
    if best is None:
        return Standing.MISSING
    if best.expires_at is None:
        return Standing.FAILED
    if best.expires_at <= now:
        return Standing.RUN_OUT
    return Standing.AT_RISK if renewable(best.expires_at, now) else Standing.CERTIFIED


def one(user: User, module: Module) -> Held:
    return held(module, _best([user], [module]).get((user.pk, module.pk)))


def of(user: User) -> list[Held]:
    """Each module in force, as this person stands with it. Two queries."""
    modules = list(Module.objects.in_force())
    best = _best([user], modules)
    return [held(module, best.get((user.pk, module.pk))) for module in modules]


def _best(people: Iterable[User], modules: Iterable[Module]) -> dict[tuple[int, int], Attempt]:
    """(user, module) → the certificate that lasts longest, else the last try. One query."""
    found = Attempt.objects.filter(user__in=list(people), module__in=list(modules))
    whose = ("user_id", "module_id")
    longest = found.order_by(*whose, F("expires_at").desc(nulls_last=True), "-at").distinct(*whose)
    return {(attempt.user_id, attempt.module_id): attempt for attempt in longest}


@dataclass(frozen=True)
class Board:
    """People by modules, a page of people. `team` is the one chosen, 0 for all."""

    modules: Sequence[Module]
    rows: list[tuple[User, list[Held]]]
    next_query: str
    team: int


def board(query: QueryDict) -> Board:
    """A fixed number of queries, however many people."""
    team, modules = _team(query), list(Module.objects.in_force())
    page = keyset_page(_people(team), query, key=KEY, size=SIZE)
    return Board(modules, _rows(page.rows, modules), page.next_query, team)


def _team(query: QueryDict) -> int:
    chosen = query.get("team", "")
    return int(chosen) if chosen.isascii() and chosen.isdecimal() and len(chosen) < 10 else 0


def _people(team: int) -> models.QuerySet[User]:
    """Those who may answer customers."""
    people: models.QuerySet[User] = User.objects.who_answer()
    return people.filter(memberships__team=team) if team else people


def _rows(people: Sequence[User], modules: Sequence[Module]) -> list[tuple[User, list[Held]]]:
    best, now = _best(people, modules), timezone.now()
    return [(person, [held(m, best.get((person.pk, m.pk)), now) for m in modules]) for person in people]


def table(query: QueryDict) -> tuple[list[str], Iterator[list[Any]]]:
    """The board as a file: a line for each person and module, so that it can be counted and sorted."""
    return [_("person"), _("user name"), _("module"), _("network"), _("state"), _("valid until")], _lines(query)


def _lines(query: QueryDict) -> Iterator[list[Any]]:
    modules = list(Module.objects.in_force())
    block: list[User] = []
    for person in exporting.every(_people(_team(query)), key=KEY):
        block.append(person)
        if len(block) == SIZE:
            yield from _cells(block, modules)
            block = []
    yield from _cells(block, modules)


def _cells(people: Sequence[User], modules: Sequence[Module]) -> Iterator[list[Any]]:
    for person, row in _rows(people, modules):
        for each in row:
            until = each.until if each.is_valid or each.standing == Standing.RUN_OUT else None
            yield [str(person), person.username, each.module.name, each.module.place, each.standing.label, until]
