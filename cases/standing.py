"""Which cases stand where messages come in: on their own thread, on a further one, or gone on in private."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

from django.db.models import Exists, OuterRef, Q

from cases import threads
from cases.models import Case, CaseThread
from channels_app.models import Channel, Message

Key = tuple[int, int]  # customer, thread


def of_messages(channel: Channel, messages: Sequence[Message], customers: Mapping[int, int]) -> dict[Key, Case]:
    """For each customer on each thread the unresolved case, else the one opened last. Locked. At most four queries.

    `customers`: by identity. Whoever writes in private, and whose only open case on the channel went on in private,
    goes on in that one, on whatever thread the network puts it.
    """
    on_threads = {message.thread_id for message in messages}
    led_to = dict(CaseThread.objects.filter(thread__in=on_threads).values_list("thread", "case"))
    whispered = {
        (customers[m.identity_id or 0], m.thread_id)
        for m in messages
        if m.private and not m.is_ours and (m.identity_id or 0) in customers
    }
    gone_on = _in_private(channel, {customer for customer, _ in whispered})
    cases = _locked(on_threads, [*led_to.values(), *gone_on.values()])
    standing = _by_place(cases.values(), led_to)
    fresh: dict[int, Case] = {}
    for customer, thread in whispered:
        found = standing.get((customer, thread))
        if customer in gone_on and (found is None or not found.is_unresolved):
            standing[customer, thread] = fresh[thread] = cases[gone_on[customer]]
    threads.follow(fresh)
    return standing


def _locked(on_threads: Iterable[int], pks: Iterable[int]) -> dict[int, Case]:
    found = Case.objects.filter(Q(thread__in=on_threads) | Q(pk__in=pks)).exclude(state=Case.State.MERGED)
    return {case.pk: case for case in found.order_by("id").select_for_update(of=("self",))}


def _by_place(cases: Iterable[Case], led_to: Mapping[int, int]) -> dict[Key, Case]:
    """A thread on which a case went on is that one's rather than of the case it began, where both are open."""
    places: dict[int, list[int]] = defaultdict(list)
    for thread, pk in led_to.items():
        places[pk].append(thread)
    standing: dict[Key, Case] = {}
    for case in sorted(cases, key=lambda case: _claim(case, case.pk in places)):
        for thread in (case.thread_id, *places[case.pk]):
            standing[case.customer_id, thread] = case
    return standing


def _claim(case: Case, led_on: bool) -> tuple[bool, bool, int]:
    """The last has it: of open ones that were split the first, of closed ones the newest."""
    return case.is_unresolved, led_on, -case.pk if case.is_unresolved else case.pk


def _in_private(channel: Channel, customers: Iterable[int]) -> dict[int, int]:
    """Customer → their only open case on the channel, where that has a private thread. No query for nobody."""
    wanted = list(customers)
    if not wanted:
        return {}
    aside = CaseThread.objects.filter(case=OuterRef("pk"), thread__messages__private=True)
    found = Case.objects.unresolved().filter(channel=channel, customer__in=wanted).annotate(aside=Exists(aside))
    theirs: dict[int, list[tuple[int, bool]]] = defaultdict(list)
    for customer, pk, has_private in found.values_list("customer", "pk", "aside"):
        theirs[customer].append((pk, has_private))
    return {customer: open_[0][0] for customer, open_ in theirs.items() if len(open_) == 1 and open_[0][1]}
