"""What rules do to cases: on the cases as they are in memory, then written down for all of them at once."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from cases import rules
from cases.models import Case, Priority, Rule, RuleRun
from crm import notices
from crm.models import Activity, Notice, User


@dataclass(frozen=True)
class Effect:
    """One rule has acted on one case: what it did, in words, "" where nothing was left to do; and whom it tells."""

    rule: Rule
    case: Case
    event: str
    occasion: str
    done: str
    told: tuple[User, ...] = ()
    skilled: bool = True  # the skills it asks for are to be put down


def act(case: Case, acting: Iterable[Rule], event: str, occasion: str) -> Iterator[Effect]:
    """Do what `acting` say to `case`, which is locked and not yet saved. A resolved case is not changed any more.

    The first team named gets it; it may get more urgent, never less; points come once per case.
    """
    moved = False
    for rule in acting:
        told = _told(rule, case)
        done: list[str] = []
        if case.is_unresolved:
            done = [*_move(case, rule, moved), *_raise(case, rule), *_points(case, rule), *_skills(rule)]
            moved = moved or rule.team_id is not None
        yield Effect(rule, case, event, occasion, _listed([*done, *_telling(told)]), told, case.is_unresolved)


def placed(case: Case, acted: Iterable[Rule], *, first: bool) -> Iterator[Effect]:
    """What message rules did to a case that routing has placed: `first`, or once more. Each once per case."""
    for rule in acted:
        told = _told(rule, case)
        done = _listed([*_placing(rule, case, first), *_telling(told)])
        yield Effect(rule, case, Rule.Event.MESSAGE, "message", done, told)


def acted_on(cases: Iterable[Case]) -> dict[tuple[int, int], set[int]]:
    """The message rules that have acted on these cases, by customer and thread."""
    ran = RuleRun.objects.filter(case__in=list(cases), occasion="message")
    acted: dict[tuple[int, int], set[int]] = {}
    for customer, thread, rule in ran.values_list("case__customer_id", "case__thread_id", "rule_id"):
        acted.setdefault((customer, thread), set()).add(rule)
    return acted


def _placing(rule: Rule, case: Case, first: bool) -> Iterator[str]:
    if rule.team and first and rule.team_id == case.team_id:
        yield _("to %(team)s") % {"team": rule.team}
    if rule.priority and rule.pk == case.rule_id:
        yield _("priority %(priority)s") % {"priority": Priority(rule.priority).label.lower()}
    if rule.points:
        yield points_in_words(rule.points)
    yield from _skills(rule)


def points_in_words(points: int) -> str:
    return ngettext("%(n)s point", "%(n)s points", abs(points)) % {"n": f"{points:+d}".replace("-", "−")}


def _move(case: Case, rule: Rule, moved: bool) -> Iterator[str]:
    if rule.team_id and not moved and rule.team_id != case.team_id:
        case.team = rule.team  # type: ignore[assignment]
        yield _("to %(team)s") % {"team": rule.team}


def _raise(case: Case, rule: Rule) -> Iterator[str]:
    if rule.priority and rule.priority < case.priority:
        case.priority, case.rule = rule.priority, rule
        yield _("now %(priority)s") % {"priority": Priority(rule.priority).label.lower()}


def _points(case: Case, rule: Rule) -> Iterator[str]:
    if add_points(case, [rule]):
        yield points_in_words(rule.points)


def add_points(case: Case, acted: Iterable[Rule]) -> bool:
    """Put down the points of those that have not given theirs to this case. True where there were any. Not saved."""
    before = len(case.reasons)
    case.reasons = rules.with_points(case.reasons, acted)
    case.extra_points = rules.total(case.reasons)
    return len(case.reasons) > before


def _skills(rule: Rule) -> Iterator[str]:
    if names := [skill.name for skill in rule.skills.all()]:
        yield _("needs %(skills)s") % {"skills": ", ".join(names)}


def _told(rule: Rule, case: Case) -> tuple[User, ...]:
    people = [*rule.notify.all(), *([case.owner] if rule.notify_owner and case.owner else [])]
    return tuple({person.pk: person for person in people if person.is_active}.values())


def _telling(told: tuple[User, ...]) -> Iterator[str]:
    if told:
        yield _("told %(people)s") % {"people": ", ".join(map(str, told))}


def _listed(parts: Iterable[str]) -> str:
    words = ", ".join(parts)
    return words if len(words) <= 300 else words[:299] + "…"


# --- for all at once


def write(effects: list[Effect], *, logged: bool = True) -> None:
    """Runs, skills, notices and the log: as many queries for one case as for five hundred."""
    if not effects:
        return
    RuleRun.objects.bulk_create([_run(effect) for effect in effects], ignore_conflicts=True)
    _write_skills(effects)
    notices.tell_each([word for effect in effects for word in _words(effect)])
    if logged:
        Activity.objects.bulk_create([_line(effect) for effect in effects if effect.done])


def _run(effect: Effect) -> RuleRun:
    return RuleRun(
        rule=effect.rule, case=effect.case, event=effect.event, occasion=effect.occasion,
        done=effect.done or _("nothing was left to do"),
    )  # fmt: skip


def _write_skills(effects: Iterable[Effect]) -> None:
    needs: Any = Case.skills.through
    asked = [
        needs(case_id=effect.case.pk, skill_id=skill.pk)
        for effect in effects
        if effect.skilled
        for skill in effect.rule.skills.all()
    ]
    needs.objects.bulk_create(asked, ignore_conflicts=True)


def _words(effect: Effect) -> Iterator[notices.Word]:
    """Without a word of the customer's: they stand in other places than the case."""
    text = _("Rule “%(rule)s”: case #%(case)s") % {"rule": effect.rule, "case": effect.case.pk}
    url = reverse("cases:case", args=[effect.case.pk])
    for person in effect.told:
        yield notices.Word(person.pk, Notice.Kind.RULE, text, url, effect.case)


def _line(effect: Effect) -> Activity:
    detail = _("Rule “%(rule)s”: %(done)s") % {"rule": effect.rule, "done": effect.done}
    return Activity(verb="changed by a rule", subject_kind="cases.case", subject_id=effect.case.pk, detail=detail[:500])
