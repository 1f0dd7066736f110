"""Whose turn it is in a case that got, or lost, part of what was said."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from cases import rules
from cases.models import Case
from cases.models.states import NEEDS_US, State
from cases.models.wants import Wants


def stand_for(case: Case, other: Case) -> None:
    """`case` stands for `other` as well: what is unanswered in either needs us. It keeps its subject. Not saved."""
    both = (case, other)
    earlier, later = sorted((other, case), key=lambda each: each.last_message_at)
    waiting = [each.waiting_since for each in both if each.needs_us]
    state, until = _state(both)
    case.owner_id = case.owner_id or other.owner_id
    case.state, case.snoozed_until = _owned(state, case.owner_id), until
    case.waiting_since = min(waiting) if waiting else later.waiting_since
    Wants.of(earlier).then(Wants.of(later)).put(case)
    case.last_message_at, case.sentiment = later.last_message_at, later.sentiment
    case.opened_at = min(case.opened_at, other.opened_at)
    case.first_answered_at = min((at for each in both if (at := each.first_answered_at)), default=None)
    case.reasons = _reasons(case, other)
    case.extra_points = rules.total(case.reasons)
    if other.priority < case.priority:
        case.priority, case.rule_id = other.priority, other.rule_id


def _reasons(case: Case, other: Case) -> list[dict[str, Any]]:
    """Each rule gives its points once."""
    given = {reason.get("rule") for reason in case.reasons}
    return [*case.reasons, *(reason for reason in other.reasons if reason.get("rule") not in given)]


def _state(cases: tuple[Case, Case]) -> tuple[State, datetime | None]:
    states = {case.state for case in cases}
    if states & set(NEEDS_US):
        return State.OPEN, None
    if State.SNOOZED in states:
        return State.SNOOZED, min(case.snoozed_until for case in cases if case.snoozed_until)
    return (State.WAITING if State.WAITING in states else State.ASIDE), None


def _owned(state: State, owner: int | None) -> State:
    return State.NEW if state == State.OPEN and not owner else state


def turn_of(case: Case) -> None:
    """Whose turn it is, from what stands in the case now. Snoozed, set aside and closed cases stay so. Not saved."""
    said = Case.objects.filter(pk=case.pk).as_said().get()
    spoken = case.entries.select_related("message").order_by("-message__occurred_at", "-message__id")
    if last := spoken.first():
        case.last_message_at = last.message.occurred_at
    case.sentiment = said.mood or case.sentiment
    Wants.heard_in(said).put(case)
    if case.state not in (*NEEDS_US, State.WAITING):
        return
    if said.unanswered_since:
        case.state = _owned(State.OPEN, case.owner_id)
        case.waiting_since = said.unanswered_since
    else:
        case.state, case.waiting_since = State.WAITING, case.last_message_at
