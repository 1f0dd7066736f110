"""Improvements: the plans of groups. A change a group promises makes or joins one, and gathers who asked for it."""

from __future__ import annotations

from collections.abc import Collection
from datetime import date

from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _

from crm.errors import Refused
from crm.models import SupportGroup, User
from surveys import plans
from surveys.models import ActionPlan, Answer, GroupRequest

TITLE: int = ActionPlan._meta.get_field("title").max_length or 0


class NotTheirPlan(Refused):
    sentence = _("“{plan}” is not an open plan of {group}. Choose another, or none, so that a new one is made.")


def open_of(group: SupportGroup) -> QuerySet[ActionPlan]:
    """What a further change may join."""
    return ActionPlan.objects.filter(group=group, state__in=ActionPlan.OPEN)


def gather(
    *, group: SupportGroup, requests: Collection[GroupRequest], text: str, change_from: date, by: User,
    plan: ActionPlan | None = None,
) -> ActionPlan:  # fmt: skip
    """The plan behind a change, with the comments of the customers who asked for it, where there are any.

    A new one says what the group answers, is due on the day of the change and is whoever's answers for the group.
    """
    found = _joined(plan, group) if plan else _made(group, text, change_from, by)
    comments = list(comments_of(requests))
    for start in range(0, len(comments), plans.MOST):
        plans.link(plan=found, answers=comments[start : start + plans.MOST], by=by)
    return found


def comments_of(requests: Collection[GroupRequest]) -> QuerySet[Answer]:
    """What the customers of these requests wrote in the surveys that led to the calls."""
    loops = {request.loop_id for request in requests}
    return Answer.objects.verbatims().filter(response__follow_ups__call__loop__in=loops).distinct().order_by("pk")


def _joined(plan: ActionPlan, group: SupportGroup) -> ActionPlan:
    """Under its lock, so that it does not end while somebody joins it."""
    found = open_of(group).select_for_update(of=("self",)).filter(pk=plan.pk).first()
    if found is None:
        raise NotTheirPlan(plan=plan, group=group)
    return found


def _made(group: SupportGroup, text: str, change_from: date, by: User) -> ActionPlan:
    owner = group.owner if group.owner and group.owner.is_active else by
    return plans.start(title=_title(text), detail=text, owner=owner, due_on=change_from, by=by, group=group)


def _title(text: str) -> str:
    """Its first line, cut at a word where it is long."""
    line = text.strip().splitlines()[0].strip()
    return line if len(line) <= TITLE else line[: TITLE - 1].rsplit(" ", 1)[0].rstrip(" ,;:") + "…"
