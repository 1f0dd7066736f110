"""What the page of a plan shows of an improvement: who asked on the phone, who was told, and whether it helped."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.conf import settings

from channels_app import live
from crm.models import User
from crm.web import Request
from surveys import mentions
from surveys.forms.outreach.improvements import ShipForm
from surveys.forms.verbatims import EndForm
from surveys.models import ActionPlan, Answer, GroupRequest, Told
from surveys.outreach import shipping

CALLS = 10


def numbers(plan: int) -> dict[str, int]:
    """To be asked for before what they number is read."""
    return live.numbers([f"plan:{plan}"])


def context(request: Request, plan: ActionPlan, form: EndForm) -> dict[str, Any]:
    """A fixed number of queries. `calls` are the latest; all of them stand on a page of their own."""
    found = mentions.of(plan)
    about: dict[str, Any] = {
        "may_move": ActionPlan.objects.movable_by(request.user).filter(pk=plan.pk).exists(),
        "mentions": found, "bars": mentions.bars(found) if found else [], "house_zone": settings.TIME_ZONE,
    }  # fmt: skip
    if plan.group_id is None:
        return about
    latest = calls_of(plan).order_by("-asked_at", "-pk")[: CALLS + 1]
    asked = with_told(plan, latest, request.user)
    return about | telling(plan) | {
        "calls": asked[:CALLS], "more_calls": len(asked) > CALLS, "ship_form": _ship_form(form, plan),
    }  # fmt: skip


def telling(plan: ActionPlan) -> dict[str, Any]:
    """How far it is with telling them, which moves by itself."""
    return {"progress": shipping.progress(plan)}


def calls_of(plan: ActionPlan) -> Any:
    """What was asked on the phone and is answered with this plan."""
    asked = GroupRequest.objects.filter(answer__plan=plan)
    return asked.select_related("customer", "attempt__call", "attempt__by", "hashtag")


def with_told(plan: ActionPlan, requests: Iterable[GroupRequest], user: User) -> list[GroupRequest]:
    """Each with how its customer is told, as `told`, and whether this person `opens` it. Two queries more."""
    found = list(requests)
    seen = GroupRequest.objects.visible_to(user).filter(pk__in=[each.pk for each in found])
    open_to = set(seen.values_list("pk", flat=True))
    told = _told(plan, [each.customer_id for each in found])
    for each in found:
        each.told, each.opens = told.get(each.customer_id), each.pk in open_to  # type: ignore[attr-defined]
    return found


def comments_with_told(plan: ActionPlan, comments: Iterable[Answer]) -> None:
    """Each with how its customer is told, as `told`. One query; none for a plan of no group."""
    whose = {comment.pk: comment.response.invitation.customer_id for comment in comments if plan.group_id}
    told = _told(plan, whose.values()) if whose else {}
    for comment in comments:
        comment.told = told.get(whose.get(comment.pk, 0))  # type: ignore[attr-defined]


def _told(plan: ActionPlan, customers: Iterable[int]) -> dict[int, Told]:
    return {row.customer_id: row for row in Told.objects.filter(plan=plan, customer__in=list(customers))}


def _ship_form(form: EndForm, plan: ActionPlan) -> ShipForm:
    """Where the other way to end it was refused, its words and the refusal stay."""
    if isinstance(form, ShipForm):
        return form
    made = ShipForm(form.data if form.errors else None, initial={"outcome": plan.outcome})
    for said in form.errors.get("outcome", []):
        if not made.has_error("outcome"):
            made.add_error("outcome", said)
    return made
