"""Prevented causes: improvements after which their cause is mentioned less, beyond chance (`surveys.mentions`).

An improvement counts in the month in which it came, for who owns it, who answered for their group that it would come,
and who asked for it in the note of a call. Its mentions are compared for eight weeks, so a month may change
for as long; until something can be said it is to be seen, and counts for nobody.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field

from django.db.models import Q, QuerySet
from django.utils.translation import gettext as _

from surveys import mentions
from surveys.mentions import Mentions
from surveys.models import ActionPlan, GroupRequest
from surveys.recognition.months import Month

OWNED, ANSWERED, ASKED = "owned", "answered", "asked"


@dataclass
class Prevented:
    """One improvement and one of us. `parts` are what they had in it; `request` is one of theirs."""

    person: int
    plan: ActionPlan
    mentions: Mentions
    parts: set[str] = field(default_factory=set)
    request: int | None = None

    @property
    def fell(self) -> bool:
        return self.mentions.fell

    @property
    def to_be_seen(self) -> bool:
        return not self.mentions.known

    @property
    def words(self) -> str:
        said = {OWNED: _("owned it"), ANSWERED: _("said yes to it"), ASKED: _("asked for it")}
        return ", ".join(said[part] for part in (OWNED, ANSWERED, ASKED) if part in self.parts)


def by_person(people: Collection[int], month: Month) -> dict[int, list[Prevented]]:
    """Of each of `people` what came in this month, also what did not help, by date. Three queries, however many."""
    plans = list(_plans(people, month))
    found: dict[tuple[int, int], Prevented] = {}
    if plans:
        read = mentions.of_plans(plans)
        by_pk = {plan.pk: plan for plan in plans}
        for person, plan, part, request in _parts(set(people), plans):
            each = found.setdefault((person, plan), Prevented(person, by_pk[plan], read[plan]))
            each.parts.add(part)
            each.request = each.request or request
    mine: dict[int, list[Prevented]] = defaultdict(list)
    for each in sorted(found.values(), key=lambda each: (each.plan.shipped_on, each.plan.pk)):
        mine[each.person].append(each)
    return mine


def _plans(people: Collection[int], month: Month) -> QuerySet[ActionPlan]:
    """What came in this month, about a cause, in which any of `people` has a part."""
    taken_part = Q(answer__by__in=people) | Q(attempt__by__in=people)
    asked = GroupRequest.objects.filter(taken_part, answer__plan__isnull=False)
    came = ActionPlan.objects.filter(
        Q(owner__in=people) | Q(pk__in=asked.values("answer__plan")), state=ActionPlan.State.DONE,
        cause__isnull=False, shipped_on__gte=month.first, shipped_on__lt=month.after.first,
    )  # fmt: skip
    return came.select_related("cause__parent", "group").order_by("shipped_on", "pk")


def _parts(people: set[int], plans: Collection[ActionPlan]) -> Iterable[tuple[int, int, str, int | None]]:
    """(person, plan, part, request). One query."""
    yield from ((plan.owner_id, plan.pk, OWNED, None) for plan in plans if plan.owner_id in people)
    requests = GroupRequest.objects.filter(answer__plan__in=plans).order_by("pk")
    for pk, plan, answered, asked in requests.values_list("pk", "answer__plan", "answer__by", "attempt__by"):
        if answered in people:
            yield answered, plan, ANSWERED, pk
        if asked in people:
            yield asked, plan, ASKED, pk
