"""Giving calls to people, many at once: a fixed number of queries, people locked before calls."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from crm import notices
from crm.notices import Word
from surveys.models import Call
from surveys.outreach import news
from surveys.outreach.assigning import roster
from surveys.outreach.assigning.fair import Need, split

BATCH = 1000


@transaction.atomic
def assign(calls: Iterable[Call]) -> int:
    """Give each of these to somebody, by turns; who can be given to nobody stands in the pool. How many were given.

    At most 1,000 in a fixed number of queries. Who gives at the same moment waits for us, so that nobody comes above
    their cap; a call that somebody took meanwhile is theirs.
    """
    asked = {call.pk: call for call in calls}
    if not asked:
        return 0
    now, own = timezone.now(), _sales_people(asked.values())
    people = roster.callers({call.to for call in asked.values()}, own.values(), now)
    free = Call.objects.in_pool().filter(pk__in=asked).select_for_update(of=("self",)).select_related("customer")
    found = {call.pk: call for call in free.order_by("due_at", "pk")}
    to = split((_need(call, own) for call in found.values()), people)
    _give(found, to, now)
    for pk in to:
        asked[pk].owner_id, asked[pk].owned_since = to[pk], now
    return len(to)


def _sales_people(calls: Iterable[Call]) -> dict[int, int]:
    customers = {call.customer_id for call in calls if call.to == Call.To.SALES}
    return roster.sales_people(customers) if customers else {}


def _need(call: Call, own: Mapping[int, int]) -> Need:
    return Need(
        call=call.pk, to=call.to, country=call.customer.country.upper(), owner=own.get(call.customer_id),
        language=call.customer.language.lower().partition("-")[0], counts=call.kind == Call.Kind.FIRST,
    )  # fmt: skip


def _give(calls: Mapping[int, Call], to: Mapping[int, int], now: datetime) -> None:
    given = [calls[pk] for pk in to]
    for call in given:
        call.owner_id, call.owned_since = to[call.pk], now
    Call.objects.bulk_update(given, ["owner", "owned_since"])
    news.wrote("assigned", dict.fromkeys(to, ""))
    notices.tell_each(told(call) for call in given)
    news.changed(to, to.values())


def told(call: Call) -> Word:
    """What somebody hears who was given a call."""
    text = _("Call %(number)d is yours.") % {"number": call.pk}
    return news.word(call.owner_id or 0, call, text)


def assign_pool() -> int:
    """What stands in the pool and can be somebody's by now: a new week, somebody is back, somebody asked for more.

    What was handed back waits for a person to take it: whoever is next might be who has just said why not.
    """
    given, after = 0, 0
    waiting = Call.objects.in_pool().exclude(state=Call.State.HANDED_BACK).order_by("pk")
    while found := list(waiting.filter(pk__gt=after)[:BATCH]):
        given += assign(found)
        after = found[-1].pk
        if _nobody_has_room({call.to for call in found}):
            break
    return given


def _nobody_has_room(pools: Collection[str]) -> bool:
    """Then the rest of a long pool need not be looked at now. Sales calls are each for one person, so they are."""
    if Call.To.SALES in pools:
        return False
    with transaction.atomic():
        return not any(person.has_room for person in roster.callers(set(Call.To.values), (), timezone.now()))
