"""Action plans: what we do about what customers said. An owner, a date, a state, and the comments behind it.

A plan is open, under way, done or dropped. How it ended is told to those who asked for it (`surveys.thanks`), so that
no plan ends without words. Leads make plans and say which comments stand behind them; an owner moves their own.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from typing import Any

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from cases.models import Cause
from crm import notices
from crm.errors import Refused
from crm.models import Notice, SupportGroup, User
from crm.models.activity import log
from surveys.models import ActionPlan, Answer, PlanAnswer

State = ActionPlan.State
MOST = 500  # comments put behind a plan at once
KIND = Notice.Kind.PLAN


class PlanRefused(Refused):
    field = "outcome"  # what it stands beside in a form


class NoOutcome(PlanRefused):
    sentence = gettext_lazy("Say what came of it: customers who asked for it are told.")


class HasEnded(PlanRefused):
    sentence = gettext_lazy("“{plan}” has ended: {state}. Take it up again first.")


class HasNotEnded(PlanRefused):
    sentence = gettext_lazy("“{plan}” has not ended: {state}.")


class OwnerIsGone(PlanRefused):
    sentence = gettext_lazy("{owner} no longer works here. Choose somebody else.")
    field = "owner"


class NoComments(PlanRefused):
    sentence = gettext_lazy("Choose the comments first.")


class TooMany(PlanRefused):
    sentence = gettext_lazy("Choose {most} comments at most; these are {n}.")


@transaction.atomic
def start(
    *, title: str, owner: User, due_on: date, by: User | None, detail: str = "", topic: str = "",
    cause: Cause | None = None, answers: Iterable[Answer] = (), group: SupportGroup | None = None,
) -> ActionPlan:  # fmt: skip
    """A new plan, with the comments that asked for it; an improvement, where a group makes it. Its owner is told."""
    _works_here(owner)
    plan = ActionPlan.objects.create(
        title=title, detail=detail, topic=topic, cause=cause, group=group, owner=owner, due_on=due_on, made_by=by
    )
    log("started", plan, by=by)
    if answers := list(answers):
        link(plan=plan, answers=answers, by=by)
    _tell(owner, plan, _("A new action plan is yours: #%(pk)d, due %(due)s.") % _facts(plan), by)
    return plan


@transaction.atomic
def change(
    *, plan: ActionPlan, title: str, owner: User, due_on: date, by: User, detail: str = "", topic: str = "",
    cause: Cause | None = None,
) -> ActionPlan:  # fmt: skip
    """What it says, whose it is and until when. Who gets it, and who had it, is told."""
    found = held(plan)
    if owner != found.owner:
        _works_here(owner)
    before = found.owner
    wanted = {
        "title": title, "detail": detail, "topic": topic, "cause": cause, "owner": owner, "due_on": due_on,
    }  # fmt: skip
    changed = [name for name, value in wanted.items() if getattr(found, name) != value]
    for name in changed:
        setattr(found, name, wanted[name])
    if changed:
        found.save(update_fields=changed)
        log("changed", found, by=by, detail=", ".join(changed))
        _tell_of_change(found, before, changed, by)
    return found


def _tell_of_change(plan: ActionPlan, before: User, changed: list[str], by: User) -> None:
    if "owner" in changed:
        _tell(before, plan, _("Action plan #%(pk)d is now with somebody else.") % _facts(plan), by)
        _tell(plan.owner, plan, _("Action plan #%(pk)d is yours now, due %(due)s.") % _facts(plan), by)
    elif "due_on" in changed:
        _tell(plan.owner, plan, _("Your action plan #%(pk)d is now due %(due)s.") % _facts(plan), by)


# --- moved: each one conditional UPDATE


@transaction.atomic
def begin(*, plan: ActionPlan, by: User) -> ActionPlan:
    """It is under way."""
    _move(plan, ActionPlan.OPEN, state=State.DOING)
    return _moved(plan, "begun", by)


@transaction.atomic
def done(*, plan: ActionPlan, outcome: str, by: User, shipped_on: date | None = None) -> ActionPlan:
    """It is done, and this changed, today or on that day: those who asked for it read these words."""
    return _end(plan, State.DONE, outcome, by, shipped_on=shipped_on or timezone.localdate())


@transaction.atomic
def drop(*, plan: ActionPlan, outcome: str, by: User) -> ActionPlan:
    """It is not going to be done, and why."""
    return _end(plan, State.DROPPED, outcome, by)


def _end(plan: ActionPlan, state: str, outcome: str, by: User, **more: Any) -> ActionPlan:
    if not outcome.strip():
        raise NoOutcome
    _move(plan, ActionPlan.OPEN, state=state, outcome=outcome.strip(), ended_at=timezone.now(), **more)
    return _moved(plan, str(state), by)


@transaction.atomic
def reopen(*, plan: ActionPlan, by: User, state: str = State.DOING) -> ActionPlan:
    """Take up again what has ended; its words stay, as a beginning. `state`: open or under way.

    Who was told already stays told; nobody else is, until it is done again.
    """
    _move(plan, (State.DONE, State.DROPPED), state=state, ended_at=None, shipped_on=None, told_at=None)
    return _moved(plan, "taken up again", by)


@transaction.atomic
def pause(*, plan: ActionPlan, by: User) -> ActionPlan:
    """Undo of `begin`: it is open again."""
    _move(plan, ActionPlan.OPEN, state=State.OPEN)
    return _moved(plan, "put back", by)


def _move(plan: ActionPlan, only: Iterable[str], **into: Any) -> None:
    """One conditional UPDATE; who comes too late is told how it stands."""
    if ActionPlan.objects.filter(pk=plan.pk, state__in=list(only)).update(**into):
        return
    plan.refresh_from_db()
    refusal = HasNotEnded if plan.is_open else HasEnded
    raise refusal(plan=plan, state=plan.get_state_display())


def _moved(plan: ActionPlan, verb: str, by: User) -> ActionPlan:
    plan.refresh_from_db()
    log(verb, plan, by=by)
    said = _("Action plan #%(pk)d: %(state)s.") % (_facts(plan) | {"state": plan.get_state_display()})
    _tell(plan.owner, plan, said, by)
    return plan


# --- who asked for it


@transaction.atomic
def link(*, plan: ActionPlan, answers: Iterable[Answer], by: User | None) -> list[PlanAnswer]:
    """Put these comments behind it: three queries, however many. Returns those that were not behind it already."""
    pks = {answer.pk for answer in answers}
    if not pks:
        raise NoComments
    if len(pks) > MOST:
        raise TooMany(most=MOST, n=len(pks))
    found = held(plan)
    there = PlanAnswer.objects.filter(plan=found, answer__in=pks).values_list("answer", flat=True)
    new = [PlanAnswer(plan=found, answer_id=pk, by=by) for pk in sorted(pks - set(there))]
    if new:
        PlanAnswer.objects.bulk_create(new)
        log("asked for", found, by=by, detail=f"{len(new)} comments")
    return new


@transaction.atomic
def unlink(*, plan: ActionPlan, answers: Iterable[Answer | int], by: User) -> int:
    """Take these comments from behind it. Returns how many there were."""
    pks = [answer if isinstance(answer, int) else answer.pk for answer in answers]
    gone, _each = PlanAnswer.objects.filter(plan=plan, answer__in=pks).delete()
    if gone:
        log("no longer asked for", plan, by=by, detail=f"{gone} comments")
    return gone


# --- shared


def held(plan: ActionPlan) -> ActionPlan:
    """Under its lock."""
    return ActionPlan.objects.select_for_update(of=("self",)).select_related("owner", "cause").get(pk=plan.pk)


def _works_here(owner: User) -> None:
    if not owner.is_active:
        raise OwnerIsGone(owner=owner)


def _facts(plan: ActionPlan) -> dict[str, object]:
    return {"pk": plan.pk, "due": f"{plan.due_on:%Y-%m-%d}"}


def _tell(who: User, plan: ActionPlan, text: str, by: User | None) -> None:
    notices.tell([who], KIND, text, url=plan.get_absolute_url(), about=plan, by=by)
