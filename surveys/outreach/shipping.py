"""An improvement has come: everybody who asked for it is told, once each, by a call or in writing.

Who asked are the customers of the requests it answers, and those whose comments stand behind it. For each one row says
how they are told (`Told`), written down in batches by a job that may be killed anywhere and run twice:

- in the second call that waits for them, or will once the other things they asked are answered;
- who asked on the phone and has no such call gets one, from the same person;
- who wrote it in a survey, and who may not be called, is written to (told_in_writing.py);
- whom nothing reaches stays in the list, with the reason.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta

import structlog
from django.db import transaction
from django.db.models import Count, Exists, F, Max, OuterRef, Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from channels_app import live
from channels_app.live import News
from crm import consent, handoff, notices
from crm.models import Customer, Purpose, User
from crm.models.activity import log
from surveys import plans
from surveys.models import ActionPlan, Call, GroupRequest, Loop, OutreachSettings, PlanAnswer, Told
from surveys.outreach import hours, news, records, second, told_in_writing

JOB = "surveys.jobs.tell_improvements"
BATCH = 500
LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)
How, State = Told.How, ActionPlan.State
logger = structlog.get_logger(__name__)


class IsToCome(plans.PlanRefused):
    sentence = gettext_lazy("This day is still to come. Ship it then: customers are told that it has changed already.")
    field = "shipped_on"


class NotAnImprovement(plans.PlanRefused):
    sentence = gettext_lazy("“{plan}” is no improvement of a support group: nobody asked for it on the phone.")


class HasNotCome(plans.PlanRefused):
    sentence = gettext_lazy("“{plan}” has not come yet: {state}. Say what changed first.")


# --- deciding that they are told


@transaction.atomic
def ship(*, plan: ActionPlan, outcome: str, by: User, shipped_on: date | None = None) -> ActionPlan:
    """It has come, today or on that day, and this changed, in words for the customers. All who asked are told.

    Within a minute it can be taken back (`plans.reopen`) and nobody hears of it. Raises PlanRefused.
    """
    if plan.group_id is None:
        raise NotAnImprovement(plan=plan)
    if shipped_on and shipped_on > timezone.localdate():
        raise IsToCome
    return plans.done(plan=plan, outcome=outcome, by=by, shipped_on=shipped_on)


@transaction.atomic
def tell(*, plan: ActionPlan, by: User) -> ActionPlan:
    """Now, not in a minute; and those who have asked for it since, or could not be told before."""
    found = plans.held(plan)
    if found.group_id is None:
        raise NotAnImprovement(plan=found)
    if found.state != State.DONE:
        raise HasNotCome(plan=found, state=found.get_state_display())
    ActionPlan.objects.filter(pk=found.pk).update(told_at=None)
    found.told.filter(how=How.NOT).update(how=How.WRITTEN, reason="", decided_at=timezone.now())
    log("told on", found, by=by)
    handoff.nudge(JOB, found.pk)
    found.refresh_from_db()
    return found


def askers(plan: ActionPlan | int) -> QuerySet[GroupRequest, int]:
    """The records of who asked for it, each once: on the phone, or in a comment."""
    called = GroupRequest.objects.filter(answer__plan=plan).order_by().values_list("customer", flat=True)
    wrote = PlanAnswer.objects.filter(plan=plan).order_by()
    return called.union(wrote.values_list("answer__response__invitation__customer", flat=True))


# --- how each is told: by the job


def carry_on(plan: int) -> None:
    """Everybody who is not told yet: decided in batches, then written to. Run again it goes on where it was."""
    after = 0
    while (last := decide(plan, after)) is not None:
        after = last
    told_in_writing.write_all(plan)
    if _finish(plan):
        logger.info("all who asked were told", plan=plan)
    live.tell([News(f"plan:{plan}", "plan", {"plan": plan})])


def _finish(plan: int) -> bool:
    """Once nobody waits any more. One conditional UPDATE."""
    waiting = Told.objects.waiting().filter(plan=OuterRef("pk"), customer__merged_into=None)
    over = ActionPlan.objects.filter(~Exists(waiting), pk=plan, state=State.DONE, told_at=None)
    return bool(over.update(told_at=timezone.now()))


def sweep(now: datetime) -> list[int]:
    """Improvements of which somebody waits to hear. Whose call came to nothing is written to instead."""
    after = 0
    waiting = Told.objects.by_call().filter(customer__merged_into=None).order_by("pk")
    while rows := list(waiting.filter(pk__gt=after).values_list("pk", "customer", "decided_at")[:BATCH]):
        lost = _lost(rows)
        Told.objects.by_call().filter(pk__in=lost).update(how=How.WRITTEN, decided_at=now)
        after = rows[-1][0]
    return list(ActionPlan.objects.to_tell(now).order_by("ended_at").values_list("pk", flat=True))


def _lost(rows: Sequence[tuple[int, int, datetime]]) -> list[int]:
    """Those of these who have no second call and will get none by itself. Three queries, by index however many wait.

    A call that ended as a mail nobody knows the fate of counts as one: nothing is told twice on a guess. What waits
    for an answer is read before the calls, so that an answer that is given between the two is seen in one of them.
    """
    customers = {customer for _pk, customer, _at in rows}
    waiting = GroupRequest.objects.waiting().filter(customer__in=customers, loop__ended_at=None)
    to_come = set(waiting.values_list("customer", flat=True))
    calls = Call.objects.filter(customer__in=customers, kind=Call.Kind.SECOND).order_by()
    to_come |= set(calls.live().values_list("customer", flat=True))
    written = dict(calls.filter(state=Call.State.WRITTEN).values_list("customer").annotate(Max("ended_at")))
    return [pk for pk, customer, at in rows if customer not in to_come and not at <= written.get(customer, LONG_AGO)]


@dataclass(frozen=True)
class Facts:
    """What decides how some customers hear of it, by their pk."""

    against: Mapping[int, str]  # may not be called
    waiting: Mapping[int, Call]  # the second call that waits for them
    loops: Mapping[int, Loop]  # in which they asked for it on the phone
    busy: Collection[int] = field(default_factory=frozenset)  # loops in which another request still waits

    def how(self, customer: int) -> str:
        if customer in self.against:
            return How.WRITTEN
        heard = customer in self.waiting or customer in self.loops
        return How.CALL if heard else How.WRITTEN

    def to_call(self, customers: Iterable[int]) -> dict[int, Loop]:
        """Those for whom a second call is made: one that comes by itself is waited for."""
        found = {pk: self.loops[pk] for pk in customers if pk in self.loops and self.how(pk) == How.CALL}
        return {pk: loop for pk, loop in found.items() if pk not in self.waiting and loop.pk not in self.busy}


@transaction.atomic
def decide(plan: int, after: int, batch: int = BATCH) -> int | None:
    """How the next of them are told, in a fixed number of queries. The record to go on after; None where none is left.

    Their records are locked first, then the plan: who takes it back at this moment, or gives one of the last answers,
    comes before or after, and of two jobs the second finds that it is done.
    """
    asked = [pk for (pk,) in _next(plan, after, batch)]
    if not asked:
        return None
    customers = Customer.objects.filter(pk__in=set(records.standing(asked).values())).hold()
    improvement = ActionPlan.objects.select_for_update(of=("self",), no_key=True).get(pk=plan)
    if improvement.state != State.DONE:
        return None
    known = set(Told.objects.filter(plan=plan, customer__in=customers).values_list("customer", flat=True))
    if new := {pk: customer for pk, customer in customers.items() if pk not in known}:
        _decide(improvement, new)
    return asked[-1]


def _next(plan: int, after: int, batch: int) -> QuerySet[GroupRequest, tuple[int]]:
    """Who asked, along the pks, less those whose own record says how they are told."""
    mine = Told.objects.filter(plan=plan)
    called = GroupRequest.objects.filter(~Exists(mine.filter(customer=OuterRef("customer"))), answer__plan=plan)
    wrote = PlanAnswer.objects.filter(plan=plan).annotate(who=F("answer__response__invitation__customer"))
    wrote = wrote.filter(~Exists(mine.filter(customer=OuterRef("who"))), who__gt=after)
    found = called.filter(customer__gt=after).order_by().annotate(who=F("customer")).values_list("who")
    return found.union(wrote.order_by().values_list("who")).order_by("who")[:batch]


def _decide(plan: ActionPlan, customers: Mapping[int, Customer]) -> None:
    facts, now = _facts(plan, customers), timezone.now()
    Told.objects.bulk_create(
        [Told(plan=plan, customer_id=pk, how=facts.how(pk), decided_at=now) for pk in customers]
    )  # fmt: skip
    made = _call_again(facts.to_call(customers), customers, now)
    told_at = [facts.waiting[pk] for pk in customers if pk in facts.waiting and facts.how(pk) == How.CALL]
    news.wrote("scheduled", dict.fromkeys([call.pk for call in made], str(plan.pk)))
    _tell_callers([*told_at, *made])
    live.tell([News(f"plan:{plan.pk}", "plan", {"plan": plan.pk})])


def _facts(plan: ActionPlan, customers: Mapping[int, Customer]) -> Facts:
    waiting = Call.objects.live().filter(customer__in=customers, kind=Call.Kind.SECOND).select_related("owner")
    held = waiting.select_for_update(of=("self",), no_key=True).order_by("pk")
    loops = _loops(plan, customers)
    busy = GroupRequest.objects.waiting().filter(loop__in=[loop.pk for loop in loops.values() if not loop.ended_at])
    return Facts(
        consent.against(customers, Purpose.CALL), {call.customer_id: call for call in held}, loops,
        frozenset(busy.values_list("loop", flat=True)),
    )  # fmt: skip


def _loops(plan: ActionPlan, customers: Collection[int]) -> dict[int, Loop]:
    """In which they asked for it, the latest; not one that broke off: they are not called about that any more."""
    family = records.family(customers)
    stands = records.standing(family)
    asked = GroupRequest.objects.filter(answer__plan=plan, customer__in=family).exclude(loop__state=Loop.State.DIED)
    return {stands[each.customer_id]: each.loop for each in asked.select_related("loop").order_by("asked_at", "pk")}


def _call_again(loops: Mapping[int, Loop], customers: Mapping[int, Customer], now: datetime) -> list[Call]:
    """A second call for each, `second_days` from now within their hours, so that what else is answered may join it."""
    if not loops:
        return []
    book, at = hours.book(), now + timedelta(days=OutreachSettings.current().second_days)
    firsts = Call.objects.filter(loop__in=[loop.pk for loop in loops.values()], kind=Call.Kind.FIRST)
    first = {call.loop_id: call for call in firsts.select_related("owner").order_by("made_at", "pk")}
    return Call.objects.bulk_create(
        [
            second.again(first[loop.pk], customers[pk], hours.look(book.of(customers[pk]), at).next_at or at, now)
            for pk, loop in loops.items()
            if loop.pk in first
        ]
    )


def _tell_callers(calls: Sequence[Call]) -> None:
    news.changed([call.pk for call in calls], [call.owner_id for call in calls])
    said = _("What the customer of call #{n} asked for has come: tell them when you call.")
    words = ((call.owner_id, call) for call in calls if call.owner_id)
    notices.tell_each(news.word(pk, call, said.format(n=call.pk)) for pk, call in words)


# --- who was told


@dataclass(frozen=True)
class Progress:
    """How far it is: of `asked` customers, how many were told, will be, cannot be."""

    asked: int
    in_calls: int = 0
    in_writing: int = 0
    to_call: int = 0
    to_write: int = 0
    not_told: int = 0

    @property
    def told(self) -> int:
        return self.in_calls + self.in_writing

    @property
    def to_come(self) -> int:
        """Nothing is decided of them yet."""
        return max(0, self.asked - self.told - self.to_call - self.to_write - self.not_told)


def progress(plan: ActionPlan) -> Progress:
    """Two queries."""
    rows = Told.objects.filter(plan=plan).order_by().values_list("how")
    counts = {how: (told, n - told) for how, told, n in rows.annotate(Count("at"), Count("pk"))}
    called, wrote = counts.get(How.CALL, (0, 0)), counts.get(How.WRITTEN, (0, 0))
    return Progress(askers(plan).count(), called[0], wrote[0], called[1], wrote[1], counts.get(How.NOT, (0, 0))[1])


# --- who may follow


def may_follow(user: User, pk: int) -> bool:
    return ActionPlan.objects.visible_to(user).filter(Q(pk=pk)).exists()


def register() -> None:
    live.stream_kind("plan", may_follow)
