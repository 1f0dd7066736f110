"""When two threads turn out to be one, the cases on them become one too."""

from __future__ import annotations

from collections.abc import Iterable

from cases.models import Case, CaseMessage, Note
from cases.models.cases import UNRESOLVED
from channels_app.models import Thread
from crm.models.activity import log


def settle(survivors: Iterable[int]) -> None:
    """Bring cases left on threads joined to `survivors` over, merging what would be a second open case. 1 query if none."""
    joined = dict(
        Thread.objects.filter(joined_to__in=survivors, cases__isnull=False).distinct().values_list("pk", "joined_to")
    )
    if not joined:
        return
    cases = list(
        Case.objects.filter(thread__in=[*joined, *joined.values()], state__in=UNRESOLVED).order_by("id").select_for_update()
    )
    kept: dict[tuple[int, int], Case] = {}
    for case in cases:
        key = (case.customer_id, joined.get(case.thread_id, case.thread_id))
        if key in kept:
            merge(case, into=kept[key])
        else:
            kept[key] = case
    for loser, survivor in joined.items():
        Case.objects.filter(thread=loser).update(thread=survivor)


def merge(case: Case, *, into: Case) -> None:
    """One conversation, one case: messages and notes move, the older case goes on."""
    CaseMessage.objects.filter(case=case).update(case=into)
    Note.objects.filter(case=case).update(case=into)
    into.take_over(case)
    case.state, case.merged_into, case.owner = Case.State.MERGED, into, None
    case.save(update_fields=["state", "merged_into", "owner"])
    into.save()
    log("merged", case, by=None, detail=f"Same conversation as #{into.pk}.")
