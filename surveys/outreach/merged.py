"""Records of customers were made one, or put apart again: everybody is called once, for what they said themselves.

A merge brings along what hangs on a record, but for a second live call of one kind: what was to be done in that is done
in the other. And whatever is undone: a loop is of whoever gave its answers, its calls and requests are of whom the loop
is, and what is still owed for an answer is owed to whoever gave it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

from django.db import transaction
from django.db.models import F, Q
from django.utils import timezone
from django.utils.translation import gettext as _

from crm import consent
from crm.models import Customer, Purpose
from surveys.models import Call, FollowUp, GroupRequest, Loop
from surveys.outreach import assigning, follow_ups, news, records, second

BATCH = 500
Step = FollowUp.Step
WHOSE = ("call__customer", "call__loop__customer", "response__invitation__customer")


@transaction.atomic
def put_right(customers: Iterable[int]) -> list[int]:
    """At most 1,000 customers. Returns the pks of the calls that ended, since all of it is done in others.

    Where nothing is to be put right that takes a fixed number of queries. Run twice, it does nothing the second time.
    """
    people = _near(records.family(records.standing(customers).values()))
    if not people:
        return []
    Customer.objects.filter(pk__in=set(records.standing(people).values())).hold()
    _loops_follow_answers(people)
    return _rows_follow_loops(people) + _put_apart(people)


def sweep() -> int:
    """Behind `put_right`: live calls and open steps that are not with whom they should be. How many calls it ended."""
    live = Call.objects.live().filter(~Q(customer=F("loop__customer")) | Q(customer__merged_into__isnull=False))
    owed = FollowUp.objects.filter(done_at=None, cancelled_at=None).exclude(
        response__invitation__customer=F("call__customer")
    )  # fmt: skip
    found = sorted({*live.values_list("customer", flat=True), *owed.values_list("call__customer", flat=True)})
    return sum(len(put_right(found[start : start + BATCH])) for start in range(0, len(found), BATCH))


def _near(family: Sequence[int]) -> set[int]:
    """Every record that has to do with the calls of these; nobody where there is no call."""
    owed = FollowUp.objects.filter(_any(WHOSE, family)).order_by().values_list(*WHOSE).distinct()
    calls = Call.objects.filter(_any(("customer", "loop__customer"), family)).order_by()
    rows = [*owed, *calls.values_list("customer", "loop__customer").distinct()]
    return {pk for row in rows for pk in row}


def _any(columns: Iterable[str], people: Iterable[int]) -> Q:
    return Q(*((f"{column}__in", people) for column in columns), _connector=Q.OR)


# --- a loop is of whom its answers are, and what hangs on it as well


def _loops_follow_answers(people: set[int]) -> None:
    """Where all that it began with was said by one other person."""
    columns = ("call__loop", *WHOSE[1:])
    rows = list(FollowUp.objects.filter(_any(WHOSE, people)).order_by().values_list(*columns).distinct())
    stands = records.standing({pk for _loop, *whose in rows for pk in whose})
    said: dict[tuple[int, int], set[int]] = defaultdict(set)
    for loop, customer, by in rows:
        said[loop, stands[customer]].add(stands[by])
    for (loop, customer), who in said.items():
        if len(who) == 1 and customer not in who:
            Loop.objects.filter(pk=loop).update(customer=who.pop())


def _rows_follow_loops(people: set[int]) -> list[int]:
    """Calls and requests go with their loop; a live call to who has one of its kind already ends in that."""
    near = _any(("customer", "loop__customer"), people)
    requests = list(GroupRequest.objects.filter(near).select_related("loop"))
    calls = list(Call.objects.filter(near).select_related("loop").order_by("pk"))
    loops = {request.loop.customer_id for request in requests} | {call.loop.customer_id for call in calls}
    stands = records.standing(loops)
    strayed = [row for row in requests if row.customer_id != stands[row.loop.customer_id]]
    for row in strayed:
        row.customer_id = stands[row.loop.customer_id]
    GroupRequest.objects.bulk_update(strayed, ["customer"])
    return _bring([(call, whom) for call in calls if call.customer_id != (whom := stands[call.loop.customer_id])])


def _bring(strayed: Sequence[tuple[Call, int]]) -> list[int]:
    """Each to whom its loop is, or into the call they have."""
    if not strayed:
        return []
    there = Call.objects.live().filter(customer__in={whom for _call, whom in strayed})
    taken = {(call.customer_id, call.kind): call for call in there.order_by("pk")}
    into: dict[int, Call] = {}
    for call, whom in strayed:
        if call.is_live and taken.setdefault((whom, call.kind), call) != call:
            into[call.pk] = taken[whom, call.kind]
        call.customer_id = whom
    _hang_on(into)
    why = _("Their records were merged: they are called once, in the other call.")
    ended = follow_ups.end(dict.fromkeys(into, why))  # first, since nobody has two live calls of a kind
    Call.objects.bulk_update([call for call, _whom in strayed], ["customer"])
    return ended


def _hang_on(into: Mapping[int, Call]) -> None:
    """What was to be done in these calls is done in those."""
    steps = list(FollowUp.objects.filter(call__in=list(into), done_at=None, cancelled_at=None))
    for step in steps:
        step.call = into[step.call_id]
    FollowUp.objects.bulk_update(steps, ["call"])
    news.changed([call.pk for call in into.values()], [call.owner_id for call in into.values()])


# --- what is owed to one, and hangs on a call to another


def _put_apart(people: set[int]) -> list[int]:
    """Into a call to whoever gave the answer; what can be done in none any more is cancelled. Emptied calls end."""
    apart = _apart(people)
    if not apart:
        return []
    against = consent.against({whom for _step, whom in apart}, Purpose.CALL)
    back = _told_in({step.response_id for step, _whom in apart if step.step == Step.SHARE})
    left = {step.call_id for step, _whom in apart}
    to_call: dict[int, list[FollowUp]] = defaultdict(list)
    for step, whom in apart:
        if whom in against or not (step.call.is_live or step.response_id in back):
            step.cancelled_at = timezone.now()
            step.reason = against.get(whom) or _(
                "It was to be done with another record, from which this one was parted."
            )
        elif step.step == Step.SHARE and step.response_id in back:
            step.call = back[step.response_id]
        else:
            to_call[whom].append(step)
    made = _into_calls(to_call)
    FollowUp.objects.bulk_update([step for step, _whom in apart], ["call", "cancelled_at", "reason"])
    assigning.assign(made)
    _schedule({call.loop for call in back.values()})
    return _end_emptied(left)


def _apart(people: set[int]) -> list[tuple[FollowUp, int]]:
    """Each open step of which the call is to somebody else than the answer is from: with who gave that."""
    owed = FollowUp.objects.filter(_any(WHOSE, people), done_at=None, cancelled_at=None).order_by("pk")
    steps = list(owed.select_related("call__loop", "response__invitation").select_for_update(of=("self",)))
    stands = records.standing({pk for step in steps for pk in (_by(step), step.call.customer_id)})
    return [(step, stands[_by(step)]) for step in steps if stands[_by(step)] != stands[step.call.customer_id]]


def _by(step: FollowUp) -> int:
    return step.response.invitation.customer_id


def _told_in(responses: set[int]) -> dict[int, Call]:
    """Response → the call of its own loop in which they were thanked for it: there it is found again what to tell."""
    done = FollowUp.objects.filter(response__in=responses, step=Step.THANK, done_at__isnull=False)
    own = done.filter(call__customer=F("response__invitation__customer")).select_related("call__loop")
    return {step.response_id: step.call for step in own}


def _into_calls(to_call: Mapping[int, Sequence[FollowUp]]) -> list[Call]:
    """Into the first call they have, or a new one. The new ones are returned."""
    standing = follow_ups.live_calls(to_call)
    last = {whom: max(steps, key=lambda step: step.response_id) for whom, steps in to_call.items()}
    made = follow_ups.open_calls({pk: step.response.group for pk, step in last.items() if pk not in standing})
    calls = standing | {call.customer_id: call for call in made}
    for whom, steps in to_call.items():
        for step in steps:
            step.call = calls[whom]
    news.wrote("owed", {call.pk: "" for call in made})
    return made


def _schedule(loops: set[Loop]) -> None:
    for loop in sorted(loops, key=lambda loop: (loop.customer_id, loop.pk)):
        second.schedule(loop, timezone.now())


def _end_emptied(calls: set[int]) -> list[int]:
    """First calls in which nothing is left to do."""
    empty = Call.objects.live().filter(pk__in=calls, kind=Call.Kind.FIRST).exclude(
        follow_ups__in=FollowUp.objects.filter(done_at=None, cancelled_at=None)
    )  # fmt: skip
    why = _("What was owed in it is another record’s: the two were put apart.")
    return follow_ups.end(dict.fromkeys(empty.values_list("pk", flat=True), why))
