"""What a case shows of its story: the hand-over that waits, what was promised, what colleagues were asked."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from django.db.models import Prefetch, prefetch_related_objects

from cases.forms.story import AskForm, CommitmentForm
from cases.models import Case, GroupQuestion, HandOver
from crm.models import SupportGroup
from crm.web import Request

TOLD = {"taken over", "question asked", "question answered"}  # lines of the log that an entry of their own tells better


def fetched(case: Case) -> Case:
    """With its hand-overs and questions, asked once however many parts of a page show them. Two queries."""
    handovers = Prefetch("handovers", HandOver.objects.with_people())
    prefetch_related_objects([case], handovers, Prefetch("questions", GroupQuestion.objects.with_people()))
    return case


def entries(case: Case) -> Iterator[tuple[str, datetime, Any]]:
    """Its lines in the conversation, as (kind, at, record): "handover", "question", "answer"."""
    fetched(case)
    for given in case.handovers.all():
        if given.state == HandOver.State.ACCEPTED and given.decided_at:
            yield "handover", given.decided_at, given
    for question in case.questions.all():
        yield "question", question.at, question
        if question.answered_at:
            yield "answer", question.answered_at, question


def handing(case: Case, request: Request) -> dict[str, Any]:
    """The pending hand-over, and what who looks may do with it. `given_last`: the newest one that was returned."""
    given = list(fetched(case).handovers.all())
    pending = next((each for each in given if each.is_pending), None)
    user = request.user
    owns = user.pk == case.owner_id
    returned = given[-1] if given and given[-1].state == HandOver.State.RETURNED and owns else None
    if pending is None:
        return {"handover": None, "returned": returned, "may_hand_over": _may(case, request)}
    mine = pending.to_id == user.pk or (pending.to_id is None and pending.team_id in user.team_ids)
    return {
        "handover": pending,
        "may_accept": mine and pending.by_id != user.pk and not owns and case.is_unresolved,
        "may_withdraw": owns or pending.by_id == user.pk or user.leads,
        "may_hand_over": False,
    }


def _may(case: Case, request: Request) -> bool:
    return case.is_unresolved and case.owner_id is not None and (case.owner_id == request.user.pk or request.user.leads)


def promised(case: Case, request: Request) -> dict[str, Any]:
    """What stands first, in the order in which it is due; then what was kept or dropped."""
    found = list(case.commitments.select_related("by", "ended_by"))
    form = CommitmentForm(auto_id="commit_%s")
    return {"commitments": sorted(found, key=lambda each: not each.stands), "commit_form": form}


def asked(case: Case, request: Request) -> dict[str, Any]:
    """The questions, newest first; and the groups there are to ask."""
    groups = list(SupportGroup.objects.in_use()) if case.is_unresolved else []
    return {
        "questions": list(fetched(case).questions.all())[::-1],
        "groups": groups,
        "ask_form": AskForm(auto_id="ask_%s", groups=groups),
    }


PARTS = (handing, promised, asked)
