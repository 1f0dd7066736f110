"""What the pane of a case says of who may send there: the policy, what is not passed yet, what waits for approval."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any

from django.db.models import Prefetch, prefetch_related_objects
from django.utils.translation import gettext_lazy as _

from cases.models import Approval, Case
from channels_app import certification
from channels_app.models import Policy
from crm.errors import Refused
from crm.web import Request


class ReplyWaitsForApproval(Refused):
    sentence = _(
        "A reply by {who} waits for approval in this case. Decide on it, or let its author withdraw it, before you"
        " resolve the case."
    )


def refuse_while_one_waits(case: Case) -> None:
    """Raises ReplyWaitsForApproval: somebody still means to say something. Asked with the case locked."""
    if waits := Approval.objects.waiting().filter(case=case).select_related("by").first():
        raise ReplyWaitsForApproval(who=waits.by)


def without(pks: Iterable[int]) -> list[int]:
    """Those of `pks` in which no reply waits. One query."""
    chosen = list(pks)
    waiting = set(Approval.objects.waiting().filter(case__in=chosen).values_list("case_id", flat=True))
    return [pk for pk in chosen if pk not in waiting]


def entries(case: Case) -> Iterator[tuple[str, datetime, Any]]:
    """Lines of the conversation, as (kind, at, record): the replies that wait."""
    for approval in _waiting(case):
        yield "approval", approval.at, approval


def _waiting(case: Case) -> list[Approval]:
    """Asked once, however many parts of a page show them."""
    waiting = Approval.objects.waiting().select_related("by", "answer_to__channel").order_by("id")
    prefetch_related_objects([case], Prefetch("approvals", waiting, to_attr="waiting_approvals"))
    found: list[Approval] = case.waiting_approvals  # type: ignore[attr-defined]
    return found


def waiting(case: Case, request: Request) -> dict[str, Any]:
    return {"approvals": _waiting(case)}


def policy(case: Case, request: Request) -> dict[str, Any]:
    """The one in force, with whether who looks has accepted it."""
    if not _sends(case):
        return {"policy": None, "policy_asked": False}
    found = Policy.objects.of(case.channel).with_accepted(request.user).first()
    return {"policy": found, "policy_asked": found is not None and not found.is_accepted}  # type: ignore[attr-defined]


def certificates(case: Case, request: Request) -> dict[str, Any]:
    """The modules who looks has not passed for this channel."""
    return {"uncertified": certification.missing(request.user, case.channel) if _sends(case) else []}


def _sends(case: Case) -> bool:
    can = case.channel.capabilities
    return can.can_reply and not can.written_by_hand


PARTS = (waiting, policy, certificates)
