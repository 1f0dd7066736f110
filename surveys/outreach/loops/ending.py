"""How loops end: closed, or broken off at a step, and why."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Exists, Max, OuterRef, Q
from django.utils import timezone
from django.utils.translation import gettext as _

from channels_app import live
from channels_app.live import News
from crm.models import Customer
from surveys.models import Call, FollowUp, GroupRequest, Loop
from surveys.models.loops import LoopQuerySet
from surveys.outreach.loops.steps import Step, calls_of

BATCH = 500
GRACE = timedelta(days=1)  # in which a caller may add to the note of a call, and ask something after all
State = Call.State


@transaction.atomic
def close(loop: Loop) -> bool:
    """They were told. Whether it is over with that: where a group was asked more meanwhile, it goes on."""
    if GroupRequest.objects.waiting().filter(loop=loop.pk).exists():
        return False
    return bool(_end([loop.pk], Loop.State.CLOSED))


@transaction.atomic
def die(loops: Iterable[Loop], *, step: str, why: str) -> int:
    """They break off at this step. How many did."""
    return _end([loop.pk for loop in loops], Loop.State.DIED, step=step, why=why)


def _end(pks: Collection[int], state: str, *, step: str = "", why: str = "") -> int:
    now = timezone.now()
    held = Loop.objects.open().filter(pk__in=pks).select_for_update(of=("self",)).order_by("pk")
    ended = list(held.values_list("pk", flat=True))
    Loop.objects.filter(pk__in=ended).update(state=state, ended_at=now, died_at_step=step, why=why[:300])
    undone = FollowUp.objects.filter(call__loop__in=ended, done_at=None, cancelled_at=None)
    reason = why or _("Nothing was asked of anybody, so there is nothing to tell.")
    undone.update(cancelled_at=now, reason=reason[:300])
    live.tell([News(f"loop:{pk}", "loop", {"loop": pk}) for pk in ended])
    return len(ended)


# --- by the clock


def settle(now: datetime | None = None) -> int:
    """End those in which nobody has anything left to do. How many. Each batch is one transaction."""
    now, ended, after = now or timezone.now(), 0, 0
    while found := list(_idle(now).filter(pk__gt=after).order_by("pk").values_list("pk", flat=True)[:BATCH]):
        ended += _settle(found, now)
        after = found[-1]
    return ended


def _idle(now: datetime) -> LoopQuerySet:
    """Open ones without a call to make or an answer to wait for, whose last call is over for longer than the grace.

    A call of another loop that took in what this one has to tell counts as its own.
    """
    busy = Q(ended_at=None) | Q(ended_at__gt=now - GRACE)
    own = Exists(Call.objects.filter(busy, loop=OuterRef("pk")))
    shared = FollowUp.objects.filter(response__follow_ups__call__loop=OuterRef("pk"))
    elsewhere = Exists(shared.filter(Q(call__ended_at=None) | Q(call__ended_at__gt=now - GRACE)))
    waits = Exists(GroupRequest.objects.waiting().filter(loop=OuterRef("pk")))
    return Loop.objects.open().filter(~own, ~elsewhere, ~waits)


@transaction.atomic
def _settle(pks: Sequence[int], now: datetime) -> int:
    """A fixed number of queries, and as many more as there are ways in which these ended.

    Their customers are held first, as everybody does, and then they are looked at again: somebody may have called.
    """
    Customer.objects.filter(pk__in=Loop.objects.filter(pk__in=pks).values("customer")).hold()
    idle = list(_idle(now).filter(pk__in=pks).values_list("pk", flat=True))
    calls, answered = calls_of(idle), _answered(idle)
    ways: dict[tuple[str, str, str], list[int]] = defaultdict(list)
    for pk in idle:
        ways[_way(calls[pk], answered.get(pk))].append(pk)
    return sum(_end(some, state, step=step, why=why) for (state, step, why), some in ways.items())


def _answered(pks: Sequence[int]) -> dict[int, datetime]:
    """When the last answer came of those in which a group gave any."""
    given = GroupRequest.objects.filter(loop__in=pks, answer__isnull=False).order_by()
    return dict(given.values_list("loop").annotate(Max("answer__at")))


def _way(calls: Sequence[Call], answered_at: datetime | None) -> tuple[str, str, str]:
    """How a loop with these calls, all over, ends: state, step and why."""
    last = calls[-1] if calls else None
    if last is None or last.ended_at is None:
        return Loop.State.DIED, Step.CALLED, _("Its call is gone.")
    tells = last.kind == Call.Kind.SECOND
    if last.state == State.CANCELLED:
        return Loop.State.DIED, Step.TOLD if tells or answered_at else Step.CALLED, last.reason
    if answered_at and not (tells and answered_at <= last.ended_at):
        return Loop.State.DIED, Step.TOLD, _("The group answered, and they may not be called any more.")
    if last.state == State.WRITTEN and not tells:
        return Loop.State.DIED, Step.CALLED, _("Nobody reached them: they were written to.")
    return Loop.State.CLOSED, "", ""
