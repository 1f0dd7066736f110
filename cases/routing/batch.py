"""What one batch of messages is routed by, asked for in a fixed number of queries."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple

from django.db.models import BooleanField, ExpressionWrapper, IntegerField, Max, Q, QuerySet, Value

from cases import joining, rule_effects, rules, standing, threads
from cases.models import Case, CaseMessage, Rule
from cases.rule_effects import Effect
from cases.standing import Key
from channels_app import measures
from channels_app.models import Channel, Delivery, Message, Search
from crm.models import IdentityLink


class Owner(NamedTuple):
    """Whose identity it is, and what rules may ask of them."""

    customer: int = 0
    tier: str = ""
    known: bool = False
    reach: int | None = None


NOBODY = Owner()


@dataclass
class Batch:
    """What one batch knows and decides."""

    channel: Channel
    rules: Sequence[rules.Ready]
    owners: dict[int, Owner]  # by identity
    muted: set[int]  # identities whose words call nobody
    cases: dict[Key, Case]
    split_off: dict[str, Case]  # by the id, on the network, of what stands in a case that was split off
    placed: set[int]  # messages that stand in a case already; their thread was joined to another
    answered: dict[int, datetime]  # case → when the last reply was written in Hark
    needed_us: set[int]  # cases in which it was our turn before
    acted: dict[Key, set[int]]  # the message rules that have acted on a case, by its key: once for each of both
    late: list[Case] = field(default_factory=list)  # something was said earlier than what we had
    unseen: list[Case] = field(default_factory=list)  # … which nobody had read when we answered
    woken: list[Case] = field(default_factory=list)  # the customer wrote while they were snoozed
    called: set[int] = field(default_factory=set)  # messages nobody said to us that shall open a case all the same
    effects: list[Effect] = field(default_factory=list)  # what message rules have done
    new: list[Case] = field(default_factory=list)
    changed: dict[int, Case] = field(default_factory=dict)
    entries: list[tuple[Message, Case]] = field(default_factory=list)
    reopened: list[Case] = field(default_factory=list)
    answers: dict[int, Case] = field(default_factory=dict)  # by our own posts, made in the network's own app


def gather(channel: Channel, messages: Sequence[Message], *, called: Iterable[int] = ()) -> Batch:
    """`called`: of what nobody said to us, what shall open a case because somebody says so."""
    in_force = list(Rule.objects.in_force().on(Rule.Event.MESSAGE).with_deeds())
    on_threads = {m.thread_id for m in messages}
    threads.settle(on_threads)
    owners = _owners(messages, with_reach=any(rule.reach_at_least for rule in in_force))
    cases = standing.of_messages(channel, messages, {identity: owner.customer for identity, owner in owners.items()})
    split_off = joining.split_off(channel, messages, cases.values())
    touchable = {case.pk: case for case in (*cases.values(), *split_off.values())}.values()
    return Batch(
        channel=channel,
        rules=rules.prepare(in_force),
        owners=owners,
        muted=measures.muted(channel, {m.identity_id for m in messages if m.identity_id}),
        cases=cases,
        split_off=split_off,
        placed=set(CaseMessage.objects.filter(message__in=messages).values_list("message_id", flat=True)),
        answered=_answered_here(channel, touchable),
        needed_us={case.pk for case in touchable if case.needs_us},
        acted=rule_effects.acted_on(cases.values()) if in_force else {},
        called={*called, *_straight_in(messages)},
    )


def _straight_in(messages: Sequence[Message]) -> set[int]:
    """Those whose search says that what it finds joins the queue. No query where none was found by one."""
    found = {message.found_by_id for message in messages if message.found_by_id and not message.dismissed_at}
    joining = set(Search.objects.filter(pk__in=found, joins_queue=True).values_list("pk", flat=True)) if found else ()
    return {message.pk for message in messages if message.found_by_id in joining and not message.dismissed_at}


def _owners(messages: Sequence[Message], *, with_reach: bool) -> dict[int, Owner]:
    """By identity. Reach is asked only where a rule looks at it: nothing else here may."""
    links = IdentityLink.objects.confirmed().filter(identity__in={m.identity_id for m in messages if m.identity_id})
    reach = IdentityLink.objects.reach_of("customer_id") if with_reach else Value(None, IntegerField())
    known = ExpressionWrapper(Q(customer__known_at__isnull=False), BooleanField())
    found = links.values_list("identity_id", "customer_id", "customer__tier", known, reach)
    return {identity: Owner(*facts) for identity, *facts in found}


def left_over(messages: Sequence[Message]) -> QuerySet[Message]:
    """Our own posts to somebody unknown that stand in no case, on the threads of `messages`: now there may be one."""
    ours = Message.objects.filter(direction=Message.Direction.OUT, identity=None, case_entry=None, delivery=None)
    return ours.filter(thread__in={m.thread_id for m in messages}).exclude(routed_at=None)


def _answered_here(channel: Channel, cases: Iterable[Case]) -> dict[int, datetime]:
    if not channel.capabilities.can_reply:
        return {}
    written = Delivery.objects.filter(message__case_entry__case__in=list(cases)).order_by()
    return dict(written.values_list("message__case_entry__case").annotate(Max("created_at")))
