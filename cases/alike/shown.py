"""What is shown of cases that are alike: how many there are, how they stand, and how far an answer to them is."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from django.db.models import Count, Q

from cases.models import Case, Flood, FloodAnswer, FloodMember, FloodReply
from cases.models.asked import CaseQuerySet
from cases.models.states import NEEDS_US, State
from channels_app.models import Message
from crm.models import User

MOST_REFUSED = 50  # sentences shown; the cases themselves are in the list


@dataclass(frozen=True)
class Progress:
    """Of one answer to many: `of` cases, `done` of them, of which `refused` could not be."""

    answer: FloodAnswer
    of: int
    done: int
    refused: int
    refusals: Sequence[FloodReply]


@dataclass(frozen=True)
class Standing:
    """How many of a flood wait, are answered, are over; all of them, whoever may see them."""

    wait: int
    answered: int
    over: int

    @property
    def all(self) -> int:
        return self.wait + self.answered + self.over


def flood_of(case: Case) -> Flood | None:
    """The flood it is in. One query."""
    found = FloodMember.objects.in_force().filter(case=case).select_related("flood__head").first()
    return found.flood if found else None


def standing(flood: Flood) -> Standing:
    """One query."""
    found = flood.members.in_force().values_list("case__state").annotate(n=Count("case")).order_by()
    states = Counter(dict(found))
    wait, over = sum(states[state] for state in NEEDS_US), states[State.RESOLVED] + states[State.MERGED]
    return Standing(wait, states.total() - wait - over, over)


def members(flood: Flood, user: User) -> CaseQuerySet:
    """Those `user` may see, with who took which out."""
    theirs = Case.objects.visible_to(user).filter(membership__flood=flood).exclude(state=State.MERGED)
    return theirs.with_row().select_related("membership__parted_by")


def progress(flood: Flood) -> Progress | None:
    """Of the last answer. Three queries; one where there is none."""
    answer = flood.answers.select_related("by", "cause", "like").first()
    if answer is None:
        return None
    done = Q(done_at__isnull=False)
    counts = answer.replies.aggregate(of=Count("pk"), done=Count("pk", filter=done),
                                      refused=Count("pk", filter=done & ~Q(refusal="")))  # fmt: skip
    refusals = answer.replies.refused().select_related("case__customer").order_by("pk")[:MOST_REFUSED]
    return Progress(answer, **counts, refusals=list(refusals) if counts["refused"] else [])


def words_for(case: Case, last: Progress | None, user: User) -> str:
    """To begin with: what was taken back, else what we answered here. One query or none."""
    if last and last.answer.by_id == user.pk and last.answer.state == FloodAnswer.State.UNDONE:
        return last.answer.text
    ours = Message.objects.filter(case_entry__case=case, direction=Message.Direction.OUT, identity_request=None)
    return ours.order_by("-occurred_at", "-pk").values_list("text", flat=True).first() or ""
