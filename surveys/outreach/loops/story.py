"""What happened in one loop, in order of time."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.utils.translation import gettext as _

from channels_app import live
from crm.models import User
from surveys.models import ActionPlan, Attempt, Call, FollowUp, GroupRequest, Loop, Response, Told
from surveys.outreach.loops.steps import Step, calls_in

ICONS = {
    Step.ANSWERED: "chat-bubble-bottom-center-text", Step.CALLED: "phone", Step.ASKED: "hashtag",
    Step.GIVEN: "user-group", Step.TOLD: "megaphone",
}  # fmt: skip


@dataclass(frozen=True)
class Dated:
    """One thing that happened in a loop: at which step, when, what in words, and the row it is.

    `words` are somebody's own; `called` is the name of what is no step of its own; `open` where the reader may see it.
    """

    step: Step
    at: datetime
    what: str
    row: Response | Call | GroupRequest | ActionPlan
    words: str = ""
    called: str = ""
    open: bool = False

    @property
    def name(self) -> str:
        return self.called or str(self.step.label)

    @property
    def icon(self) -> str:
        return ICONS[self.step]

    @property
    def url(self) -> str:
        return self.row.get_absolute_url() if self.open else ""


def story(loop: Loop, *, reader: User | None = None) -> list[Dated]:
    """All of it, in order of time. Five queries; of a reader, who is led to what they may see, up to nine."""
    told = sorted(_dated(loop), key=lambda each: (each.at, list(Step).index(each.step)))
    return told if reader is None else list(_opened(told, reader))


def _dated(loop: Loop) -> Iterator[Dated]:
    owed = FollowUp.objects.filter(call__loop=loop, step=FollowUp.Step.THANK).select_related("response")
    for follow_up in owed:
        yield _answered(follow_up.response)
    for call in calls_in([loop.pk]).select_related("owner").prefetch_related("attempts__by"):
        yield from _called(call)
    for request in loop.requests.select_related("group", "hashtag", "attempt__by", "answer__group", "answer__plan"):
        yield from _asked(request)
    yield from _written(loop)


def _answered(response: Response) -> Dated:
    score = "–" if response.score is None else response.score
    at = response.finished_at or response.started_at
    return Dated(Step.ANSWERED, at, _("Score {score}").format(score=score), response)


def _called(call: Call) -> Iterator[Dated]:
    step = Step.TOLD if call.kind == Call.Kind.SECOND else Step.CALLED
    for attempt in call.attempts.all():
        said = _("{who}: {outcome}").format(who=attempt.by, outcome=attempt.get_outcome_display())
        tried = "" if attempt.outcome == Attempt.Outcome.REACHED else _("Tried to call")
        yield Dated(step, attempt.at, said, call, called=tried)
    if call.ended_at and call.state == Call.State.WRITTEN:
        yield Dated(step, call.ended_at, _("Written to instead of called"), call)
    elif call.ended_at and call.state == Call.State.CANCELLED:
        yield Dated(step, call.ended_at, call.reason, call, called=_("Call cancelled"))


def _asked(request: GroupRequest) -> Iterator[Dated]:
    asked = _("{who} asked {group}: {tag}").format(who=request.attempt.by, group=request.group, tag=request.hashtag)
    yield Dated(Step.ASKED, request.asked_at, asked, request, request.quote)
    if request.withdrawn_at:
        taken = _("{group} was asked no more").format(group=request.group)
        yield Dated(Step.ASKED, request.withdrawn_at, taken, request, called=_("Withdrawn"))
    if answer := request.answer:
        given = _("{group}: {kind}").format(group=request.group, kind=answer.get_kind_display())
        yield Dated(Step.GIVEN, answer.at, given, request, answer.text)
        plan = answer.plan
        if plan and plan.state == ActionPlan.State.DONE and plan.ended_at:
            yield Dated(Step.GIVEN, plan.ended_at, plan.title, plan, plan.outcome, called=_("It has changed"))


def _written(loop: Loop) -> Iterator[Dated]:
    """That what they asked for has come, where they were told so in writing: what is told in a call is that call."""
    told = Told.objects.filter(customer=loop.customer_id, how=Told.How.WRITTEN, at__isnull=False)
    for each in told.filter(plan__group_answers__requests__loop=loop).distinct().select_related("plan"):
        if each.at:
            yield Dated(Step.TOLD, each.at, each.plan.title, each.plan, called=_("Told in writing"))


def people(told: Iterable[Dated]) -> list[tuple[str, str]]:
    """Who takes part, each once: a name, and as what. Of a story, without a further query."""
    found: dict[tuple[str, str], None] = {}
    for row in (each.row for each in told):
        if isinstance(row, Call):
            found |= {(str(who), _("calls")): None for who in [row.owner, *(a.by for a in row.attempts.all())] if who}
        elif isinstance(row, GroupRequest):
            found[str(row.group), _("answers")] = None
    return list(found)


def streams(loop: int, *, reader: User) -> list[str]:
    """What a page of it follows: whatever of it this person may see. Two queries."""
    calls = calls_in([loop]).visible_to(reader).order_by("pk").values_list("pk", flat=True)
    requests = GroupRequest.objects.visible_to(reader).filter(loop=loop).order_by("pk").values_list("pk", flat=True)
    return [f"loop:{loop}", *(f"call:{pk}" for pk in calls), *(f"request:{pk}" for pk in requests)]


def may_follow(user: User, pk: int) -> bool:
    return Loop.objects.visible_to(user).filter(pk=pk).exists()


def register() -> None:
    live.stream_kind("loop", may_follow)


def _opened(told: Iterable[Dated], reader: User) -> Iterator[Dated]:
    """One query for each kind of row there is. A group reads what it is asked itself, and nothing others are asked."""
    rows: dict[Any, set[int]] = {}
    entries = list(told)
    for each in entries:
        rows.setdefault(type(each.row), set()).add(each.row.pk)
    seen = {
        model: set(model.objects.visible_to(reader).filter(pk__in=pks).values_list("pk", flat=True))
        for model, pks in rows.items()
    }
    for each in entries:
        may = each.row.pk in seen[type(each.row)]
        hides = isinstance(each.row, GroupRequest) and not may and not reader.knows_customers
        yield Dated(each.step, each.at, each.what, each.row, "" if hides else each.words, each.called, may)
