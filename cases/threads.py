"""When two threads turn out to be one, the cases on them become one too."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from django.db.models import Exists, OuterRef, QuerySet

from cases import joining
from cases.models import Case, CaseThread
from cases.models.states import UNRESOLVED
from channels_app.models import Thread


def follow(places: Mapping[int, Case]) -> None:
    """What is said on these threads, which are not the cases' own, belongs to them from now on. One query at most."""
    further = [CaseThread(thread_id=thread, case=case) for thread, case in places.items() if thread != case.thread_id]
    if further:
        CaseThread.objects.bulk_create(
            further, update_conflicts=True, unique_fields=["thread"], update_fields=["case", "since"]
        )


def settle(survivors: Iterable[int]) -> None:
    """Bring cases left on threads joined to `survivors` over, merging what would be a second open one.

    One query where no thread was joined.
    """
    with_cases = Exists(Case.objects.filter(thread=OuterRef("pk"))) | Exists(_leading_to(OuterRef("pk")))
    left = Thread.objects.filter(with_cases, joined_to__in=survivors)
    joined = {pk: survivor for pk, survivor in left.values_list("pk", "joined_to") if survivor}
    if joined:
        _merge(joined)
        for loser, survivor in joined.items():
            Case.objects.filter(thread=loser).update(thread=survivor)
            _bring_over(loser, survivor)


def _leading_to(thread: OuterRef | int) -> QuerySet[CaseThread]:
    return CaseThread.objects.filter(thread=thread)


def _bring_over(loser: int, survivor: int) -> None:
    """The case that went on in the loser goes on in the survivor, unless another does so already."""
    if _leading_to(survivor).exists():
        _leading_to(loser).delete()
    else:
        _leading_to(loser).update(thread=survivor)


def _merge(joined: Mapping[int, int]) -> None:
    """One that was split off stays a case of its own."""
    cases = Case.objects.filter(thread__in=[*joined, *joined.values()], state__in=UNRESOLVED, split_from=None)
    kept: dict[tuple[int, int], Case] = {}
    for case in cases.order_by("id").select_for_update(of=("self",)):
        survivor = kept.setdefault((case.customer_id, joined.get(case.thread_id, case.thread_id)), case)
        if survivor is not case:
            joining.join(case, into=survivor, by=None)
