"""When two threads turn out to be one, the cases on them become one too."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from cases import live, told
from cases.models import Case, CaseMessage, Note
from cases.models.cases import UNRESOLVED
from channels_app.models import Thread
from crm.models.activity import log


def settle(survivors: Iterable[int]) -> None:
    """Bring cases left on threads joined to `survivors` over, merging what would be a second open one.

    One query where no thread was joined.
    """
    left = Thread.objects.filter(joined_to__in=survivors, cases__isnull=False).distinct()
    joined = {pk: survivor for pk, survivor in left.values_list("pk", "joined_to") if survivor}
    if joined:
        _merge(joined)
        for loser, survivor in joined.items():
            Case.objects.filter(thread=loser).update(thread=survivor)


def _merge(joined: Mapping[int, int]) -> None:
    cases = Case.objects.filter(thread__in=[*joined, *joined.values()], state__in=UNRESOLVED)
    kept: dict[tuple[int, int], Case] = {}
    for case in cases.order_by("id").select_for_update(of=("self",)):
        survivor = kept.setdefault((case.customer_id, joined.get(case.thread_id, case.thread_id)), case)
        if survivor is not case:
            merge(case, into=survivor)


def merge(case: Case, *, into: Case) -> None:
    """One conversation, one case: messages and notes move, the older case goes on."""
    CaseMessage.objects.filter(case=case).update(case=into)
    Note.objects.filter(case=case).update(case=into)
    into.take_over(case)
    case.state, case.merged_into, case.owner = Case.State.MERGED, into, None
    case.save(update_fields=["state", "merged_into", "owner"])
    into.save()
    log("merged", case, by=None, detail=f"Same conversation as #{into.pk}.")
    told.changed([case.pk, into.pk])
    live.cases_changed([case.pk, into.pk], spoken=[into.pk])
