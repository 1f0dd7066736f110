"""The steps of a loop, and the calls in which they are done: its own, and those of others that tell of it as well."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

from django.db.models import Q, QuerySet, TextChoices
from django.utils.translation import gettext_lazy

from surveys.models import Call, FollowUp
from surveys.models.calls import CallQuerySet


class Step(TextChoices):
    """In the order in which a loop comes to them."""

    ANSWERED = "answered", gettext_lazy("Answered the survey")
    CALLED = "called", gettext_lazy("Was called")
    ASKED = "asked", gettext_lazy("A group was asked")
    GIVEN = "given", gettext_lazy("The group answered")
    TOLD = "told", gettext_lazy("Was told")


def calls_in(loops: Iterable[int]) -> CallQuerySet:
    """The calls of these, and the second calls of other loops that took in what these have to tell, oldest first."""
    pks = list(loops)
    joined = _sharing(pks).values("call")
    return Call.objects.filter(Q(loop__in=pks) | Q(pk__in=joined)).order_by("made_at", "pk")


def calls_of(loops: Iterable[int]) -> dict[int, list[Call]]:
    """The same loop by loop, with owners; every loop has its line. Two queries."""
    found: dict[int, list[Call]] = {pk: [] for pk in loops}
    tells: dict[int, set[int]] = defaultdict(set)
    for call, loop in _sharing(found).values_list("call", "response__follow_ups__call__loop"):
        tells[call].add(loop)
    for each in calls_in(found).select_related("owner"):
        for pk in tells[each.pk] | {each.loop_id}:
            if pk in found:
                found[pk].append(each)
    return found


def _sharing(loops: Iterable[int]) -> QuerySet[FollowUp]:
    """What is told in a second call, of answers for which these loops had a call."""
    return FollowUp.objects.filter(
        call__kind=Call.Kind.SECOND, response__follow_ups__call__loop__in=list(loops)
    ).order_by()
