"""What came of the calls of one person: the loop of theirs that went furthest, in a few words."""

from __future__ import annotations

from dataclasses import dataclass

from django.db.models import Exists, OuterRef
from django.db.models.functions import TruncDate

from crm.models import User
from surveys.models import ActionPlan, Call, GroupRequest, Loop
from surveys.outreach.loops.steps import Step
from surveys.outreach.loops.story import Dated, story


@dataclass(frozen=True)
class CameOf:
    """A loop that was closed, its five steps with the first date of each, and what changed in words for customers."""

    loop: Loop
    steps: list[Dated]
    said: str
    has_shipped: bool

    @property
    def days(self) -> int:
        """From the answer to being told."""
        return (self.steps[-1].at - self.steps[0].at).days


def of(caller: User) -> CameOf | None:
    """The newest closed loop in which they called and a group answered, one whose change has come since first.

    None where there is none yet. At most eight queries.
    """
    answered = GroupRequest.objects.filter(loop=OuterRef("pk"), answer__isnull=False)
    told = Call.objects.filter(loop=OuterRef("pk"), owner=caller, kind=Call.Kind.SECOND, state=Call.State.DONE)
    found = Loop.objects.filter(Exists(answered), Exists(told), state=Loop.State.CLOSED).select_related("customer")
    since = {"answer__plan__state": ActionPlan.State.DONE, "answer__plan__shipped_on__gte": TruncDate("asked_at")}
    shipped = Exists(answered.filter(**since))
    loop = found.alias(shipped=shipped).order_by("-shipped", "-ended_at", "-pk").first()
    return _of(loop) if loop else None


def _of(loop: Loop) -> CameOf:
    first: dict[Step, Dated] = {}
    for each in story(loop):
        if not each.called:  # a try in vain, or that it has changed, is no step of its own
            first.setdefault(each.step, each)
    answers = loop.requests.exclude(answer=None).select_related("answer__plan").order_by("answer__at")
    plans = [request.answer.plan for request in answers if request.answer and request.answer.plan]
    done = next((plan for plan in plans if plan.state == ActionPlan.State.DONE), None)
    said = done.outcome if done else str(answers[0].answer.text if answers and answers[0].answer else "")
    return CameOf(loop, [first[step] for step in Step if step in first], said, has_shipped=done is not None)
