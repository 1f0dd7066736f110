"""What groups were asked for customers who may not be called any more is withdrawn: nobody could be told the answer."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

from django.db import transaction
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext as _

from crm import notices
from crm.models import Activity
from surveys.models import GroupRequest, Loop
from surveys.outreach import clock, follow_ups, loops, records, request_news

BATCH = 500


@transaction.atomic
def withdraw_forbidden(customers: Iterable[int]) -> list[int]:
    """What waits for these, if they may not be called: at most 1,000 customers. Their loops break off at the group.

    Members of the group hear it with the reason, which names nobody. Returns the pks of the requests.
    """
    waiting = GroupRequest.objects.waiting().filter(customer__in=records.family(customers))
    whose = dict(waiting.values_list("pk", "customer"))
    if not whose:
        return []
    why = follow_ups.forbidden(whose)
    rows = GroupRequest.objects.waiting().filter(pk__in=why).select_related("group", "attempt")
    held = list(rows.select_for_update(of=("self",)).order_by("pk"))
    _withdraw(held, {each.pk: why[each.pk] for each in held})
    return [each.pk for each in held]


def _withdraw(held: Sequence[GroupRequest], why: Mapping[int, str]) -> None:
    GroupRequest.objects.filter(pk__in=why).update(withdrawn_at=timezone.now())
    kind = GroupRequest._meta.label_lower
    Activity.objects.bulk_create(
        [Activity(verb="withdrawn", subject_kind=kind, subject_id=pk, detail=said) for pk, said in why.items()]
    )
    _tell(held, why)
    _break_off(held, why)
    request_news.changed(held)


def _tell(held: Sequence[GroupRequest], why: Mapping[int, str]) -> None:
    hearing = clock.members_of({each.group for each in held})
    said = _("Request #{request} to {group} was withdrawn. {why}")
    notices.tell_each(
        request_news.word(user, each, said.format(request=each.pk, group=each.group, why=why[each.pk]))
        for each in held
        for user in hearing[each.group_id]
    )


def _break_off(held: Sequence[GroupRequest], why: Mapping[int, str]) -> None:
    broken: dict[str, list[Loop]] = defaultdict(list)
    for each in held:
        broken[why[each.pk]].append(Loop(pk=each.loop_id))
    for reason, of in broken.items():
        loops.die(of, step=loops.Step.GIVEN, why=reason)


def sweep_forbidden() -> int:
    """Behind `withdraw_forbidden`: what still waits for somebody of whom it has not heard. How many it withdrew."""
    done, after = 0, 0
    barred = follow_ups.refused("customer") | Q(customer__merged_into__isnull=False)
    hindered = GroupRequest.objects.waiting().filter(barred)
    while found := list(hindered.filter(pk__gt=after).order_by("pk").values_list("pk", "customer")[:BATCH]):
        done += len(withdraw_forbidden({customer for _pk, customer in found}))
        after = found[-1][0]
    return done
