"""The second call: what came of what they said is told by who asked them, two weeks after it was answered."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Max, Q
from django.utils import timezone
from django.utils.translation import gettext as _

from crm import consent, notices
from crm.models import Customer, Purpose
from crm.models.activity import log
from surveys.models import ActionPlan, Call, FollowUp, GroupAnswer, GroupRequest, Loop, OutreachSettings, Told
from surveys.outreach import hours, news


@transaction.atomic
def schedule(loop: Loop, now: datetime) -> Call | None:
    """The call in which they are told, once nothing they asked waits for a group any more; None where nothing is due.

    To be called by whoever answers or withdraws a request, after it is written and in the same transaction: customer
    and loop are locked here, so of two who give the last two answers at once the second sees the first. Of many loops:
    in the order of their customers, as everybody takes them. Due `second_days` after
    the last answer, at a moment within the customer's calling hours. Where a second call to them waits already, from
    this loop or another, what is to be told joins it. Whoever may not be called gets none.
    """
    held = _held(loop)
    answered_at = _answered_at(held, now)
    if answered_at is None or not consent.may_contact(held.customer, Purpose.CALL):
        return None
    call = _waiting(held) or _made(held, answered_at, now)
    FollowUp.objects.filter(
        call__loop=held, step=FollowUp.Step.SHARE, done_at=None, cancelled_at=None
    ).update(call=call)  # fmt: skip
    _tell(call)
    return call


def _held(loop: Loop) -> Loop:
    Customer.objects.filter(loops=loop.pk).hold()
    return Loop.objects.select_for_update(of=("self",), no_key=True).select_related("customer").get(pk=loop.pk)


def _answered_at(loop: Loop, now: datetime) -> datetime | None:
    """When the last was answered of what they have not been told; None while something waits, and where all is told."""
    if loop.ended_at or loop.requests.waiting().exists():
        return None
    told_at = loop.calls.filter(kind=Call.Kind.SECOND, state__in=[Call.State.DONE, Call.State.WRITTEN])
    answers = GroupAnswer.objects.filter(requests__loop=loop)
    if last := told_at.aggregate(at=Max("ended_at"))["at"]:
        answers = answers.filter(at__gt=last)
    at: datetime | None = answers.aggregate(at=Max("at"))["at"]
    return min(at, now) if at else None


def _waiting(loop: Loop) -> Call | None:
    """Locked, so that it is not ended while what is to be told joins it."""
    live = Call.objects.live().filter(customer=loop.customer_id, kind=Call.Kind.SECOND)
    return live.select_for_update(of=("self",), no_key=True).first()


def _made(loop: Loop, answered_at: datetime, now: datetime) -> Call:
    first = loop.calls.filter(kind=Call.Kind.FIRST).select_related("owner", "rule").latest("made_at")
    due_at = max(answered_at + timedelta(days=OutreachSettings.current().second_days), now)
    call = again(first, loop.customer, hours.within(loop.customer, due_at), now)
    call.save()
    log("scheduled", call, by=None)
    return call


def again(first: Call, customer: Customer, due_at: datetime, now: datetime) -> Call:
    """The second call after this one, not stored yet: of the same person, in the pool where they have left."""
    owner = first.owner if first.owner and first.owner.is_active else None
    return Call(
        customer=customer, loop_id=first.loop_id, kind=Call.Kind.SECOND, to=first.to, group=first.group,
        rule_id=first.rule_id, owner=owner, owned_since=now if owner else None, due_at=due_at, made_at=now,
    )  # fmt: skip


def _tell(call: Call) -> None:
    news.changed([call.pk], [call.owner_id])
    if call.owner_id:
        text = _("What was asked after call #{n} is answered: tell the customer when you call again.")
        notices.tell_each([news.word(call.owner_id, call, text.format(n=call.pk))])


def close_loops(call: Call) -> None:
    """They were told, on the phone or in writing: what it told of is closed. Of a first call nothing is."""
    if call.kind == Call.Kind.SECOND:
        from surveys.outreach import loops  # stands above this module

        for loop in loops_of(call):
            loops.close(loop)
        _heard(call)


def _heard(call: Call) -> None:
    """What they asked for and has come was told in it, as far as it had come by then: notes may arrive later."""
    reached = call.attempts.filter(outcome="reached").aggregate(at=Max("at"))["at"]
    at = reached or call.ended_at or timezone.now()
    known = Told.objects.by_call().filter(customer=call.customer_id, plan__state="done", decided_at__lte=at)
    known.update(at=at, call=call)


# --- what to tell


def loops_of(call: Call) -> list[Loop]:
    """Those that this call is to close: its own, and the open ones of whose answers it tells as well."""
    theirs = Loop.objects.filter(calls__follow_ups__response__follow_ups__call=call)
    own = Loop.objects.filter(pk=call.loop_id)
    return list(Loop.objects.open().filter(pk__in=theirs.values("pk").union(own.values("pk"))).order_by("pk"))


def answers_for(call: Call) -> list[GroupAnswer]:
    """What is to be told in this call, in the order in which it was answered: each answer once."""
    return answers_of([call])[call.pk]


def answers_of(calls: Iterable[Call]) -> dict[int, list[GroupAnswer]]:
    """The same of many calls, by their pk. Two queries, however many.

    What joined a call from another loop is told with it: its loops are those of the first calls of all it is owed for.
    """
    loops: dict[int, set[int]] = {call.pk: {call.loop_id} for call in calls}
    owed = FollowUp.objects.filter(call__in=loops, response__follow_ups__call__kind=Call.Kind.FIRST)
    for call, loop in owed.values_list("call", "response__follow_ups__call__loop"):
        loops[call].add(loop)
    told: dict[int, dict[int, GroupAnswer]] = {}
    everywhere = {loop for own in loops.values() for loop in own}
    asked = GroupRequest.objects.filter(loop__in=everywhere, answer__isnull=False).select_related("answer__group")
    for request in asked.order_by("answer__at", "answer_id"):
        if request.answer:
            told.setdefault(request.loop_id, {})[request.answer.pk] = request.answer
    return {call: _in_order(told.get(loop, {}) for loop in own) for call, own in loops.items()}


def _in_order(answers: Iterable[dict[int, GroupAnswer]]) -> list[GroupAnswer]:
    found = {pk: answer for each in answers for pk, answer in each.items()}
    return sorted(found.values(), key=lambda answer: (answer.at, answer.pk))


def changes_for(call: Call) -> list[ActionPlan]:
    """What they asked for and has come, to be told in this call or told in it: `outcome` says it in words for them."""
    return changes_of([call])[call.pk]


def changes_of(calls: Iterable[Call]) -> dict[int, list[ActionPlan]]:
    """The same of many calls, by their pk. One query. What waits is for the one second call of a customer."""
    seconds = {call.pk: call for call in calls if call.kind == Call.Kind.SECOND}
    to_tell = (call for call in seconds.values() if call.is_live or call.state == Call.State.WRITTEN)
    next_of = {call.customer_id: call for call in to_tell}
    waits = Q(call=None, at=None, customer__in=next_of)
    told = Told.objects.filter(Q(call__in=seconds) | waits, how=Told.How.CALL, plan__state=ActionPlan.State.DONE)
    found: dict[int, list[ActionPlan]] = {call.pk: [] for call in calls}
    for each in told.select_related("plan").order_by("decided_at", "pk"):
        call = seconds[each.call_id] if each.call_id else next_of[each.customer_id]
        if each.call_id or call.ended_at is None or each.decided_at <= call.ended_at:
            found[call.pk].append(each.plan)
    return found
