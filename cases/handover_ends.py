"""Hand-overs that end without being accepted: the case is resolved or nobody's, or who was to get it has left."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.db import transaction
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext

from cases import live, told
from cases.models import Case, HandOver
from cases.models.states import UNRESOLVED
from cases.models.story import HandOverQuerySet
from crm import notices
from crm.models import Activity, Membership, Notice, User

AT_ONCE = 200  # hand-overs that one sweep ends


def end(pks: Iterable[int], *, why: str, by: User | None) -> int:
    """Withdraw what is pending on these cases, whose rows the caller holds. Returns how many; fixed queries."""
    return _end(HandOver.objects.pending().filter(case__in=list(pks)), why, by)


@transaction.atomic
def sweep() -> int:
    """By the clock: end hand-overs that nobody can accept any more. Returns how many."""
    gone = Q(to__isnull=False) & ~Q(to__in=User.objects.who_answer())
    empty = Q(to=None) & ~Exists(who_could(OuterRef("team"), OuterRef("by")))
    left = HandOver.objects.pending().filter(gone | empty)
    over = HandOver.objects.pending().filter(~Q(case__state__in=UNRESOLVED) | Q(case__owner=None))
    ended = _end_locked(left, gettext("Whoever was to get it cannot have cases any more."))
    return ended + _end_locked(over, gettext("There was nothing left to hand over."))


def _end_locked(found: HandOverQuerySet, why: str) -> int:
    pks = list(found.order_by("case").values_list("case", flat=True)[:AT_ONCE])
    held = Case.objects.filter(pk__in=pks).order_by("pk").select_for_update(of=("self",), skip_locked=True)
    cases = list(held.values_list("pk", flat=True)) if pks else []
    return _end(found.filter(case__in=cases), why, None) if cases else 0


def _end(found: HandOverQuerySet, why: str, by: User | None) -> int:
    given = list(found)
    if not given:
        return 0
    HandOver.objects.filter(pk__in=[each.pk for each in given]).update(
        state=HandOver.State.WITHDRAWN, decided_by=by, decided_at=timezone.now(), why=why[:300]
    )
    Activity.objects.bulk_create([_line(each, why, by) for each in given])
    notices.tell_each([_word(each) for each in given], by=by)
    pks = [each.case_id for each in given]
    told.changed(pks)
    live.cases_changed(pks, also=streams(given), by=by)
    return len(given)


def _line(given: HandOver, why: str, by: User | None) -> Activity:
    return Activity(verb="hand-over ended", subject_kind="cases.case", subject_id=given.case_id, by=by, detail=why)


def _word(given: HandOver) -> notices.Word:
    said = gettext("The hand-over of case #%(case)s has ended before anybody accepted it.") % {"case": given.case_id}
    return notices.Word(given.by_id, Notice.Kind.GIVEN, said, page(given), given)


def who_could(team: Any, but: Any) -> QuerySet[Membership]:
    """Members of the team who may have cases, less who hands it over."""
    return Membership.objects.filter(team=team, user__in=User.objects.who_answer()).exclude(user=but)


def page(given: HandOver) -> str:
    return reverse("cases:case", args=[given.case_id])


def streams(given: Iterable[HandOver]) -> list[str]:
    """Where those listen to whom it is handed."""
    return [f"user:{each.to_id}" if each.to_id else f"team:{each.team_id}" for each in given]
