"""What is owed to everybody who answered: thank, engage, share, each hung on a call.

A response that is owed these has all three, once; a customer has one live first call, whatever they answer meanwhile.
Every step locks the records of the customers first, in the order of their pks: who answers twice at once, says no at
that moment or is found by the sweep as well comes one after the other.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Exists, Max, OuterRef, Q
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from crm import consent, notices
from crm.errors import Refused
from crm.models import Consent, Customer, Purpose, Stakeholder, User
from surveys.models import Call, CallRule, FollowUp, Loop, OutreachSettings, Response
from surveys.outreach import assigning, news, records, rules

BATCH = 1000
# Who answered longer ago is not thanked any more: a call about what one has forgotten thanks for nothing.
STILL_OWED = timedelta(days=30)

State, Step = Call.State, FollowUp.Step


class OverAlready(Refused):
    sentence = gettext_lazy("This call is over already: it is “{state}”.")


class SayWhy(Refused):
    sentence = gettext_lazy("Say why they are not called: whoever looks for this call will want to know.")


@dataclass(frozen=True)
class Owed:
    """One answer for which nothing is written down yet, and whom it came from: the record that stands for them."""

    response: int
    group: str
    customer: int


# --- owing


@transaction.atomic
def owe(responses: Iterable[Response]) -> list[Call]:
    """Write down what is owed for these: at most 1,000, in a fixed number of queries. Returns their calls.

    Left out are those that `to_follow_up` leaves out, and everybody who may not be called. A live first call of a
    customer takes in what they answer, however long it has stood: nobody is called twice at a time.
    """
    owed = _owed([response.pk for response in responses])
    if not owed:
        return []
    latest = {each.customer: each.group for each in owed}
    standing = live_calls(latest)
    made = open_calls({pk: group for pk, group in latest.items() if pk not in standing})
    joined = _join(standing, latest)
    calls = standing | {call.customer_id: call for call in made}
    FollowUp.objects.bulk_create(
        [FollowUp(response_id=each.response, step=step, call=calls[each.customer]) for each in owed for step in Step]
    )
    assigning.assign(made)
    news.wrote("owed", {call.pk: "" for call in made} | dict.fromkeys(joined, _("They answered again")))
    _tell_again(standing.values())
    news.changed([call.pk for call in calls.values()], [call.owner_id for call in standing.values()])
    return list(calls.values())


def _owed(responses: Sequence[int]) -> list[Owed]:
    """In the order in which they were given. What was written down while we waited for the lock is no longer owed."""
    asked = Response.objects.filter(pk__in=responses).to_follow_up().order_by("finished_at", "pk")
    whose = dict(asked.values_list("pk", "invitation__customer"))
    if not whose:
        return []
    stands = records.standing(whose.values())
    Customer.objects.filter(pk__in=set(stands.values())).hold()
    against = consent.against(stands.values(), Purpose.CALL)
    rows = [Owed(pk, group, stands[whose[pk]]) for pk, group in asked.values_list("pk", "group") if pk in whose]
    return [each for each in rows if each.customer not in against]


def live_calls(customers: Iterable[int]) -> dict[int, Call]:
    """The live first call of each customer."""
    found = Call.objects.live().filter(customer__in=list(customers), kind=Call.Kind.FIRST).order_by("pk")
    return {call.customer_id: call for call in found.select_for_update(of=("self",))}


def _join(standing: Mapping[int, Call], groups: Mapping[int, str]) -> list[int]:
    """What they say last is how they are called."""
    for pk, call in standing.items():
        call.group = groups[pk]
    Call.objects.bulk_update(standing.values(), ["group"])
    return [call.pk for call in standing.values()]


def _tell_again(calls: Iterable[Call]) -> None:
    said = _("The customer of call %(number)d has answered again.")
    words = ((call.owner_id, call, said % {"number": call.pk}) for call in calls if call.owner_id)
    notices.tell_each(news.word(pk, call, text) for pk, call, text in words)


def open_calls(groups: Mapping[int, str]) -> list[Call]:
    """A loop with its first call for each of these customers: nobody's yet."""
    if not groups:
        return []
    now, standing_rules = timezone.now(), list(CallRule.objects.filter(stopped_at=None))
    facts, not_before = facts_of(groups), _not_before(groups, now)
    loops = Loop.objects.bulk_create([Loop(customer_id=pk, opened_at=now) for pk in groups])
    return Call.objects.bulk_create(
        [_call(loop, facts[loop.customer_id], standing_rules, not_before.get(loop.customer_id, now)) for loop in loops]
    )


def _call(loop: Loop, facts: rules.Facts, standing: Sequence[CallRule], not_before: datetime) -> Call:
    to = rules.decide(standing, facts)
    return Call(
        customer_id=loop.customer_id, loop=loop, to=to.to, group=facts.group, rule=to.rule, made_at=loop.opened_at,
        due_at=max(loop.opened_at + timedelta(days=to.days), not_before),
    )  # fmt: skip


def facts_of(groups: Mapping[int, str]) -> dict[int, rules.Facts]:
    """What rules look at, of customers with the group they answered themselves into. Two queries."""
    seats = Stakeholder.objects.present().filter(customer__in=list(groups), account__closed_at=None)
    seated = set(seats.values_list("customer", flat=True))
    rows = Customer.objects.filter(pk__in=list(groups)).values_list("pk", "country", "language", "tier")
    return {
        pk: rules.Facts(groups[pk], country, language, tier, has_account=pk in seated)
        for pk, country, language, tier in rows
    }


def _not_before(customers: Iterable[int], now: datetime) -> dict[int, datetime]:
    """Who was called within the days for which answers join one call is not due again before those are over."""
    joins = timedelta(days=OutreachSettings.current().join_days)
    ended = Call.objects.filter(customer__in=list(customers), kind=Call.Kind.FIRST, made_at__gt=now - joins)
    called = ended.filter(state__in=(State.DONE, State.WRITTEN)).order_by().values_list("customer")
    return {pk: last + joins for pk, last in called.annotate(Max("made_at"))}


def owe_missed(batch: int = BATCH) -> int:
    """Behind `owe`: responses of the last 30 days for which it did not come about. How many calls they came to.

    Batch by batch along the pks, each a transaction of its own: whatever ends a run, the next goes on from there.
    """
    since, after, calls = timezone.now() - STILL_OWED, 0, 0
    missed = Response.objects.to_follow_up().filter(finished_at__gt=since).order_by("pk")
    while found := list(missed.filter(pk__gt=after).exclude(refused("invitation__customer"))[:batch]):
        calls += len(owe(found))
        after = found[-1].pk
    return calls


# --- cancelling


@transaction.atomic
def cancel(*, call: Call, why: str, by: User | None) -> Call:
    """They are not called, and what hangs on the call is not done. Raises OverAlready and SayWhy."""
    why = why.replace("\x00", "").strip()[:300]
    if not why:
        raise SayWhy
    if not end({call.pk: why}, by=by):
        call.refresh_from_db()
        raise OverAlready(state=call.get_state_display().lower())
    call.refresh_from_db()
    return call


def end(why: Mapping[int, str], *, by: User | None = None) -> list[int]:
    """Cancel them: those of these calls that were live. As many statements as there are reasons, and five."""
    now, live = timezone.now(), Call.objects.live().filter(pk__in=list(why)).order_by("pk")
    owners = dict(live.select_for_update(of=("self",)).values_list("pk", "owner"))
    for reason, pks in _by_reason(why, owners).items():
        Call.objects.filter(pk__in=pks).update(state=State.CANCELLED, ended_at=now, reason=reason, planned_for=None)
        undone = FollowUp.objects.filter(call__in=pks, done_at=None, cancelled_at=None)
        undone.update(cancelled_at=now, reason=reason)
    news.wrote("cancelled", {pk: why[pk] for pk in owners}, by=by)
    news.changed(owners, owners.values())
    return list(owners)


def _by_reason(why: Mapping[int, str], pks: Iterable[int]) -> dict[str, list[int]]:
    found: dict[str, list[int]] = defaultdict(list)
    for pk in pks:
        found[why[pk]].append(pk)
    return found


@transaction.atomic
def cancel_forbidden(customers: Iterable[int]) -> list[int]:
    """End the live calls of those of at most 1,000 customers who may not be called any more.

    In a fixed number of queries. Returns the pks of the calls that were cancelled.
    """
    live = Call.objects.live().filter(customer__in=records.family(customers)).order_by("pk")
    whose = dict(live.values_list("pk", "customer"))
    return end(forbidden(whose)) if whose else []


def forbidden(whose: Mapping[int, int]) -> dict[int, str]:
    """Of calls or requests, pk → customer, those of who may not be called any more, each with the sentence why.

    The records that stand for these customers are locked.
    """
    stands = records.standing(whose.values())
    Customer.objects.filter(pk__in=set(stands.values())).hold()
    against = consent.against(stands.values(), Purpose.CALL)
    return {pk: against[stands[customer]] for pk, customer in whose.items() if stands[customer] in against}


def sweep_forbidden() -> int:
    """Behind `cancel_forbidden`: everybody with a live call of whom it has not heard. How many calls it ended."""
    ended, after = 0, 0
    hindered = Call.objects.live().filter(refused("customer") | Q(customer__merged_into__isnull=False))
    while found := list(hindered.filter(pk__gt=after).order_by("pk").values_list("pk", "customer")[:BATCH]):
        ended += len(cancel_forbidden({customer for _pk, customer in found}))
        after = found[-1][0]
    return ended


def refused(customer: str) -> Q:
    """Of who stands for themselves: erased, not to be contacted, or without calls. The others are looked at by hand."""
    no = Consent.objects.filter(customer=OuterRef(customer), purpose=Purpose.CALL, state=Consent.State.REFUSED)
    gone = Q(**{f"{customer}__erased_at__isnull": False}) | Q(**{f"{customer}__do_not_contact_at__isnull": False})
    return gone | Q(Exists(no))
